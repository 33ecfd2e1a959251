"""Sepia's road: torch → float ONNX → QDQ ONNX, and its translations to int8 TFLite and OpenVINO IR."""

from __future__ import annotations

from arguments import read_arguments
from stopwatch import Stopwatch

watch = Stopwatch()
watch.mark("started")
arguments = read_arguments(__doc__ or "")

import openvino  # noqa: E402, F401 - loaded here, so that all roads' time after import is work alone
import torch  # noqa: E402, F401
from network import INPUT_SHAPE, NETWORK  # noqa: E402
from sepia.export.onnx_to_openvino import onnx_to_openvino  # noqa: E402
from sepia.export.onnx_to_tflite import onnx_to_tflite  # noqa: E402
from sepia.export.torch_to_onnx import torch_to_onnx  # noqa: E402
from sepia.inputs import calibration_data  # noqa: E402
from sepia.models.source import load_source  # noqa: E402
from sepia.quantize.quantize import quantize  # noqa: E402
from sepia.quantize.recipes import recipe  # noqa: E402

watch.mark("imported")
float_onnx = arguments.out / "model.onnx"
files = {suffix: arguments.out / f"model.int8{suffix}" for suffix in (".onnx", ".tflite", ".xml")}

source = load_source(NETWORK, arguments.out)
if source.program is None:
    raise SystemExit(f"{NETWORK} did not come as a torch program")
input_name = source.program.graph_signature.user_inputs[0]
watch.mark("captured")
torch_to_onnx(source.program, float_onnx, metadata={})
watch.mark("float")
data = calibration_data(arguments.calibration, {str(input_name): INPUT_SHAPE}, None, limit=arguments.limit)
quantize(float_onnx, files[".onnx"], data, recipe(arguments.method))
watch.mark("quantized")
onnx_to_tflite(files[".onnx"], files[".tflite"])
watch.mark("tflite")
onnx_to_openvino(files[".onnx"], files[".xml"])
watch.mark("done")
watch.write(
    arguments.out, files=files, packages=["torch", "onnxruntime", "onnx", "openvino", "ai-edge-litert", "sepia-edge"]
)
