"""Several results as one: the rows of all, and the facts of all where they don't contradict each other."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from ..errors import InputError
from .facts import DeviceFacts
from .results import Results

__all__ = ["merge"]

T = TypeVar("T")


def merge(results: Sequence[Results]) -> Results:
    """All of `results` in one, in their order.

    Raises InputError if there are none, if two hold the same row, or two files of one name and other contents: those
    are results of different times, which `compare` puts side by side.
    """
    if not results:
        raise InputError("report", "there are no results", hint="`sepia bench` writes results.json")
    if len(results) == 1:
        return results[0]
    _refuse_twins(results)
    tools: dict[str, list[str]] = {}
    for name, version in (item for result in results for item in result.tools.items()):
        tools.setdefault(name, []).append(version)
    return Results(
        created=max((result.created for result in results if result.created), default=None),
        sepia_version=_listed(result.sepia_version for result in results),
        command=_listed((result.command for result in results), " ; "),
        data=_listed(result.data for result in results),
        models=_unique((item for result in results for item in result.models), lambda item: item.name),
        devices=_devices(item for result in results for item in result.devices),
        quantizations=_unique(
            (item for result in results for item in result.quantizations), lambda item: (item.model, item.recipe)
        ),
        rows=tuple(row for result in results for row in result.rows),
        parity=_unique((item for result in results for item in result.parity), _itself),
        layer_errors=_unique((item for result in results for item in result.layer_errors), _itself),
        files=_unique((item for result in results for item in result.files), lambda item: (item.model, item.file)),
        tools={name: _listed(versions) or "" for name, versions in tools.items()},
    )


def _refuse_twins(results: Sequence[Results]) -> None:
    rows = set()
    digests: dict[tuple[str, str], str] = {}
    for result in results:
        for row in result.rows:
            if row.key in rows:
                raise InputError(row.name, "two of the results hold this row", hint="`sepia compare OLD NEW`")
            rows.add(row.key)
        for file in result.files:
            if digests.setdefault((file.model, file.file), file.sha256) != file.sha256:
                what = "two of the results speak of different files of this name"
                raise InputError(f"{file.model}/{file.file}", what, hint="`sepia compare OLD NEW`")


def _devices(items: Iterable[DeviceFacts]) -> tuple[DeviceFacts, ...]:
    """Each once, by its name; one that failed in any of the results has failed."""
    devices = tuple(items)
    failures = {item.name: item.failure for item in reversed(devices) if item.failure}
    once = _unique(devices, lambda item: item.name)
    return tuple(item.model_copy(update={"failure": failures.get(item.name)}) for item in once)


def _unique(items: Iterable[T], key: Callable[[T], Hashable]) -> tuple[T, ...]:
    found: dict[Hashable, T] = {}
    for item in items:
        found.setdefault(key(item), item)
    return tuple(found.values())


def _itself(item: object) -> str:
    return repr(item)


def _listed(words: Iterable[str | None], between: str = ", ") -> str | None:
    return between.join(dict.fromkeys(word for word in words if word)) or None
