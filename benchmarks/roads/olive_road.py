"""Olive's static recipe: torch.onnx.export, then its pass OnnxStaticQuantization as a workflow.

--method: "default" (every option of the pass left alone: QDQ, MinMax, per tensor), "per-channel", "entropy",
"percentile" (per channel, with that calibration), "qnn" (OnnxStaticQuantization with prepare_qnn_config: 16-bit
activations, 8-bit weights).
"""

from __future__ import annotations

import shutil

from arguments import read_arguments, samples
from stopwatch import Stopwatch

watch = Stopwatch()
watch.mark("started")
arguments = read_arguments(__doc__ or "")

import onnx  # noqa: E402
import torch  # noqa: E402
from float_onnx import float_onnx  # noqa: E402
from olive.data.registry import Registry  # noqa: E402
from olive.workflows import run  # noqa: E402

watch.mark("imported")
destination = arguments.out / "model.int8.onnx"
source = float_onnx(arguments)
watch.mark("float")
name = onnx.load(source, load_external_data=False).graph.input[0].name


class Photos(torch.utils.data.Dataset):  # type: ignore[misc]
    """The prepared photos as (inputs, label): Olive's own container for data sets."""

    def __init__(self) -> None:
        self.photos = list(samples(arguments.calibration, arguments.limit))

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> tuple[dict[str, object], int]:
        return {name: self.photos[index][0]}, 0


@Registry.register_dataset()
def photos_dataset(**_: object) -> Photos:
    return Photos()


options: dict[str, object] = {}
if arguments.method != "default":
    calibration = {"entropy": "Entropy", "percentile": "Percentile"}
    options = {"per_channel": True, "calibrate_method": calibration.get(arguments.method, "MinMax")}
if arguments.method == "qnn":
    options = {"prepare_qnn_config": True, "activation_type": "uint16", "precision": "uint8"}
work = arguments.out / "olive"
shutil.rmtree(work, ignore_errors=True)
run(
    {
        "input_model": {"type": "ONNXModel", "model_path": str(source)},
        "systems": {
            "here": {"type": "LocalSystem", "accelerators": [{"execution_providers": ["CPUExecutionProvider"]}]}
        },
        "target": "here",
        "data_configs": [
            {
                "name": "prepared_photos",
                "type": "DataContainer",
                "load_dataset_config": {"type": "photos_dataset"},
                "dataloader_config": {"batch_size": 1},
            }
        ],
        "passes": {"quantize": {"type": "OnnxStaticQuantization", "data_config": "prepared_photos", **options}},
        "output_dir": str(work / "out"),
        "cache_dir": str(work / "cache"),
        "log_severity_level": 2,
    }
)
made = next(path for path in sorted((work / "out").rglob("*.onnx")))
onnx.save(onnx.load(made), destination)
watch.mark("done")
watch.write(arguments.out, files={".onnx": destination}, packages=["torch", "olive-ai", "onnx", "onnxruntime"])
