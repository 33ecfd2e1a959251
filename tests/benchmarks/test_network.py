"""The network as the peers get it."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.contestants import ROADS

SCRIPT = f"""
import sys
sys.path.insert(0, {str(ROADS)!r})
from network import INPUT_SHAPE, build_network
import torch
before = set(sys.modules)
network = build_network()
with torch.no_grad():
    print(tuple(network(torch.zeros(INPUT_SHAPE)).shape))
packages = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(sorted(packages & {{"PIL", "numpy", "onnx", "onnx_ir", "onnxruntime", "openvino", "pydantic", "skimage"}}))
"""


def test_it_needs_nothing_of_ours_but_torch() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["(1, 1000)", "[]"]
