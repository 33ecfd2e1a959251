"""Conv and ConvTranspose: CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV.

Weights: ONNX [C_out, C_in / group, kh, kw] → TFLite [C_out, kh, kw, C_in / group], depthwise [1, kh, kw, C_out]; both
number depthwise output channels as c · multiplier + m. 1-D layers run as 2-D ones of height 1.
"""

from __future__ import annotations

import numpy as np

from ...graph.kinds import Kind
from .layout import channels_last
from .program import Options, Shape, Tensor
from .rows import Condition, lowers
from .site import Site, dims
from .weights import BIAS_RULE, CONSTANT_WEIGHT, INT8_RULES, bias, weight
from .window import Window, padded, window
from .writer import Writer

__all__ = ["conv", "depthwise", "transposed"]

_UNDILATED_STRIDE = Condition(
    "dilations of 1 wherever strides are above 1",
    lambda site: min(max(site.integers("strides", (1,))), max(site.integers("dilations", (1,)))) == 1,
    "LiteRT's kernels have no strided dilation",
)


def _kernel(site: Site) -> tuple[int, ...]:
    return dims(site.input(1))[2:]


def _flat(site: Site) -> bool:
    return site.rank == 3


def _image(site: Site, write: Writer, frame: Window) -> Tensor:
    """The input as [N, H, W, C] with explicit pads where SAME and VALID do not say them."""
    tensor = write.take(site.input(0), channels_last(site.rank), int8=site.int8)
    if _flat(site):
        tensor = write.reshaped(tensor, (tensor.shape[0], 1, *tensor.shape[1:]))
    return tensor if frame.padding else padded(write, tensor, frame)


def _shape_out(site: Site) -> Shape:
    sizes = dims(site.output)
    height = () if not _flat(site) else (1,)
    return (sizes[0], *height, *sizes[2:], sizes[1])


def _finish(site: Site, write: Writer, tensor: Tensor) -> None:
    if _flat(site):
        tensor = write.reshaped(tensor, (tensor.shape[0], *tensor.shape[2:]))
    write.finish(site, tensor, channels_last(site.rank))


@lowers(
    "Conv", becomes="DEPTHWISE_CONV_2D", kinds={Kind.DEPTHWISE}, ranks={3, 4}, layout="channels last", data=2,
    conditions=(CONSTANT_WEIGHT, BIAS_RULE), int8=INT8_RULES, fuses=True,
)  # fmt: skip
def depthwise(site: Site, write: Writer) -> None:
    kernel = _kernel(site)
    channels = dims(site.output)[1]
    frame = window(site, kernel)
    height = (1, *kernel) if _flat(site) else kernel
    order = (1, *range(2, site.rank), 0)
    kernel_tensor = weight(site, write, order, (1, *height, channels), axis=3)
    fields = {
        "padding": frame.padding or "VALID", **frame.options, **frame.dilations,
        "depthMultiplier": channels // dims(site.input(0))[1],
        "fusedActivationFunction": write.activation(site),
    }  # fmt: skip
    inputs = [_image(site, write, frame), kernel_tensor, bias(site, write, channels)]
    options = Options("DepthwiseConv2DOptions", fields)
    _finish(site, write, write.run(site, "DEPTHWISE_CONV_2D", inputs, _shape_out(site), options))


@lowers(
    "Conv", becomes="CONV_2D", ranks={3, 4}, layout="channels last", data=2,
    kinds={Kind.STANDARD, Kind.POINTWISE, Kind.SPATIALLY_SEPARABLE, Kind.GROUPED},
    conditions=(CONSTANT_WEIGHT, BIAS_RULE), int8=INT8_RULES, fuses=True,
)  # fmt: skip
def conv(site: Site, write: Writer) -> None:
    kernel = _kernel(site)
    channels, per_group = dims(site.input(1))[:2]
    frame = window(site, kernel)
    height = (1, *kernel) if _flat(site) else kernel
    kernel_tensor = weight(site, write, channels_last(site.rank), (channels, *height, per_group), axis=0)
    fields = {
        "padding": frame.padding or "VALID", **frame.options, **frame.dilations,
        "fusedActivationFunction": write.activation(site),
    }  # fmt: skip
    inputs = [_image(site, write, frame), kernel_tensor, bias(site, write, channels)]
    options = Options("Conv2DOptions", fields)
    _finish(site, write, write.run(site, "CONV_2D", inputs, _shape_out(site), options))


