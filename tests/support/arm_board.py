"""An emulated board to log in to: an ARM root whose own sshd answers in a network namespace, as the board's would.

Everything of a board hangs on two processes whose standard input this process holds: when the tests end, in whatever
way, the kernel takes down the board's processes, mounts and network. Its writable disk is in memory.

    holder   mount and network namespace: the disk (overlay on the shared root) and the cable; outlives a power cut
    system   process namespace inside: sshd is its pid 1; ending that is the power cut

Needs root, binfmt_misc, overlay mounts and network namespaces; qemu-user-static, iproute2, util-linux, openssh-client.
"""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from support.arm_root import MODELS, Model, arm_root, write_layer
from support.binfmt import registered
from support.board_keys import make_key
from support.board_slots import slot
from support.compiled_library import compiled_library
from support.memory_limit import MemoryLimit

__all__ = ["ArmBoard"]

_UP_WITHIN_S = 60.0
_HOME, _USER = "/home/pi", 1000

_HOLD = """
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755,size="$SIZE" disk "$TREE"
mkdir "$TREE/upper" "$TREE/work" "$TREE/root"
mount -t overlay -o lowerdir="$LAYER:$ROOT",upperdir="$TREE/upper",workdir="$TREE/work" overlay "$TREE/root"
hostname "$BOARD"
ip link set lo up
echo held
read -r line
"""

# The shell's own number in the host's /proc, which is still mounted then, is that of the board's pid 1.
_BOOT = """
set -e
cd "$TREE/root"
read -r pid rest < /proc/self/stat
mount -t tmpfs -o mode=755 dev dev
for d in null zero full random urandom tty; do : > dev/$d; mount --bind /dev/$d dev/$d; done
ln -s /proc/self/fd dev/fd
mkdir dev/shm
mount -t tmpfs -o mode=1777 shm dev/shm
mount -t tmpfs -o mode=1777 tmp tmp
mount -t proc proc proc
mount --bind sepia-test/cpuinfo proc/cpuinfo
echo "$pid"
exec chroot . /usr/sbin/sshd -D -e -o "SetEnv=$SESSION"
"""

_RUN = 'unshare --pid --fork --kill-child --mount sh -c "$BOOT" & system=$!; read -r line; kill -9 $system'


