"""Weights and biases: codes under a DequantizeLinear, or float weights under a pair, become initialisers with codes."""

from __future__ import annotations

from typing import Any

import onnx_ir as ir
from numpy.typing import NDArray

from ..edit import only_reader
from ..quantization import QuantParams
from .draft import Draft
from .params import is_dequantize, is_quantize, params_of

__all__ = ["read_constants"]

_SUFFIX = "_quantized"


def read_constants(draft: Draft) -> None:
    """Replace every DequantizeLinear whose data is constant by an initialiser, its codes and its parameters kept.

    Ensures: no DequantizeLinear with constant data is left. Exact: the initialiser holds what the node gave.
    """
    for node in tuple(draft.graph):
        if not is_dequantize(node):
            continue
        found = _codes_of(node)
        if found is None:
            continue
        codes, name = found
        params = params_of(node)
        old = node.outputs[0]
        if old.is_graph_output():
            name = old.name or name
        old.name = None  # often the very name that the constant deserves
        old.replace_all_uses_with(draft.add_codes(name, codes, params), replace_graph_outputs=True)
        draft.graph.remove(node, safe=True)


def _codes_of(node: ir.Node) -> tuple[NDArray[Any], str] | None:
    """Codes that `node` reads and a name for their real values; None if it reads an activation."""
    source = node.inputs[0]
    if source is None:
        return None
    quantize = source.producer()
    if is_quantize(quantize) and quantize is not None:
        return _quantized(quantize, params_of(node))
    tensor = ir.convenience.get_const_tensor(source)
    if tensor is None:
        return None
    return tensor.numpy(), (source.name or "weight").removesuffix(_SUFFIX)


def _quantized(quantize: ir.Node, params: QuantParams) -> tuple[NDArray[Any], str] | None:
    real = quantize.inputs[0]
    tensor = None if real is None else ir.convenience.get_const_tensor(real)
    if real is None or tensor is None:
        return None
    name = real.name or "weight"
    if only_reader(real) is quantize and only_reader(quantize.outputs[0]) is not None:
        real.name = f"{name}_float"  # read no more; its name goes to what was made of it
    return params.quantize(tensor.numpy()), name
