"""`sepia models`."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

import click

from .output import json_option, print_result

if TYPE_CHECKING:
    from ..models.zoo import ZooEntry

__all__ = ["command"]


@click.command("models")
@json_option
def command(as_json: bool) -> None:
    """List the zoo by task: parameters, MACs, the share of MACs in separable layers, weights or none.

    Separable are depthwise, pointwise and spatially separable (k×1, 1×k, 1×k×k) convolutions.
    """
    from ..models.zoo import ZOO

    rows = [
        {
            "name": entry.name,
            "task": str(entry.task),
            "parameters": entry.parameters,
            "macs": entry.macs,
            "separable_share": entry.separable_macs / entry.macs,
            "input": list(entry.input_shape),
            "weights": entry.weights,
            "reference": entry.reference,
        }
        for entry in ZOO.values()
    ]
    wide = max(map(len, ZOO))
    lines = [f"{'name':<{wide}} {'params M':>8} {'MACs M':>8} {'separable':>9}  {'input':<14} weights"]
    for task, entries in groupby(sorted(ZOO.values(), key=_order), key=attrgetter("task")):
        lines += ["", str(task), *(_line(entry, wide) for entry in entries)]
    print_result(rows, as_json=as_json, text="\n".join(lines))


def _order(entry: ZooEntry) -> int:
    return list(type(entry.task)).index(entry.task)


def _line(entry: ZooEntry, wide: int) -> str:
    share = entry.separable_macs / entry.macs
    shape = "×".join(map(str, entry.input_shape[1:]))
    counts = f"{entry.parameters / 1e6:>8.2f} {entry.macs / 1e6:>8.1f} {share:>9.1%}"
    return f"{entry.name:<{wide}} {counts}  {shape:<14} {entry.weights or 'none'}"
