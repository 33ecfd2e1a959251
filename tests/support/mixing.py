"""Quantisations of small networks whose layers can be left in float set by set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
from sepia.quantize.fitted import Fitted, Task
from sepia.quantize.mixed.variants import Variants

from .graphs import NetBuilder
from .quantising import Quantised, quantised

__all__ = ["variants_of"]


def variants_of(
    net: NetBuilder | onnx.ModelProto, folder: Path, *, samples: int = 32, recipe: Any = "minmax", **rest: Any
) -> tuple[Quantised, Variants]:
    """Quantise `net` with all layers in int8, and the sets of it."""
    held: list[tuple[Task, Fitted]] = []

    def leave(task: Task, fitted: Fitted) -> tuple[str, ...]:
        held.append((task, fitted))
        return ()

    found = quantised(net, folder, recipe=recipe, leave=leave, **rest)
    return found, Variants(*held[0], samples=samples)
