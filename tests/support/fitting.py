"""A network in a test, calibrated and rounded to nearest, as techniques that refine a quantisation are given it."""

from __future__ import annotations

import onnx
import onnx_ir as ir
from sepia.graph.passes import canonicalize
from sepia.inputs.calibration import CalibrationData
from sepia.quantize.calibration.calibrate import observe
from sepia.quantize.fitted import Fitted, Task
from sepia.quantize.placement import place
from sepia.quantize.ranges.group_range import group_range, observe_constants
from sepia.quantize.ranges.min_max import min_max_range
from sepia.quantize.rounding.round_layers import round_layers

from .graphs import NetBuilder
from .quantising import normal_data

__all__ = ["task_and_fitted"]


def task_and_fitted(
    net: NetBuilder | onnx.ModelProto,
    data: CalibrationData | None = None,
    *,
    activations: str = "uint8",
    limit: int = 127,
) -> tuple[Task, Fitted]:
    """Ranges by min and max, weights to nearest, biases corrected; by default on normal values."""
    proto = net if isinstance(net, onnx.ModelProto) else net.proto(net.nodes[-1].output[0])
    model = canonicalize(ir.from_proto(proto))
    if data is None:
        shapes = {i.name: tuple(d.dim_value or 1 for d in i.type.tensor_type.shape.dim) for i in proto.graph.input}
        data = normal_data(shapes)
    placement = place(model)
    task = Task(model, placement, data, activations, limit, "a test")
    constants = observe_constants(model, placement.constants, histogram=False)
    found = observe(
        model, placement.watched(), placement.layers, data,
        constants=constants, histogram=False, where=task.where, tick=lambda: None,
    )  # fmt: skip
    ranges = [None if g.fixed else group_range(g, found.observed, min_max_range) for g in placement.groups]
    return task, round_layers(
        placement.groups, placement.layers, ranges, found.means, activations=activations, limit=limit
    )
