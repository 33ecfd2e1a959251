"""Every way in which a version can fail on its board, by programs and by real runtimes."""

from __future__ import annotations

import itertools
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sepia.ship.agent import child, processes, selftest
from sepia.ship.agent.manifest import Bounds
from sepia.ship.agent.place import Place
from sepia.ship.agent.selftest import Verdict
from support.unpacked_bundles import ECHO, LIMITS, Unpacked, native_bundle, network_bundle

BENCH = str(Path(selftest.__file__).parents[2] / "runtime" / "bench.py")
PLACE = Place(sys.executable, bench=BENCH)


def verdict(bundle: Unpacked, *, place: Place = PLACE, deadline_s: float = 30.0) -> Verdict:
    return selftest.run(bundle.folder, bundle.manifest, place, deadline_s=deadline_s)


@pytest.fixture
def at(tmp_path: Path) -> Path:
    """Where a version's folder lies; nothing else is beside it afterwards."""
    return tmp_path / "versions" / "1.0.0"


def left_beside(at: Path) -> list[str]:
    return sorted(
        path.name for path in (*at.parent.iterdir(), *at.parent.parent.iterdir()) if path not in (at, at.parent)
    )


def test_a_program_that_is_right(at: Path) -> None:
    told = verdict(native_bundle(at, bounds=Bounds(2.0, 50_000_000)))
    assert (told.ok, told.reason, told.worth_again) == (True, "", False)
    assert (told.p50_ms, told.rms) == (1.5, 0.0)
    assert told.rss_bytes is not None and 100_000 < told.rss_bytes < 50_000_000
    assert left_beside(at) == []


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (ECHO.replace("cat\n", "head -c 100; cat >/dev/null\n"), "native: wrote 100 bytes for 2 samples, not 128"),
        (ECHO.replace("cat\n", "tr '\\000-\\377' '\\001-\\377\\000'\n"), "wrong output: rms error"),
        (ECHO.replace("cat\n", "cat; exit 4\n"), "native: exit code 4"),
        (ECHO.replace("cat\n", "cat; echo cannot >&2; exit 4\n"), "native: exit code 4 (cannot)"),
        (ECHO.replace("cat\n", "cat; kill -ILL $$\n"), "native: ended by SIGILL"),
        (ECHO.replace("cat\n", "cat; yes\n"), "native: wrote more than 65536 bytes"),
        (ECHO.replace("cat\n", "cat; sleep 100\n"), "native: not done within "),
        (ECHO.replace("echo", "true"), "native: did not tell its times on standard error"),
        (ECHO.replace("1.5,", '"quick",'), "native: told 'quick' for a number"),
        (ECHO.replace("1.5,", "-1,"), "native: told -1 for a number"),
        ("no program", "native: cannot be started (Exec format error)"),
        ("#!/no/such/shell\n", "native: cannot be started (No such file or directory)"),
    ],
)
def test_a_program_that_is_wrong(at: Path, program: str, reason: str) -> None:
    told = verdict(native_bundle(at, program), deadline_s=0.4 if "sleep" in program else 60.0)
    assert not told.ok and not told.worth_again
    assert reason in told.reason and "\n" not in told.reason
    assert left_beside(at) == []


@pytest.mark.parametrize(
    ("file", "data", "reason"),
    [
        ("outputs.bin", bytes(128), "wrong output: rms error"),
        ("outputs.bin", b"\0\0\xc0\x7f" * 32, "wrong output: the outputs are not finite"),
        ("outputs.bin", bytes(127), "outputs.bin: has 127 bytes, tolerance.json says 128"),
        ("inputs.bin", bytes(129), "inputs.bin: has more bytes, tolerance.json says 128"),
        ("tolerance.json", b"{", "tolerance.json: cannot be read"),
        ("tolerance.json", b"[]", "tolerance.json: cannot be read"),
        ("tolerance.json", b'{"rms": 1}', "tolerance.json: cannot be read ('samples')"),
    ],
)
def test_golden_files_that_are_wrong(at: Path, file: str, data: bytes, reason: str) -> None:
    told = verdict(native_bundle(at, changes={f"golden/{file}": data}))
    assert not told.ok and reason in told.reason


@pytest.mark.parametrize("field", ["rms", "samples", "output_bytes", "output_dtype"])
@pytest.mark.parametrize("value", [None, -1, "text", 10**30, True])
def test_a_tolerance_that_cannot_be_used(at: Path, field: str, value: object) -> None:
    right = {"rms": 0.01, "samples": 2, "output_dtype": "float32", "input_bytes": 64, "output_bytes": 64}
    changed = {"golden/tolerance.json": json.dumps(right | {field: value}).encode()}
    told = verdict(native_bundle(at, changes=changed))
    assert not told.ok and "has a field that cannot be used" in told.reason


