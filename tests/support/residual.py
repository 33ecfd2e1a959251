"""A small residual QDQ network with each kind of layer."""

from __future__ import annotations

import numpy as np

from .qdq_layers import QdqBuilder

__all__ = ["RESIDUAL_INPUT", "RESIDUAL_LAYERS", "RESIDUAL_OUTPUT", "residual_net"]

RESIDUAL_INPUT = (1, 4, 9, 9)
RESIDUAL_OUTPUT = "fc_dequantized"
RESIDUAL_LAYERS = ("stem_node", "dw_node", "pw_node", "sum_node", "pool_node", "features_node", "fc_node")


def residual_net(activations: str = "uint8") -> QdqBuilder:
    """Strided stem with uneven pads, depthwise, pointwise, add, global pool, reshape, fully connected. Input: image."""
    net = QdqBuilder(activations=activations)
    x = net.input("image", RESIDUAL_INPUT)
    x = net.layer("stem", "Conv", x, (8, 4, 3, 3), strides=[2, 2], pads=[0, 0, 1, 1])
    y = net.layer("dw", "Conv", x, (8, 1, 3, 3), group=8, pads=[1, 1, 1, 1])
    y = net.layer("pw", "Conv", y, (8, 8, 1, 1))
    x = net.op("sum", "Add", [x, y], scale=0.05193)
    x = net.op("pool", "GlobalAveragePool", [x], scale=0.02179)
    net.initializers["flat"] = np.array([1, -1], np.int64)
    x = net.op("features", "Reshape", [x, "flat"], scale=0.02179)
    net.layer("fc", "Gemm", x, (5, 8), transB=1)
    return net
