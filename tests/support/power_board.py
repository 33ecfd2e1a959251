"""A virtual board whose power may go at any moment, and which is up again a second later: for hundreds of power cuts.

An emulated ARM machine as in `vm_board`, but with no server to log in to: its serial console is the witness
(`vm_witness.py` there). The system lies on a disk that is only read; the home, with all that the agent writes, on one
of its own that lasts, with the host's writeback cache: what the board did not sync is lost with its power. Power-on
goes on from the machine's memory as it was before it had seen that disk (`vm_savepoint.py`).
"""

from __future__ import annotations

import json
import queue
import secrets
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support import vm_witness
from support.arm_root import arm_root, link_programs
from support.compiled_library import compiled_library
from support.vm_kernel import make_kernel
from support.vm_savepoint import save_memory

__all__ = ["HOST", "PowerBoard", "PowerGone", "Savepoint", "make_savepoint"]

HOST = "10.0.2.2"
"""This machine's address, seen from the board: what listens on 127.0.0.1 here answers there."""

_HOME_BYTES = 64 << 20
_ANSWERS_WITHIN_S = 120.0
_LOADED = ("sepia_agent", "tuf.ngclient", "securesystemslib.signer", "urllib3", "urllib.request", "tarfile", "secrets")

_INIT = """#!/bin/busybox sh
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t devtmpfs dev /dev
busybox stty -echo -icanon -opost
for module in $(busybox cat /modules); do busybox insmod /$module; done
busybox mount -t ext4 -o ro,noload /dev/vda /disk || busybox poweroff -f
for folder in dev proc sys; do busybox mount --move /$folder /disk/$folder; done
busybox mkdir -p /disk/dev/shm
busybox mount -t tmpfs -o mode=1777 shm /disk/dev/shm
busybox mount -t tmpfs -o mode=1777 tmp /disk/tmp
busybox ip link set lo up
busybox ip addr add 10.0.2.15/24 dev eth0
busybox ip link set eth0 up
PYTHONPATH=/sepia-test/site exec busybox switch_root /disk /usr/bin/python3 -u /sepia-test/witness.py LOADED
"""


@dataclass(frozen=True)
class Savepoint:
    """What boards are started from; shared by any number of them. command: of qemu, less the home's disk."""

    memory: Path
    command: tuple[str, ...]

    def machine(self, home: Path, *more: str) -> list[str]:
        """The whole command. It ends with the thread that starts it: nothing is left behind by a killed test."""
        disk = f"file={home},format=raw,if=none,id=home,cache=writeback"
        guard = ["setpriv", "--pdeathsig", "KILL", "--"]
        return [*guard, *self.command, "-drive", disk, "-device", "virtio-blk-pci,drive=home", *more]


def make_savepoint(folder: Path, libraries: Sequence[Path]) -> Savepoint:
    """Boot a machine and save its memory in `folder`: about 15 s.

    libraries: packages of Python (folders), the agent and what it needs on a board, loaded there before.
    """
    kernel = make_kernel(folder, _INIT.replace("LOADED", " ".join(_LOADED)))
    _make_system(folder / "system.img", folder / "system", libraries)
    command = ["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-smp", "1", "-m", "256"]
    command += ["-display", "none", "-serial", "stdio", "-no-reboot", "-kernel", str(kernel)]
    command += ["-initrd", str(folder / "initrd"), "-append", "console=ttyAMA0 quiet panic=-1"]
    command += ["-drive", f"file={folder}/system.img,format=raw,if=none,id=system,readonly=on"]
    command += ["-device", "virtio-blk-pci,drive=system", "-netdev", "user,id=net"]
    command += ["-device", "virtio-net-pci,netdev=net,romfile=", "-device", "virtio-rng-pci"]
    savepoint = Savepoint(folder / "memory", tuple(command))
    _make_disk(folder / "blank.img", _HOME_BYTES)
    control = folder / "qmp"
    with _Console(savepoint.machine(folder / "blank.img", "-qmp", f"unix:{control},server=on,wait=off")) as console:
        console.await_line("= ready")
        save_memory(control, savepoint.memory)
    return savepoint


