"""JSON that was checked field by field: what is missing, unknown or of another kind is refused by its name."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from .errors import Refused

__all__ = ["Reader", "parsed"]

MOST_BYTES = 1 << 20


def parsed(where: str, data: bytes, kind: str) -> Reader:
    """The object that `data` is. Raises Refused of this kind."""
    if len(data) > MOST_BYTES:
        raise Refused(where, f"{len(data)} bytes; at most {MOST_BYTES} are accepted", kind=kind)
    try:
        return Reader(where, "", json.loads(data.decode("utf-8")), kind)
    except (ValueError, RecursionError) as error:
        raise Refused(where, "is no JSON", kind=kind) from error


class Reader:
    """An object's fields, each read once by its kind; `end` refuses what nobody read."""

    def __init__(self, where: str, path: str, value: object, kind: str) -> None:
        self._where, self._path, self._kind = where, path, kind
        if not isinstance(value, dict):
            raise self.refused("", "is no JSON object")
        self._left: dict[str, Any] = dict(value)

    def text(self, name: str, default: str | None = None) -> str:
        value = self._take(name, default)
        if not isinstance(value, str):
            raise self.refused(name, "is no text")
        return value

    def maybe(self, name: str) -> str | None:
        """Text or null."""
        value = self._take(name, None)
        if value is not None and not isinstance(value, str):
            raise self.refused(name, "is neither text nor null")
        return value

    def whole(self, name: str, least: int = 0, default: int | None = None) -> int:
        value = self._take(name, default)
        if type(value) is not int or not least <= value < 1 << 63:
            raise self.refused(name, f"is no whole number of at least {least}")
        return value

    def number(self, name: str, default: float) -> float:
        """Above 0."""
        value = self._take(name, default)
        if type(value) not in (int, float) or not 0 < value < 1e9:
            raise self.refused(name, "is no number above 0")
        return float(value)

    def share(self, name: str) -> float:
        """0 to 1."""
        value = self._take(name, None)
        if type(value) not in (int, float) or not 0 <= value <= 1:
            raise self.refused(name, "is no share, 0 to 1")
        return float(value)

    def words(self, name: str) -> tuple[str, ...]:
        """A list of texts; () where there is none."""
        value = self._take(name, [])
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise self.refused(name, "is no list of texts")
        return tuple(value)

    def texts(self, name: str) -> dict[str, str]:
        """An object of texts; {} where there is none."""
        value = self._take(name, {})
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise self.refused(name, "is no object of texts")
        return dict(value)

    def object(self, name: str) -> Reader:
        """{} where there is none."""
        return Reader(self._where, self._full(name), self._take(name, {}), self._kind)

    def objects(self, name: str) -> list[Reader]:
        value = self._take(name, [])
        if not isinstance(value, list):
            raise self.refused(name, "is no list")
        return [
            Reader(self._where, f"{self._full(name)}[{number}]", entry, self._kind)
            for number, entry in enumerate(value)
        ]

    def maybe_object(self, name: str) -> Reader | None:
        value = self._take(name, None)
        return None if value is None else Reader(self._where, self._full(name), value, self._kind)

    def names(self) -> Iterable[str]:
        """Of the fields that nobody read yet."""
        return sorted(self._left)

    def end(self) -> None:
        for name in self._left:
            raise self.refused(name, "is unknown")

    def refused(self, name: str, what: str, hint: str = "") -> Refused:
        field = self._full(name)
        told = f"{field[:80]!a} {what}" if field else what
        return Refused(self._where, told, kind=self._kind, hint=hint)

    def _full(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path and name else self._path or name

    def _take(self, name: str, default: Any) -> Any:
        return self._left.pop(name, default)
