"""`python -m benchmarks.others`: each tool's file in Sepia. The table on stdout, progress on stderr."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from ..environments import python_of
from .carried import Carried, carry
from .page import page
from .tools import NETWORKS, TOOLS, Tool

_COMMAND = "python -m benchmarks.others"


def main() -> int:
    arguments = _arguments()
    out: Path = arguments.out.resolve()
    photos = out / "photos"
    if not (photos / "validation.npy").is_file():
        subprocess.run([sys.executable, "-m", "benchmarks.photos", arguments.photos.resolve(), photos], check=True)
    for name in arguments.only:
        for network in arguments.networks:
            for method in TOOLS[name].methods:
                _one(name, TOOLS[name], network, method, out, arguments)
    order = [(tool, network, method) for tool in TOOLS for network in NETWORKS for method in TOOLS[tool].methods]
    files = [out / "rows" / f"{'-'.join(key)}.json" for key in order]
    command = f"{_COMMAND} --calibration {arguments.calibration} --validation {arguments.validation}"
    print(page([Carried.read(file) for file in files if file.is_file()], command))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=_COMMAND, description=__doc__)
    parser.add_argument("--photos", type=Path, default=Path("../shared/imagenet"), help="calibration/ and validation/")
    parser.add_argument("--out", type=Path, default=Path("build/others"), help="folder to fill (default: %(default)s)")
    parser.add_argument("--peers", type=Path, default=Path("build/peers"), help="folder of the environments")
    parser.add_argument("--only", nargs="*", choices=TOOLS, default=list(TOOLS), help="tools (default: all)")
    parser.add_argument("--networks", nargs="*", choices=NETWORKS, default=list(NETWORKS), help="default: both")
    parser.add_argument("--calibration", type=int, default=32, help="photos to calibrate on (default: %(default)s)")
    parser.add_argument("--validation", type=int, default=16, help="photos to compare on (default: %(default)s)")
    return parser.parse_args()


def _one(name: str, tool: Tool, network: str, method: str, out: Path, arguments: argparse.Namespace) -> None:
    stem = f"{name}-{network}-{method}"
    row, folder = out / "rows" / f"{stem}.json", out / "made" / stem
    if row.is_file():
        return
    print(f"{stem} …", file=sys.stderr, flush=True)
    row.parent.mkdir(parents=True, exist_ok=True)
    command = [
        str(python_of(tool.environment, arguments.peers.resolve())), str(tool.road), "--network", network,
        "--calibration", str(out / "photos" / "calibration.npy"), "--limit", str(arguments.calibration),
        "--out", str(folder), "--method", method,
    ]  # fmt: skip
    real = _float(network, out)
    if tool.from_onnx:
        command += ["--float-onnx", str(real)]
    log = out / "rows" / f"{stem}.log"
    with log.open("wb") as text:
        done = subprocess.run(command, stdout=text, stderr=text, check=False)
    if done.returncode:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        print(f"{stem}: the tool failed: {''.join(last)[:300]} (see {log})", file=sys.stderr, flush=True)
        return
    version = json.loads((folder / "road.json").read_text(encoding="utf-8"))["versions"][tool.package]
    photos = np.load(out / "photos" / "validation.npy", mmap_mode="r")
    few = np.array(photos[:: max(len(photos) // arguments.validation, 1)][: arguments.validation])
    carry(Carried(name, method, network, version), folder / "model.int8.onnx", real, few, folder / "sepia").write(row)


def _float(network: str, out: Path) -> Path:
    """Sepia's own float ONNX file, made once."""
    folder = out / "float" / network
    if not (folder / "model.onnx").is_file():
        command = [sys.executable, "-m", "sepia", "export", network, "-o", str(folder), "--formats", "onnx"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / "model.onnx"


if __name__ == "__main__":
    sys.exit(main())
