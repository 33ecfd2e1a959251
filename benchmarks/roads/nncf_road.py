"""OpenVINO's road: convert_model from torch, then NNCF, then the IR.

--method: "mixed" (preset mixed), "performance" (its defaults: preset performance, fast bias correction), "mixed-bias"
(fast_bias_correction=False: slower, more accurate), "per-tensor" (mixed, one scale of weights a layer),
"accuracy-control" (quantize_with_accuracy_control with its defaults: layers go back to float until top-1 on the
calibration photos drops by at most 0.01; labels from `calibration-labels.npy` beside them).
"""

from __future__ import annotations

from collections.abc import Iterable

from arguments import read_arguments, samples
from stopwatch import Stopwatch

watch = Stopwatch()
watch.mark("started")
arguments = read_arguments(__doc__ or "")

import nncf  # noqa: E402
import numpy as np  # noqa: E402
import openvino  # noqa: E402
import torch  # noqa: E402
from network import INPUT_SHAPE, build_network  # noqa: E402
from nncf.quantization.advanced_parameters import QuantizationParameters  # noqa: E402

watch.mark("imported")
destination = arguments.out / "model.int8.xml"


class Photos:
    """The prepared photos, as often as NNCF asks for them: each of its statistics passes starts anew."""

    def __iter__(self) -> object:
        return samples(arguments.calibration, arguments.limit)


class Labelled(Photos):
    """(photo, label)."""

    def __iter__(self) -> object:
        labels = np.load(arguments.calibration.with_name("calibration-labels.npy"))
        return zip(super().__iter__(), labels, strict=True)  # type: ignore[call-overload] # an iterator all the same


def top1(compiled: openvino.CompiledModel, pairs: Iterable[tuple[object, int]]) -> tuple[float, list[float]]:
    right = [float(compiled(photo)[0].argmax() == label) for photo, label in pairs]
    return sum(right) / len(right), right


network = build_network()
watch.mark("captured")
with torch.no_grad():
    model = openvino.convert_model(network, example_input=torch.zeros(INPUT_SHAPE), input=[INPUT_SHAPE])
watch.mark("float")
count = sum(1 for _ in Photos())  # type: ignore[attr-defined] # NNCF itself asks for no more than __iter__
data = nncf.Dataset(Photos())
options: dict[str, object] = {"subset_size": count}
if arguments.method in ("mixed", "mixed-bias", "per-tensor"):
    options["preset"] = nncf.QuantizationPreset.MIXED
if arguments.method == "mixed-bias":
    options["fast_bias_correction"] = False
if arguments.method == "per-tensor":
    whole = QuantizationParameters(per_channel=False)
    options["advanced_parameters"] = nncf.AdvancedQuantizationParameters(weights_quantization_params=whole)
if arguments.method == "accuracy-control":
    quantized = nncf.quantize_with_accuracy_control(model, data, nncf.Dataset(Labelled()), top1, **options)
else:
    quantized = nncf.quantize(model, data, **options)
watch.mark("quantized")
openvino.save_model(quantized, destination, compress_to_fp16=False)
watch.mark("done")
watch.write(arguments.out, files={".xml": destination}, packages=["torch", "openvino", "nncf"])
