"""Convolutions and pools say their kernel, strides, dilations, pads and groups outright."""

from __future__ import annotations

from math import ceil

import onnx_ir as ir

from ..edit import is_op

__all__ = ["explicit_attributes"]

_CONVOLUTIONS = ("Conv", "ConvTranspose")
_POOLS = ("AveragePool", "MaxPool", "LpPool")


def explicit_attributes(model: ir.Model) -> bool:
    """Write defaults out, and auto_pad and output_shape as pads. Exact.

    Requires known shapes. Ensures: every Conv, ConvTranspose and windowed pool has kernel_shape, strides, dilations and
    pads (convolutions also group), and no auto_pad or output_shape.
    """
    changed = False
    for node in model.graph:
        if is_op(node, *_CONVOLUTIONS, *_POOLS):
            changed |= _spell_out(node)
    return changed


def _spell_out(node: ir.Node) -> bool:
    before = {name: str(attribute.value) for name, attribute in node.attributes.items()}
    convolution = is_op(node, *_CONVOLUTIONS)
    weight = node.inputs[1] if convolution else None
    kernel = list(node.attributes.get_ints("kernel_shape", []))
    if not kernel and weight is not None and weight.shape is not None:
        kernel = list(weight.shape.numpy()[2:])
    if not kernel:
        return False
    ones = [1] * len(kernel)
    strides = list(node.attributes.get_ints("strides", ones))
    dilations = list(node.attributes.get_ints("dilations", ones))
    extents = [(size - 1) * step + 1 for size, step in zip(kernel, dilations, strict=True)]
    settings = {
        "kernel_shape": kernel,
        "strides": strides,
        "dilations": dilations,
        "pads": _pads(node, extents, strides),
    }
    for name, value in settings.items():
        node.attributes[name] = ir.AttrInt64s(name, value)
    if convolution:
        node.attributes["group"] = ir.AttrInt64("group", node.attributes.get_int("group", 1))
    node.attributes.pop("auto_pad", None)
    node.attributes.pop("output_shape", None)
    return before != {name: str(attribute.value) for name, attribute in node.attributes.items()}


def _pads(node: ir.Node, extents: list[int], strides: list[int]) -> list[int]:
    auto = node.attributes.get_string("auto_pad", "NOTSET")
    if "output_shape" not in node.attributes and auto in ("NOTSET", "VALID"):
        none = [0] * (2 * len(extents))
        return none if auto == "VALID" else list(node.attributes.get_ints("pads", none))
    totals = _totals(node, extents, strides)
    small, large = [total // 2 for total in totals], [total - total // 2 for total in totals]
    # The odd one goes to the end for SAME_UPPER; for ConvTranspose with output_shape and no auto_pad, to the start.
    return small + large if auto == "SAME_UPPER" else large + small


def _totals(node: ir.Node, extents: list[int], strides: list[int]) -> list[int]:
    source, result = node.inputs[0], node.outputs[0]
    sizes = _positions(source)
    if is_op(node, "ConvTranspose"):
        extra = list(node.attributes.get_ints("output_padding", [0] * len(extents)))
        wanted = list(node.attributes.get_ints("output_shape", []))[-len(extents) :]
        if not wanted and result.shape is not None:
            wanted = _positions(result)
        rows = zip(sizes, extents, strides, extra, wanted, strict=True)
        return [max(0, (size - 1) * step + more + extent - out) for size, extent, step, more, out in rows]
    rows3 = zip(sizes, extents, strides, strict=True)
    return [max(0, (ceil(size / step) - 1) * step + extent - size) for size, extent, step in rows3]


def _positions(value: ir.Value | None) -> list[int]:
    """Sizes behind batch and channels; the batch may be open."""
    dims = () if value is None or value.shape is None else value.shape.dims[2:]
    return [size for size in dims if isinstance(size, int)]
