"""An emulated core as a board: each command is an ARM program under the host's qemu-user, as this user; no binfmt."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from ..profile import Profile
from ..system import System
from ..transport.children import Children
from ..transport.interface import Ran
from ..transport.local import run_here
from . import plugin
from .counts import Counts, read_counts
from .qemu import find
from .root import EmulatedRoot, default_cache, make_root

__all__ = ["CountingTransport", "EmulatorTransport"]

_PATH = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")
_ELF = b"\x7fELF"


class EmulatorTransport:
    """`profile`'s core with `system`'s programs. name: for errors. cache: by default the user's.

    A command is looked for in the board's own folders, never in the host's; it can start another program through
    `emulator` alone, as the host's kernel would not run it. Absolute paths that the board has not got are the host's:
    what is pushed to its home is there on the host, too. Random numbers at a program's start are the same each time.
    Raises RuntimeUnavailable if there is no qemu; the first `run` makes the root. For the rest see `Transport`.
    """

    how: Literal["emulated"] = "emulated"

    def __init__(self, profile: Profile, system: System, *, name: str, cache: Path | None = None) -> None:
        self.name = name
        self._profile, self._system = profile, system
        self._cache = cache or default_cache()
        self._cpu = profile.qemu_cpu(system.architecture)
        self._qemu = find(system.architecture)
        self._children = Children(name)
        self._lock = threading.Lock()
        self._made: EmulatedRoot | None = None

    @property
    def root(self) -> EmulatedRoot:
        """The board's file system, made if it is not there yet."""
        with self._lock:
            if self._made is None:
                self._made = make_root(self._profile, self._system, self._cache)
            return self._made

    @property
    def emulator(self) -> tuple[str, ...]:
        """The words that a program there has to put before another of the board's, to start it.

        The other is named by its path on this machine, as `BoardFacts.python_path` is.
        """
        return (str(self._qemu.path), "-L", str(self.root.root), "-cpu", self._cpu, "-seed", "1")

    def run(
        self,
        command: Sequence[str],
        *,
        deadline: float,
        stdin: Iterable[bytes] = (),
        environment: Mapping[str, str] | None = None,
        guarded: bool = False,
    ) -> Ran:
        return self._run(command, deadline, stdin, environment, guarded=guarded)

    def counting(self, directory: Path) -> CountingTransport:
        """This board, with the instructions of every run counted between marks and written into `directory`.

        Raises RuntimeUnavailable if that can't be had here: a qemu without plugins, no C compiler.
        """
        built = plugin.build(self._qemu, self._cache / "emulator" / "plugins")
        directory.mkdir(parents=True, exist_ok=True)
        return CountingTransport(self, built, directory.absolute() / "counts.txt")

    def close(self) -> None:
        self._children.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(
        self,
        command: Sequence[str],
        deadline: float,
        stdin: Iterable[bytes],
        environment: Mapping[str, str] | None,
        *,
        guarded: bool,
        options: Sequence[str] = (),
    ) -> Ran:
        board = self.root
        program = _program(command[0], board)
        if program is None:
            return Ran(127, b"", f"{command[0]}: No such file or directory", 0.0)
        if not _is_program(program):
            return Ran(126, b"", f"{command[0]}: Exec format error", 0.0)
        words = self._words(command, program, board, environment or {}, options)
        return run_here(self._children, words, deadline=deadline, stdin=stdin, guarded=guarded, what=command[0])

    def _words(
        self,
        command: Sequence[str],
        program: Path,
        board: EmulatedRoot,
        environment: Mapping[str, str],
        options: Sequence[str],
    ) -> list[str]:
        """env, qemu, program: it starts in its home, and nothing of the user's own environment reaches it."""
        own = {
            "HOME": str(board.home),
            "LANG": "C.UTF-8",
            # NumPy's idle threads spin, the longer the newer qemu is, and are counted: 166 for 63 million instructions.
            "OPENBLAS_NUM_THREADS": "1",
            "PATH": ":".join(_PATH),
            "PYTHONHASHSEED": "0",
            "TMPDIR": str(board.temporary),
            "USER": "pi",
        }
        given = {**own, **environment}
        # Those of the dynamic linker would be heeded by qemu's own, too.
        linker = [f"{name}={given.pop(name)}" for name in list(given) if name.startswith("LD_")]
        qemu = [*self.emulator]
        for one in linker:
            qemu += ["-E", one]
        return [
            shutil.which("env") or "/usr/bin/env",
            "-i",
            "-C",
            str(board.home),
            *(f"{name}={value}" for name, value in given.items()),
            *qemu,
            *options,
            # By its name a Python finds its library, and qemu 7.2 does not lead `statx`, all that a 32-bit program has,
            # into the board's root: so the name is the host's.
            "-0",
            str(program),
            str(program),
            *command[1:],
        ]


class CountingTransport:
    """What `EmulatorTransport.counting` gives: the same board and connection, which stays open when this is closed."""

    how: Literal["emulated"] = "emulated"

    def __init__(self, board: EmulatorTransport, built: Path, counts_file: Path) -> None:
        self.name = board.name
        self.counts_file = counts_file
        self._board = board
        self._options = ["-plugin", f"{_escaped(built)},out={_escaped(counts_file)}"]

    def counts(self) -> tuple[tuple[int, Counts], ...]:
        """Interval and instructions of the runs until now, one after another. Raises BoardError: see `read_counts`."""
        return read_counts(self.counts_file)

    def run(
        self,
        command: Sequence[str],
        *,
        deadline: float,
        stdin: Iterable[bytes] = (),
        environment: Mapping[str, str] | None = None,
        guarded: bool = False,
    ) -> Ran:
        return self._board._run(command, deadline, stdin, environment, guarded=guarded, options=self._options)

    def close(self) -> None:
        """Nothing: the board is its owner's to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _program(word: str, board: EmulatedRoot) -> Path | None:
    """The file on the host behind a command's word."""
    if word.startswith("/"):
        places = [board.root / word[1:], Path(word)]
    elif "/" in word:
        places = [board.home / word]
    else:
        places = [board.root / folder[1:] / word for folder in _PATH]
    return next((place for place in places if place.is_file()), None)


def _is_program(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == _ELF and os.access(path, os.X_OK)


def _escaped(path: Path) -> str:
    """A comma ends a value of qemu's, two are one."""
    return str(path).replace(",", ",,")
