"""Weights of layers that multiply and add, as `kernels/dense.c` reads them; Gemm and MatMul."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..onnx_to_tflite.rows import Condition
from ..onnx_to_tflite.site import Site
from ..onnx_to_tflite.weights import BIAS_RULE, CONSTANT_WEIGHT, INT8_RULES, PLAIN_GEMM, TWO_AXES
from .listing import Listing, grid, initializer, sizes
from .rows import lowers

__all__ = ["LAYER_RULES", "Layer", "dense_struct", "near_rows", "padded_to"]

_CHANNELS = 4
_DEPTH = 8
_ROWS = 4
_NEAR_BYTES = 8192
"""A first-level cache of 16 KB holds them beside four channels of weights."""


class Layer:
    """weights: int8 [C_out, …]. bias: int32 [C_out], the zero point of the input taken into it. scale: float32
    [C_out], s_in · s_w / s_out."""

    def __init__(self, site: Site) -> None:
        data, kernel, out = (site.params(value) for value in (0, 1, site.output))
        if data is None or kernel is None or out is None:
            raise AssertionError(f"'{site.name}' was chosen although it is float")
        codes = site.codes(1)
        self.weights = (codes if codes.dtype == np.int8 else codes.astype(np.int16) - 128).astype(np.int8)
        if site.node.op_type != "Conv" and not site.integer("transB"):
            self.weights = np.ascontiguousarray(self.weights.T)
        channels = self.weights.shape[0]
        real = data.scale.astype(np.float64) * kernel.scale.astype(np.float64)
        self.zero = int(data.as_dtype("int8").zero_point[0])
        sums = self.weights.reshape(channels, -1).astype(np.int64).sum(1)
        self._folded = _bias(site, channels, real) - self.zero * sums
        # In float32, product first: as XNNPACK and ONNX Runtime have it, so that all round alike.
        self.scale = np.broadcast_to(data.scale * kernel.scale / out.scale, channels).astype(np.float32)
        self.grid = grid(out, *site.clamp_bounds())

    @property
    def bias(self) -> NDArray[np.int32]:
        codes: NDArray[np.int32] = self._folded.astype(np.int32)
        return codes

    @property
    def greatest_sum(self) -> int:
        """What no sum on the way exceeds, whatever the codes."""
        weights = np.abs(self.weights.reshape(len(self.weights), -1).astype(np.int64)).sum(1)
        return int((np.abs(self._folded) + 128 * weights).max())


def _bias(site: Site, channels: int, scale: NDArray[np.float64]) -> NDArray[np.int64]:
    """int32 codes on the grid s_in · s_w, in int64."""
    if not site.has_input(2):
        return np.zeros(channels, np.int64)
    if site.params(2) is not None:
        codes = site.codes(2).astype(np.int64)
    else:
        codes = np.rint(np.asarray(site.constant(2), np.float64).reshape(-1) / scale).astype(np.int64)
    return np.broadcast_to(codes.reshape(-1), (channels,))


def _fits(site: Site) -> bool:
    return Layer(site).greatest_sum < 2**31


def _symmetric_constant(site: Site) -> bool:
    return CONSTANT_WEIGHT.holds(site) and (site.input(1).name or "") in site.quantized.codes


LAYER_RULES = (
    Condition("constant weights held as codes, and a constant bias", _symmetric_constant),
    *INT8_RULES,
    BIAS_RULE,
    Condition("sums that fit into int32, whatever the input", _fits, "give tiny weight scales a floor"),
)


def near_rows(stride: int) -> int:
    """How many rows of `stride` bytes are multiplied by all weights before the next: so many stay in the cache."""
    return max(_NEAR_BYTES // stride & -_ROWS, _ROWS)


def padded_to(array: NDArray[Any], multiple: int, axis: int) -> NDArray[Any]:
    """Zeros behind, up to a multiple."""
    behind = [(0, -size % multiple if place == axis % array.ndim else 0) for place, size in enumerate(array.shape)]
    return np.pad(array, behind)


def dense_struct(
    write: Listing, layer: Layer, channels: slice = slice(None), weights: NDArray[np.int8] | None = None
) -> str:
    """struct dense of some of the channels. weights: [C_out, depth], if they are not in the layer's own order."""
    matrix = layer.weights if weights is None else weights
    rows = matrix.reshape(len(matrix), -1)[channels]
    parts = [
        write.blob.add(_in_blocks(rows)),
        write.blob.add(padded_to(layer.bias[channels], _CHANNELS, 0)),
        write.blob.add(padded_to(layer.scale[channels], _CHANNELS, 0)),
    ]
    return initializer(*parts, rows.shape[1], rows.shape[0], layer.grid)


def _in_blocks(rows: NDArray[np.int8]) -> NDArray[np.int8]:
    """[C_out, depth] → [C_out / 4, depth / 8, 4, 8]: in the order in which kernels read them."""
    padded = padded_to(padded_to(rows, _CHANNELS, 0), _DEPTH, 1)
    channels, depth = padded.shape
    blocks: NDArray[np.int8] = padded.reshape(channels // _CHANNELS, _CHANNELS, depth // _DEPTH, _DEPTH)
    return blocks.transpose(0, 2, 1, 3)


@lowers("Gemm", becomes="dense", ranks={2}, data=2, conditions=(PLAIN_GEMM, *LAYER_RULES), fuses=True)
@lowers("MatMul", becomes="dense", ranks={2}, data=2, conditions=(TWO_AXES, *LAYER_RULES), fuses=True)
def dense(site: Site, write: Listing) -> None:
    rows, depth = sizes(site.input(0))
    layer = write.array("dense", [dense_struct(write, Layer(site))])
    x, out = write.take(site.input(0)), write.make(site.output)
    write.call(site, "dense", layer, x, rows, depth, near_rows(depth), out, sizes(site.output)[1])
