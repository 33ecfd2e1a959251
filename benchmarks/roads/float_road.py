"""No quantisation: the network from torch to a float ONNX file, by Sepia; every file is judged against it."""

from __future__ import annotations

from arguments import read_arguments
from stopwatch import Stopwatch

watch = Stopwatch()
watch.mark("started")
arguments = read_arguments(__doc__ or "")

import torch  # noqa: E402, F401 - loaded here, so that the time after import is work alone
from network import NETWORK  # noqa: E402
from sepia.export.torch_to_onnx import torch_to_onnx  # noqa: E402
from sepia.models.source import load_source  # noqa: E402

watch.mark("imported")
source = load_source(NETWORK, arguments.out)
if source.program is None:
    raise SystemExit(f"{NETWORK} did not come as a torch program")
watch.mark("captured")
destination = arguments.out / "model.onnx"
torch_to_onnx(source.program, destination, metadata={})
watch.mark("float")
watch.write(arguments.out, files={".onnx": destination}, packages=["torch", "onnx", "sepia-edge"])
