from __future__ import annotations

from pathlib import Path

import pytest
from sepia.devices.emulator.qemu import QEMU_VARIABLE, find
from sepia.errors import RuntimeUnavailable

_PROGRAM = """#!/bin/sh
if [ "$1" = --version ]
then echo "{name} version {version} (Debian 1:{version}+dfsg)"
else echo "usage: {options}"
fi
"""


def _pretend(folder: Path, name: str, version: str, options: str = "-plugin [file=]<file>") -> Path:
    path = folder / name
    path.write_text(_PROGRAM.format(name=name, version=version, options=options))
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(QEMU_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(("version", "api"), [("6.2.0", 1), ("7.2.22", 1), ("8.2.2", 1), ("9.0.0", 2), ("10.0.2", 2)])
def test_its_version_tells_the_plugin_interface(folder: Path, version: str, api: int) -> None:
    path = _pretend(folder, "qemu-aarch64", version)
    qemu = find("aarch64")
    assert (qemu.path, qemu.version, qemu.plugin_api) == (path, version, api)


@pytest.mark.parametrize("architecture", ["armv7l", "armv6l"])
def test_32_bit_boards_have_one_program(folder: Path, architecture: str) -> None:
    path = _pretend(folder, "qemu-arm", "7.2.22")
    assert find(architecture).path == path


def test_one_that_loads_plugins_is_preferred(folder: Path) -> None:
    plain = _pretend(folder, "qemu-aarch64", "10.0.2", options="-cpu model")
    assert (find("aarch64").path, find("aarch64").plugin_api) == (plain, None)
    static = _pretend(folder, "qemu-aarch64-static", "9.1.0")
    assert find("aarch64").path == static


def test_none_says_what_to_install(folder: Path) -> None:
    with pytest.raises(RuntimeUnavailable) as caught:
        find("aarch64")
    assert str(caught.value) == (
        f"qemu-aarch64: not found, or does not start in {folder} (SEPIA_QEMU); next: install qemu-user "
        "(Debian, Ubuntu: sudo apt install qemu-user; Fedora: sudo dnf install qemu-user)"
    )


def test_a_broken_one_is_none(folder: Path) -> None:
    (folder / "qemu-aarch64").write_bytes(b"\x7fELFbroken")
    (folder / "qemu-aarch64").chmod(0o755)
    with pytest.raises(RuntimeUnavailable, match="does not start"):
        find("aarch64")
