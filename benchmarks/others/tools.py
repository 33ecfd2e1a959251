"""The tools, each with the ways of quantising that make different files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["NETWORKS", "TOOLS", "Tool"]

ROADS = Path(__file__).resolve().parents[1] / "roads"

NETWORKS = ("efficientnet-lite0", "mobilenet-v3-small")
"""Lite0 has real weights; MobileNetV3-small (HardSwish, squeeze-excite) has none, and shows what is carried over."""


@dataclass(frozen=True)
class Tool:
    """environment: pins in `peers/`. road: its script. methods: in the road's words. package: whose version is told.

    from_onnx: it begins at Sepia's own float ONNX file; the others begin in torch.
    """

    title: str
    environment: str
    road: Path
    methods: tuple[str, ...]
    package: str
    from_onnx: bool


TOOLS = {
    "onnxruntime": Tool(
        "ONNX Runtime quantize_static",
        "onnxruntime",
        ROADS / "quantize_static_road.py",
        ("default", "per-channel", "entropy", "percentile"),
        "onnxruntime",
        True,
    ),
    "nncf": Tool(
        "NNCF, ONNX backend", "nncf_onnx", ROADS / "nncf_onnx_road.py", ("default", "mixed"), "nncf", True
    ),
    "olive": Tool(
        "Olive OnnxStaticQuantization",
        "olive",
        ROADS / "olive_road.py",
        ("default", "per-channel", "qnn"),
        "olive-ai",
        True,
    ),
    "brevitas": Tool(
        "brevitas QCDQ",
        "brevitas",
        ROADS / "brevitas_road.py",
        ("default", "per-channel", "float-bias", "4-bit"),
        "brevitas",
        False,
    ),
    "torchao": Tool(
        "torchao pt2e", "torchao", ROADS / "torchao_road.py", ("x86", "arm", "x86-float-weights"), "torchao", False
    ),
}  # fmt: skip
