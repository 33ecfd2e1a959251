from __future__ import annotations

from pathlib import Path

import pytest
from sepia.devices.emulator import plugin
from sepia.devices.emulator.qemu import Qemu
from sepia.errors import RuntimeUnavailable
from support.needs import need_programs

QEMU = Qemu(Path("/usr/bin/qemu-aarch64"), "7.2.22", 1)


def test_it_is_built_once_for_each_interface(tmp_path: Path) -> None:
    need_programs(cc="gcc")
    old, new = plugin.build(QEMU, tmp_path), plugin.build(Qemu(QEMU.path, "10.0.2", 2), tmp_path)
    assert old != new
    assert {old, new} == set(tmp_path.iterdir())
    before = old.stat().st_ino
    assert plugin.build(QEMU, tmp_path) == old
    assert old.stat().st_ino == before


def test_another_source_is_another_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need_programs(cc="gcc")
    built = plugin.build(QEMU, tmp_path)
    monkeypatch.setenv("CC", "cc -g")
    assert plugin.build(QEMU, tmp_path) != built


def test_a_qemu_without_plugins(tmp_path: Path) -> None:
    with pytest.raises(RuntimeUnavailable, match=r"QEMU 10.0.2 was built without plugins.*; next: .*SEPIA_QEMU"):
        plugin.build(Qemu(QEMU.path, "10.0.2", None), tmp_path)


def test_no_compiler_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeUnavailable, match=r"none found.*; next: install one .*apt install gcc libc6-dev"):
        plugin.build(QEMU, tmp_path / "cache")


def test_a_compiler_that_fails_is_quoted_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text(
        "#!/bin/sh\necho 'count.c:15:10: fatal error: fcntl.h: No such file or directory' >&2\nexit 1\n"
    )
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))
    with pytest.raises(RuntimeUnavailable, match=r"fcntl.h: No such file.*libc6-dev"):
        plugin.build(QEMU, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
