"""A board with a kernel of its own: a whole emulated ARM machine (qemu-system), for what a shared kernel cannot show.

Debian's arm64 kernel on qemu's `virt` machine, the root of `arm_root` on an ext4 disk of its own, and its sshd. Too
little memory, a disk that loses what was not synced when the power goes, and a clock of the past are real here. Needs
qemu-system-arm, e2fsprogs and openssh-client, and root for the owners of files. It ends with the process that made it.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from support.arm_root import MODELS, arm_root, write_layer
from support.board_keys import make_key
from support.board_slots import slot
from support.compiled_library import compiled_library
from support.vm_kernel import make_kernel
from support.vm_systemd import INIT, systemd_root, write_systemd

__all__ = ["VMBoard"]

_UP_WITHIN_S = 120.0
_INIT = """#!/bin/busybox sh
busybox mount -t proc proc /proc
busybox mount -t devtmpfs dev /dev
for module in $(busybox cat /modules); do busybox insmod /$module; done
busybox mount -t ext4 /dev/vda /disk || busybox poweroff -f
busybox mount -t devtmpfs dev /disk/dev
busybox mount -t sysfs sys /disk/sys
busybox mount -t proc proc /disk/proc
busybox mkdir -p /disk/dev/shm
busybox mount -t tmpfs -o mode=1777 shm /disk/dev/shm
busybox mount -t tmpfs -o mode=1777 tmp /disk/tmp
busybox ip link set lo up
busybox ip addr add 10.0.2.15/24 dev eth0
busybox ip link set eth0 up
busybox hostname vmboard
exec busybox switch_root /disk INIT
"""


class VMBoard:
    """One machine, up while the block runs; its disk lasts from one `start` to the next.

    memory: in MB. clock: of the board's start, as qemu's -rtc takes it ("2019-01-01T00:00:00"), None for now.
    disk_mb: of its one disk. systemd: it is the first process, and starts the sshd; else the sshd is.
    """

    destination = "vmboard"

    def __init__(
        self, *, memory: int = 512, clock: str | None = None, disk_mb: int = 1024, systemd: bool = False
    ) -> None:
        self.memory = memory
        self.clock = clock
        self.disk_mb = disk_mb
        self.systemd = systemd
        self._open = ExitStack()
        self._machine: subprocess.Popen[bytes] | None = None

    @property
    def ssh_config(self) -> Path:
        """A client's configuration that knows the way, the key to log in with and the board's host key."""
        return self.folder / "ssh_config"

    @property
    def log(self) -> str:
        """What its kernel and its sshd said."""
        return (self.folder / "console.log").read_text(encoding="utf-8", errors="replace")

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            _, self.folder = stack.enter_context(slot())
            self._make_disk()
            first = INIT if self.systemd else "/usr/sbin/sshd -D -e"
            self._kernel = make_kernel(self.folder, _INIT.replace("INIT", first))
            stack.callback(self.kill_power)
            self.start()
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def start(self) -> None:
        """Power on, and wait until its sshd answers. Raises OSError with the console's end if it does not."""
        port = _free_port()
        self._write_config(port)
        command = ["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-smp", "2", "-m", str(self.memory)]
        command += ["-nographic", "-no-reboot", "-kernel", str(self._kernel), "-initrd", str(self.folder / "initrd")]
        command += ["-append", "console=ttyAMA0 quiet panic=-1"]
        # Writeback: what the board did not sync is lost with the power, as on a card.
        command += ["-drive", f"file={self.folder}/disk.img,format=raw,if=virtio,cache=writeback"]
        command += ["-netdev", f"user,id=n,hostfwd=tcp:127.0.0.1:{port}-:22"]
        command += ["-device", "virtio-net-pci,netdev=n,romfile=", "-device", "virtio-rng-pci"]
        command += ["-rtc", f"base={self.clock}"] if self.clock else []
        # It ends when our end of the pipe is closed, by us or by the kernel.
        script = 'exec 3<&0; "$@" </dev/null & machine=$!; (read -r line; kill -9 $machine) <&3 & wait $machine'
        with (self.folder / "console.log").open("ab") as log:
            self._machine = subprocess.Popen(
                ["sh", "-c", script, "sh", *command], stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        self._await_sshd(port)

    def kill_power(self) -> None:
        """Cut the power: the machine ends in the middle of what it does."""
        if self._machine is not None:
            machine, self._machine = self._machine, None
            machine.communicate()

    def _make_disk(self) -> None:
        for name in ("id_ed25519", "host_key"):
            make_key(self.folder / name)
        tree = self.folder / "tree"
        layer = self.folder / "layer"
        layer.mkdir()
        root = systemd_root() if self.systemd else arm_root("arm64")
        key = (self.folder / "id_ed25519.pub").read_text(encoding="utf-8")
        write_layer(layer, root, MODELS["pi4"], (self.folder / "host_key").read_text(encoding="utf-8"), key)
        shutil.rmtree(layer / "sys")  # the kernel's own here
        (layer / "sys").mkdir()
        for source in (root, *compiled_library("arm64"), layer):
            subprocess.run(["cp", "-a", f"{source}/.", str(tree)], check=True, capture_output=True)
        if self.systemd:
            write_systemd(tree)
        image = self.folder / "disk.img"
        with image.open("wb") as file:
            file.truncate(self.disk_mb << 20)
        subprocess.run(["/sbin/mkfs.ext4", "-q", "-d", str(tree), str(image)], check=True, capture_output=True)
        shutil.rmtree(tree)
        shutil.rmtree(layer)

    def _write_config(self, port: int) -> None:
        public = (self.folder / "host_key.pub").read_text(encoding="utf-8").split()[:2]
        known = self.folder / "known_hosts"
        known.write_text(f"[127.0.0.1]:{port} {' '.join(public)}\n", encoding="utf-8")
        self.ssh_config.write_text(
            f"Host {self.destination}\n  HostName 127.0.0.1\n  Port {port}\n  User pi\n"
            f"  IdentityFile {self.folder}/id_ed25519\n  IdentitiesOnly yes\n  IdentityAgent none\n"
            f"  UserKnownHostsFile {known}\n  GlobalKnownHostsFile /dev/null\n",
            encoding="utf-8",
        )

    def _await_sshd(self, port: int) -> None:
        until = time.monotonic() + _UP_WITHIN_S
        while time.monotonic() < until:
            # qemu itself takes the connection at once: only the greeting tells.
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as link:
                if link.recv(4) == b"SSH-":
                    return
            if self._machine is None or self._machine.poll() is not None:
                break
            time.sleep(0.2)
        raise OSError(f"no sshd within {_UP_WITHIN_S:g} s: {self.log[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
