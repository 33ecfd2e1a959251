"""Runs inside a virtual board as its first process: looks at the disk after a power cut, before the agent does.

It is told what to do on the serial console, a line each, and answers there with lines that begin with "= "; what the
agent does to the disk comes as lines that begin with "@ ", each just before it is done. Nothing of the agent or of
Sepia is used to judge what is on the disk. The agent and its libraries are loaded before the machine's memory is saved
(`power_board.py`), and a process of the agent is a fork of this one; "plain" loads them from the board's disk.

    go SECONDS SEED   power is on: the clock, what chance there is, the disk of the home
    look MODEL        what `current` is, and what lies beside it
    run WORDS         the agent, as its systemd unit starts it: `python3 -I …/agent/run.py --root … WORDS` as user pi
    plain WORDS       the same in a new Python, nothing loaded before
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import importlib
import json
import os
import pkgutil
import runpy
import struct
import subprocess
import sys
import time
import traceback
from pathlib import Path

HOME = Path("/home/pi")
SHIP = HOME / ".sepia/ship"
RUN = str(SHIP / "agent/run.py")
DRIVER = Path("/sys/bus/virtio/drivers/virtio_blk")
# Data and names reach the disk as far apart as ext4 lets them: what is not synced is lost more often than by default.
MOUNT = "commit=1,noauto_da_alloc,noatime"
_OUT = Path("/tmp/out")
_ADD_ENTROPY, _RESEED = 0x40085203, 0x5207  # RNDADDENTROPY, RNDRESEEDCRNG of linux/random.h


def say(word: str, **told: object) -> None:
    os.write(1, f"= {word} {json.dumps(told)}\n".encode())


def disk() -> str:
    """The driver's name of the home's disk, the second."""
    return next(entry.name for entry in DRIVER.glob("virtio*") if (entry / "block/vdb").is_dir())


def power_on(name: str, seconds: str, seed: str) -> None:
    time.clock_settime(time.CLOCK_REALTIME, float(seconds))
    # Two boots from one memory would else draw the same "random" names.
    with Path("/dev/urandom").open("wb", buffering=0) as source:
        entropy = bytes.fromhex(seed)
        fcntl.ioctl(source, _ADD_ENTROPY, struct.pack("ii", len(entropy) * 8, len(entropy)) + entropy)
        fcntl.ioctl(source, _RESEED)
    (DRIVER / "bind").write_text(name)
    subprocess.run(["/bin/busybox", "mount", "-t", "ext4", "-o", MOUNT, "/dev/vdb", "/home"], check=True)
    say("up")


def look(model: str) -> None:
    """Whether the folder that `current` names is what its manifest says, to the last byte."""
    folder = SHIP / "models" / model
    found: dict[str, object] = {"whole": False, "why": "", "version": None, "manifest": None}
    try:
        found |= judged(folder / "current")
    except (OSError, ValueError, KeyError, TypeError) as error:
        found["why"] = f"{type(error).__name__}: {error}"
    found["beside"] = sorted(beside(folder))
    say("look", **found)


def judged(current: Path) -> dict[str, object]:
    data = (current / "manifest.json").read_bytes()
    manifest = json.loads(data)
    found = {"version": manifest["version"], "manifest": hashlib.sha256(data).hexdigest()}
    declared = {file["path"]: (file["bytes"], file["sha256"]) for file in manifest["files"]}
    # Not `resolve`: seen from outside of a board, its root leads astray.
    real = current.parent / current.readlink()
    there = {
        str(path.relative_to(real)): (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in real.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    wrong = [name for name in sorted({*declared, *there}) if declared.get(name) != there.get(name)]
    return {**found, "whole": not wrong, "why": f"not as the manifest says: {', '.join(wrong)}" if wrong else ""}


def beside(folder: Path) -> list[str]:
    """Names in the model's folder, among its versions and in what is on its way."""
    found = (*folder.glob("*"), *folder.glob("versions/*"), *folder.glob("incoming/*"))
    return [str(path.relative_to(folder)) for path in found]


def run(words: list[str], *, plain: bool) -> None:
    began = time.monotonic()
    child = os.fork()
    if not child:
        try:
            as_pi()
            sys.argv = [RUN, "--root", str(SHIP), *words]
            if plain:
                os.execve("/usr/bin/python3", ["python3", "-I", *sys.argv], dict(os.environ))
            os.write(2, f"@ begin {' '.join(words)}\n".encode())
            sys.addaudithook(tell)
            runpy.run_path(RUN, run_name="__main__")
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:  # noqa: BLE001 - a process of its own: what ends it is told, and it ends
            traceback.print_exc()
            code = 2
        sys.stdout.flush()
        os._exit(code)
    code = wait_for(child)
    lines = _OUT.read_text(encoding="utf-8").splitlines()
    say("ran", code=code, seconds=round(time.monotonic() - began, 2), answer=lines[-1] if lines else "")


def as_pi() -> None:
    out = os.open(_OUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    os.dup2(1, 2)
    os.dup2(out, 1)
    os.setsid()
    os.setgroups([])
    os.setgid(1000)
    os.setuid(1000)
    # Without it (PR_SET_DUMPABLE) a process that changed its user may not read its own /proc entries.
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
    os.chdir(HOME)
    os.environ.clear()
    os.environ.update(HOME=str(HOME), PATH="/usr/bin:/bin", LANG="C.UTF-8")


def wait_for(child: int) -> int:
    """The exit code of `child`; as the first process, whatever else ended is taken note of, too."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status)


_TOLD = {"os.rename", "os.symlink", "os.mkdir", "os.remove", "os.rmdir", "subprocess.Popen"}
_SHIP = str(SHIP) + "/"


def tell(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook: what changes the disk, and which program is started."""
    if event == "open":
        path, _, flags = arguments
        if not (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)) or not isinstance(path, (str, Path)):
            return
        told = [str(path)]
    elif event == "subprocess.Popen":
        told = [os.fspath(word) for word in arguments[1]][:4]  # type: ignore[attr-defined]
    elif event in _TOLD:
        told = [str(word) for word in arguments if isinstance(word, (str, Path))]
    else:
        return
    line = " ".join([event, *(word.removeprefix(_SHIP) for word in told)])
    if "__pycache__" not in line and "/dev/" not in line:
        os.write(2, f"@ {line}\n".encode())


def main() -> None:
    name = disk()
    (DRIVER / "unbind").write_text(name)
    say("ready")
    for line in sys.stdin:
        match line.split():
            case ["go", seconds, seed]:
                power_on(name, seconds, seed)
            case ["look", model]:
                look(model)
            case [("run" | "plain") as how, *words]:
                run(words, plain=how == "plain")


if __name__ == "__main__":
    for library in sys.argv[1:]:
        package = importlib.import_module(library)
        # The agent's parts, of which each command loads its own; the first of a program would start it.
        for part in pkgutil.iter_modules(package.__path__ if library == "sepia_agent" else []):
            if part.name != "__main__":
                importlib.import_module(f"{library}.{part.name}")
    main()
