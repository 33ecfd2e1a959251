"""brevitas: its post-training flow (preprocess_for_quantize, quantize, calibration), then export_onnx_qcdq.

--method: "default" (what `quantize` does by itself: int8 weights per tensor, int32 biases), "per-channel" (weights per
channel), "float-bias" (biases left in float), "4-bit" (weights of 4 bits).
"""

from __future__ import annotations

from dataclasses import replace

from arguments import read_arguments, samples
from stopwatch import Stopwatch

watch = Stopwatch()
watch.mark("started")
arguments = read_arguments(__doc__ or "")

import torch  # noqa: E402
from brevitas.export import export_onnx_qcdq  # noqa: E402
from brevitas.graph.calibrate import calibration_mode  # noqa: E402
from brevitas.graph.quantize import COMPUTE_LAYER_MAP, preprocess_for_quantize, quantize  # noqa: E402
from network import INPUT_SHAPE, build_network  # noqa: E402

watch.mark("imported")


def pad_beforehand(module: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
    """Paddings that Lite0 computes from the shape become layers of their own: brevitas's tracer gives up at them."""
    window = getattr(module, "window", None)
    if window is None or window.even_pads is not None:
        return
    sides = [side for pair in reversed(window.pads(given[0].shape[2:])) for side in pair]
    padded = torch.nn.Sequential(torch.nn.ZeroPad2d(sides), module.conv)
    padded.in_channels = module.conv.in_channels
    module.conv, module.window = padded, replace(window, even_pads=(0, 0))


destination = arguments.out / "model.int8.onnx"
example = torch.zeros(INPUT_SHAPE)
network = build_network(arguments.network)
with torch.no_grad():
    hooks = [module.register_forward_pre_hook(pad_beforehand) for module in network.modules()]
    network(example)
for hook in hooks:
    hook.remove()
network = preprocess_for_quantize(network, relu6_to_relu=False)
watch.mark("captured")
changed: dict[str, dict[str, object]] = {
    "per-channel": {"weight_scaling_per_output_channel": True},
    "4-bit": {"weight_bit_width": 4},
    "float-bias": {"bias_quant": None},
}
layers = {
    kind: None if entry is None else (entry[0], {**entry[1], **changed.get(arguments.method, {})})
    for kind, entry in COMPUTE_LAYER_MAP.items()
}
with torch.no_grad():
    quantized = quantize(network, compute_layer_map=layers)
    with calibration_mode(quantized):
        for photo in samples(arguments.calibration, arguments.limit):
            quantized(torch.from_numpy(photo))
    watch.mark("calibrated")
    # Its newer exporter (dynamo) takes no quantised biases.
    export_onnx_qcdq(
        quantized, example, str(destination), input_names=["inputs"], dynamo=arguments.method == "float-bias"
    )
watch.mark("done")
watch.write(arguments.out, files={".onnx": destination}, packages=["torch", "brevitas", "onnx", "onnxscript"])
