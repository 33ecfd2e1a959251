"""`sepia explain SOURCE`: which layers of a float network are separable, which could be, and what that would save."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..check.model_folder import ModelFolder
from ..errors import ConfigError, InputError, ModelError
from ..report.separability import KindRow, LayerRow, Pair, Possible, Saving, Separability
from .export_files import write_onnx
from .progress import Report, silent

if TYPE_CHECKING:
    import onnx_ir as ir

    from ..graph.cost import LayerCost
    from ..models.separate.convolution import Convolution

__all__ = ["explained_as", "separability", "separability_files"]


def explained_as(model: str, *, measured: Mapping[str, object]) -> str | None:
    """What `separability_files` is to read; None where `model` is a folder whose int8 file is to be explained.

    A folder is taken for itself before a network of the zoo of that name, if it holds a network. measured: options
    that only an int8 file has a use for, None where not given. Raises InputError and ConfigError.
    """
    from ..models.zoo import ZOO

    source, path = model, Path(model)
    if path.is_dir():
        folder = ModelFolder(path)
        if folder.artifact("onnx", "int8").path.is_file():
            return None
        float_file = folder.artifact("onnx", "float").path
        if float_file.is_file():
            source = str(float_file)
        elif model.lower() not in ZOO:
            raise InputError(
                model, "holds no network", accepted="model.onnx, or model.int8.onnx beside it", hint="sepia export"
            )
    for option, given in measured.items():
        if given is not None:
            raise ConfigError(
                option,
                f"there is no int8 file in {model} to measure",
                accepted="a folder with model.int8.onnx",
                hint="sepia quantize DIR makes one",
            )
    return source


def separability_files(source: str, *, progress: Report = silent) -> Separability:
    """Of what `source` names: a zoo name, `file.py:factory`, a `.pt2` or an `.onnx` of floats. Nothing is written.

    Raises ModelError, also for a file that is quantised already, and GraphError.
    """
    from ..graph.adopt import is_quantized
    from ..graph.load import load_graph

    progress(f"{source}: capture", 0, 0)
    with tempfile.TemporaryDirectory(prefix="sepia-") as scratch:
        onnx = Path(scratch) / "model.onnx"
        write_onnx(source, onnx, Path(scratch))
        model = load_graph(onnx)
    if is_quantized(model):
        raise ModelError(
            source,
            "is quantised already",
            accepted="the float network that it was made from",
            hint=f"for where int8 loses: sepia export {source} -o DIR, and sepia explain DIR",
        )
    return separability(model, source)


def separability(model: ir.Model, source: str) -> Separability:
    """Of a loaded graph; `model` is left as it is. source: its name in the record."""
    from ..graph.cost import graph_cost, separable_share
    from ..graph.pairs import layer_pairs
    from ..graph.passes import canonicalize

    model = canonicalize(model)
    costs = graph_cost(model)
    layers = tuple(_layer(node, cost) for node, cost in zip(model.graph, costs, strict=True) if cost.macs)
    params, macs = sum(cost.params for cost in costs), sum(cost.macs for cost in costs)
    return Separability(
        source=source,
        params=params,
        macs=macs,
        separable_share=separable_share(costs),
        kinds=_kinds(layers),
        pairs=tuple(Pair(kind=str(pair.kind), first=pair.first, second=pair.second) for pair in layer_pairs(model)),
        layers=layers,
        savings=_savings(layers, params, macs),
    )


def _layer(node: ir.Node, cost: LayerCost) -> LayerRow:
    from ..graph.shapes import static_shape
    from ..models.separate.possible import possibilities, why_none

    possible: tuple[Possible, ...] = ()
    why: str | None = f"{cost.kind}: no convolution"
    kernel: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    shape_in = static_shape(_value(node.inputs[0]))
    # The sides of a matrix; a product of two vectors has none.
    channels = (*shape_in, 1)[max(len(shape_in) - 1, 0)], (1, *cost.output_shape)[-1]
    if cost.op in ("Conv", "ConvTranspose"):
        layer = _convolution(node, cost)
        kernel, strides = layer.kernel, layer.strides
        channels = shape_in[1], cost.output_shape[1]
        # The layer is what `graph` says that it is; techniques know none but layers of one group.
        found = possibilities(layer, str(cost.kind))
        possible = tuple(
            Possible(
                technique=one.technique,
                rank=one.rank,
                exact_rank=one.exact_rank,
                saves_to_rank=one.saves_to_rank,
                params=one.params,
                macs=one.macs,
                macs_ratio=one.macs / cost.macs,
                formula=one.formula,
                formula_ratio=one.formula_ratio,
            )
            for one in found
        )
        why = None if possible else why_none(layer, str(cost.kind))
    return LayerRow(
        layer=cost.name,
        kind=str(cost.kind),
        separable=cost.kind.separable,
        kernel=kernel,
        strides=strides,
        groups=node.attributes.get_int("group", 1),
        channels_in=channels[0],
        channels_out=channels[1],
        size_out=cost.output_shape[2:] if kernel else (),
        params=cost.params,
        macs=cost.macs,
        possible=possible,
        why_none=why,
    )


def _convolution(node: ir.Node, cost: LayerCost) -> Convolution:
    """Shapes alone: what the techniques count by holds no weight."""
    from ..graph.shapes import static_shape
    from ..models.separate.convolution import Convolution

    shape = static_shape(_value(node.inputs[1]))
    pads = node.attributes.get_ints("pads")
    half = len(pads) // 2
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    return Convolution(
        cost.name,
        np.broadcast_to(np.float32(0), shape),
        None if bias is None else np.broadcast_to(np.float32(0), static_shape(bias)),
        tuple(node.attributes.get_ints("strides")),
        tuple(zip(pads[:half], pads[half:], strict=True)),
        tuple(node.attributes.get_ints("dilations")),
        static_shape(_value(node.inputs[0]))[2:],
        cost.output_shape[2:],
    )


def _value(value: ir.Value | None) -> ir.Value:
    if value is None:
        raise ValueError("a layer with MACs has an input and a weight")
    return value


def _kinds(layers: Iterable[LayerRow]) -> tuple[KindRow, ...]:
    by_kind: dict[str, list[LayerRow]] = {}
    for row in layers:
        by_kind.setdefault(row.kind, []).append(row)
    found = [
        KindRow(
            kind=kind,
            layers=len(rows),
            params=sum(row.params for row in rows),
            macs=sum(row.macs for row in rows),
        )
        for kind, rows in by_kind.items()
    ]
    return tuple(sorted(found, key=lambda row: (-row.macs, row.kind)))


def _savings(layers: Sequence[LayerRow], params: int, macs: int) -> tuple[Saving, ...]:
    """What the whole network would cost: by layer the least, then each technique wherever it saves."""
    least = {row.layer: row.possible[0] for row in layers if row.possible}
    if not least:
        return ()
    techniques = list(dict.fromkeys(one.technique for row in layers for one in row.possible))
    found = [_saving(None, least, layers, params, macs)]
    for technique in techniques:
        chosen = {row.layer: one for row in layers for one in row.possible if one.technique == technique}
        found.append(_saving(technique, chosen, layers, params, macs))
    return tuple(found)


def _saving(
    technique: str | None, chosen: Mapping[str, Possible], layers: Sequence[LayerRow], params: int, macs: int
) -> Saving:
    rows = [row for row in layers if row.layer in chosen]
    new_macs = macs + sum(chosen[row.layer].macs - row.macs for row in rows)
    separable = sum(
        chosen[row.layer].macs if row.layer in chosen else row.macs
        for row in layers
        if row.layer in chosen or row.separable
    )
    return Saving(
        technique=technique,
        layers=len(rows),
        params=params + sum(chosen[row.layer].params - row.params for row in rows),
        macs=new_macs,
        separable_share=separable / new_macs,
    )
