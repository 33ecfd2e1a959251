"""What the runtimes themselves get wrong, each by name, with the version that has it and the graphs that show it.

An exception excuses one runtime on a graph that meets its condition, and nothing else. `test_exceptions.py` shows each
of them on the smallest graph, so that an upgrade which mends one tells us, and the row goes.
"""

from __future__ import annotations

import numpy as np
from sepia.check.saturation import saturates

from .draft import Drawn
from .known import Known, constants_of, grids_of, nodes_of, says_same, unchanged
from .moved_codes import CRASHES, MOVED, float_weights_behind_moves
from .openvino_faults import OPENVINO
from .reference import evaluate

__all__ = ["EXCEPTIONS", "SATURATES", "Known", "exception_table", "excuse"]


_BOTH = ("onnxruntime", "onnxruntime plain")


def _same_dilated(drawn: Drawn) -> bool:
    return any(says_same(a) and max(a.get("dilations", [1])) > 1 for _, a in nodes_of(drawn, "Conv", "MaxPool"))


def _same_skips(drawn: Drawn) -> bool:
    return any(
        says_same(a) and any(k < s for k, s in zip(a["kernel_shape"], a.get("strides", [1] * 9), strict=False))
        for _, a in nodes_of(drawn, "MaxPool", "AveragePool")
    )


def _float_weights(drawn: Drawn) -> bool:
    """WeightBiasQuantization."""
    if float_weights_behind_moves(drawn):
        return True
    initialisers, codes = set(constants_of(drawn)), set(grids_of(drawn))
    for name, source in unchanged(drawn).items():
        codes |= {name} if source in codes else set()
    return any(
        node.input[1] in initialisers and node.input[0] in codes
        for node, _ in nodes_of(drawn, "Conv", "ConvTranspose", "Gemm")
    )


def _bias_overflows(drawn: Drawn) -> bool:
    """A float bias beyond int32 on the grid of its layer's sums."""
    found = evaluate(drawn.model, drawn.feeds)
    for node, _ in nodes_of(drawn, "Conv", "ConvTranspose", "Gemm"):
        step = found.step(node)
        if step is None or len(node.input) < 3 or node.input[2] in found.held:
            continue
        if np.abs(found.values[node.input[2]].low).max() / step.min() >= 2.0**31:
            return True
    return False


def _two_pairs(drawn: Drawn) -> bool:
    """A QuantizeLinear that reads what a DequantizeLinear made, through what the optimiser takes out at most."""
    grids = dict(grids_of(drawn))
    idle = unchanged(drawn)
    for node in drawn.model.graph.node:
        if node.input[0] in grids and (node.op_type in ("Clip", "Relu") or node.output[0] in idle):
            grids[node.output[0]] = grids[node.input[0]]
    held = constants_of(drawn)
    return any(
        any(bool((held[name] != part).any()) for name, part in zip(node.input[1:], grids[node.input[0]], strict=True))
        for node, _ in nodes_of(drawn, "QuantizeLinear")
        if node.input[0] in grids
    )


def _dropped_window(drawn: Drawn) -> bool:
    """A pool whose last window would start behind the image and the pads before it."""
    values = evaluate(drawn.model, drawn.feeds).values
    for node, a in nodes_of(drawn, "AveragePool", "MaxPool"):
        kernel = a["kernel_shape"]
        count = len(kernel)
        strides, dilations = a.get("strides", [1] * count), a.get("dilations", [1] * count)
        pads = a.get("pads", [0] * 2 * count)
        for i, size in enumerate(values[node.input[0]].shape[2:]):
            extent = (kernel[i] - 1) * dilations[i] + 1
            naive = -(-(size + pads[i] + pads[i + count] - extent) // strides[i]) + 1
            if a.get("ceil_mode", 0) and (naive - 1) * strides[i] >= size + pads[i]:
                return True
    return False


_LITERT = ("litert xnnpack", "litert builtin")

EXCEPTIONS: tuple[Known, ...] = (
    Known(
        "SAME with dilations", "onnxruntime", "1.32.0", _BOTH,
        "Conv or MaxPool with auto_pad SAME_UPPER or SAME_LOWER and dilations above 1",
        'Conv refuses to run: "Dilation not supported for AutoPadType"; MaxPool gives another shape', _same_dilated,
    ),
    Known(
        "SAME pools that skip", "onnxruntime", "1.32.0", _BOTH,
        "MaxPool or AveragePool with auto_pad SAME_UPPER or SAME_LOWER and a kernel smaller than its stride",
        'refuses to run: "padding values must be non-negative"', _same_skips,
    ),
    Known(
        "float weights become codes", "onnxruntime", "1.32.0", ("onnxruntime",),
        "Conv, ConvTranspose or Gemm with float weights behind a DequantizeLinear, codes moved between or not",
        "quantises the weights to int8, per tensor, unasked (its optimisation WeightBiasQuantization)", _float_weights,
    ),
    Known(
        "two pairs become one", "onnxruntime", "1.32.0", ("onnxruntime",),
        "a QuantizeLinear behind the DequantizeLinear of another grid, with nothing, a Clip or what changes nothing "
        "between",
        "rounds once, onto a grid of its own (its optimisation DoubleQDQPairsRemover)", _two_pairs,
    ),
    Known(
        "float biases beyond int32", "onnxruntime", "1.32.0", ("onnxruntime",),
        "a layer on codes with a float bias above 2³¹ steps of its sums",
        "quantises it all the same, wrapping round (its optimisation WeightBiasQuantization)", _bias_overflows,
    ),
    *OPENVINO,
    *MOVED,
    *CRASHES,
    Known(
        "a pool's last window", "onnxruntime", "1.32.0", _BOTH,
        "pools with ceil_mode whose last window would start in the pads behind, with nodes behind that need its shape",
        "shape inference counts that window, the kernel does not: refuses to load or to run", _dropped_window,
    ),
    Known(
        "a pool's last window", "onnx", "1.23.2", _LITERT,
        "pools with ceil_mode whose last window would start in the pads behind",
        "shape inference counts that window, which ONNX says is none; our loader refuses the file", _dropped_window,
    ),
    Known(
        "a pool's last window", "openvino", "2026.4.1", ("openvino",),
        "pools with ceil_mode whose last window would start in the pads behind", "gives that window an output, too",
        _dropped_window,
    ),
)  # fmt: skip


SATURATES = "sums that saturate"
"""OpenVINO on x86 without VNNI, any version: a processor's fault, so it has no row of its own."""


def excuse(drawn: Drawn, engine: str) -> str:
    """Name of the first exception that excuses `engine` on this graph and processor; "" if none does."""
    name = next((known.name for known in EXCEPTIONS if engine in known.engines and known.holds(drawn)), "")
    if not name and engine == "openvino" and _sums_of_codes(drawn) and saturates(engine):
        return SATURATES
    return name


def _sums_of_codes(drawn: Drawn) -> bool:
    return any(nodes_of(drawn, "DequantizeLinear")) and any(nodes_of(drawn, "Conv", "ConvTranspose", "Gemm", "MatMul"))


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
