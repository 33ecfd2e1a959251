"""What a virtual board boots from: Debian's arm64 kernel, and a small initial file system with the modules it needs."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

from platformdirs import user_cache_path
from sepia.devices import debian

from support.arm_root import arm_root

__all__ = ["make_kernel"]

_MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_rng", "crc32c_generic", "ext4")

# Of the kernel package, what the machine has no use for: nine tenths.
_UNUSED = (
    "./usr/share",
    *(
        f"./lib/modules/*/kernel/{name}"
        for name in ("arch", "drivers/gpu", "drivers/media", "drivers/net/ethernet", "drivers/net/wireless", "sound")
    ),
)


def make_kernel(folder: Path, init: str, *, modules: Iterable[str] = ()) -> Path:
    """The kernel's file; writes `initrd` into `folder`.

    init: the script that the kernel starts; `/modules` there names the modules in their order. modules: others than
    those of the disk and the network.
    """
    cache = user_cache_path("sepia") / "debian"
    others = ("[!l]*", "l[!i]*", "li[!n]*")  # what the package needs to be installed, not to be run
    tree = debian.make_root("arm64", "bookworm", ["linux-image-arm64"], cache, without=others, exclude=_UNUSED)
    found = {file.stem.replace("-", "_"): file for file in (tree / "lib/modules").rglob("*.ko")}
    files: dict[str, bytes] = {"init": init.encode(), "bin/busybox": (arm_root("arm64") / "bin/busybox").read_bytes()}
    order = list(_in_order((*_MODULES, *modules), found))
    files |= {f"{name}.ko": found[name].read_bytes() for name in order}
    files["modules"] = "".join(f"{name}.ko\n" for name in order).encode()
    (folder / "initrd").write_bytes(gzip.compress(_archive(("bin", "dev", "disk", "proc", "sys"), files), 1))
    return next((tree / "boot").glob("vmlinuz-*"))


def _in_order(names: Iterable[str], modules: dict[str, Path]) -> Iterable[str]:
    """Each module after those that it needs, once. One that has no file is built into the kernel."""
    done: dict[str, None] = {}

    def add(name: str) -> None:
        if name in done or name not in modules:
            return
        told = modules[name].read_bytes().partition(b"\0depends=")[2].partition(b"\0")[0].decode()
        for needed in filter(None, told.split(",")):
            add(needed.replace("-", "_"))
        done[name] = None

    for name in names:
        add(name)
    return done


def _archive(folders: Iterable[str], files: dict[str, bytes]) -> bytes:
    """An initramfs in cpio's "newc" form: kernel documentation, driver-api/early-userspace/buffer-format."""
    entries = [(name, 0o040755, b"") for name in folders]
    entries += [(name, 0o100755, data) for name, data in files.items()]
    entries.append(("TRAILER!!!", 0, b""))
    pieces = []
    for number, (name, mode, data) in enumerate(entries, 1):
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        pieces += [head, b"\0" * (-len(head) % 4), data, b"\0" * (-len(data) % 4)]
    return b"".join(pieces)
