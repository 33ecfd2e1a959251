"""Conv: CONV_2D, DEPTHWISE_CONV_2D. ConvTranspose is in `transposed.py`.

Weights: ONNX [C_out, C_in / group, kh, kw] → TFLite [C_out, kh, kw, C_in / group], depthwise [1, kh, kw, C_out]; both
number depthwise output channels as c · multiplier + m. 1-D layers run as 2-D ones of height 1.
"""

from __future__ import annotations

from ...graph.kinds import Kind
from .layout import channels_last
from .program import Options, Shape, Tensor
from .rows import Condition, lowers
from .site import Site, dims
from .weights import BIAS_RULE, CONSTANT_WEIGHT, INT8_RULES, bias, weight
from .window import Window, padded, window
from .writer import Writer

__all__ = ["conv", "depthwise"]

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
