"""Of a TFLite file: run by LiteRT's own kernels, which keep all tensors where they are asked to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...feeding import as_asked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["layer_outputs"]

_LAYERS = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
_ACTIVATIONS = {"RELU", "RELU6", "QUANTIZE"}


def layer_outputs(path: Path, photos: NDArray[np.float32]) -> Iterator[list[NDArray[np.float32]]]:
    """photos: [N, 3, H, W] → for each the outputs of all layers."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        str(path),
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    (asked,) = interpreter.get_input_details()
    ops = interpreter._get_ops_details()
    tensors = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
    values = [_after(ops, int(op["outputs"][0])) for op in ops if op["op_name"] in _LAYERS]
    scale, zero = asked["quantization"]
    for photo in photos:
        fed = as_asked(photo[None], tuple(asked["shape"]), asked["dtype"].__name__, scale or None, zero)
        interpreter.set_tensor(asked["index"], fed)
        interpreter.invoke()
        yield [_real(interpreter.get_tensor(value), tensors[value]) for value in values]


def _after(ops: list[dict[str, Any]], value: int) -> int:
    """Past the activations that alone read it."""
    while True:
        readers = [op for op in ops if value in op["inputs"]]
        if len(readers) != 1 or readers[0]["op_name"] not in _ACTIVATIONS:
            return value
        value = int(readers[0]["outputs"][0])


def _real(codes: NDArray[Any], tensor: dict[str, Any]) -> NDArray[np.float32]:
    """What the codes stand for, channels second."""
    import numpy as np

    told = tensor["quantization_parameters"]
    real = codes.astype(np.float32)
    if len(told["scales"]):
        real = (real - np.float32(told["zero_points"][0])) * np.float32(told["scales"][0])
    return real.transpose(0, 3, 1, 2) if real.ndim == 4 else real
