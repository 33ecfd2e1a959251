"""The self-test on emulated boards: LiteRT on a Raspberry Pi 4, a C program on a Zero, which has no NumPy."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sepia
from sepia.devices.probe import probe
from sepia.devices.provision import provision, push
from sepia.devices.transport.ssh import SSHTransport
from sepia.export.onnx_to_c import build, write_c
from sepia.ship.agent.manifest import Bounds
from support.arm_board import ArmBoard
from support.c_programs import compiler_for
from support.tiny_models import TinyModel, write_qdq
from support.unpacked_bundles import ECHO, LIMITS, Unpacked, native_bundle, network_bundle, unpacked

pytestmark = pytest.mark.slow

HOME = Path(sepia.__file__).resolve().parent
AGENT = "/home/pi/.sepia/ship/agents/test"
VERSIONS = "/home/pi/.sepia/ship/models/tiny/versions"

SELFTEST = f"""
import dataclasses, json, os, sys
sys.path.insert(0, {AGENT!r})
from pathlib import Path
from sepia_agent import archive, selftest
from sepia_agent.place import Place, bench_program
folder, environment, deadline_s = Path(sys.argv[1]), json.loads(sys.argv[2]), float(sys.argv[3])
place = Place("/usr/bin/python3", environment, (), bench_program())
told = selftest.run(folder, archive.verify(folder), place, deadline_s=deadline_s)
beside = [name for name in os.listdir(folder.parent) if name.endswith(".new")]
print(json.dumps({{**dataclasses.asdict(told), "beside": beside}}))
"""
UNPACK = "import sys, tarfile; tarfile.open(fileobj=sys.stdin.buffer, mode='r|').extractall(sys.argv[1])"


@dataclass(frozen=True)
class Board:
    arm: ArmBoard
    link: SSHTransport
    environment: Mapping[str, str]

    def put(self, bundle: Unpacked, name: str) -> str:
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            tar.add(bundle.folder, name)
        self.python(UNPACK, VERSIONS, stdin=data.getvalue())
        return f"{VERSIONS}/{name}"

    def selftest(self, bundle: Unpacked, name: str, deadline_s: float = 120.0) -> dict[str, Any]:
        folder = self.put(bundle, name)
        said = self.python(SELFTEST, folder, json.dumps(dict(self.environment)), str(deadline_s))
        found: dict[str, Any] = json.loads(said)
        assert found["beside"] == []
        assert not [line for line in self.arm.processes() if "sleep" in line or VERSIONS in line]
        return found

    def python(self, text: str, *arguments: str, stdin: bytes = b"") -> str:
        ran = self.link.run(["python3", "-c", text, *arguments], deadline=180.0, stdin=[stdin])
        assert ran.code == 0, ran.err
        return ran.out.decode()


def reached(board: ArmBoard) -> SSHTransport:
    link = SSHTransport(board.destination, name="kitchen", config=board.ssh_config)
    files = {f"sepia_agent/{path.name}": path for path in (HOME / "ship" / "agent").glob("*.py")}
    push(link, {**files, "sepia_bench/bench.py": HOME / "runtime" / "bench.py"}, AGENT)
    return link


@pytest.fixture(scope="module")
def pi4(arm64_board: ArmBoard) -> Iterator[Board]:
    with reached(arm64_board) as link:
        yield Board(arm64_board, link, provision(link, probe(link), ["litert"])["litert"].environment)


@pytest.fixture(scope="module")
def zero(armel_board: ArmBoard) -> Iterator[Board]:
    with reached(armel_board) as link:
        yield Board(armel_board, link, {})


def test_a_network_in_litert(pi4: Board, tmp_path: Path) -> None:
    right = pi4.selftest(network_bundle(tmp_path / "right"), "1")
    assert right["ok"], right
    assert right["rms"] < 1e-5 and right["rss_bytes"] > 10_000_000
    wrong = pi4.selftest(network_bundle(tmp_path / "wrong", off=0.5), "2")
    assert wrong["reason"] == "wrong output: output 'result': rms error 0.5, at most 0.001"


def test_a_board_without_the_runtime(pi4: Board, tmp_path: Path) -> None:
    told = replace(pi4, environment={}).selftest(network_bundle(tmp_path / "right"), "4")
    assert not told["ok"] and told["worth_again"]
    assert told["reason"].startswith("litert: is not on this board (ModuleNotFoundError")


def c_program(folder: Path, *, bounds: Bounds = LIMITS, off: float = 0.0) -> Unpacked:
    """The tiny network as a program for ARMv6; what is right for it is what this machine's build of it gives."""
    compiler_for("armv6l")
    folder.mkdir()
    written = write_c(write_qdq(TinyModel.drawn(), folder / "model.int8.onnx"), folder)
    inputs = np.concatenate([TinyModel.photo(seed) for seed in (1, 2)]).astype("<f4")
    right = np.concatenate([TinyModel.drawn().reference(image[None]) for image in inputs]) + np.float32(off)
    tolerance = {
        "rms": 0.05, "samples": 2, "output_dtype": "float32",
        "input_bytes": written.input_bytes, "output_bytes": written.output_bytes,
    }  # fmt: skip
    contents = {
        "golden/inputs.bin": inputs.tobytes(),
        "golden/outputs.bin": right.astype("<f4").tobytes(),
        "golden/tolerance.json": json.dumps(tolerance).encode(),
        "model.native": build(folder, "armv6l").read_bytes(),
    }
    return unpacked(
        folder / "bundle", contents, runtime="native", network="model.native", program="model.native", bounds=bounds
    )


def test_a_c_program_on_armv6(zero: Board, tmp_path: Path) -> None:
    right = zero.selftest(c_program(tmp_path / "right", bounds=Bounds(1e4, 500_000_000)), "1")
    assert right["ok"], right
    assert right["p50_ms"] is not None and right["rss_bytes"] is not None
    wrong = zero.selftest(c_program(tmp_path / "wrong", off=0.2), "2")
    assert wrong["reason"].startswith("wrong output: rms error 0.2")


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("cat; sleep 100", "native: not done within "),
        ("cat; setsid sleep 100 &", ""),
        ("cat; kill -ILL $$", "native: ended by SIGILL"),
        ("cat; touch $(dirname $0)/more", "was changed by its own self-test"),
    ],
    ids=["hangs", "leaves a process", "SIGILL", "writes into its bundle"],
)
def test_programs_that_misbehave_on_a_board(zero: Board, tmp_path: Path, does: str, reason: str) -> None:
    bundle = native_bundle(tmp_path / "bundle", ECHO.replace("cat\n", f"{does}\n"))
    name = "".join(letter for letter in does if letter.isalnum())
    told = zero.selftest(bundle, name, deadline_s=20.0 if "100" not in does or "setsid" in does else 6.0)
    assert told["ok"] == (not reason) and reason in told["reason"]
