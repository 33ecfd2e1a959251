"""torchao's pt2e: torch.export, prepare_pt2e, the photos, convert_pt2e, torch.onnx.export.

--method: "x86" (X86InductorQuantizer: uint8 activations, int8 weights per channel), "arm" (ArmInductorQuantizer).
Weights are left as float under their Q/DQ pair where "-float-weights" is added to the method (fold_quantize off).
"""

from __future__ import annotations

from arguments import read_arguments, samples
from stopwatch import Stopwatch

watch = Stopwatch()
watch.mark("started")
arguments = read_arguments(__doc__ or "")

import torch  # noqa: E402
from network import INPUT_SHAPE, build_network  # noqa: E402
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e  # noqa: E402

if arguments.method.startswith("arm"):
    from torchao.quantization.pt2e.quantizer import arm_inductor_quantizer as backend

    quantizer = backend.ArmInductorQuantizer().set_global(backend.get_default_arm_inductor_quantization_config())
else:
    from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as backend

    quantizer = backend.X86InductorQuantizer().set_global(backend.get_default_x86_inductor_quantization_config())

watch.mark("imported")
destination = arguments.out / "model.int8.onnx"
example = (torch.zeros(INPUT_SHAPE),)
with torch.no_grad():
    captured = torch.export.export(build_network(arguments.network), example).module()
    watch.mark("captured")
    prepared = prepare_pt2e(captured, quantizer)
    for photo in samples(arguments.calibration, arguments.limit):
        prepared(torch.from_numpy(photo))
    watch.mark("calibrated")
    quantized = convert_pt2e(prepared, fold_quantize="float-weights" not in arguments.method)
    watch.mark("quantized")
    torch.onnx.export(
        torch.export.export(quantized, example),
        (),
        str(destination),
        input_names=["inputs"],
        dynamo=True,
        optimize=True,
        external_data=False,
        opset_version=21,
    )
watch.mark("done")
watch.write(arguments.out, files={".onnx": destination}, packages=["torch", "torchao", "onnx", "onnxscript"])
