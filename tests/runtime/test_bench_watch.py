"""What else happens on the machine while a file is timed: seen between the runs, told, and waited for."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from sepia.runtime import bench
from support.bench_program import PROGRAM, QUICK
from support.pi_files import POLICY, THROTTLED, as_a_pi

CLOCK = f"{POLICY}/scaling_cur_freq"
COUNTS = "/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count"
HEAT = "/sys/class/thermal/thermal_zone0/temp"


class Now:
    """A clock, in s, that goes when a test says so."""

    seconds = 100.0
    own = 7.0
    read_back = 3

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    found = Now()
    monkeypatch.setattr(bench.time, "perf_counter", lambda: found.seconds)
    monkeypatch.setattr(bench.time, "sleep", found.sleep)
    monkeypatch.setattr(bench, "own_processor_seconds", lambda: found.own)
    monkeypatch.setattr(bench.resource, "getrusage", lambda who: type("Usage", (), {"ru_majflt": found.read_back}))
    return found


@pytest.fixture
def pi(monkeypatch: pytest.MonkeyPatch, now: Now) -> dict[str, str]:
    return as_a_pi(monkeypatch)


def stat(*, busy: int = 300, stolen: int = 20) -> str:
    """Ticks of 10 ms, of both cores together."""
    return f"cpu 0 0 0 0 0 0 0 0 0 0\ncpu0 {busy} 0 0 900 7 0 0 {stolen} 0 0\ncpu1 0 0 0 900 7 0 0 0 0 0"


def watched(now: Now, change: Callable[[], Any]) -> list[str]:
    """What disturbs a run of 2 s in which `change` happens."""
    watch = bench.Watch()
    now.seconds += 1.0
    change()
    watch.look()
    now.seconds += 1.0
    told = watch.end()
    json.dumps(told, allow_nan=False)
    return bench.disturbances(told)


# --- what is seen -------------------------------------------------------------------------------------------------


def test_a_quiet_pi_is_not_disturbed(pi: dict[str, str], now: Now) -> None:
    def work() -> None:
        now.own += 2.0  # all of it ours
        pi["/proc/stat"] = stat(busy=500)

    assert watched(now, work) == []


def test_a_machine_that_tells_nothing_is_not_called_disturbed(pi: dict[str, str], now: Now) -> None:
    pi.clear()
    assert watched(now, lambda: None) == []


def test_a_clock_that_falls_under_load_is_told(pi: dict[str, str], now: Now) -> None:
    assert watched(now, lambda: pi.update({CLOCK: "1000000"})) == ["clock at 1000 of 1800 MHz"]


def test_a_clock_a_little_below_is_not(pi: dict[str, str], now: Now) -> None:
    assert watched(now, lambda: pi.update({CLOCK: "1750000"})) == []


def test_of_cores_with_clocks_of_their_own_those_that_idle_do_not_count(pi: dict[str, str], now: Now) -> None:
    other = POLICY.replace("policy0", "policy4")
    pi |= {f"{other}/scaling_cur_freq": "400000", f"{other}/scaling_max_freq": "2400000"}
    assert watched(now, lambda: None) == []
    assert watched(now, lambda: pi.update({CLOCK: "1000000"})) == ["clock at 1000 of 1800 MHz"]


def test_turbo_is_nothing_that_a_processor_can_hold(
    pi: dict[str, str], now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.platform, "machine", lambda: "x86_64")
    pi |= {f"{POLICY}/scaling_max_freq": "4800000", CLOCK: "3100000"}
    assert watched(now, lambda: None) == []
    pi[f"{POLICY}/base_frequency"] = "2800000"
    assert watched(now, lambda: None) == []
    assert watched(now, lambda: pi.update({CLOCK: "2000000"})) == ["clock at 2000 of 2800 MHz"]


def test_what_the_firmware_says_at_one_look_alone_is_told(pi: dict[str, str], now: Now) -> None:
    values = itertools.chain(["0", "5"], itertools.repeat("0"))
    real = bench.read
    bench_read = {THROTTLED: lambda: next(values)}
    pi[THROTTLED] = "0"

    def read(path: str) -> str | None:
        return bench_read[path]() if path in bench_read else real(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "read", read)
        assert watched(now, lambda: None) == ["held back by the firmware: under voltage, throttled"]


def test_what_happened_between_two_looks_is_told_but_not_what_happened_before(pi: dict[str, str], now: Now) -> None:
    pi[THROTTLED] = "10000"  # under-voltage, some time since the start
    assert watched(now, lambda: None) == []
    assert watched(now, lambda: pi.update({THROTTLED: "90000"})) == [
        "held back by the firmware: soft temperature limit"
    ]


def test_throttling_of_an_x86_processor_is_told(pi: dict[str, str], now: Now) -> None:
    pi[COUNTS] = "5"
    assert watched(now, lambda: None) == []
    assert watched(now, lambda: pi.update({COUNTS: "8"})) == ["throttled for heat 3 times"]


def test_what_other_processes_use_is_told(pi: dict[str, str], now: Now) -> None:
    pi["/proc/stat"] = stat(busy=300)

    def share(busy: int) -> None:
        now.own += 2.0
        pi["/proc/stat"] = stat(busy=busy)

    assert watched(now, lambda: share(300 + 200 + 19)) == []
    pi["/proc/stat"] = stat(busy=300)
    assert watched(now, lambda: share(300 + 200 + 84)) == ["other processes used 0.42 of a core"]


def test_cores_that_are_not_ours_do_not_count(pi: dict[str, str], now: Now, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "usable", lambda: {1})
    assert watched(now, lambda: pi.update({"/proc/stat": stat(busy=900)})) == []


def test_what_a_hypervisor_takes_is_told(pi: dict[str, str], now: Now) -> None:
    pi["/proc/stat"] = stat(stolen=20)
    assert watched(now, lambda: pi.update({"/proc/stat": stat(stolen=50)})) == ["the hypervisor took 0.15 of a core"]


def test_swapping_is_told(pi: dict[str, str], now: Now) -> None:
    pages = (3 << 20) // bench.resource.getpagesize()
    text = f"pswpin {1000 + pages}\npswpout {2000 + 2 * pages}"
    assert watched(now, lambda: pi.update({"/proc/vmstat": text})) == ["swapped 3 MB in and 6 MB out"]


def test_without_swap_pages_that_were_dropped_and_read_again_are_told(pi: dict[str, str], now: Now) -> None:
    assert watched(now, lambda: setattr(now, "read_back", 19)) == []
    assert watched(now, lambda: setattr(now, "read_back", 100)) == [
        "too little memory: 81 pages were read back from disk"
    ]


def test_shares_of_a_moment_are_not_told(pi: dict[str, str], now: Now) -> None:
    watch = bench.Watch()
    now.seconds += 0.1
    pi["/proc/stat"] = stat(busy=310, stolen=40)
    told = watch.end()
    assert (told["others_share"], told["stolen_share"], bench.disturbances(told)) == (None, None, [])


def test_the_heat_of_the_hottest_zone_is_kept(pi: dict[str, str], now: Now) -> None:
    watch = bench.Watch()
    pi |= {HEAT: "71000", HEAT.replace("zone0", "zone1"): "50000"}
    assert [look["celsius"] for look in watch.end()["looks"]] == [pytest.approx(48.199), 71.0]


def test_of_this_machine_it_tells_true(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counters of this kernel, without fakes: our own time is not taken for another's."""
    before, own = bench.processor_seconds(), bench.own_processor_seconds()
    if before is None:
        pytest.skip("no /proc/stat here")
    sum(number * number for number in range(3_000_000))
    after = bench.processor_seconds()
    assert after is not None
    spent = bench.own_processor_seconds() - own
    assert spent > 0.05
    assert after[0] - before[0] >= spent - 0.05
    assert bench.swapped_bytes() is not None


