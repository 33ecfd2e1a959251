"""What the measuring program reads of the machine that it runs on."""

from __future__ import annotations

from pathlib import Path

import pytest
from sepia.runtime import bench
from support.pi_files import THROTTLED, as_a_pi


@pytest.fixture
def pi(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    return as_a_pi(monkeypatch)


def test_a_pis_clock_heat_and_swap(pi: dict[str, str]) -> None:
    told = bench.conditions()
    assert told["frequencies"] == [
        {
            "cores": "0 1 2 3",
            "governor": "ondemand",
            "now_mhz": 1800.0,
            "min_mhz": 600.0,
            "max_mhz": 1800.0,
            "sustained_mhz": 1800.0,
        }
    ]
    assert told["temperatures"] == [{"zone": "cpu-thermal", "celsius": pytest.approx(48.199)}]
    assert (told["swap_used_bytes"], told["memory_available_bytes"]) == (70 * 1024, 600 * 1024)
    assert told["throttling"] == {"now": None, "since_boot": None, "events": None}
    assert bench.machine()["board"] == "Raspberry Pi 4 Model B Rev 1.4"


def test_the_firmware_says_why_the_clock_is_low(pi: dict[str, str]) -> None:
    pi[THROTTLED] = "50005"
    told = bench.throttling()
    assert told["now"] == ["under_voltage", "throttled"]
    assert told["since_boot"] == ["under_voltage", "throttled"]
    pi[THROTTLED] = "0x80000"
    assert bench.throttling() == {"now": [], "since_boot": ["soft_temperature_limit"], "events": None}


def test_vcgencmd_is_asked_where_the_kernel_does_not_tell(
    pi: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    command = tmp_path / "vcgencmd"
    command.write_text("#!/bin/sh\necho throttled=0x50000\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(bench.shutil, "which", lambda name: str(command))
    assert bench.throttling()["since_boot"] == ["under_voltage", "throttled"]
    command.write_text("#!/bin/sh\necho VCHI initialization failed\nexit 255\n")
    assert bench.throttling() == {"now": None, "since_boot": None, "events": None}


def test_a_machine_that_tells_nothing_gives_null(monkeypatch: pytest.MonkeyPatch, pi: dict[str, str]) -> None:
    pi.clear()
    told = bench.conditions()
    assert (told["frequencies"], told["temperatures"], told["swap_used_bytes"]) == ([], [], None)
    assert bench.machine()["memory_bytes"] is None
