"""3-D layers: as 2-D ones where the kernel lies in a plane or along the depth, else CONV_3D.

[N, D, H, W, C] seen as [N·D, H, W, C] is a batch of images: a 1×k×k layer is a 2-D one over it. Seen as [N, D, H·W, C]
it is one image a sample, and a k×1×1 layer is a k×1 one. Both are exact, in int8 too, and depthwise or not. TFLite has
no depthwise convolution over a volume, and CONV_3D, which LiteRT runs in float alone, has no groups.
"""

from __future__ import annotations

import numpy as np

from ...graph.kinds import Kind
from .layout import channels_last
from .program import Options, Shape
from .rows import Condition, lowers
from .site import Site, dims
from .weights import BIAS_RULE, CONSTANT_WEIGHT, INT8_RULES, bias, weight
from .window import Axis, Window, axes, pad, padded
from .writer import Writer

__all__ = ["global_pool", "max_pool", "plane", "volume"]

_FORMATS = "OpenVINO takes 3-D layers of every kind, and so does ONNX Runtime"


def _walk(site: Site) -> list[Axis]:
    return axes(site, site.integers("kernel_shape") or dims(site.input(1))[2:])


def _still(axis: Axis) -> bool:
    """Each output position reads the same position of the input, and no other."""
    return axis.kernel == axis.stride == 1 and axis.is_valid


def _flat(site: Site) -> bool:
    depth, height, width = _walk(site)
    return _still(depth) or (_still(height) and _still(width))


def _rows(batch: int, depth: int) -> int:
    return -1 if batch < 0 else batch * depth


class _View:
    """A volume as images. frame: the walk over them. shape_in, shape_out: [N, H, W, C]. shape: the result's volume."""

    def __init__(self, shape_in: Shape, walk: list[Axis], channels: int) -> None:
        batch, d, h, w, depth = shape_in
        along, height, width = walk
        self.in_planes = _still(along)
        self.shape: Shape = (batch, along.size_out, height.size_out, width.size_out, channels)
        if self.in_planes:
            self.frame = Window(height, width)
            self.kernel = (height.kernel, width.kernel)
            self.shape_in: Shape = (_rows(batch, d), h, w, depth)
            self.shape_out: Shape = (_rows(batch, d), height.size_out, width.size_out, channels)
        else:
            self.frame = Window(along, Axis(1, 1, 1, 0, 0, h * w, h * w))
            self.kernel = (along.kernel, 1)
            self.shape_in = (batch, d, h * w, depth)
            self.shape_out = (batch, along.size_out, h * w, channels)


_FLAT = Condition(
    "a kernel of 1×k×k or k×1×1 with strides and pads in those directions alone, for TFLite has no depthwise "
    "convolution over a volume, nor one in groups",
    _flat,
    f"{_FORMATS}; a spatially separable layer (1×k×k, then k×1×1) runs here",
)