def test_golden_files_that_are_missing(at: Path) -> None:
    bundle = native_bundle(at)
    manifest = replace(bundle.manifest, files=tuple(f for f in bundle.manifest.files if "outputs" not in f.path))
    (at / "golden/outputs.bin").unlink()
    from sepia.ship.agent.manifest import write_manifest

    (at / "manifest.json").write_bytes(write_manifest(manifest))
    told = verdict(Unpacked(at, manifest))
    assert "outputs.bin: cannot be read (No such file or directory)" in told.reason


def test_outputs_within_the_tolerance_are_right(at: Path) -> None:
    inputs = (native_bundle(at).folder / "golden/inputs.bin").read_bytes()
    import numpy as np

    off = (np.frombuffer(inputs, "<f4") + np.float32(0.0099)).tobytes()
    told = verdict(native_bundle(at, changes={"golden/outputs.bin": off}))
    assert told.ok and told.rms == pytest.approx(0.0099, rel=1e-4)


@pytest.mark.parametrize(
    ("bounds", "reason"),
    [
        (Bounds(p50_ms=1.4), "too slow: p50 1.5 ms, at most 1.4 ms"),
        (Bounds(rss_bytes=100_000), "too much memory: "),
    ],
)
def test_a_bound_exceeded(at: Path, bounds: Bounds, reason: str) -> None:
    # Without the measuring program nobody tells what else this machine does meanwhile, which may excuse a latency.
    told = verdict(native_bundle(at, bounds=bounds), place=Place())
    assert not told.ok and told.reason.startswith(reason)
    assert told.p50_ms == 1.5 and told.rms == 0.0  # what was measured is told all the same


def test_with_a_bound_the_golden_samples_run_as_often_as_a_median_needs(at: Path) -> None:
    counted = ECHO.replace("cat\n", "tee ../count-of-bytes\n")
    assert verdict(native_bundle(at, counted, bounds=Bounds(p50_ms=5))).ok
    assert (at.parent / "count-of-bytes").stat().st_size == 3 * 2 * 64


@pytest.mark.parametrize(
    ("disturbed", "p50_ms", "tries", "worth_again"),
    [((), 1.0, 1, False), (("swapped",), 1.0, 3, True), (("swapped",), 0.4, 1, False)],
    ids=["undisturbed", "disturbed", "beyond any excuse"],
)
def test_a_disturbed_latency_is_measured_again(
    at: Path,
    monkeypatch: pytest.MonkeyPatch,
    disturbed: tuple[str, ...],
    p50_ms: float,
    tries: int,
    worth_again: bool,
) -> None:
    monkeypatch.setattr(selftest, "_PAUSE_S", 0.01)
    ran: list[object] = []
    one = selftest.try_native

    def spoilt(*arguments: object, **options: object) -> object:
        ran.append(arguments)
        return replace(one(*arguments, **options), disturbed=disturbed)  # type: ignore[arg-type]

    monkeypatch.setattr(selftest, "try_native", spoilt)
    told = verdict(native_bundle(at, bounds=Bounds(p50_ms=p50_ms)))
    assert (len(ran), told.ok, told.worth_again) == (tries, False, worth_again)
    assert "too slow: p50 1.5 ms" in told.reason and ("disturbed: swapped" in told.reason) == bool(disturbed)


def test_the_second_try_may_pass(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "_PAUSE_S", 0.01)
    times, one = itertools.chain([9.0], itertools.repeat(1.0)), selftest.try_native
    monkeypatch.setattr(
        selftest,
        "try_native",
        lambda *a, **k: replace(one(*a, **k), p50_ms=next(times), disturbed=("others",)),
    )
    assert verdict(native_bundle(at, bounds=Bounds(p50_ms=3.0))).ok


