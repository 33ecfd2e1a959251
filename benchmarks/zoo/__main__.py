"""`python -m benchmarks.zoo`: each network in a process of its own. The table on stdout, progress on stderr."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sepia.models.zoo import ZOO

from ..machine import describe
from .carried import Carried, carry
from .page import page

_COMMAND = "python -m benchmarks.zoo"


def main() -> int:
    arguments = _arguments()
    if arguments.one:
        with tempfile.TemporaryDirectory(prefix="sepia-zoo-") as folder:
            carry(arguments.one, Path(folder), recipe=arguments.recipe).write(arguments.out / f"{arguments.one}.json")
        return 0
    if arguments.fresh and arguments.out.is_dir():
        shutil.rmtree(arguments.out)
    arguments.out.mkdir(parents=True, exist_ok=True)
    failed = [name for name in arguments.only if not _made(name, arguments)]
    files = [arguments.out / f"{name}.json" for name in ZOO]
    print(page([Carried.read(file) for file in files if file.is_file()], describe(), _COMMAND))
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=_COMMAND, description=__doc__)
    parser.add_argument("--only", nargs="*", choices=ZOO, default=list(ZOO), help="networks (default: all)")
    parser.add_argument("--recipe", default="fast", help="to quantise by (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("build/zoo"), help="a row each, kept (default: %(default)s)")
    parser.add_argument("--fresh", action="store_true", help="throw away the rows that are there")
    parser.add_argument("--one", choices=ZOO, help=argparse.SUPPRESS)
    return parser.parse_args()


def _made(name: str, arguments: argparse.Namespace) -> bool:
    row, log = arguments.out / f"{name}.json", arguments.out / f"{name}.log"
    if row.is_file():
        return True
    print(f"{name} …", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "benchmarks.zoo", "--one", name, "--out", str(arguments.out)]
    with log.open("wb") as text:
        done = subprocess.run([*command, "--recipe", arguments.recipe], stdout=text, stderr=text, check=False)
    if done.returncode:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        print(f"{name}: failed: {''.join(last)[:300]} (see {log})", file=sys.stderr, flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
