"""Which runtimes can run on this machine, and why the others cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import RuntimeUnavailable

__all__ = ["Usable", "usable_runtimes"]


@dataclass(frozen=True)
class Usable:
    """names: in the order of RUNTIMES. missing: name → why it cannot run here."""

    names: tuple[str, ...]
    missing: dict[str, str]


def usable_runtimes(asked: Sequence[str] | None = None) -> Usable:
    """All that can run here, or those of `asked`.

    Raises ConfigError on an unknown name, and RuntimeUnavailable where one that was asked for by name cannot run.
    """
    from ..runtime import RUNTIMES, runtime_named

    names: list[str] = []
    missing: dict[str, str] = {}
    for runtime in [runtime_named(name) for name in asked] if asked else RUNTIMES.values():
        try:
            runtime.version()
            names.append(runtime.name)
        except RuntimeUnavailable as error:
            if asked:
                raise
            missing[runtime.name] = str(error)
    return Usable(tuple(names), missing)