class ArmBoard:
    """One board, up while the block runs. Every change to it is gone with it; `reset` makes it new.

    model: a name in MODELS. cpu: what qemu-user emulates for the user's programs; None for the model's. roots: instead
    of the shared root of the model's architecture; the first lies on top. disk: bytes that the board's disk can hold.
    """

    def __init__(
        self, model: str = "pi4", *, cpu: str | None = None, roots: Sequence[Path] = (), disk: int = 2_000_000_000
    ) -> None:
        self.model: Model = MODELS[model]
        self.cpu = cpu or self.model.qemu_cpu
        architecture = self.model.architecture
        self.roots = tuple(roots) or (arm_root(architecture), *compiled_library(architecture))
        self.disk = disk
        self._environment: dict[str, str] = {}
        self._open = ExitStack()
        self._system: subprocess.Popen[str] | None = None
        self._pid = 0

    # --- what a test hands to the product ---------------------------------------------------------------------------

    @property
    def address(self) -> str:
        return f"10.77.{self.number}.2"

    @property
    def destination(self) -> str:
        return f"pi@{self.address}"

    @property
    def ssh_config(self) -> Path:
        """A client's configuration that knows the key to log in with and the board's host key, and nothing else."""
        return self.folder / "ssh_config"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def log(self) -> str:
        """What the board's sshd said."""
        return (self.folder / "sshd.log").read_text(encoding="utf-8", errors="replace")

    # --- up and down ------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(registered())
            self.number, self.folder = stack.enter_context(slot())
            self._limit = stack.enter_context(MemoryLimit(f"sepia-board-{self.number}"))
            self._write_files()
            self._hold(stack)
            stack.callback(self.kill_power)
            self.start()
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def start(self) -> None:
        """Power on, and wait until its sshd answers. Raises OSError with the log if it does not."""
        assert self._system is None, "the board is on"
        session = {"QEMU_CPU": self.cpu, **self._environment}
        told = " ".join(f"{name}={value}" for name, value in session.items())
        environment = {**self._variables(), "BOOT": _BOOT, "SESSION": told}
        inside = ["nsenter", f"--target={self._holder.pid}", "--mount", "--net", "--uts", "--ipc"]
        with (self.folder / "sshd.log").open("a", encoding="utf-8") as log:
            self._system = subprocess.Popen(
                [*inside, "sh", "-c", _RUN],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
            )
        assert self._system.stdout is not None
        self._pid = int(self._system.stdout.readline() or 0)
        if not self._pid:
            raise OSError(f"the board did not start: {self.log}")
        self._limit.join(self._pid)
        self.mend_link()

    def kill_power(self) -> None:
        """Cut the power: every process ends at once and the other side of a connection hears nothing of it."""
        if self._system is None:
            return
        self.cut_link()
        system, self._system = self._system, None
        assert system.stdin is not None and system.stdout is not None
        system.stdin.close()
        system.wait()
        system.stdout.close()
        _await_gone(self._pid)

    def reset(self) -> None:
        """A new card in the board, and power on."""
        self._open.close()
        self._environment = {}
        self.__enter__()

    # --- its files and processes ------------------------------------------------------------------------------------

    def path(self, inside: str) -> Path:
        """A file of the board, seen from here; `inside` is absolute there. Its absolute links lead astray."""
        return Path(f"/proc/{self._pid}/root") / inside.lstrip("/")

    def processes(self) -> list[str]:
        """Command lines of what runs on the board, its sshd's own left out."""
        space = Path(f"/proc/{self._pid}/ns/pid").readlink()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # ended in the meantime
                if (entry / "ns/pid").readlink() == space:
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip())
        return [line for line in found if line and "sshd" not in line and not line.startswith("unshare")]

    def received(self) -> int:
        """Bytes that came over its cable since the board was made."""
        return int(Path(f"/sys/class/net/{self._cable}/statistics/tx_bytes").read_text(encoding="utf-8"))

    def inside(self, *command: str) -> None:
        """Run a program of this machine in the board's mount namespace, where its disk is `$TREE/root`."""
        subprocess.run(
            ["nsenter", f"--target={self._pid}", "--mount", *command],
            check=True,
            capture_output=True,
            env=self._variables(),
        )

    # --- faults -----------------------------------------------------------------------------------------------------

    def cut_link(self) -> None:
        """Pull the network cable, at the board's end: here the way there stays, and nobody answers on it."""
        self._ip_there("link", "set", "eth0", "down")

    def mend_link(self) -> None:
        """Put it in again, and wait until the sshd answers."""
        self._ip_there("link", "set", "eth0", "up")
        self._ip("neigh", "flush", "dev", self._cable)  # "nobody is there" would be remembered for seconds
        self._await_sshd()

    def slow_link(self, rate: str | None) -> None:
        """Pass at most `rate` to the board ("8mbit", as tc takes it); None: as fast as it goes."""
        subprocess.run(["tc", "qdisc", "del", "dev", self._cable, "root"], check=False, capture_output=True)
        if rate is not None:
            shape = ["tbf", "rate", rate, "burst", "64kb", "latency", "200ms"]
            subprocess.run(["tc", "qdisc", "add", "dev", self._cable, "root", *shape], check=True, capture_output=True)

    def fill_disk(self, path: str, size: int) -> None:
        """A disk of `size` bytes, empty and pi's own, in the place of the folder `path`; gone with the power."""
        self.inside("mkdir", "-p", self.at(path))
        self.inside("mount", "-t", "tmpfs", "-o", f"size={size},uid=1000,gid=1000,mode=755", "small", self.at(path))

    def leave_disk(self, free: int) -> None:
        """Let `free` more bytes go on the board's whole disk, at any moment; `reset` undoes it."""
        for attempt in range(20):
            used = int(self._on_disk("df", "--block-size=1", "--output=used", self._tree).split()[-1])
            # What is written between the question and the answer makes it too little.
            with suppress(subprocess.CalledProcessError):
                self._on_disk("mount", "-o", f"remount,size={max(used + free + attempt * 1_000_000, 4096)}", self._tree)
                return
        raise OSError("the disk grows faster than it can be limited")

    def read_only(self, path: str) -> None:
        """Whatever is below `path` cannot be written (EROFS) until `writable(path)` or a power cut."""
        self.inside("mkdir", "-p", self.at(path))
        self.inside("mount", "--bind", self.at(path), self.at(path))
        self.inside("mount", "-o", "remount,ro,bind", self.at(path))

    def writable(self, path: str) -> None:
        """Undo one `read_only` or `fill_disk` of `path`."""
        self.inside("umount", "--lazy", self.at(path))

    def memory_limit(self, size: int) -> None:
        """Let the board's processes have `size` bytes together; the kernel kills the greatest beyond."""
        self._limit.set(size)
        self._limit.join(self._pid)

    def clock(self, days: float) -> None:
        """Restart with a clock `days` ahead (behind if negative, right again at 0), for the user's programs."""
        faked = {
            "LD_PRELOAD": f"/usr/lib/{self._multiarch}/faketime/libfaketime.so.1",
            "FAKETIME": f"{days:+g}d",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
        kept = {name: value for name, value in self._environment.items() if name not in faked}
        self._environment = {**kept, **(faked if days else {})}
        self.kill_power()
        self.start()

    def set_sys(self, path: str, text: str) -> None:
        """Write the file /sys/`path`, say "class/thermal/thermal_zone0/temp"; it holds `text` until it is reset."""
        self.write(f"/sys/{path}", text)

    def vcgencmd(self, text: str) -> None:
        """The Raspberry Pi's firmware tool is there and prints `text`, whatever it is asked."""
        self.write("/usr/bin/vcgencmd", f"#!/bin/sh\necho {shlex.quote(text)}\n", mode=0o755)

    def without_python(self) -> None:
        """Remove its Python; `reset` brings it back."""
        for found in self.path("/usr/bin").glob("python3*"):
            found.unlink()

    def refuse_login(self) -> None:
        """No key opens it any more."""
        self.path("/home/pi/.ssh/authorized_keys").write_text("", encoding="utf-8")

    def change_host_key(self) -> None:
        """It comes back with another host key, as a card flashed anew does."""
        new = self.folder / "changed_key"
        make_key(new)
        self.write("/etc/ssh/ssh_host_ed25519_key", new.read_text(encoding="utf-8"), mode=0o600)
        self.kill_power()
        self.start()

    def write(self, path: str, text: str, *, mode: int = 0o644) -> None:
        """Write a file on the board, and what folders it lacks: below the user's home the user's, else root's."""
        file, home = self.path(path), self.path(_HOME)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)
        for made in (file, *file.parents):
            if home in made.parents:
                os.chown(made, _USER, _USER)

    # --- how --------------------------------------------------------------------------------------------------------

    @property
    def _cable(self) -> str:
        return f"sepia{self.number}"

    @property
    def _tree(self) -> str:
        return str(self.folder / "tree")

    @property
    def _multiarch(self) -> str:
        return {"arm64": "aarch64-linux-gnu", "armhf": "arm-linux-gnueabihf", "armel": "arm-linux-gnueabi"}[
            self.model.architecture
        ]

    def at(self, path: str) -> str:
        """The same for programs that `inside` runs."""
        return f"{self._tree}/root{path}"

    def _variables(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "BOARD": f"board{self.number}",
            "TREE": self._tree,
            "LAYER": str(self.folder / "layer"),
            "ROOT": ":".join(map(str, self.roots)),
            "SIZE": str(self.disk),
        }

    def _write_files(self) -> None:
        for name in ("id_ed25519", "host_key"):
            make_key(self.folder / name)
        (self.folder / "tree").mkdir()
        (self.folder / "layer").mkdir()
        key = (self.folder / "id_ed25519.pub").read_text(encoding="utf-8")
        host_key = (self.folder / "host_key").read_text(encoding="utf-8")
        write_layer(self.folder / "layer", self.roots[0], self.model, host_key, key)
        public = (self.folder / "host_key.pub").read_text(encoding="utf-8").split()[:2]
        self.known_hosts.write_text(f"{self.address} {' '.join(public)}\n", encoding="utf-8")
        self.ssh_config.write_text(
            f"Host board{self.number} {self.address}\n  HostName {self.address}\n  User pi\n"
            f"  IdentityFile {self.folder}/id_ed25519\n  IdentitiesOnly yes\n  IdentityAgent none\n"
            f"  UserKnownHostsFile {self.known_hosts}\n  GlobalKnownHostsFile /dev/null\n",
            encoding="utf-8",
        )

    def _hold(self, stack: ExitStack) -> None:
        """Make the disk and the cable."""
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--net", "--uts", "--ipc", "sh", "-c", _HOLD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._variables(),
        )
        stack.callback(self._let_go)
        assert self._holder.stdout is not None and self._holder.stderr is not None
        if self._holder.stdout.readline() != "held\n":
            raise OSError(f"the board's disk could not be made: {self._holder.stderr.read().strip()}")
        subprocess.run(["ip", "link", "del", self._cable], check=False, capture_output=True)
        there = ["type", "veth", "peer", "name", "eth0", "netns", str(self._holder.pid)]
        self._ip("link", "add", self._cable, *there)
        self._ip("addr", "add", f"10.77.{self.number}.1/24", "dev", self._cable)
        self._ip("link", "set", self._cable, "up")
        self._ip_there("addr", "add", f"{self.address}/24", "dev", "eth0")

    def _let_go(self) -> None:
        # The kernel takes the other end of the cable down in its own time: a new board of this number can't wait.
        subprocess.run(["ip", "link", "del", self._cable], check=False, capture_output=True)
        assert self._holder.stdin is not None
        self._holder.communicate("")

    def _await_sshd(self) -> None:
        until = time.monotonic() + _UP_WITHIN_S
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection((self.address, 22), timeout=2) as link:
                if link.recv(4) == b"SSH-":
                    return
            time.sleep(0.05)
        raise OSError(f"the board's sshd did not answer within {_UP_WITHIN_S:g} s: {self.log}")

    def _on_disk(self, *command: str) -> str:
        inside = ["nsenter", f"--target={self._holder.pid}", "--mount", *command]
        return subprocess.run(inside, check=True, capture_output=True, text=True).stdout

    def _ip_there(self, *words: str) -> None:
        network = ["nsenter", f"--target={self._holder.pid}", "--net", "ip"]
        subprocess.run([*network, *words], check=True, capture_output=True)

    @staticmethod
    def _ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)


def _await_gone(pid: int) -> None:
    """Until `pid` is no more than a zombie: as a namespace's first process it is one once all the others are gone."""
    until = time.monotonic() + _UP_WITHIN_S
    with suppress(OSError):
        while Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] not in "ZX":
            assert time.monotonic() < until, f"process {pid} does not end"
            time.sleep(0.01)