@lowers(
    "Conv", becomes="CONV_2D or DEPTHWISE_CONV_2D between RESHAPEs", ranks={5}, layout="channels last", data=2,
    conditions=(CONSTANT_WEIGHT, BIAS_RULE, _FLAT), int8=INT8_RULES, fuses=True,
)  # fmt: skip
def plane(site: Site, write: Writer) -> None:
    channels, per_group = dims(site.input(1))[:2]
    image = write.take(site.input(0), channels_last(5), int8=site.int8)
    view = _View(image.shape, _walk(site), channels)
    image = write.reshaped(image, view.shape_in)
    image = image if view.frame.padding else padded(write, image, view.frame)
    fields = {
        "padding": view.frame.padding or "VALID", **view.frame.options, **view.frame.dilations,
        "fusedActivationFunction": write.activation(site),
    }  # fmt: skip
    if site.kind is Kind.DEPTHWISE:
        kernel = weight(site, write, (1, 2, 3, 4, 0), (1, *view.kernel, channels), axis=3)
        op, options = "DEPTHWISE_CONV_2D", Options(
            "DepthwiseConv2DOptions", {**fields, "depthMultiplier": channels // dims(site.input(0))[1]}
        )  # fmt: skip
    else:
        kernel = weight(site, write, channels_last(5), (channels, *view.kernel, per_group), axis=0)
        op, options = "CONV_2D", Options("Conv2DOptions", fields)
    result = write.run(site, op, [image, kernel, bias(site, write, channels)], view.shape_out, options)
    write.finish(site, write.reshaped(result, view.shape), channels_last(5))


@lowers(
    "Conv", becomes="CONV_3D", ranks={5}, layout="channels last", data=2,
    kinds={Kind.STANDARD, Kind.POINTWISE, Kind.SPATIALLY_SEPARABLE}, conditions=(CONSTANT_WEIGHT, BIAS_RULE), int8=None,
    fuses=True,
)  # fmt: skip
def volume(site: Site, write: Writer) -> None:
    """In float: LiteRT has no int8 kernel for it."""
    channels, depth = dims(site.input(1))[:2]
    walk = _walk(site)
    kernel = weight(site, write, (2, 3, 4, 1, 0), (*dims(site.input(1))[2:], depth, channels), axis=4)
    tensor = write.take(site.input(0), channels_last(5), int8=False)
    valid = all(axis.is_valid for axis in walk)
    same = all(axis.is_same for axis in walk)
    if not valid and not same:
        tensor = pad(write, tensor, [(0, 0), *((axis.before, axis.used_after) for axis in walk), (0, 0)])
    fields: dict[str, object] = {
        "padding": "SAME" if same and not valid else "VALID", "fusedActivationFunction": write.activation(site),
    }  # fmt: skip
    for letter, axis in zip("DHW", walk, strict=True):
        fields |= {f"stride{letter}": axis.stride, f"dilation{letter}Factor": axis.dilation}
    sizes = dims(site.output)
    shape = (sizes[0], *sizes[2:], channels)
    inputs = [tensor, kernel, bias(site, write, channels)]
    write.finish(site, write.run(site, "CONV_3D", inputs, shape, Options("Conv3DOptions", fields)), channels_last(5))


# Pools


@lowers(
    "GlobalAveragePool", "GlobalMaxPool", becomes="MEAN or REDUCE_MAX of RESHAPE", ranks={5}, layout="channels last",
    data=1,
)  # fmt: skip
def global_pool(site: Site, write: Writer) -> None:
    """Over [N, D·H, W, C], which every kernel takes."""
    tensor = write.take(site.input(0), channels_last(5), int8=site.int8)
    maximum = site.node.op_type == "GlobalMaxPool"
    tensor = write.on_grid(site, tensor) if maximum else tensor
    batch, depth, height, width, channels = tensor.shape
    flat = write.reshaped(tensor, (batch, depth * height, width, channels))
    places = write.program.constant(f"{site.name}_axes", np.asarray([1, 2], np.int32))
    options = Options("ReducerOptions", {"keepDims": True})
    op = "REDUCE_MAX" if maximum else "MEAN"
    result = write.run(site, op, [flat, places], (batch, 1, 1, channels), options)
    write.finish(site, write.reshaped(result, (batch, 1, 1, 1, channels)), channels_last(5))


@lowers(
    "MaxPool", becomes="MAX_POOL_2D twice", ranks={5}, layout="channels last", data=1,
    conditions=(
        Condition("dilations of 1", lambda site: set(site.integers("dilations", (1,))) == {1}),
        Condition("no output of indices", lambda site: len(site.node.outputs) == 1),
    ),
)  # fmt: skip
def max_pool(site: Site, write: Writer) -> None:
    """Over height and width, then over the depth: the greatest of the greatest."""
    tensor = write.on_grid(site, write.take(site.input(0), channels_last(5), int8=site.int8))
    depth, height, width = _walk(site)
    channels, sizes = tensor.shape[4], tensor.shape[1:4]
    still = [Axis(1, 1, 1, 0, 0, size, size) for size in sizes]
    for walk in ([still[0], height, width], [depth, *(_done(axis) for axis in (height, width))]):
        if all(_still(axis) for axis in walk):
            continue
        view = _View(tensor.shape, walk, channels)
        image = write.reshaped(tensor, view.shape_in)
        if view.frame.padding is None:
            image = padded(write, image, view.frame, write.lowest(image))
        fields = {
            "padding": view.frame.padding or "VALID", **view.frame.options,
            "filterHeight": view.kernel[0], "filterWidth": view.kernel[1], "fusedActivationFunction": "NONE",
        }  # fmt: skip
        options = Options("Pool2DOptions", fields)
        pooled = write.emit(
            "MAX_POOL_2D", [image], view.shape_out, options,
            name=f"{site.output.name}_pooled", dtype=image.dtype, grid=image.quantization,
        )  # fmt: skip
        tensor = write.reshaped(pooled, view.shape)
    write.finish(site, tensor, channels_last(5))


def _done(axis: Axis) -> Axis:
    return Axis(1, 1, 1, 0, 0, axis.size_out, axis.size_out)
