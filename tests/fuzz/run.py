"""Chunks of numbers over a few processes: what died is noted and gone on from behind, what hangs is ended."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .record import done, unfinished

__all__ = ["run"]

_ROOT = Path(__file__).resolve().parents[2]
_HANGS_S = 300.0
"""No graph takes a second; a busy machine may stretch that."""

Progress = Callable[[int], None]


@dataclass
class _Chunk:
    """Numbers first … last − 1, and the process that is at them."""

    first: int
    last: int
    path: Path
    process: subprocess.Popen[bytes] | None = None
    errors: list[str] = field(default_factory=list)

    @property
    def left(self) -> list[int]:
        return sorted(set(range(self.first, self.last)) - done(self.path))


def run(
    seed: int,
    graphs: int,
    workers: int,
    folder: Path,
    *,
    first: int = 0,
    size: int = 250,
    progress: Progress = lambda count: None,
) -> None:
    """Judge every number from `first` to below `graphs` that `folder` has not settled yet.

    size: of a chunk, the numbers of one process. progress: called with how many are settled.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chunks = [
        _Chunk(start, min(start + size, graphs), folder / f"{start:06}.jsonl") for start in range(first, graphs, size)
    ]
    left = [chunk for chunk in chunks if chunk.left]
    settled = sum(chunk.last - chunk.first for chunk in chunks if chunk not in left)
    waiting = iter(left)
    busy: list[_Chunk] = []
    try:
        while _fill(busy, waiting, workers, seed):
            time.sleep(0.5)
            finished = [chunk for chunk in busy if _finished(chunk, seed)]
            settled += sum(chunk.last - chunk.first for chunk in finished)
            busy = [chunk for chunk in busy if chunk not in finished]
            progress(settled + sum(len(done(chunk.path)) for chunk in busy))
    finally:
        for chunk in busy:
            if chunk.process is not None:
                chunk.process.kill()


def _fill(busy: list[_Chunk], waiting: Iterator[_Chunk], workers: int, seed: int) -> bool:
    while len(busy) < workers and (chunk := next(waiting, None)) is not None:
        _start(chunk, seed)
        busy.append(chunk)
    return bool(busy)


def _program() -> list[str]:
    return ["-m", "tests.fuzz.chunk"]


def _start(chunk: _Chunk, seed: int) -> None:
    first = chunk.left[0]
    ends = ["--seed", str(seed), "--first", str(first), "--last", str(chunk.last)]
    command = [sys.executable, *_program(), *ends, "--to", str(chunk.path.resolve())]
    with chunk.path.with_suffix(".log").open("ab") as log:
        chunk.process = subprocess.Popen(command, cwd=_ROOT, stdout=log, stderr=log)


def _finished(chunk: _Chunk, seed: int) -> bool:
    """Whether the chunk is done. A process that died or hangs has its graph noted and the rest begun again."""
    process = chunk.process
    if process is None:
        return True
    ended = process.poll()
    if ended is None:
        since = chunk.path.stat().st_mtime if chunk.path.exists() else time.time()
        if time.time() - since < _HANGS_S:
            return False
        process.kill()
        process.wait()
        ended = None
    number = unfinished(chunk.path)
    if number is None and chunk.left:
        tail = chunk.path.with_suffix(".log").read_text(errors="replace")[-800:]
        raise RuntimeError(f"numbers {chunk.first} to {chunk.last} ended with {ended} before a graph was begun: {tail}")
    if number is not None:
        how = "hangs" if ended is None else f"ended with {ended}"
        line = json.dumps({"number": number, "crashed": how})
        with chunk.path.open("a", encoding="utf-8") as record:
            print(f"\n{line}", file=record)
    if not chunk.left:
        return True
    _start(chunk, seed)
    return False
