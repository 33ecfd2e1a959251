"""Boards through the system's OpenSSH: a real sshd on an emulated ARM board keeps the contract, and the user's
configuration holds. Faults of the connection are in test_ssh_faults.py."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sepia.devices.transport import Transport
from sepia.devices.transport.ssh import SSHTransport
from sepia.errors import BoardError
from support.arm_board import ArmBoard
from support.transport_contract import TransportContract, ends, python, running

LOGINS = re.compile(r"^Accepted publickey", re.MULTILINE)


def to(board: ArmBoard, config: Path | None = None) -> SSHTransport:
    return SSHTransport(board.destination, name="pi4", config=config or board.ssh_config)


def ours(word: str) -> list[int]:
    """Numbers of this machine's processes that have `word` in their command."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found


class TestSSH(TransportContract):
    @pytest.fixture(scope="class")
    @classmethod
    def transport(cls, arm64_board: ArmBoard) -> Iterator[Transport]:
        with to(arm64_board) as transport:
            yield transport

    @pytest.fixture
    def another(self, arm64_board: ArmBoard) -> Iterator[Transport]:
        with to(arm64_board) as transport:
            yield transport

    def test_it_is_another_machine(self, transport: Transport) -> None:
        assert (transport.name, transport.how) == ("pi4", "measured")
        assert transport.run(["uname", "-m"], deadline=30).out == b"aarch64\n"

    def test_a_signal_is_told_without_a_guard_too(self, transport: Transport) -> None:
        assert transport.run(python("import os; os.kill(os.getpid(), 4)"), deadline=30).code == 128 + signal.SIGILL

    def test_a_command_may_talk_like_ssh(self, transport: Transport) -> None:
        line = "echo 'ssh: connect to host x port 22: No route to host' >&2; exit 1"
        ran = transport.run(["sh", "-c", line], deadline=30)
        assert (ran.code, ran.err) == (1, "ssh: connect to host x port 22: No route to host\n")


def test_one_login_serves_all_and_ends(arm64_board: ArmBoard) -> None:
    before = len(LOGINS.findall(arm64_board.log))
    config = f"-F\0{arm64_board.ssh_config}"
    with to(arm64_board) as transport:
        for guarded in (False, True, False):
            assert transport.run(["true"], deadline=30, guarded=guarded).code == 0
        assert len(LOGINS.findall(arm64_board.log)) == before + 1
        (folder,) = {Path(word) for word in _sockets(ours(config))}
        assert folder.parent.is_dir()
    assert not folder.parent.exists()
    assert ours(config) == []


def _sockets(processes: list[int]) -> list[str]:
    words = [Path(f"/proc/{number}/cmdline").read_text().split("\0") for number in processes]
    return [line[line.index("-S") + 1] for line in words if "-S" in line]


