"""A page of the documentation that tests write: one row a fault, with the line that was seen when it happened.

The page is a golden: every line in it was produced by the test of that fault, is compared with what the test gets now,
and is written anew by `pytest --regen`.
"""

from __future__ import annotations

import fcntl
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FaultPage", "Saw"]

Saw = Callable[[str, str], None]
"""`saw(fault, line)`: the user saw `line` of the `fault`, a name in the page's rows."""


@dataclass(frozen=True)
class FaultPage:
    """rows: fault → what comes after it, in the page's order. head: the page until the table's first row.

    starts: what a line may begin with. settle: leaves out of a line what differs from run to run.
    """

    path: Path
    rows: Mapping[str, str]
    head: str
    starts: tuple[str, ...]
    settle: Callable[[str], str]

    def saw(self, fault: str, line: str, *, regen: bool) -> None:
        """Compare `line` with the page's, or write it there. Fails if it is not one line with the right beginning."""
        assert "\n" not in line, line
        assert line.startswith(self.starts), line
        told = self.settle(line)
        if regen:
            self._write(fault, told)
        assert told == self.read().get(fault), f"the page is of another time: run pytest --regen ({self.path})"

    def read(self) -> dict[str, str]:
        """Fault → line, as the page has them."""
        if not self.path.is_file():
            return {}
        rows = re.findall(r"^\| ([^|]+) \| `(.*)` \| .* \|$", self.path.read_text(encoding="utf-8"), re.MULTILINE)
        return {fault: line.replace("\\|", "|") for fault, line in rows}

    def _write(self, fault: str, line: str) -> None:
        with (Path(tempfile.gettempdir()) / "sepia-faults.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lines = self.read() | {fault: line}
            text = "".join(
                f"| {name} | `{lines[name].replace('|', chr(92) + '|')}` | {after} |\n"
                for name, after in self.rows.items()
                if name in lines
            )
            self.path.write_text(self.head + text, encoding="utf-8")
