"""Of an OpenVINO IR: its FakeQuantize nodes are where it rounds, and they are given out beside the result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["layer_outputs"]

_LAYERS = {"Convolution", "GroupConvolution", "MatMul"}
_FOLLOWED = {"Add", "Clamp", "Relu", "Convert", "Subtract", "Multiply"}
"""Bias, activation, and what turns the codes of an IR that was read from QDQ ONNX into what they stand for."""


def layer_outputs(path: Path, photos: NDArray[np.float32]) -> Iterator[list[NDArray[np.float32]]]:
    """photos: [N, 3, H, W] → for each the outputs of all layers."""
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    wanted = [_after(node.output(0)) for node in model.get_ordered_ops() if node.get_type_name() in _LAYERS]
    results = [result.input_value(0) for result in model.get_results()]
    model.add_outputs([output for output in wanted if output not in results])
    # In the order of the results, whichever were there before.
    given = [result.input_value(0) for result in model.get_results()]
    places = [given.index(output) for output in wanted]
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for photo in photos:
        found = compiled(photo[None])
        yield [found[place].copy() for place in places]


def _after(output: Any) -> Any:
    """Past what alone reads it and adds nothing but constants, and past its FakeQuantize."""
    while True:
        readers = [
            port.get_node() for port in output.get_target_inputs() if port.get_node().get_type_name() != "ShapeOf"
        ]
        rounded = next((node for node in readers if node.get_type_name() == "FakeQuantize"), None)
        if rounded is not None:
            output = rounded.output(0)
        elif len(readers) == 1 and readers[0].get_type_name() in _FOLLOWED and _alone(readers[0], output):
            output = readers[0].output(0)
        else:
            return output


def _alone(node: Any, output: Any) -> bool:
    """All that the node reads but `output` is made of constants and shapes."""
    sources = [port.get_source_output() for port in node.inputs()]
    return all(source == output or _constant(source.get_node()) for source in sources)


def _constant(node: Any) -> bool:
    kind = node.get_type_name()
    if kind in ("Constant", "ShapeOf"):
        return True
    return kind != "Parameter" and all(_constant(port.get_source_output().get_node()) for port in node.inputs())
