"""What the runtimes themselves get wrong, each by name, with the version that has it and the graphs that show it.

An exception excuses one runtime on a graph that meets its condition, and nothing else. `test_exceptions.py` shows each
of them on the smallest graph, so that an upgrade which mends one tells us, and the row goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import onnx
from onnx import helper, numpy_helper

from .draft import Drawn
from .interval import Array

__all__ = ["EXCEPTIONS", "Known", "exception_table", "excuse"]


@dataclass(frozen=True)
class Known:
    """name: in a few words. distribution, version: as on PyPI, where it was seen. engines: as in `engines.ENGINES`.

    graph: the condition, in words; holds: in code. shows: what one sees.
    """

    name: str
    distribution: str
    version: str
    engines: tuple[str, ...]
    graph: str
    shows: str
    holds: Callable[[Drawn], bool]


_BOTH = ("onnxruntime", "onnxruntime plain")


def _nodes(drawn: Drawn, *ops: str) -> Iterator[tuple[onnx.NodeProto, dict[str, Any]]]:
    for node in drawn.model.graph.node:
        if node.op_type in ops:
            yield node, {a.name: helper.get_attribute_value(a) for a in node.attribute}


def _same(attributes: dict[str, Any]) -> bool:
    return attributes.get("auto_pad", b"").startswith(b"SAME")


def _same_dilated(drawn: Drawn) -> bool:
    return any(_same(a) and max(a.get("dilations", [1])) > 1 for _, a in _nodes(drawn, "Conv"))


def _same_skips(drawn: Drawn) -> bool:
    return any(
        _same(a) and any(k < s for k, s in zip(a["kernel_shape"], a.get("strides", [1] * 9), strict=False))
        for _, a in _nodes(drawn, "MaxPool", "AveragePool")
    )


def _grids(drawn: Drawn) -> dict[str, tuple[Array, Array]]:
    """Scale and zero point of every value that a DequantizeLinear makes of codes which the graph computes."""
    graph = drawn.model.graph
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    return {
        node.output[0]: (held[node.input[1]], held[node.input[2]])
        for node in graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] not in held
    }


def _off_zero(drawn: Drawn, name: str) -> bool:
    """Whether 0 has a code other than 0."""
    grid = _grids(drawn).get(name)
    return grid is not None and bool(grid[1].any())


def _counted_pads(drawn: Drawn) -> bool:
    return any(
        a.get("count_include_pad", 0) and (any(a.get("pads", [])) or _same(a)) and _off_zero(drawn, node.input[0])
        for node, a in _nodes(drawn, "AveragePool")
    )


def _padded_codes(drawn: Drawn) -> bool:
    return any(
        a.get("mode", b"constant") == b"constant" and _off_zero(drawn, node.input[0])
        for node, a in _nodes(drawn, "Pad")
    )


def _float_weights(drawn: Drawn) -> bool:
    """WeightBiasQuantization."""
    initialisers, codes = {t.name for t in drawn.model.graph.initializer}, _grids(drawn)
    return any(
        node.input[1] in initialisers and node.input[0] in codes
        for node, _ in _nodes(drawn, "Conv", "ConvTranspose", "Gemm")
    )


EXCEPTIONS: tuple[Known, ...] = (
    Known(
        "SAME with dilations", "onnxruntime", "1.32.0", _BOTH,
        "Conv with auto_pad SAME_UPPER or SAME_LOWER and dilations above 1",
        'refuses to run: "Dilation not supported for AutoPadType"', _same_dilated,
    ),
    Known(
        "SAME pools that skip", "onnxruntime", "1.32.0", _BOTH,
        "MaxPool or AveragePool with auto_pad SAME_UPPER or SAME_LOWER and a kernel smaller than its stride",
        'refuses to run: "padding values must be non-negative"', _same_skips,
    ),
    Known(
        "float weights become codes", "onnxruntime", "1.32.0", ("onnxruntime",),
        "Conv, ConvTranspose or Gemm with float weights behind a DequantizeLinear",
        "quantises the weights to int8, per tensor, unasked (its optimisation WeightBiasQuantization)", _float_weights,
    ),
    Known(
        "pads of code 0 in a mean", "openvino", "2026.4.1", ("openvino",),
        "AveragePool with count_include_pad and pads, on codes whose zero point is not 0",
        "counts pads as the code 0 and not as the number 0", _counted_pads,
    ),
    Known(
        "pads of code 0", "openvino", "2026.4.1", ("openvino",),
        "Pad with a constant, on codes whose zero point is not 0", "fills with the code 0 and not with the number 0",
        _padded_codes,
    ),
)  # fmt: skip


def excuse(drawn: Drawn, engine: str) -> str:
    """Name of the first exception that excuses `engine` on this graph; "" if none does."""
    return next((known.name for known in EXCEPTIONS if engine in known.engines and known.holds(drawn)), "")


def exception_table() -> list[dict[str, str]]:
    """Rows for the docs."""
    return [
        {
            "fault": known.name,
            "runtime": ", ".join(known.engines),
            "version": f"{known.distribution} {known.version}",
            "graphs that show it": known.graph,
            "what one sees": known.shows,
        }
        for known in EXCEPTIONS
    ]
