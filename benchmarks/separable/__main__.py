"""`python -m benchmarks.separable [--measure]`: draw the pictures of the page and write it, in both languages."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from .page import DOCS, MEASURED, write_page


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.separable", description=__doc__)
    parser.add_argument("--measure", action="store_true", help=f"measure on this machine first, into {MEASURED.name}")
    parser.add_argument("-o", "--output", type=Path, default=DOCS, help="the folder of the documentation")
    arguments = parser.parse_args()
    if arguments.measure:
        from .measure import measured
        from .weights import weight_facts

        with tempfile.TemporaryDirectory(prefix="separable-") as scratch:
            weights = weight_facts(Path(scratch))
            found = measured(Path(scratch)) | {"weights": weights}
        MEASURED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for path in write_page(arguments.output):
        print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
