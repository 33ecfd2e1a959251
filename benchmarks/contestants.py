"""Who runs: Sepia and its peers, each with its environment, its road and the file endings it makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["CONTESTANTS", "NETWORK", "OURS", "ROADS", "Contestant"]

NETWORK = "efficientnet-lite0"
"""In the zoo; `roads/network.py` builds it."""

ROADS = Path(__file__).resolve().parent / "roads"


@dataclass(frozen=True)
class Contestant:
    """One road from torch to int8.

    name: as in the tables and folders. environment: a name in `peers/`, or "" for this Python. script: in `roads/`.
    method: in the road's own words. suffix → runtime: the files it makes and what runs them.
    """

    name: str
    title: str
    environment: str
    script: Path
    method: str
    runtimes: dict[str, str]

    def arguments(self, calibration: Path, out: Path) -> list[str]:
        return ["--calibration", str(calibration), "--out", str(out), "--method", self.method]


OURS = Contestant(
    "sepia",
    "Sepia: ONNX + TFLite + IR",
    "",
    ROADS / "sepia_road.py",
    "fast",
    {".onnx": "onnxruntime", ".tflite": "litert", ".xml": "openvino"},
)

CONTESTANTS = (
    OURS,
    Contestant(
        "litert",
        "litert-torch + ai-edge-quantizer: TFLite",
        "litert",
        ROADS / "litert_quantizer_road.py",
        "static",
        {".tflite": "litert"},
    ),
    Contestant(
        "quantize_static",
        "torch.onnx + quantize_static, per channel: ONNX",
        "onnxruntime",
        ROADS / "quantize_static_road.py",
        "per-channel",
        {".onnx": "onnxruntime"},
    ),
    Contestant(
        "quantize_static-defaults",
        "torch.onnx + quantize_static, defaults: ONNX",
        "onnxruntime",
        ROADS / "quantize_static_road.py",
        "default",
        {".onnx": "onnxruntime"},
    ),
    Contestant(
        "nncf",
        "OpenVINO + NNCF, preset mixed: IR",
        "nncf",
        ROADS / "nncf_road.py",
        "mixed",
        {".xml": "openvino"},
    ),
)
