"""This machine keeps the contract of transports."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sepia.devices.transport import Transport
from sepia.devices.transport.local import LocalTransport
from support.transport_contract import TransportContract, python


class TestLocal(TransportContract):
    @pytest.fixture(scope="class")
    @classmethod
    def transport(cls) -> Iterator[Transport]:
        with LocalTransport("here") as transport:
            yield transport

    @pytest.fixture
    def another(self) -> Iterator[Transport]:
        with LocalTransport("there") as transport:
            yield transport


def test_its_python_is_ours() -> None:
    with LocalTransport() as transport:
        assert (transport.name, transport.how) == ("this machine", "measured")
        told = transport.run(python("import sys; print(sys.executable)"), deadline=30).out.decode().strip()
    assert told == sys.executable


def test_a_file_that_is_no_program_is_126(tmp_path: Path) -> None:
    file = tmp_path / "armv7"
    file.write_bytes(b"\x7fELFnothing")
    file.chmod(0o755)
    with LocalTransport() as transport:
        for guarded in (False, True):
            ran = transport.run([str(file)], deadline=30, guarded=guarded)
            assert ran.code == 126
            assert "Exec format error" in ran.err