def test_the_configuration_is_named_by_the_environment(arm64_board: ArmBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPIA_SSH_CONFIG", str(arm64_board.ssh_config))
    with SSHTransport(f"board{arm64_board.number}") as transport:
        assert transport.name == f"board{arm64_board.number}"
        assert transport.run(["whoami"], deadline=30).out == b"pi\n"


def test_a_jump_host_and_a_host_alias(arm64_board: ArmBoard, tmp_path: Path) -> None:
    # From the board to itself: its sshd sees a login from its own loopback address.
    config = tmp_path / "config"
    config.write_text(
        f"Host behind\n  HostName 127.0.0.1\n  User pi\n  ProxyJump {arm64_board.destination}\n"
        f"  HostKeyAlias {arm64_board.address}\n  IdentityFile {arm64_board.folder}/id_ed25519\n"
        f"  UserKnownHostsFile {arm64_board.known_hosts}\nMatch all\n  Include {arm64_board.ssh_config}\n",
        encoding="utf-8",
    )
    with to_alias("behind", config) as transport:
        ran = transport.run(python("import os; print(os.environ['SSH_CONNECTION'])"), deadline=30, guarded=True)
    assert ran.out.startswith(b"127.0.0.1 ")


def to_alias(alias: str, config: Path) -> SSHTransport:
    return SSHTransport(alias, config=config)


def test_the_agent_holds(arm64_board: ArmBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"Host *\n  UserKnownHostsFile {arm64_board.known_hosts}\n  IdentityFile none\n", encoding="utf-8"
    )
    with tempfile.TemporaryDirectory() as folder:
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", f"{folder}/a"], stdout=subprocess.DEVNULL)
        try:
            monkeypatch.setenv("SSH_AUTH_SOCK", f"{folder}/a")
            while not Path(f"{folder}/a").exists():
                time.sleep(0.02)
            with pytest.raises(BoardError, match="refused the login"), to(arm64_board, config) as transport:
                transport.run(["true"], deadline=30)
            key = str(arm64_board.folder / "id_ed25519")
            subprocess.run(["ssh-add", "-q", key], check=True, capture_output=True)
            with to(arm64_board, config) as transport:
                assert transport.run(["true"], deadline=30).code == 0
        finally:
            agent.terminate()
            agent.wait()


def test_no_setting_of_the_users_keeps_it_from_running(arm64_board: ArmBoard, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        "Host *\n  RequestTTY force\n  RemoteCommand echo mine\n  ControlMaster auto\n  ControlPersist 60\n"
        f"  ControlPath {tmp_path}/mine\n  LocalForward 127.0.0.1:1 127.0.0.1:1\n  ExitOnForwardFailure yes\n"
        "  SessionType none\n  StdinNull yes\n  ForkAfterAuthentication yes\n  LogLevel QUIET\n"
        "  PermitLocalCommand yes\n  LocalCommand echo local\n  ForwardX11 yes\n"
        f"Include {arm64_board.ssh_config}\n",
        encoding="utf-8",
    )
    with to(arm64_board, config) as transport:
        ran = transport.run(python("import sys; print(sys.stdin.read())"), stdin=[b"~.\n~?"], deadline=30)
        assert (ran.code, ran.out) == (0, b"~.\n~?\n")
        assert list(tmp_path.iterdir()) == [config]


@pytest.mark.parametrize("destination", ["-oProxyCommand=id", "", " "])
def test_an_option_is_no_destination(destination: str) -> None:
    with pytest.raises(BoardError, match="is no destination for ssh; accepted: HOST"):
        SSHTransport(destination, name="pi4")


def test_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BoardError, match=r"^pi4: this machine has no OpenSSH client; next: install it: sudo apt"):
        SSHTransport("pi@board", name="pi4").run(["true"], deadline=5)


_PROGRAM = """
import sys
from pathlib import Path
from sepia.devices.transport.ssh import SSHTransport
with SSHTransport(sys.argv[1], config=Path(sys.argv[2])) as transport:
    transport.run(["python3", "-c", "import time; time.sleep(600)", sys.argv[3]], deadline=600, guarded=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_by_ctrl_c_or_a_kill(arm64_board: ArmBoard, number: signal.Signals) -> None:
    token = f"left-{os.getpid()}-{number}"
    command = [sys.executable, "-c", _PROGRAM, arm64_board.destination, str(arm64_board.ssh_config), token]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    with to(arm64_board) as transport:
        until = time.monotonic() + 60
        while not running(transport, token):
            assert process.poll() is None and time.monotonic() < until
        mine = [one for one in ours(f"-F\0{arm64_board.ssh_config}") if os.getsid(one) != os.getsid(0)]
        process.send_signal(number)
        process.communicate(timeout=30)
        assert ends(transport, token)
        assert len(mine) > 2
    until = time.monotonic() + 30
    while ours(f"-F\0{arm64_board.ssh_config}"):
        assert time.monotonic() < until, "an ssh of ours is left"
        time.sleep(0.1)
