"""A small network of inverted residuals with a first quantisation, for techniques that go on from one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sepia.graph.load import load_graph
from sepia.graph.passes import canonicalize
from sepia.inputs.calibration import CalibrationData, Sample
from sepia.quantize.calibration.calibrate import observe
from sepia.quantize.fitted import Fitted, Task
from sepia.quantize.placement import place
from sepia.quantize.ranges.group_range import group_range, observe_constants
from sepia.quantize.ranges.min_max import min_max_range
from sepia.quantize.rounding.round_layers import round_layers

from .graphs import NetBuilder
from .quantising import normal_data

__all__ = ["fitted_task", "inverted_residuals", "smooth_data"]

_SHAPES = {"image": (1, 3, 8, 8)}


def inverted_residuals() -> NetBuilder:
    """Wide inside, narrow between, with a skip around the second; a last branch that begins at the image itself."""
    net = NetBuilder((1, 3, 8, 8))
    x = net.conv("image", 4, kernel=3)
    for skip in (False, True):
        wide = net.relu6(net.depthwise(net.relu6(net.conv(x, 16, kernel=1))))
        narrow = net.conv(wide, 4, kernel=1)
        x = net.node("Add", [x, narrow]) if skip else narrow
    late = net.conv("image", 4, kernel=1)
    net.node("Add", [x, late])
    return net


def smooth_data(count: int, *, seed: int = 1) -> CalibrationData:
    """Images whose neighbours and channels nearly agree, as those of photos do."""

    def samples() -> Iterator[Sample]:
        rng = np.random.default_rng(seed)
        for _ in range(count):
            coarse = rng.normal(0, 1, (1, 1, 2, 2)).repeat(4, axis=2).repeat(4, axis=3)
            yield {"image": (coarse + 0.2 * rng.normal(0, 1, (1, 3, 8, 8))).astype(np.float32)}

    return CalibrationData("smooth values", False, count, samples)


def fitted_task(
    net: NetBuilder, folder: Path, *, samples: int = 3, data: CalibrationData | None = None
) -> tuple[Task, Fitted]:
    """`net` with min-max ranges and nearest rounding. Its float file is left in `folder`, as float.onnx.

    data: by default `samples` of normal values.
    """
    source = folder / "float.onnx"
    source.write_bytes(net.proto(net.nodes[-1].output[0]).SerializeToString())
    model = canonicalize(load_graph(source))
    placement = place(model)
    data = data or normal_data(_SHAPES, samples)
    task = Task(model, placement, data, "uint8", 127, "here")
    seen = observe(
        model, placement.watched(), placement.layers, data,
        constants=observe_constants(model, placement.constants, histogram=False),
        histogram=False, where="here", tick=lambda: None,
    )  # fmt: skip
    ranges = [None if group.fixed else group_range(group, seen.observed, min_max_range) for group in placement.groups]
    return task, round_layers(placement.groups, placement.layers, ranges, seen.means, activations="uint8", limit=127)
