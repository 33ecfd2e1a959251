"""Sepia's calibration alone, from a float ONNX file: torch's own peak would hide what the photos take.

--calibration built-in: the photos in scikit-image's wheel.
"""

from __future__ import annotations

from arguments import read_arguments
from stopwatch import Stopwatch

watch = Stopwatch()
watch.mark("started")
arguments = read_arguments(__doc__ or "")

import onnx  # noqa: E402
from network import NETWORK  # noqa: E402
from sepia.inputs import calibration_data  # noqa: E402
from sepia.models.zoo import ZOO  # noqa: E402
from sepia.quantize.quantize import quantize  # noqa: E402
from sepia.quantize.recipes import recipe  # noqa: E402

watch.mark("imported")
graph_input = onnx.load(arguments.float_onnx, load_external_data=False).graph.input[0]
shape = tuple(dimension.dim_value for dimension in graph_input.type.tensor_type.shape.dim)
preparation = ZOO[NETWORK].preparation
photos = None if str(arguments.calibration) == "built-in" else arguments.calibration
data = calibration_data(photos, {graph_input.name: shape}, preparation, limit=arguments.limit)
destination = arguments.out / "model.int8.onnx"
quantize(arguments.float_onnx, destination, data, recipe(arguments.method))
watch.mark("done")
watch.write(arguments.out, files={".onnx": destination}, packages=["onnxruntime", "onnx", "sepia-edge"])
