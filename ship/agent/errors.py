"""What the agent refuses, in one line: where, what, and what next."""

from __future__ import annotations

__all__ = ["Refused"]


class Refused(Exception):
    """where: the file, version or address. what: what is wrong with it. hint: what to do next, or "".

    kind: the one word by which the host and the state file know the cause ("signature", "expired", "rollback",
    "self-test", "disk", …).
    """

    def __init__(self, where: str, what: str, *, kind: str, hint: str = "") -> None:
        self.where = where
        self.what = what
        self.kind = kind
        self.hint = hint
        super().__init__(where, what)

    def __str__(self) -> str:
        told = f"{self.where}: {self.what}" + (f"; next: {self.hint}" if self.hint else "")
        return " ".join(told.split())
