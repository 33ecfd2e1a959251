"""ConvTranspose: TRANSPOSE_CONV where it says the same, else a convolution over the input with zeros set between.

TRANSPOSE_CONV has no groups, no dilations and no output beyond (in − 1) · stride + kernel. A transposed convolution is
also a plain one of stride 1, its kernel turned round, over its input with stride − 1 zeros behind each value (Dumoulin
and Visin 2016, arXiv:1603.07285, section 4.3): the same products and the same sums, beside products with zeros. The
zeros are written by one PAD: [N, H, W, C] is seen as [N·H, 1, W, C], of which the second axis is padded to the stride
and the last to C times the stride. In int8 PAD fills in the zero point, so the sums of codes are the same integers.

1-D layers run as 2-D ones of height 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .layout import channels_last
from .program import Options, Shape, Tensor
from .rows import Condition, lowers
from .site import Site, dims
from .weights import BIAS_RULE, CONSTANT_WEIGHT, INT8_RULES, arranged_weight, bias
from .window import Axis, Window, pad, padded
from .writer import Writer

__all__ = ["depthwise_transposed", "grouped_transposed", "transposed"]


def _per_axis(site: Site, name: str) -> tuple[int, ...]:
    """Strides or dilations by height and width."""
    given = site.integers(name, (1,) * (site.rank - 2))
    return (1,) * (2 - len(given)) + given


def _kernel(site: Site) -> tuple[int, ...]:
    sizes = dims(site.input(1))[2:]
    return (1,) * (2 - len(sizes)) + sizes


def _size_in(site: Site) -> tuple[int, ...]:
    sizes = dims(site.input(0))[2:]
    return (1,) * (2 - len(sizes)) + sizes


def _size_out(site: Site) -> tuple[int, ...]:
    sizes = dims(site.output)[2:]
    return (1,) * (2 - len(sizes)) + sizes


def _full(site: Site) -> tuple[int, ...]:
    """Sizes before pads are cut off: (in − 1) · stride + dilation · (kernel − 1) + 1."""
    rows = zip(_size_in(site), _per_axis(site, "strides"), _per_axis(site, "dilations"), _kernel(site), strict=True)
    return tuple((size - 1) * stride + dilation * (kernel - 1) + 1 for size, stride, dilation, kernel in rows)


def _cut_before(site: Site) -> tuple[int, ...]:
    """Pixels to cut off at the front."""
    count = site.rank - 2
    mode = site.text("auto_pad", "NOTSET")
    if mode in ("NOTSET", "VALID") and not site.integers("output_shape"):
        given = site.integers("pads", (0,) * (2 * count)) if mode == "NOTSET" else (0,) * (2 * count)
        return (0,) * (2 - count) + given[:count]
    totals = [max(full - size, 0) for full, size in zip(_full(site), _size_out(site), strict=True)]
    upper = mode == "SAME_UPPER"
    return tuple(total // 2 if upper else total - total // 2 for total in totals)


def _inside(site: Site) -> bool:
    rows = zip(_cut_before(site), _size_out(site), _full(site), strict=True)
    return all(before + out <= full for before, out, full in rows)


def _says_same(site: Site) -> bool:
    """TFLite's SAME cuts (full − out) // 2 in front, where in = ⌈out / stride⌉."""
    rows = zip(_size_in(site), _per_axis(site, "strides"), _cut_before(site), _size_out(site), _full(site), strict=True)
    return all(
        size == -(-out // stride) and full >= out and before == (full - out) // 2
        for size, stride, before, out, full in rows
    )


_ONE_GROUP = Condition("group 1", lambda site: site.integer("group", 1) == 1)
_UNDILATED = Condition("dilations of 1", lambda site: set(site.integers("dilations", (1,))) == {1})
_FIXED_BATCH = Condition("a fixed batch", lambda site: dims(site.input(0))[0] >= 0)
"""It holds the whole size of its output as a constant."""
_NO_GROWTH = Condition("output_padding no larger than the pads behind", _inside)
_DEPTHWISE = Condition(
    "one input channel a group",
    lambda site: site.integer("group", 1) > 1 and dims(site.input(1))[0] == site.integer("group", 1),
)


def _image(site: Site, write: Writer) -> Tensor:
    """The input as [N, H, W, C]."""
    tensor = write.take(site.input(0), channels_last(site.rank), int8=site.int8)
    return write.reshaped(tensor, (tensor.shape[0], 1, *tensor.shape[1:])) if site.rank == 3 else tensor


def _shape_out(site: Site) -> Shape:
    sizes = dims(site.output)
    return (sizes[0], *_size_out(site), sizes[1])


def _finish(site: Site, write: Writer, tensor: Tensor) -> None:
    if site.rank == 3:
        tensor = write.reshaped(tensor, (tensor.shape[0], *tensor.shape[2:]))
    write.finish(site, tensor, channels_last(site.rank))


# TRANSPOSE_CONV


@lowers(
    "ConvTranspose", becomes="TRANSPOSE_CONV", ranks={3, 4}, layout="channels last", data=2,
    conditions=(CONSTANT_WEIGHT, _ONE_GROUP, _UNDILATED, _FIXED_BATCH, _NO_GROWTH, BIAS_RULE), int8=INT8_RULES,
    fuses=True,
)  # fmt: skip
def transposed(site: Site, write: Writer) -> None:
    strides, out = _per_axis(site, "strides"), _shape_out(site)
    channels = dims(site.output)[1]
    kernel = arranged_weight(site, write, lambda array: _by_output(site, array), axis=0)
    # XNNPACK leaves SAME with a stride above its kernel to the built-in kernel: in int8 2 to 4 times as slow.
    left = site.int8 and any(k < stride for k, stride in zip(_kernel(site), strides, strict=True))
    same = _says_same(site) and not left
    shape = out if same else (out[0], *_full(site), channels)
    sizes = write.program.constant(f"{site.output.name}_size", np.asarray([max(size, 1) for size in shape], np.int32))
    fields = {"padding": "SAME" if same else "VALID", "strideH": strides[0], "strideW": strides[1]}
    inputs = [sizes, kernel, _image(site, write), bias(site, write, channels)]
    cut = shape != out
    suffix = "_full" if cut else ""
    result = write.run(site, "TRANSPOSE_CONV", inputs, shape, Options("TransposeConvOptions", fields), suffix=suffix)
    if cut:
        result = _cut(site, write, result, (0, *_cut_before(site), 0), out)
    _finish(site, write, _clamped(site, write, result))


def _cut(site: Site, write: Writer, tensor: Tensor, begin: Shape, shape: Shape) -> Tensor:
    inputs = [
        tensor,
        write.program.constant(f"{tensor.name}_begin", np.asarray(begin, np.int32)),
        write.program.constant(f"{tensor.name}_extent", np.asarray(shape, np.int32)),
    ]
    return write.emit(
        "SLICE", inputs, shape, Options("SliceOptions", {}),
        name=f"{tensor.name}_cut", dtype=tensor.dtype, grid=tensor.quantization,
    )  # fmt: skip


def _clamped(site: Site, write: Writer, tensor: Tensor) -> Tensor:
    """TRANSPOSE_CONV fuses an activation only from version 4, which old runtimes refuse: it is an operator here."""
    activation = write.activation(site)
    if activation == "NONE":
        return tensor
    return write.run(site, activation, [tensor], tensor.shape, suffix="_clipped")


# Zeros between, and a convolution


@lowers(
    "ConvTranspose", becomes="PAD, DEPTHWISE_CONV_2D", ranks={3, 4}, layout="channels last", data=2,
    conditions=(CONSTANT_WEIGHT, _DEPTHWISE, BIAS_RULE), int8=INT8_RULES, fuses=True,
)  # fmt: skip
def depthwise_transposed(site: Site, write: Writer) -> None:
    channels = dims(site.output)[1]
    multiplier = channels // dims(site.input(0))[1]
    kernel = arranged_weight(site, write, lambda array: np.moveaxis(_turned(site, array), 0, 3)[..., 0, :][None], 3)
    _convolve(site, write, kernel, "DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", {"depthMultiplier": multiplier})


@lowers(
    "ConvTranspose", becomes="PAD, CONV_2D", ranks={3, 4}, layout="channels last", data=2,
    conditions=(CONSTANT_WEIGHT, BIAS_RULE), int8=INT8_RULES, fuses=True,
)  # fmt: skip
def grouped_transposed(site: Site, write: Writer) -> None:
    """Several input channels a group, or one group that is dilated or grows beyond its full size."""
    kernel = arranged_weight(site, write, lambda array: _turned(site, array), 0)
    _convolve(site, write, kernel, "CONV_2D", "Conv2DOptions", {})


def _convolve(site: Site, write: Writer, kernel: Tensor, op: str, kind: str, settings: dict[str, int]) -> None:
    image, frame = _stuffed(site, write)
    fields = {
        "padding": frame.padding or "VALID", **frame.options, **frame.dilations, **settings,
        "fusedActivationFunction": write.activation(site),
    }  # fmt: skip
    image = image if frame.padding else padded(write, image, frame)
    inputs = [image, kernel, bias(site, write, dims(site.output)[1])]
    _finish(site, write, write.run(site, op, inputs, _shape_out(site), Options(kind, fields)))


def _stuffed(site: Site, write: Writer) -> tuple[Tensor, Window]:
    """The input with zeros behind each value, cut to what is read, and the window that walks over it."""
    image = _image(site, write)
    batch, height, width, depth = image.shape
    down, across = _per_axis(site, "strides")
    if (down, across) != (1, 1):
        rows = -1 if batch < 0 else batch * height
        flat = write.reshaped(image, (rows, 1, width, depth))
        wide = pad(write, flat, [(0, 0), (0, down - 1), (0, 0), (0, (across - 1) * depth)])
        image = write.reshaped(wide, (batch, height * down, width * across, depth))
    axes = [
        _Place(kernel, dilation, cut, size, out)
        for kernel, dilation, cut, size, out in zip(
            _kernel(site),
            _per_axis(site, "dilations"),
            _cut_before(site),
            image.shape[1:3],
            _size_out(site),
            strict=True,
        )
    ]
    begin, left = (0, *(place.first for place in axes), 0), (batch, *(place.read for place in axes), depth)
    if left != image.shape:
        image = _cut(site, write, image, begin, left)
    return image, Window(*(place.axis for place in axes))


class _Place:
    """One axis of the convolution. size: with the zeros; cut: pixels that the transposed convolution cuts in front.

    first: where the part that is read begins. read: how long it is. axis: the walk over it.
    """

    def __init__(self, kernel: int, dilation: int, cut: int, size: int, out: int) -> None:
        extent = (kernel - 1) * dilation + 1
        before = extent - 1 - cut
        self.first = max(-before, 0)
        before = max(before, 0)
        needed = out - 1 + extent - before
        self.read = min(size - self.first, needed)
        self.axis = Axis(kernel, 1, dilation, before, needed - self.read, self.read, out)


# Weights: [C_in, C_out / group, k…] in ONNX


def _by_output(site: Site, array: NDArray[Any]) -> NDArray[Any]:
    """[C_out, kh, kw, C_in / group]."""
    group = site.integer("group", 1)
    channels_in, per_group = array.shape[:2]
    parts = array.reshape(group, channels_in // group, per_group, *_kernel(site))
    return parts.transpose(0, 2, 3, 4, 1).reshape(group * per_group, *_kernel(site), channels_in // group)


def _turned(site: Site, array: NDArray[Any]) -> NDArray[Any]:
    """`_by_output`, each kernel turned round."""
    return _by_output(site, array)[:, ::-1, ::-1]
