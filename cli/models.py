"""`sepia models`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .output import json_option, print_result

if TYPE_CHECKING:
    from ..models.zoo import ZooEntry

__all__ = ["command"]


@click.command("models")
@json_option
def command(as_json: bool) -> None:
    """List the zoo: parameters and MACs as published, the share of MACs in separable layers, weights or none."""
    from ..models.zoo import ZOO

    rows = [
        {
            "name": entry.name,
            "parameters": entry.parameters,
            "macs": entry.macs,
            "separable_share": entry.separable_macs / entry.macs,
            "input": list(entry.input_shape),
            "weights": entry.weights,
            "reference": entry.reference,
        }
        for entry in ZOO.values()
    ]
    lines = [f"{'name':<20} {'params M':>8} {'MACs M':>8} {'separable':>9}  {'input':<14} weights"]
    lines += [_line(entry) for entry in ZOO.values()]
    print_result(rows, as_json=as_json, text="\n".join(lines))


def _line(entry: ZooEntry) -> str:
    share = entry.separable_macs / entry.macs
    shape = "×".join(map(str, entry.input_shape[1:]))
    counts = f"{entry.parameters / 1e6:>8.2f} {entry.macs / 1e6:>8.1f} {share:>9.1%}"
    return f"{entry.name:<20} {counts}  {shape:<14} {entry.weights or 'none'}"
