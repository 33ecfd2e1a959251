"""What stands nearest to an op that TFLite files have no row for, and can be written."""

from __future__ import annotations

__all__ = ["SEE_THE_LIST", "instead_of"]

SEE_THE_LIST = "see the list of supported ops"

_INSTEAD = {
    "Celu": "LeakyRelu",
    "Einsum": "MatMul by constant weights",
    "Elu": "LeakyRelu",
    "Gelu": "HardSwish",
    "GridSample": "Resize",
    "GroupNormalization": "BatchNormalization, which folds into the convolution before it",
    "InstanceNormalization": "BatchNormalization, which folds into the convolution before it",
    "LayerNormalization": "BatchNormalization, which folds into the convolution before it",
    "LogSoftmax": "Softmax, and the logarithm on the host",
    "LpPool": "AveragePool",
    "Mish": "HardSwish",
    "NonMaxSuppression": "the boxes as they are, decoded on the host (sepia.models.networks.boxes)",
    "ReduceSum": "ReduceMean, and its size in the weights behind it",
    "Selu": "LeakyRelu",
    "Softplus": "Relu",
    "Softsign": "HardSigmoid",
    "TopK": "the scores as they are, sorted on the host",
    "Upsample": "Resize",
}


def instead_of(op: str) -> str:
    """A hint for an op without a row: the nearest that has one, where one is known."""
    near = _INSTEAD.get(op)
    return f"nearest that is taken: {near}" if near else SEE_THE_LIST
