"""Faults of the connection, with the real sshd of an emulated board: one line each, and the next run mends it."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from sepia.devices.transport.ssh import SSHTransport
from sepia.errors import BoardError
from support.arm_board import ArmBoard
from support.board_fixtures import started
from support.transport_contract import DEADLINE, ends, python, running

SILENCE = 4.0


@pytest.fixture(scope="module")
def board() -> Iterator[ArmBoard]:
    """A board for the tests of this file alone: they change its host key and cut its power."""
    with ExitStack() as stack:
        stack.push(board := started("pi4"))
        yield board


def to(board: ArmBoard, *more: str, destination: str = "", folder: Path | None = None) -> SSHTransport:
    """A way to `board`; more: lines of configuration that go before its own."""
    config = board.ssh_config
    if folder is not None:
        config = folder / "config"
        config.write_text("\n".join(("Host *", *more, f"Include {board.ssh_config}")) + "\n", encoding="utf-8")
    return SSHTransport(
        destination or board.destination, name="pi4", config=config, silence=SILENCE, connect_deadline=DEADLINE
    )


def refused(transport: SSHTransport) -> str:
    with transport, pytest.raises(BoardError) as caught:
        transport.run(["true"], deadline=DEADLINE)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def works(board: ArmBoard) -> bool:
    with to(board) as transport:
        return transport.run(["echo", "fine"], deadline=DEADLINE).out == b"fine\n"


# --- no login -----------------------------------------------------------------------------------------------------


def test_an_unknown_host_key(board: ArmBoard, tmp_path: Path) -> None:
    told = refused(to(board, f"UserKnownHostsFile {tmp_path}/none", folder=tmp_path))
    assert told == (
        "pi4: its host key is not known here; next: log in once by hand, compare the fingerprint and accept it: "
        f"ssh {board.destination}"
    )
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("strict", ["ask", "yes", "accept-new"])
def test_a_wrong_host_key(board: ArmBoard, tmp_path: Path, strict: str) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{tmp_path}/key"], check=True)
    known = tmp_path / "known"
    known.write_text(f"{board.address} {(tmp_path / 'key.pub').read_text()}", encoding="utf-8")
    lines = known.read_text()
    told = refused(to(board, f"UserKnownHostsFile {known}", f"StrictHostKeyChecking {strict}", folder=tmp_path))
    assert told.startswith(f"pi4: the host key of {board.address} has changed: ED25519 SHA256:")
    assert f", and not that of {known} line 1; next: if its card was flashed anew" in told
    assert f"ssh-keygen -f '{known}' -R '{board.address}'" in told
    assert known.read_text() == lines


def test_a_refused_login(board: ArmBoard, tmp_path: Path) -> None:
    told = refused(to(board, destination=f"nobody@{board.address}"))
    assert told.startswith(f"pi4: refused the login of nobody@{board.address} (publickey")
    assert f"; next: put your key there with: ssh-copy-id nobody@{board.address}" in told
    assert works(board)


def test_a_key_that_others_may_read(board: ArmBoard, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes((board.folder / "id_ed25519").read_bytes())
    key.chmod(0o644)
    config = tmp_path / "config"
    config.write_text(f"Host *\nIdentityFile {key}\nUserKnownHostsFile {board.known_hosts}\n", encoding="utf-8")
    told = refused(SSHTransport(board.destination, name="pi4", config=config))
    assert told == f"pi4: ssh refuses the key {key}: others may read it (0644); next: chmod 600 '{key}'"


def test_an_unknown_host(board: ArmBoard) -> None:
    told = refused(to(board, destination="pi@no-such-board.invalid"))
    assert told.startswith("pi4: no host no-such-board.invalid: ")
    assert "next: look at its spelling; a name in .local" in told


def test_no_server(board: ArmBoard) -> None:
    told = refused(to(board, destination=f"ssh://pi@{board.address}:23"))
    assert told.startswith(f"pi4: nothing listens on port 23 of {board.address}; next: is its ssh server on?")


def test_a_server_that_says_nothing(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host *\nProxyCommand sleep 60\n", encoding="utf-8")
    told = refused(SSHTransport("pi@board", name="pi4", config=config, connect_deadline=1))
    assert "is the board on, and in this network? Log in by hand to see: ssh pi@board" in told


def test_a_jump_host_that_refuses(board: ArmBoard, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"Host behind\nProxyJump ssh://pi@{board.address}:23\nMatch all\nInclude {board.ssh_config}\n", encoding="utf-8"
    )
    told = refused(SSHTransport("behind", name="pi4", config=config))
    assert told.startswith(f"pi4: its jump host: nothing listens on port 23 of {board.address}; next: ")


def test_a_board_that_the_jump_host_cannot_reach(board: ArmBoard, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"Host behind\nHostName 127.0.0.1\nPort 9\nProxyJump {board.destination}\n"
        f"Match all\nInclude {board.ssh_config}\n",
        encoding="utf-8",
    )
    told = refused(SSHTransport("behind", name="pi4", config=config))
    assert told.startswith("pi4: its jump host: cannot reach the board: Connection refused; next: ")


def test_a_broken_configuration(board: ArmBoard, tmp_path: Path) -> None:
    told = refused(to(board, "NoSuchOption yes", folder=tmp_path))
    assert told.startswith(
        f"pi4: ssh cannot read its configuration, {tmp_path}/config: line 2: Bad configuration option"
    )


# --- the link and the power -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("guarded", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_link_cut_in_a_transfer(board: ArmBoard, guarded: bool, tmp_path: Path) -> None:
    token = f"cut-{os.getpid()}-{guarded}"
    code = "import sys\nwhile sys.stdin.buffer.read(65536): pass\nprint('whole')"
    under = threading.Event()

    def pieces() -> Iterator[bytes]:
        for number in range(1000):
            yield os.urandom(100_000)
            if number == 10:
                under.set()

    board.slow_link("16mbit")
    try:
        with ThreadPoolExecutor() as pool, to(board) as transport:
            under_way = pool.submit(
                transport.run, python(code, token), stdin=pieces(), deadline=DEADLINE, guarded=guarded
            )
            assert under.wait(DEADLINE)
            board.cut_link()
            with pytest.raises(BoardError) as caught:
                under_way.result(timeout=DEADLINE)
            board.mend_link()
            board.slow_link(None)
            assert str(caught.value).startswith(
                "pi4: the link to it was lost: no answer any more, while 'python3' ran; "
            )
            assert "next: see that it has power and a link, then run the same command again" in str(caught.value)
            # The same transport logs in again.
            assert transport.run(["echo", "fine"], deadline=DEADLINE).out == b"fine\n"
            assert not guarded or ends(transport, token)
    finally:
        board.mend_link()
        board.slow_link(None)


def test_a_reboot_in_a_run(board: ArmBoard) -> None:
    token = f"reboot-{os.getpid()}"
    with ThreadPoolExecutor() as pool, to(board) as transport, to(board) as beside:
        command = python("import time; time.sleep(600)", token)
        under_way = pool.submit(transport.run, command, deadline=DEADLINE, guarded=True)
        until = time.monotonic() + DEADLINE
        while not running(beside, token):
            assert time.monotonic() < until
        board.kill_power()
        board.start()
        with pytest.raises(BoardError) as caught:
            under_way.result(timeout=DEADLINE)
        assert str(caught.value).startswith("pi4: ")
        assert ", while 'python3' ran; next: see that it has power and a link" in str(caught.value)
        assert transport.run(["echo", "fine"], deadline=DEADLINE).out == b"fine\n"


def test_a_host_key_that_changes(board: ArmBoard) -> None:
    assert works(board)
    board.change_host_key()
    told = refused(to(board))
    assert told.startswith(f"pi4: the host key of {board.address} has changed: ED25519 SHA256:")
    # What the line says to do, done.
    forget = told.partition("forget the old key with: ")[2].partition(", then")[0]
    subprocess.run(forget, shell=True, check=True, capture_output=True)
    assert "its host key is not known here" in refused(to(board))
    scan = subprocess.run(["ssh-keyscan", "-t", "ed25519", board.address], capture_output=True, text=True, check=True)
    with board.known_hosts.open("a", encoding="utf-8") as known:
        known.write(scan.stdout)
    assert works(board)
