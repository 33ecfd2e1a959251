"""OpenVINO's road: convert_model from torch, then nncf.quantize with its preset "mixed", then the IR."""

from __future__ import annotations

from arguments import read_arguments, samples
from stopwatch import Stopwatch

watch = Stopwatch()
watch.mark("started")
arguments = read_arguments(__doc__ or "")

import nncf  # noqa: E402
import openvino  # noqa: E402
import torch  # noqa: E402
from network import INPUT_SHAPE, build_network  # noqa: E402

watch.mark("imported")
destination = arguments.out / "model.int8.xml"


class Photos:
    """The prepared photos, as often as NNCF asks for them: each of its statistics passes starts anew."""

    def __iter__(self) -> object:
        return samples(arguments.calibration, arguments.limit)


network = build_network()
watch.mark("captured")
with torch.no_grad():
    model = openvino.convert_model(network, example_input=torch.zeros(INPUT_SHAPE), input=[INPUT_SHAPE])
watch.mark("float")
count = sum(1 for _ in Photos())  # type: ignore[attr-defined] # NNCF itself asks for no more than __iter__
quantized = nncf.quantize(model, nncf.Dataset(Photos()), preset=nncf.QuantizationPreset.MIXED, subset_size=count)
watch.mark("quantized")
openvino.save_model(quantized, destination, compress_to_fp16=False)
watch.mark("done")
watch.write(arguments.out, files={".xml": destination}, packages=["torch", "openvino", "nncf"])
