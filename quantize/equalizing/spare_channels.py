"""Dead channels put to use: copies of the channel whose rounding costs most, each a fraction of a step further on.

A tensor has one grid, and now and then a layer that reads it makes much of one channel (a depthwise filter with weights
of 15 where others have 1). Much of the network's error is then that channel's rounding, and no other grid helps.
But trained networks have channels that never fire. A copy of channel c in the place of a dead one, its bias moved by
part of a step of the grid, is rounded elsewhere; the mean of k such copies is c on a grid k times as fine: subtractive
dither (Gray and Neuhoff 1998, "Quantization", section V.E) without a random number. Shapes and MACs stay as they are.

                 x + d₁ ──► depthwise ──► ┐
    writer ──►   x + d₂ ──► depthwise ──► ├─► pointwise, its weights for each copy 1/k of those for c
                 x + d₃ ──► depthwise ──► ┘

The depthwise bias takes d·Σw away again. Where a border cuts taps off it takes too much, by less than half a step; the
copies' d add up to nothing, so that cancels, but for the copies that an activation function bends there. A constant
that a dead channel's filter put out goes into the last bias.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ...graph.edit import clip_bounds
from ...graph.kinds import Kind, kind_of
from ..calibration.channel_statistics import ChannelStatistics
from .rescale import LayerArrays, read_arrays, write_arrays
from .streams import Stream, find_streams

__all__ = ["Spare", "find_spares", "spare_channels"]

Floats = NDArray[np.float64]
_STEPS = 255


@dataclass(frozen=True)
class Spare:
    """A tensor with dead channels. writer: the layer that makes it. reader: the one that reads it. mixer: that which
    reads the reader's output, if the reader is depthwise, and between: ends that Relu and Clip keep that output inside.
    value: its name, as the reader reads it. source: name of what the writer reads.
    """

    value: str
    source: str
    writer: str
    reader: str
    mixer: str | None
    between: tuple[float, float] = (-np.inf, np.inf)


def find_spares(model: ir.Model) -> tuple[Spare, ...]:
    """Tensors whose dead channels could be used, dead or not: between one layer that mixes channels and another."""
    nodes = {node.name or "": node for node in model.graph}
    streams = [stream for stream in find_streams(model) if stream.pair and stream.rectified]
    by_writer = {stream.writers[0]: stream for stream in streams}
    linear = {s.writers[0]: s for s in find_streams(model) if len(s.writers) == len(s.readers) == 1 and not s.joined}
    found = []
    for stream in by_writer.values():
        writer, reader = nodes[stream.writers[0]], nodes[stream.readers[0]]
        source, value = writer.inputs[0], reader.inputs[0]
        if not _mixes(writer) or source is None or value is None or _pooled(stream, nodes):
            continue
        mixer, between = None, (-np.inf, np.inf)
        if kind_of(reader) is Kind.DEPTHWISE:
            after = linear.get(reader.name or "")
            if after is None or len(_shape(reader)) == 0 or _shape(reader)[0] != stream.channels:
                continue
            mixer = after.readers[0]
            # What a dead channel's filter puts out, a constant, goes into the mixer's bias. That is right at every
            # position only where no border cuts it off.
            if kind_of(nodes[mixer]) not in (Kind.POINTWISE, Kind.FULLY_CONNECTED) or _pooled(after, nodes):
                continue
            between = _ends(after, nodes)
        elif not _mixes(reader):
            continue
        found.append(Spare(value.name or "", source.name or "", writer.name or "", reader.name or "", mixer, between))
    return tuple(found)


def spare_channels(model: ir.Model, seen: Mapping[str, ChannelStatistics]) -> ir.Model:
    """A copy of `model` with its dead channels put to use; `model` itself where there are none.

    seen: statistics of `value` and `source` of each of `find_spares`. A channel is dead if no input within the ends
    seen at `source` can make it fire, whatever they are together.
    """
    copy = model.clone()
    spares = find_spares(copy)
    names = {name for spare in spares for name in (spare.writer, spare.reader, spare.mixer) if name}
    arrays = read_arrays(copy, names)
    used = [
        _use(
            arrays[spare.writer],
            arrays[spare.reader],
            arrays[spare.mixer] if spare.mixer else None,
            spare.between,
            seen[spare.source],
            float(seen[spare.value].maximum.max()) / _STEPS,
        )
        for spare in spares
    ]
    if not any(used):
        return model
    write_arrays(copy, arrays)
    return copy


def _use(
    writer: LayerArrays,
    reader: LayerArrays,
    mixer: LayerArrays | None,
    between: tuple[float, float],
    inputs: ChannelStatistics,
    step: float,
) -> bool:
    dead = np.flatnonzero(_most(writer, inputs) <= 0.0)
    gains = _gains(reader, mixer)
    gains[dead] = 0.0
    if not len(dead) or len(dead) == len(gains) or step <= 0.0 or not gains.any():
        return False
    if mixer is not None:
        mixer.bias += mixer.weight.reshape(*mixer.weight.shape[:2])[:, dead] @ np.clip(reader.bias[dead], *between)
    copies: dict[int, list[int]] = {}
    for spare in dead:
        # The error of k copies is 1/k of one's: the channel with the most of it left gets the next.
        left = gains / np.array([(1 + len(copies.get(channel, ()))) ** 2 for channel in range(len(gains))])
        copies.setdefault(int(left.argmax()), []).append(int(spare))
    for channel, others in copies.items():
        _copy(writer, reader, mixer, channel, others, step)
    return True


def _copy(
    writer: LayerArrays, reader: LayerArrays, mixer: LayerArrays | None, channel: int, others: list[int], step: float
) -> None:
    count = 1 + len(others)
    shifts = step * (np.arange(count) - (count - 1) / 2) / count
    for other in others:
        writer.weight[other], writer.bias[other] = writer.weight[channel], writer.bias[channel]
        if mixer is not None:
            reader.weight[other], reader.bias[other] = reader.weight[channel], reader.bias[channel]
    all_of_them = [channel, *others]
    writer.bias[all_of_them] += shifts
    if mixer is not None:
        reader.bias[all_of_them] -= shifts * reader.weight[channel].sum()
    last = mixer or reader
    for other in all_of_them[::-1]:
        last.weight[:, other] = last.weight[:, channel] / count


def _most(writer: LayerArrays, inputs: ChannelStatistics) -> Floats:
    """The most that each channel can be, [C_out], for inputs between their ends; a padded zero is one of them."""
    low, high = (np.minimum(inputs.minimum, 0.0), np.maximum(inputs.maximum, 0.0))
    wide = (1, -1, *[1] * (writer.weight.ndim - 2))
    products = np.maximum(writer.weight * low.reshape(wide), writer.weight * high.reshape(wide))
    most: Floats = products.reshape(len(writer.weight), -1).sum(axis=1) + writer.bias
    return most


def _gains(reader: LayerArrays, mixer: LayerArrays | None) -> Floats:
    """Power that noise of power 1 in a channel has where channels are mixed, [C], summed over what is put out there."""
    if mixer is None:
        gains: Floats = np.square(reader.weight).reshape(*reader.weight.shape[:2], -1).sum(axis=(0, 2))
        return gains
    own = np.square(reader.weight).reshape(len(reader.weight), -1).sum(axis=1)
    mixed: Floats = own * np.square(mixer.weight).reshape(*mixer.weight.shape[:2], -1).sum(axis=(0, 2))
    return mixed


def _mixes(node: ir.Node) -> bool:
    return kind_of(node) in (Kind.POINTWISE, Kind.STANDARD, Kind.SPATIALLY_SEPARABLE, Kind.FULLY_CONNECTED)


def _pooled(stream: Stream, nodes: Mapping[str, ir.Node]) -> bool:
    """Whether anything else than Relu and Clip lies between: the reader's input has the writer's grid."""
    return any(nodes[name].op_type not in ("Relu", "Clip", "Identity") for name in stream.carriers)


def _ends(stream: Stream, nodes: Mapping[str, ir.Node]) -> tuple[float, float]:
    low, high = -np.inf, np.inf
    for name in stream.carriers:
        if nodes[name].op_type == "Clip":
            least, most = clip_bounds(nodes[name])
            low, high = max(low, -np.inf if least is None else least), min(high, np.inf if most is None else most)
        elif nodes[name].op_type == "Relu":
            low = max(low, 0.0)
    return low, high


def _shape(node: ir.Node) -> tuple[int, ...]:
    weight = node.inputs[1]
    return tuple(weight.shape.numpy()) if weight is not None and weight.shape is not None else ()
