"""NNCF's ONNX backend: torch.onnx.export, then nncf.quantize on the ONNX model.

--method: "default" (preset performance: symmetric activations), "mixed" (asymmetric activations), "accurate"
(fast_bias_correction off: the slow bias correction).
"""

from __future__ import annotations

from arguments import read_arguments, samples
from stopwatch import Stopwatch

watch = Stopwatch()
watch.mark("started")
arguments = read_arguments(__doc__ or "")

import nncf  # noqa: E402
import onnx  # noqa: E402
from float_onnx import float_onnx  # noqa: E402

watch.mark("imported")
destination = arguments.out / "model.int8.onnx"
model = onnx.load(float_onnx(arguments))
watch.mark("float")
name = model.graph.input[0].name


class Photos:
    """The prepared photos, as often as NNCF asks for them: each of its statistics passes starts anew."""

    def __iter__(self) -> object:
        return ({name: photo} for photo in samples(arguments.calibration, arguments.limit))


count = sum(1 for _ in Photos())  # type: ignore[attr-defined] # NNCF itself asks for no more than __iter__
options: dict[str, object] = {"subset_size": count, "target_device": nncf.TargetDevice.CPU}
if arguments.method in ("mixed", "accurate"):
    options["preset"] = nncf.QuantizationPreset.MIXED
if arguments.method == "accurate":
    options["fast_bias_correction"] = False
quantized = nncf.quantize(model, nncf.Dataset(Photos()), **options)
onnx.save(quantized, destination)
watch.mark("done")
watch.write(arguments.out, files={".onnx": destination}, packages=["torch", "nncf", "onnx", "onnxruntime"])