# --- looks and times ----------------------------------------------------------------------------------------------


class Slow(bench.Watch):
    """Its looks take half a second of `now`."""

    def __init__(self, now: Now) -> None:
        self.now = now
        super().__init__()

    def look(self) -> None:
        self.now.seconds += 0.5
        super().look()


def timed(monkeypatch: pytest.MonkeyPatch, now: Now, milliseconds: float) -> list[float]:
    """Times at which a run begins, each of which takes so long."""
    began: list[float] = []

    def run(action: Any) -> float:
        action()
        now.seconds += milliseconds / 1e3
        return milliseconds

    monkeypatch.setattr(bench, "timed_ms", run)
    monkeypatch.setattr(bench.time, "process_time", lambda: now.seconds)
    return began


def test_looks_are_a_second_apart_and_in_no_time(monkeypatch: pytest.MonkeyPatch, pi: dict[str, str], now: Now) -> None:
    timed(monkeypatch, now, 125.0)
    watch = Slow(now)
    times, took, cpu = bench.measure(lambda: None, 4.0, 1, watch)
    assert (len(times), took, cpu) == (32, 4.0, 4.0)
    # From the end of one look to the end of the next: a second of runs, and its own half.
    starts = [look["seconds"] for look in watch.looks]
    assert [later - earlier for earlier, later in itertools.pairwise(starts)] == [1.5, 1.5, 1.5, 1.5]


