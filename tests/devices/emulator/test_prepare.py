from __future__ import annotations

import pytest
from sepia.devices import debian
from sepia.devices.emulator import prepare as prepare_file
from sepia.devices.emulator.prepare import prepare
from sepia.devices.emulator.qemu import Qemu
from sepia.devices.profile import PROFILES
from sepia.errors import BoardError
from support.needs import need_programs


@pytest.fixture(autouse=True)
def tools() -> None:
    need_programs(qemu_aarch64="qemu-user", qemu_arm="qemu-user", apt_get="apt", dpkg_deb="dpkg", cc="gcc")


def test_it_makes_what_is_missing_and_then_only_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    first = prepare(PROFILES["pi4"], say=said.append)
    assert (first.cpu, first.python.rpartition(".")[0], first.no_counts) == ("cortex-a72", "3.11", "")
    assert any(name.startswith("python3.11-minimal_") for name in first.packages)
    assert len(said) == 3
    monkeypatch.setenv(debian.MIRROR_VARIABLE, "http://127.0.0.1:9/debian")
    assert prepare(PROFILES["pi4"]) == first


def test_why_instructions_cannot_be_counted_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found = prepare_file.find
    monkeypatch.setattr(prepare_file, "find", lambda name: Qemu(found(name).path, "10.0.2", None))
    assert "was built without plugins" in prepare(PROFILES["pi4"]).no_counts


def test_a_python_that_does_not_run_is_told() -> None:
    """Debian's armhf on the core of a Pi Zero."""
    zero = PROFILES["pizero"]
    wrong = zero.systems[0].model_copy(update={"debian": "armhf", "name": "wrong32"})
    with pytest.raises(
        BoardError, match=r"pizero@emulator: its Python was ended by SIGILL.*; next: .*another processor"
    ):
        prepare(zero, wrong)
