"""Do a runtime's int8 kernels overflow in silence on this very processor?

On x86 without VNNI the fast kernels multiply uint8 by int8 with `vpmaddubsw`, which adds two products into an int16:
255 · 127 · 2 does not fit, and is clipped without a word. Whether it happens depends on the runtime, its version and
settings and on the processor, so it is not looked up but tried: tiny layers at the extremes, whose true outputs are
known, go through the runtime itself.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ..graph.load import load_graph
from ..runtime import RUNTIMES
from ..runtime.interface import Runtime
from .cut import Layer, find_layers
from .layer_session import LayerSession
from .network import NetworkFile
from .probe_network import expected_codes, write_probe
from .translate import Translate, Translator

__all__ = ["SAFE_WEIGHT", "keeps_to_half", "probe", "saturates", "wrong_outputs"]

SAFE_WEIGHT = 64
"""Greatest |weight code| at which no pair can overflow: 2 · 255 · 64 = 32640 < 2^15."""


def saturates(runtime_name: str) -> bool:
    """Whether int8 outputs of the runtime are wrong here unless weights keep to half. Tried once a process.

    Raises RuntimeUnavailable if it is not installed, RunError if it can't run the probe.
    """
    return _probed(RUNTIMES[runtime_name])


def wrong_outputs(runtime: Runtime, file: NetworkFile, qdq: NetworkFile | None) -> str:
    """Why `file` gives wrong outputs in `runtime` on this processor; "" if it does not.

    qdq: the QDQ file that it is a translation of, whose weights tell whether they are safe; unknown weights are not.
    """
    if file.precision != "int8" or not _probed(runtime):
        return ""
    if qdq is not None and keeps_to_half(qdq.path):
        return ""
    return (
        f"{runtime.name} saturates sums of int8 products on this processor, so its outputs are wrong; "
        "quantise with --saturation-safe for it"
    )


def _probed(runtime: Runtime) -> bool:
    if id(runtime) not in _tried:
        _tried[id(runtime)] = (runtime, probe(runtime))
    return _tried[id(runtime)][1]


_tried: dict[int, tuple[Runtime, bool]] = {}
"""By identity; the runtime is kept so that its id is not given to another."""


def probe(runtime: Runtime, *, weight: int = 127, translate: Translate | None = None) -> bool:
    """Run a pointwise, a 3×3, a depthwise and a fully connected layer, all inputs 255, all weights ±`weight`."""
    with tempfile.TemporaryDirectory(prefix="sepia-probe-") as name:
        folder = Path(name)
        write_probe(folder / "probe.onnx", weight)
        model = load_graph(folder / "probe.onnx")
        cuts = folder / "cuts"
        cuts.mkdir()
        layers = [layer for layer in find_layers(model) if layer.comparable]
        return any(_wrong(model, layer, runtime, cuts, translate) for layer in layers)


def keeps_to_half(qdq: Path) -> bool:
    """Whether every 8-bit weight of a QDQ file is within ±SAFE_WEIGHT, so that saturation cannot happen in it."""
    for node in load_graph(qdq).graph:
        source = node.inputs[0] if node.op_type == "DequantizeLinear" else None
        codes = None if source is None or source.const_value is None else source.const_value.numpy()
        if codes is not None and codes.dtype in (np.int8, np.uint8) and _reach(node, codes) > SAFE_WEIGHT:
            return False
    return True


def _wrong(model: ir.Model, layer: Layer, runtime: Runtime, folder: Path, translate: Translate | None) -> bool:
    translator = Translator(model, layer, folder, translate)
    file = translator.file(runtime)
    with runtime.open(file) as session:
        (read,), (made,) = layer.reads, layer.makes
        found = LayerSession(layer, session, file).run({read.codes: np.full(read.shape, 255, np.uint8)})
    translator.remove()
    codes = found[made.codes].astype(int)
    return bool(np.abs(codes - expected_codes(made.shape)).max() > 1)


def _reach(dequantizer: ir.Node, codes: NDArray[Any]) -> int:
    """Greatest distance of a weight's codes from its zero point."""
    point = dequantizer.inputs[2] if len(dequantizer.inputs) > 2 else None
    zero = 0 if point is None or point.const_value is None else int(point.const_value.numpy().flat[0])
    return int(np.abs(codes.astype(int) - zero).max(initial=0))
