"""A run of numbers in a process of its own: a line before each graph, a line after it.

A runtime that crashes takes this process with it and nothing else; the last line says on which graph.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import traceback
from pathlib import Path

from .numbered import draw_graph
from .record import done
from .verdict import judged

__all__ = ["main"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.chunk", description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--last", type=int, required=True, help="one beyond the last number")
    parser.add_argument("--to", type=Path, required=True)
    options = parser.parse_args()
    commit = _commit()
    memory = Path("/dev/shm")
    with (
        options.to.open("a", encoding="utf-8") as record,
        tempfile.TemporaryDirectory(prefix="fuzz-", dir=memory if memory.is_dir() else None) as folder,
    ):
        for number in sorted(set(range(options.first, options.last)) - done(options.to)):
            begun = {"begun": number, "commit": commit}
            print(json.dumps(begun), file=record, flush=True)
            try:
                told = judged(draw_graph(options.seed, number), Path(folder)).to_json()
            except Exception:  # noqa: BLE001 (the fuzzer's own fault is a finding, too)
                told = {"broken": traceback.format_exc()[-1500:]}
            print(json.dumps({"number": number, "commit": commit, **told}), file=record, flush=True)


def _commit() -> str:
    """Of the checkout, with a plus where files differ from it; asked here, for a long run may see several."""
    command = ["git", "describe", "--always", "--dirty=+"]
    said = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return said.stdout.strip()


if __name__ == "__main__":
    main()
