"""One small QDQ network for each op that is quantised: what every runtime is judged on, against plain integers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .qdq_layers import QdqBuilder

__all__ = ["CASES"]

# No scale here is a round number: 0.02 · 5 / 0.05 would fall on the middle of two codes again and again, where engines
# may differ, and real scales never do.
Case = Callable[[QdqBuilder], str]

_IMAGE = (1, 8, 13, 11)
_SIGMOID = {"scale": 1 / 256, "zero_point": 0}


def _conv(weight: tuple[int, ...], image: tuple[int, ...] = _IMAGE, **attributes: object) -> Case:
    return lambda net: net.layer("layer", "Conv", net.input("image", image), weight, **attributes)


def _unary(
    op: str,
    *,
    out: dict[str, float] | None = None,
    scale: float = 0.04931,
    image: tuple[int, ...] = _IMAGE,
    **attributes: object,
) -> Case:
    """out: the output's grid; None: the input's own, as ops that move values must have."""
    grid = {"scale": scale, "zero_point": 113}

    def build(net: QdqBuilder) -> str:
        x = net.input("image", image, scale=scale)
        return net.op("layer", op, [x], **{**grid, **(out or {})}, **attributes)

    return build


def _binary(op: str, second: tuple[int, ...], *, scale: float) -> Case:
    def build(net: QdqBuilder) -> str:
        left, right = (
            net.input("left", _IMAGE, scale=0.02137),
            net.input("right", second, scale=0.03461, zero_point=140),
        )
        return net.op("layer", op, [left, right], scale=scale, zero_point=120)

    return build


def _concat(net: QdqBuilder) -> str:
    parts = [net.input(name, _IMAGE) for name in ("left", "right")]
    return net.op("layer", "Concat", parts, scale=0.02057, zero_point=113, axis=1)


def _activated(op: str, bounds: tuple[float, float] | None, *, scale: float, zero_point: int) -> Case:
    """Conv, an activation between, its pair."""

    def build(net: QdqBuilder) -> str:
        net.layer("layer", "Conv", net.input("image", _IMAGE), (16, 8, 1, 1))
        del net.nodes[-2:]
        sources = ["layer"]
        for name, bound in zip(("least", "most"), bounds or (), strict=False):
            net.initializers[name] = np.array(bound, np.float32)
            sources.append(name)
        return net.op("active", op, sources, scale=scale, zero_point=zero_point)

    return build


def _silu(net: QdqBuilder) -> str:
    x = net.input("image", _IMAGE, scale=0.04931)
    return net.op("layer", "Mul", [x, net.op("gate", "Sigmoid", [x], **_SIGMOID)], scale=0.02917, zero_point=10)


def _gemm(net: QdqBuilder) -> str:
    return net.layer("layer", "Gemm", net.input("features", (1, 40)), (200, 40), transB=1)


_WINDOW = {"kernel_shape": [3, 3], "strides": [2, 2]}

CASES: dict[str, Case] = {
    "pointwise": _conv((16, 8, 1, 1)),
    "standard": _conv((16, 8, 3, 3), pads=[1, 1, 1, 1]),
    "standard, stride 2, uneven pads": _conv((16, 8, 3, 3), strides=[2, 2], pads=[0, 1, 1, 0]),
    "standard, dilated": _conv((16, 8, 3, 3), dilations=[2, 2], pads=[2, 2, 2, 2]),
    "grouped": _conv((16, 4, 3, 3), group=2, pads=[1, 1, 1, 1]),
    "spatially separable": _conv((16, 8, 1, 5), pads=[0, 2, 0, 2]),
    "depthwise": _conv((8, 1, 3, 3), group=8, pads=[1, 1, 1, 1]),
    "depthwise 5×5, stride 2": _conv((8, 1, 5, 5), group=8, strides=[2, 2], pads=[1, 1, 2, 2]),
    "depthwise, multiplier 2": _conv((16, 1, 3, 3), group=8, pads=[1, 1, 1, 1]),
    "depthwise, dilated": _conv((8, 1, 3, 3), group=8, dilations=[2, 2], pads=[2, 2, 2, 2]),
    "pointwise 1-D": _conv((16, 8, 1), (1, 8, 37)),
    "depthwise 1-D": _conv((8, 1, 5), (1, 8, 37), group=8, pads=[2, 2]),
    "conv and relu": _activated("Relu", None, scale=0.02071, zero_point=0),
    "conv and relu6": _activated("Clip", (0.0, 6.0), scale=6 / 255, zero_point=0),
    "fully connected": _gemm,
    "add": _binary("Add", _IMAGE, scale=0.05193),
    "mul": _binary("Mul", _IMAGE, scale=0.08219),
    "mul by a gate a channel": _binary("Mul", (1, 8, 1, 1), scale=0.08219),
    "global average pool": _unary("GlobalAveragePool", out={"scale": 0.01033}, image=(1, 200, 7, 7)),
    "average pool": _unary("AveragePool", **_WINDOW),
    "max pool": _unary("MaxPool", **_WINDOW),
    "relu": _unary("Relu", out={"scale": 0.02179, "zero_point": 0}),
    "sigmoid": _unary("Sigmoid", out=_SIGMOID),
    "hard sigmoid": _unary("HardSigmoid", out=_SIGMOID, alpha=1 / 6, beta=0.5),
    "hard swish": _unary("HardSwish", out={"scale": 0.03127, "zero_point": 13}),
    "silu": _silu,
    "softmax": _unary("Softmax", out=_SIGMOID, axis=1),
    "concat": _concat,
    "transpose": _unary("Transpose", perm=[0, 1, 3, 2]),
}
"""Name → adds the layers to a builder and returns the output's name."""