# TRANSPOSE_CONV


def _full(site: Site) -> tuple[int, ...]:
    """Sizes before pads are cut off: (in − 1) · stride + kernel."""
    strides = site.integers("strides", (1, 1))
    sizes = dims(site.input(0))[2:]
    return tuple((sizes[i] - 1) * strides[i] + _kernel(site)[i] for i in range(2))


def _cut_before(site: Site) -> tuple[int, ...] | None:
    """Pixels to cut off at the front; None if auto_pad leaves it to be worked out from the sizes."""
    mode = site.text("auto_pad", "NOTSET")
    out = dims(site.output)[2:]
    if mode == "NOTSET" and not site.integers("output_shape"):
        return site.integers("pads", (0, 0, 0, 0))[:2]
    totals = [max(full - size, 0) for full, size in zip(_full(site), out, strict=True)]
    upper = mode == "SAME_UPPER"
    return tuple(total // 2 if upper else total - total // 2 for total in totals)


def _inside(site: Site) -> bool:
    before, out = _cut_before(site) or (0, 0), dims(site.output)[2:]
    return all(before[i] + out[i] <= _full(site)[i] for i in range(2))


def _says_same(site: Site) -> bool:
    """TFLite's SAME cuts (full − out) // 2 in front, where in = ⌈out / stride⌉."""
    strides, before = site.integers("strides", (1, 1)), _cut_before(site) or (0, 0)
    sizes, out, full = dims(site.input(0))[2:], dims(site.output)[2:], _full(site)
    return all(
        sizes[i] == -(-out[i] // strides[i]) and full[i] >= out[i] and before[i] == (full[i] - out[i]) // 2
        for i in range(2)
    )


_ONE_GROUP = Condition("group 1", lambda site: site.integer("group", 1) == 1, "use Resize and a depthwise Conv")
_UNDILATED = Condition("dilations of 1", lambda site: set(site.integers("dilations", (1,))) == {1})
_NO_GROWTH = Condition("output_padding no larger than the pads behind", _inside, "OpenVINO and ONNX Runtime take it")


@lowers(
    "ConvTranspose", becomes="TRANSPOSE_CONV", ranks={4}, layout="channels last", data=2,
    conditions=(CONSTANT_WEIGHT, _ONE_GROUP, _UNDILATED, _NO_GROWTH, BIAS_RULE), int8=INT8_RULES, fuses=True,
)  # fmt: skip
def transposed(site: Site, write: Writer) -> None:
    strides, out = site.integers("strides", (1, 1)), _shape_out(site)
    channels = dims(site.output)[1]
    kernel_tensor = weight(site, write, (1, 2, 3, 0), (channels, *_kernel(site), dims(site.input(0))[1]), axis=0)
    same = _says_same(site)
    shape = out if same else (out[0], *_full(site), channels)
    sizes = write.program.constant(f"{site.output.name}_size", np.asarray([max(size, 1) for size in shape], np.int32))
    image = write.take(site.input(0), channels_last(4), int8=site.int8)
    fields = {"padding": "SAME" if same else "VALID", "strideH": strides[0], "strideW": strides[1]}
    inputs = [sizes, kernel_tensor, image, bias(site, write, channels)]
    cut = shape != out
    suffix = "_full" if cut else ""
    result = write.run(site, "TRANSPOSE_CONV", inputs, shape, Options("TransposeConvOptions", fields), suffix=suffix)
    if cut:
        result = _cut(site, write, result, out)
    write.finish(site, _clamped(site, write, result), channels_last(4))


def _cut(site: Site, write: Writer, tensor: Tensor, shape: Shape) -> Tensor:
    begin = (0, *(_cut_before(site) or (0, 0)), 0)
    inputs = [
        tensor,
        write.program.constant(f"{site.output.name}_begin", np.asarray(begin, np.int32)),
        write.program.constant(f"{site.output.name}_extent", np.asarray(shape, np.int32)),
    ]
    return write.run(site, "SLICE", inputs, shape, Options("SliceOptions", {}))


def _clamped(site: Site, write: Writer, tensor: Tensor) -> Tensor:
    """TRANSPOSE_CONV fuses an activation only from version 4, which old runtimes refuse: it is an operator here."""
    activation = write.activation(site)
    if activation == "NONE":
        return tensor
    return write.run(site, activation, [tensor], tensor.shape, suffix="_clipped")
