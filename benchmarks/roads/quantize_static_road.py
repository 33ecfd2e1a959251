"""ONNX Runtime's road: torch.onnx.export, quant_pre_process, quantize_static.

--method: "per-channel" (QDQ, MinMax, uint8 activations, int8 weights per channel: what its documentation recommends
for x86 and for accuracy), "default" (every option left alone), "entropy" and "percentile" (per-channel with that
CalibrationMethod), "per-tensor" (per-channel without its weights' scales per channel).
"""

from __future__ import annotations

from arguments import read_arguments, samples
from stopwatch import Stopwatch

watch = Stopwatch()
watch.mark("started")
arguments = read_arguments(__doc__ or "")

import onnx  # noqa: E402
from onnxruntime.quantization import (  # noqa: E402
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process  # noqa: E402

if arguments.float_onnx is None:
    import torch  # - only where the road begins in torch
    from network import INPUT_SHAPE, build_network

watch.mark("imported")


class Photos(CalibrationDataReader):  # type: ignore[misc] # onnxruntime ships no types
    """The prepared photos, one at a time."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.photos = samples(arguments.calibration, arguments.limit)

    def get_next(self) -> dict[str, object] | None:
        photo = next(self.photos, None)
        return None if photo is None else {self.name: photo}


float_onnx = arguments.float_onnx or arguments.out / "model.onnx"
prepared = arguments.out / "model.prepared.onnx"
destination = arguments.out / "model.int8.onnx"

if arguments.float_onnx is None:
    network = build_network()
    watch.mark("captured")
    example = (torch.zeros(INPUT_SHAPE),)
    torch.onnx.export(
        network, example, str(float_onnx), input_names=["inputs"], dynamo=True, optimize=True, external_data=False
    )
watch.mark("float")
quant_pre_process(str(float_onnx), str(prepared))
input_name = onnx.load(prepared, load_external_data=False).graph.input[0].name

options: dict[str, object] = {}
calibrations = {"entropy": CalibrationMethod.Entropy, "percentile": CalibrationMethod.Percentile}
if arguments.method != "default":
    options = {
        "quant_format": QuantFormat.QDQ,
        "per_channel": arguments.method != "per-tensor",
        "activation_type": QuantType.QUInt8,
        "weight_type": QuantType.QInt8,
        "calibrate_method": calibrations.get(arguments.method, CalibrationMethod.MinMax),
    }
quantize_static(str(prepared), str(destination), Photos(input_name), **options)
watch.mark("done")
watch.write(arguments.out, files={".onnx": destination}, packages=["torch", "onnxruntime", "onnx", "onnxscript"])