@pytest.mark.parametrize(("milliseconds", "untimed"), [(62.5, 2), (500.0, 0)])
def test_after_a_look_a_quick_file_runs_once_untimed(
    monkeypatch: pytest.MonkeyPatch, pi: dict[str, str], now: Now, milliseconds: float, untimed: int
) -> None:
    timed(monkeypatch, now, milliseconds)
    runs = itertools.count()
    times, _, _ = bench.measure(lambda: next(runs), 2.0, 1, Slow(now))
    assert next(runs) - len(times) == untimed


# --- waiting ------------------------------------------------------------------------------------------------------


def settled(*more: str) -> dict[str, Any]:
    options = bench.parsed(["--settle", "20", "--cool-to", "60", "--cool-within", "60", *more])
    return bench.action(options)(options)


def test_where_nothing_disturbs_there_is_nothing_to_wait_for(pi: dict[str, str], now: Now) -> None:
    pi[CLOCK] = "600000"  # an idle core's
    told = settled()
    assert (told["settled"], told["seconds"], told["disturbed"]) == (True, 1.0, [])


def test_it_waits_until_it_is_cool(pi: dict[str, str], now: Now, monkeypatch: pytest.MonkeyPatch) -> None:
    heat = itertools.count(80000, -1000)
    real = bench.read
    monkeypatch.setattr(bench, "read", lambda path: str(next(heat)) if path == HEAT else real(path))
    told = settled()
    assert (told["settled"], told["celsius"]) == (True, 59.0)
    assert 10 <= told["seconds"] <= 12
    heat = itertools.count(120000, -1000)
    assert settled()["seconds"] >= 30  # longer than it would wait for anything else


def test_it_waits_no_longer_than_it_may(pi: dict[str, str], now: Now) -> None:
    pi |= {HEAT: "80000", THROTTLED: "4"}
    told = settled("--cool-within", "15", "--settle", "5")
    assert (told["settled"], told["seconds"]) == (False, 15.0)
    assert told["disturbed"] == ["held back by the firmware: throttled", "at 80 °C, not yet at 60"]


def test_what_gets_no_cooler_is_cool_enough(pi: dict[str, str], now: Now) -> None:
    pi[HEAT] = "63000"  # how it idles in its case
    told = settled()
    assert (told["settled"], told["seconds"]) == (True, 1.0 + bench.FALL_SECONDS)


def test_once_it_is_cool_other_programs_are_waited_for_no_longer_than_ever(
    pi: dict[str, str], now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = bench.read
    monkeypatch.setattr(
        bench, "read", lambda path: stat(busy=int(100 * now.seconds)) if path == "/proc/stat" else real(path)
    )
    told = settled()
    assert (told["settled"], told["seconds"], told["disturbed"]) == (
        False, 20.0, ["other processes used 1.00 of a core"],
    )  # fmt: skip


def test_it_waits_until_the_others_are_quiet(pi: dict[str, str], now: Now, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy() -> str:
        return stat(busy=int(100 * min(now.seconds, 110.0)))

    real = bench.read
    monkeypatch.setattr(bench, "read", lambda path: busy() if path == "/proc/stat" else real(path))
    assert settled()["seconds"] == 11.0


# --- the end ------------------------------------------------------------------------------------------------------


def test_the_deadline_ends_it_even_in_a_librarys_code() -> None:
    command = [sys.executable, str(PROGRAM), "--settle", "30", "--deadline", "0.2"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGALRM, b"")


def test_a_file_needs_a_runtime(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.parsed(["--model", "x", *QUICK])
    assert "--runtime is needed" in capsys.readouterr().err