def test_wrong_outputs_are_not_tried_again_however_disturbed(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []
    one = selftest.try_native

    def spoilt(*arguments: object, **options: object) -> object:
        ran.append(1)
        return replace(one(*arguments, **options), disturbed=("others",), wrong="rms")  # type: ignore[arg-type]

    monkeypatch.setattr(selftest, "try_native", spoilt)
    assert verdict(native_bundle(at, bounds=Bounds(p50_ms=1.0))).reason == "wrong output: rms"
    assert len(ran) == 1


# --- what is executed, and what it may touch ------------------------------------------------------------------------


def test_nothing_runs_of_a_bundle_that_is_not_what_was_verified(at: Path) -> None:
    bundle = native_bundle(at)
    (at / "network").write_text("#!/bin/sh\ntouch ../../ran\n", encoding="ascii")
    told = verdict(bundle)
    assert not told.ok and "is not what was verified" in told.reason
    assert left_beside(at) == []


def test_nor_by_a_manifest_that_is_another_one(at: Path) -> None:
    bundle = native_bundle(at, ECHO.replace("cat\n", "cat; touch ../../ran\n"))
    told = selftest.run(at, replace(bundle.manifest, version="2"), PLACE)
    assert "is not what was verified: its manifest is another one" in told.reason
    assert left_beside(at) == []


@pytest.mark.parametrize("does", ["echo more >> $DIR/labels", "touch $DIR/golden/new", "rm $DIR/golden/inputs.bin"])
def test_a_program_that_writes_into_its_bundle(at: Path, does: str) -> None:
    program = ECHO.replace("cat\n", f"cat; DIR=$(dirname $0); {does}\n")
    told = verdict(native_bundle(at, program, changes={"labels": b"cat\n"}))
    assert not told.ok and "was changed by its own self-test" in told.reason


def test_what_it_writes_where_it_is_at_home_is_gone(at: Path) -> None:
    program = ECHO.replace("cat\n", "cat; touch here $HOME/home $TMPDIR/tmp; ls >&2\n")
    assert verdict(native_bundle(at, program)).ok
    assert left_beside(at) == []


def test_a_folder_made_unreadable_is_nobodys(at: Path) -> None:
    """Its name ends with .new: the next start sweeps it up."""
    assert verdict(native_bundle(at, ECHO.replace("cat\n", "cat; mkdir x; touch x/y; chmod 0 x .\n"))).ok
    assert all(name.endswith(".new") for name in left_beside(at))


def test_its_environment_is_its_own(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOSITORY_TOKEN", "secret")
    monkeypatch.setenv("QEMU_CPU", "cortex-a72")
    assert verdict(native_bundle(at, ECHO.replace("cat\n", "cat; env > ../../environment\n"))).ok
    told = (at.parent.parent / "environment").read_text(encoding="utf-8")
    names = {line.partition("=")[0] for line in told.splitlines()} - {"_"}
    assert names == {"HOME", "LANG", "PATH", "PWD", "PYTHONNOUSERSITE", "QEMU_CPU", "SEPIA_SELFTEST", "TMPDIR"}


def test_words_stand_before_the_program(at: Path) -> None:
    bundle = native_bundle(at)
    bundle_path = at / "network"
    bundle_path.chmod(0o755)
    place = replace(PLACE, run_with=("sh", "-c", 'echo "before $0" >&2; exec "$0"'))
    told = verdict(bundle, place=place)
    assert told.ok
    told = verdict(bundle, place=replace(PLACE, run_with=("no-such-emulator",)))
    assert not told.ok and told.worth_again
    assert told.reason == "native: 'no-such-emulator' is no program of this board"


def test_a_disk_without_room_is_not_the_bundles_fault(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> str:
        raise OSError(28, os.strerror(28))

    bundle = native_bundle(at)
    monkeypatch.setattr(selftest.tempfile, "mkdtemp", full)
    told = verdict(bundle)
    assert not told.ok and told.worth_again and "No space left on device" in told.reason


def test_nothing_runs_on_after_ctrl_c(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(child._Child, "_look", interrupted)
    marks: list[str] = []
    monkeypatch.setattr(selftest.secrets, "token_hex", lambda count: marks.append("of-this-test") or "of-this-test")
    with pytest.raises(KeyboardInterrupt):
        verdict(native_bundle(at, ECHO.replace("cat\n", "setsid sleep 100 & cat; sleep 100\n")))
    assert marks and not list(processes._marked("of-this-test"))
    assert left_beside(at) == []


# --- real runtimes of Python ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("runtime", "bounds"), [("litert", Bounds(rss_bytes=1_000_000_000)), ("onnxruntime", LIMITS)])
def test_a_network_that_is_right(at: Path, runtime: str, bounds: Bounds) -> None:
    bundle = network_bundle(at, runtime, bounds=bounds)
    before = {path: path.stat().st_mtime_ns for path in at.rglob("*")}
    told = verdict(bundle)
    assert told.ok, told.reason
    assert {path: path.stat().st_mtime_ns for path in at.rglob("*")} == before
    assert told.rms is not None and told.rms < 1e-5
    assert (told.p50_ms is None) == (bounds == LIMITS)
    assert told.rss_bytes is not None and 10_000_000 < told.rss_bytes < 1_000_000_000
    assert left_beside(at) == []


def test_a_network_whose_outputs_are_wrong(at: Path) -> None:
    told = verdict(network_bundle(at, off=0.5, bounds=Bounds(rss_bytes=1_000)))
    assert told.reason == "wrong output: output 'result': rms error 0.5, at most 0.001"
    assert told.rms == pytest.approx(0.5, rel=1e-4) and not told.worth_again


def test_a_file_that_is_no_network(at: Path) -> None:
    told = verdict(network_bundle(at, changes={"model.tflite": b"TFL3" * 100}))
    assert not told.ok and not told.worth_again and told.reason.startswith("litert: ")
