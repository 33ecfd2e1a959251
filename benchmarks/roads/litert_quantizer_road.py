"""LiteRT's road: litert_torch.convert, then ai-edge-quantizer's recipe static_wi8_ai8 (min-max, weights per channel).

--method: "static" (that recipe), "per-tensor" (the same with weight_granularity TENSORWISE).
The network is wrapped by `to_channel_last_io`, as its documentation advises for images: without it the file begins
with a transposition.
"""

from __future__ import annotations

from arguments import read_arguments, samples
from stopwatch import Stopwatch

watch = Stopwatch()
watch.mark("started")
arguments = read_arguments(__doc__ or "")

import litert_torch  # noqa: E402
import torch  # noqa: E402
from ai_edge_quantizer import qtyping, quantizer, recipe  # noqa: E402
from network import INPUT_SHAPE, build_network  # noqa: E402

watch.mark("imported")
float_tflite = arguments.out / "model.tflite"
destination = arguments.out / "model.int8.tflite"
destination.unlink(missing_ok=True)

network = build_network()
watch.mark("captured")
batch, channels, height, width = INPUT_SHAPE
channel_last = litert_torch.to_channel_last_io(network, args=[0])
converted = litert_torch.convert(channel_last, (torch.zeros(batch, height, width, channels),))
converted.export(str(float_tflite))
watch.mark("float")

quantizing = quantizer.Quantizer(str(float_tflite), recipe.static_wi8_ai8())
if arguments.method == "per-tensor":
    quantizing = quantizer.Quantizer(str(float_tflite))
    quantizing.add_static_config(
        regex=".*",
        operation_name=qtyping.TFLOperationName.ALL_SUPPORTED,
        activation_num_bits=8,
        weight_num_bits=8,
        weight_granularity=qtyping.QuantGranularity.TENSORWISE,
    )
# A list, because the calibrator makes one of whatever it is given, to count it, before it begins.
feeds = [{"args_0": photo.transpose(0, 2, 3, 1)} for photo in samples(arguments.calibration, arguments.limit)]
calibrated = quantizing.calibrate({"serving_default": feeds})
watch.mark("calibrated")
quantizing.quantize(calibrated).export_model(str(destination))
watch.mark("done")
watch.write(
    arguments.out,
    files={".tflite": destination},
    packages=["torch", "litert-torch", "ai-edge-quantizer", "ai-edge-litert", "litert-converter"],
)
