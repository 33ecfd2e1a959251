"""The file system of an emulated board: Debian's own ARM packages, and a thin layer that makes them a board.

The packages are fetched, unpacked and cached by `sepia.devices.debian`; nothing of theirs is changed or run. What a
maintainer's script would have made (users, links, the SSH server's settings) and what a kernel would tell of a board
(/proc/cpuinfo, /sys) lies in the layer, for an overlay mount.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path
from sepia.devices import debian

__all__ = ["MODELS", "Model", "arm_root", "link_programs", "write_layer"]

PACKAGES = (
    "busybox-static",
    "dash",
    "libatomic1",
    "libfaketime",
    "libgomp1",
    "libpython3-stdlib",
    "libstdc++6",
    "openssh-server",
    "openssh-sftp-server",
    "python3-minimal",
)

_NEON32 = "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm crc32"
_DOTPROD = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"


@dataclass(frozen=True)
class Model:
    """A board as its kernel tells it. title: the device tree's. qemu_cpu: of qemu-user, for the user's programs.

    architecture: Debian's. features, part, revision, generation ("CPU architecture"): as in /proc/cpuinfo.
    """

    title: str
    architecture: str
    qemu_cpu: str
    features: str
    part: str
    revision: int
    generation: int = 8
    cores: int = 4

    @property
    def cpuinfo(self) -> str:
        """Text of /proc/cpuinfo. qemu-user 7 shows the host's, and runtimes crash in reading that."""
        core = (
            "processor\t: {0}\nBogoMIPS\t: 108.00\n"
            f"Features\t: {self.features}\nCPU implementer\t: 0x41\nCPU architecture: {self.generation}\n"
            f"CPU variant\t: 0x0\nCPU part\t: {self.part}\nCPU revision\t: {self.revision}\n\n"
        )
        cores = "".join(core.format(number) for number in range(self.cores))
        return f"{cores}Hardware\t: BCM2835\nModel\t\t: {self.title}\n"


MODELS = {
    "pi4": Model("Raspberry Pi 4 Model B Rev 1.4", "arm64", "cortex-a72", "fp asimd evtstrm crc32 cpuid", "0xd08", 3),
    "pi5": Model("Raspberry Pi 5 Model B Rev 1.0", "arm64", "cortex-a76", _DOTPROD, "0xd0b", 1),
    "pizero2w": Model(
        "Raspberry Pi Zero 2 W Rev 1.0", "arm64", "cortex-a53", "fp asimd evtstrm crc32 cpuid", "0xd03", 4
    ),
    # qemu-arm knows no 32-bit Cortex-A53; the A7 has the same instructions but those of ARMv8.
    "pi3bplus": Model("Raspberry Pi 3 Model B Plus Rev 1.3", "armhf", "cortex-a7", _NEON32, "0xd03", 4),
    "pizero": Model(
        "Raspberry Pi Zero W Rev 1.1", "armel", "arm1176", "half thumb fastmult vfp edsp java tls", "0xb76", 7, 7, 1
    ),
}
"""Boards by the name of their profile."""


@cache
def arm_root(architecture: str, suite: str = "bookworm") -> Path:
    """The unpacked packages; shared, not to be written to. Raises BoardError if they cannot be had."""
    return debian.make_root(architecture, suite, PACKAGES, user_cache_path("sepia") / "debian")


def write_layer(layer: Path, root: Path, model: Model, host_key: str, authorized: str) -> None:
    """Write into the empty folder `layer` what `root` lacks of being `model`.

    host_key: private, as ssh-keygen writes it. authorized: the public key that user pi takes.
    """
    files: Mapping[str, str] = {
        "etc/passwd": "root:x:0:0:root:/root:/bin/sh\npi:x:1000:1000::/home/pi:/bin/sh\n"
        "sshd:x:101:65534::/run/sshd:/bin/false\n",
        "etc/group": "root:x:0:\npi:x:1000:\nnogroup:x:65534:\n",
        "etc/shadow": "root:*:19000:0:99999:7:::\npi:*:19000:0:99999:7:::\nsshd:*:19000:0:99999:7:::\n",
        "etc/hosts": "127.0.0.1 localhost\n",
        "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'
        "VERSION_CODENAME=bookworm\n",
        "etc/ssh/sshd_config": "UsePAM no\nUseDNS no\nMaxStartups 300\nHostKey /etc/ssh/ssh_host_ed25519_key\n"
        "Subsystem sftp /usr/lib/openssh/sftp-server\n",
        "etc/ssh/ssh_host_ed25519_key": host_key,
        "home/pi/.ssh/authorized_keys": authorized,
        "sepia-test/cpuinfo": model.cpuinfo,
        "sys/firmware/devicetree/base/model": model.title + "\0",
        **_cpu_files(model.cores),
    }
    for name, text in files.items():
        path = layer / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (layer / "etc/ssh/ssh_host_ed25519_key").chmod(0o600)
    for name in ("root", "proc", "tmp", "run/sshd", "dev"):
        (layer / name).mkdir(parents=True, exist_ok=True)
    link_programs(layer / "usr/bin", root)
    subprocess.run(["chown", "-R", "1000:1000", str(layer / "home/pi")], check=True)


def _cpu_files(cores: int) -> dict[str, str]:
    # Without these three the cpuinfo library of the runtimes warns and sees one core.
    last = f"0-{cores - 1}\n" if cores > 1 else "0\n"
    return {f"sys/devices/system/cpu/{name}": last for name in ("possible", "present", "online")}


def link_programs(folder: Path, root: Path) -> None:
    """Busybox under each of its names that no package of `root` took."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = subprocess.run([_qemu(root), str(root / "usr/bin/busybox"), "--list"], capture_output=True, text=True)
    for name in listed.stdout.split():
        if not any((root / "usr" / place / name).exists() for place in ("bin", "sbin")):
            (folder / name).symlink_to("busybox")


def _qemu(root: Path) -> str:
    machine = (root / "usr/bin/busybox").read_bytes()[18]
    return "/usr/bin/qemu-aarch64-static" if machine == 0xB7 else "/usr/bin/qemu-arm-static"
