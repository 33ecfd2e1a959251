"""`sepia models`."""

from __future__ import annotations

import click

from .output import json_option, print_result

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
            "separable_share": entry.separable_share,
            "input": list(entry.input_shape),
            "weights": entry.weights,
            "reference": entry.reference,
        }
        for entry in ZOO.values()
    ]
    lines = [f"{'name':<20} {'params M':>8} {'MACs M':>8} {'separable':>9}  {'input':<14} weights"]
    lines += [
        f"{entry.name:<20} {entry.parameters / 1e6:>8.2f} {entry.macs / 1e6:>8.1f} {entry.separable_share:>9.1%}  "
        f"{'×'.join(map(str, entry.input_shape[1:])):<14} {entry.weights or 'none'}"
        for entry in ZOO.values()
    ]
    print_result(rows, as_json=as_json, text="\n".join(lines))
