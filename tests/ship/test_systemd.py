"""The units: what systemd itself says of them, and what they may not do."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest
from sepia.errors import ConfigError
from sepia.ship.systemd import ENABLED, period, units
from support.needs import need_programs

ROOT, PYTHON = "/home/pi/.sepia/ship", "/usr/bin/python3"


def settings(text: str) -> Mapping[str, str]:
    """The last of each setting, without sections."""
    pairs = (line.partition("=")[::2] for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return dict(pairs)


@pytest.mark.parametrize(
    ("text", "calendar", "seconds"),
    [
        ("15min", "*:0/15", 900),
        ("1m", "*:0/1", 60),
        ("60min", "hourly", 3600),
        ("1h", "hourly", 3600),
        ("6 h", "0/6:00", 21600),
        ("24h", "daily", 86400),
        ("1d", "daily", 86400),
    ],
)
def test_periods(text: str, calendar: str, seconds: int) -> None:
    found = period(text)
    assert (found.calendar, found.seconds) == (calendar, seconds)


@pytest.mark.parametrize("text", ["7min", "0min", "5h", "2d", "15", "often", "-15min", "90min"])
def test_what_no_calendar_has(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^--every: .*; accepted: 10min, 15min"):
        period(text)


@pytest.mark.parametrize("text", ["1min", "15min", "1h", "6h", "1d"])
def test_systemd_reads_the_calendar_as_meant(text: str) -> None:
    need_programs(systemd_analyze="systemd")
    every = period(text)
    command = ["systemd-analyze", "calendar", "--iterations=2", every.calendar]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env={"TZ": "UTC", "PATH": "/usr/bin"})
    lines = [line.split(": ", 1)[1] for line in told.stdout.splitlines() if ("Next el" in line or "Iter" in line)]
    first, second = (datetime.strptime(line.split(" ", 1)[1], "%Y-%m-%d %H:%M:%S %Z") for line in lines)
    assert (second - first).total_seconds() == every.seconds


@pytest.mark.parametrize("whose", ["system", "user"])
def test_systemd_finds_nothing_wrong(whose: str, tmp_path: Path) -> None:
    need_programs(systemd_analyze="systemd")
    root = tmp_path / "a home with spaces, 100% full"
    (root / "agent").mkdir(parents=True)
    made = getattr(units(str(root), "daemon", PYTHON, period("15min")), whose)
    for name, text in made.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = ["systemd-analyze", f"--{whose}", "verify", "--man=no", *[str(tmp_path / name) for name in made]]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": "/usr/bin", "HOME": str(tmp_path)})
    said = [line for line in done.stderr.splitlines() if any(name in line for name in made)]
    assert said == []


def test_a_service_of_the_system_is_confined() -> None:
    made = units(ROOT, "pi", PYTHON, period("15min")).system
    for name in ("sepia-ship.service", "sepia-ship-recover.service"):
        found = settings(made[name])
        assert found["User"] == "pi"
        assert found["NoNewPrivileges"] == found["PrivateTmp"] == "yes"
        assert found["ProtectSystem"] == "strict"
        assert found["ReadWritePaths"] == ROOT
        assert found["CapabilityBoundingSet"] == ""
        # A self-test measures what the application will see.
        assert not {"Nice", "CPUQuota", "IOSchedulingClass", "PrivateDevices", "MemoryDenyWriteExecute"} & found.keys()


def test_what_each_runs() -> None:
    made = units(ROOT, "pi", PYTHON, period("15min")).system
    run = f"{PYTHON} -I {ROOT}/agent/run.py --root {ROOT}"
    assert settings(made["sepia-ship.service"])["ExecStart"] == f"{run} update"
    assert settings(made["sepia-ship-recover.service"])["ExecStart"] == f"{run} recover"
    assert set(ENABLED) <= made.keys()


def test_a_missed_time_is_caught_up_with_and_a_fleet_is_spread() -> None:
    found = settings(units(ROOT, "pi", PYTHON, period("6h")).system["sepia-ship.timer"])
    assert found["Persistent"] == "true"
    assert found["RandomizedDelaySec"] == "21600"
    assert found["FixedRandomDelay"] == "true"


def test_a_users_own_ask_for_no_namespace() -> None:
    made = units(ROOT, "pi", PYTHON, period("15min")).user
    found = settings(made["sepia-ship.service"])
    assert found["NoNewPrivileges"] == "yes"
    assert not {"User", "ProtectSystem", "PrivateTmp", "CapabilityBoundingSet"} & found.keys()
    assert settings(made["sepia-ship-recover.service"])["WantedBy"] == "default.target"


def test_odd_names_stay_one_word() -> None:
    text = units('/home/pi/100% of $HOME "x"', "pi", PYTHON, period("15min")).system["sepia-ship.service"]
    assert '"/home/pi/100%% of $$HOME \\"x\\"/agent/run.py"' in text
