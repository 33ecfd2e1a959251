"""A home of its own for this machine as a board, and an index of small wheels that pip finds without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sepia.devices.facts import BoardFacts
from sepia.devices.transport.local import LocalTransport
from support.small_wheels import SmallWheels


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def board(home: Path) -> Iterator[LocalTransport]:
    with LocalTransport("kitchen") as transport:
        yield transport


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallWheels:
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return SmallWheels(folder)


@pytest.fixture
def pi4() -> BoardFacts:
    return BoardFacts(
        machine="aarch64",
        bits=64,
        system="bookworm64",
        libc="2.36",
        python="3.11.2",
        python_path="/usr/bin/python3",
        home="/home/pi",
        user="pi",
        cores=4,
        memory_bytes=4 << 30,
        disk_free_bytes=8 << 30,
        debian_architecture="arm64",
    )