class PowerBoard:
    """One board. home: becomes /home/pi, owned by pi (1000). folder: for its disk."""

    def __init__(self, savepoint: Savepoint, folder: Path, home: Path) -> None:
        self._savepoint = savepoint
        self._disk = folder / "home.img"
        tree = folder / "home"
        shutil.copytree(home, tree / "pi", symlinks=True)
        subprocess.run(["chown", "-R", "1000:1000", str(tree / "pi")], check=True)
        _make_disk(self._disk, _HOME_BYTES, tree)
        self._console: _Console | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut_power()

    def power_on(self) -> None:
        """Up, its home mounted, nothing of the agent started."""
        assert self._console is None, "the board is on"
        # "exec:" is qemu's own way to read the memory; the path has no character that a shell minds.
        self._console = _Console(self._savepoint.machine(self._disk, "-incoming", f"exec:cat {self._savepoint.memory}"))
        # What comes before it wakes is lost.
        self._console.send("")
        self._console.send(f"go {time.time():.3f} {secrets.token_hex(32)}")
        self._console.await_line("= up")

    def cut_power(self) -> None:
        """The machine ends at once, in the middle of what it does."""
        if self._console is not None:
            console, self._console = self._console, None
            console.close()

    def kill(self) -> None:
        """Cut the power from another thread: whoever waits for an answer gets PowerGone."""
        if self._console is not None:
            self._console.kill()

    def look(self, model: str) -> dict[str, Any]:
        """What the witness found: "whole", "why", "version", "manifest" (SHA-256), "beside" (names)."""
        return self._ask(f"look {model}", "= look")

    def run(self, *words: str, plain: bool = False, seen: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
        """Run the agent to its end: "code", "seconds", "answer". `seen` gets each line of the console meanwhile."""
        return self._ask(" ".join(["plain" if plain else "run", *words]), "= ran", seen)

    @property
    def said(self) -> list[str]:
        """The console's lines since power came."""
        return self._console.lines if self._console else []

    def _ask(self, command: str, answer: str, seen: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
        assert self._console is not None, "the board is off"
        self._console.send(command)
        told = json.loads(self._console.await_line(answer, seen))
        return dict(told)


class PowerGone(Exception):
    """The machine ended while it was waited for: its power was cut by `seen`, or it broke down."""


class _Console:
    """A machine that is up, and its serial line."""

    def __init__(self, command: Sequence[str]) -> None:
        self.lines: list[str] = []
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._machine = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            bufsize=1,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, line: str) -> None:
        assert self._machine.stdin is not None
        with suppress(BrokenPipeError):
            self._machine.stdin.write(line + "\n")

    def await_line(self, start: str, seen: Callable[[str], None] = lambda line: None) -> str:
        """What follows `start` on the next line that begins so. Raises PowerGone, TimeoutError."""
        until = time.monotonic() + _ANSWERS_WITHIN_S
        while True:
            try:
                line = self._queue.get(timeout=max(until - time.monotonic(), 0.01))
            except queue.Empty:
                raise TimeoutError(f"no {start!r} within {_ANSWERS_WITHIN_S:g} s: {self.lines[-20:]}") from None
            if line is None:
                raise PowerGone(f"the machine ended before {start!r}: {self.lines[-20:]}")
            seen(line)
            if line.startswith(start):
                return line.removeprefix(start)

    def kill(self) -> None:
        self._machine.kill()

    def close(self) -> None:
        self.kill()
        self._machine.wait()
        self._reader.join()
        for pipe in (self._machine.stdin, self._machine.stdout):
            with suppress(OSError):  # what was not sent any more
                if pipe is not None:
                    pipe.close()

    def _read(self) -> None:
        assert self._machine.stdout is not None
        for line in self._machine.stdout:
            self.lines.append(line.rstrip())
            self._queue.put(line.rstrip())
        self._queue.put(None)


def _make_system(image: Path, tree: Path, libraries: Sequence[Path]) -> None:
    for layer in (arm_root("arm64"), *compiled_library("arm64")):
        subprocess.run(["cp", "-a", f"{layer}/.", str(tree)], check=True, capture_output=True)
    for name in ("dev", "home", "proc", "sys", "tmp", "sepia-test/site"):
        (tree / name).mkdir(parents=True, exist_ok=True)
    link_programs(tree / "usr/bin", arm_root("arm64"))
    for library in libraries:
        shutil.copytree(library, tree / "sepia-test/site" / library.name)
    shutil.copy(vm_witness.__file__, tree / "sepia-test/witness.py")
    files = {
        "passwd": "root:x:0:0:root:/root:/bin/sh\npi:x:1000:1000::/home/pi:/bin/sh\n",
        "group": "root:x:0:\npi:x:1000:\n",
        "hosts": "127.0.0.1 localhost\n",
    }
    for name, text in files.items():
        (tree / "etc" / name).write_text(text, encoding="utf-8")
    _make_disk(image, 256 << 20, tree, options=("-O", "^has_journal"))
    shutil.rmtree(tree)


def _make_disk(image: Path, size: int, tree: Path | None = None, *, options: Sequence[str] = ()) -> None:
    """A new ext4 file system of `size` bytes in the file `image`, holding what `tree` holds."""
    with image.open("wb") as file:
        file.truncate(size)
    filled = ["-d", str(tree)] if tree else []
    subprocess.run(["/sbin/mkfs.ext4", "-q", *options, *filled, str(image)], check=True, capture_output=True)
