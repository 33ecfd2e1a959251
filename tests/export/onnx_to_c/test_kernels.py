"""Every kernel against plain NumPy, bit for bit: all cases are one program, since the build costs more than the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import helper
from sepia.devices.emulator.qemu import find
from sepia.export.onnx_to_c import build
from sepia.graph.qdq import QuantizedModel
from support.c_programs import CProgram, compiler_for, differences, made, merged
from support.layer_cases import CASES
from support.needs import need_programs
from support.qdq_layers import QdqBuilder

Case = Callable[[QdqBuilder], str]

IMAGE = (1, 8, 13, 11)
GRID = {"scale": 0.02057, "zero_point": 113}
"""Of `QdqBuilder.input`: what ops that only move values keep."""


def conv(weight: tuple[int, ...], image: tuple[int, ...], **attributes: object) -> Case:
    return lambda net: net.layer("layer", "Conv", net.input("image", image), weight, **attributes)


def op(
    name: str, *constants: object, image: tuple[int, ...] = IMAGE, out: dict[str, float] | None = None, **rest: object
) -> Case:
    """constants: further inputs, in ONNX's order; None leaves one out."""

    def build(net: QdqBuilder) -> str:
        sources = [net.input("image", image)]
        for index, value in enumerate(constants):
            if value is not None:
                net.initializers[f"setting{index}"] = np.asarray(value)
            sources.append("" if value is None else f"setting{index}")
        return net.op("layer", name, sources, **{**GRID, **(out or {})}, **rest)

    return build


def pair(name: str, left: tuple[int, ...], right: tuple[int, ...], *, scale: float = 0.05193) -> Case:
    def build(net: QdqBuilder) -> str:
        one, other = net.input("left", left, scale=0.02137), net.input("right", right, scale=0.03461, zero_point=140)
        return net.op("layer", name, [one, other], scale=scale, zero_point=120)

    return build


def with_a_constant(net: QdqBuilder) -> str:
    net.initializers["offsets"] = net.rng.normal(0, 1, (8, 1, 1)).astype(np.float32)
    held = net.pair("offsets", 0.0173, 131)
    return net.op("layer", "Add", [net.input("image", IMAGE), held], scale=0.0313, zero_point=120)


def into_a_vector(net: QdqBuilder) -> str:
    """The weights' columns are in ONNX's order of axes, the image is not."""
    x = net.op("flat", "Flatten", [net.input("image", (1, 5, 3, 4))], **GRID, axis=1)
    return net.layer("layer", "Gemm", x, (7, 60), transB=1)


def out_of_a_vector(net: QdqBuilder) -> str:
    net.initializers["shape"] = np.array([1, 5, 3, 4])
    x = net.op("image4", "Reshape", [net.input("vector", (1, 60)), "shape"], **GRID)
    return net.layer("layer", "Conv", x, (6, 5, 1, 1))


def joined(net: QdqBuilder) -> str:
    parts = [net.input(f"part{size}", (1, 3, size, 4)) for size in (2, 1, 5)]
    return net.op("layer", "Concat", parts, **GRID, axis=2)


def joined_channels(net: QdqBuilder) -> str:
    """Of one channel each, so that no part lies in one piece."""
    parts = [net.input(f"part{number}", (1, 1, 3, 4)) for number in range(3)]
    return net.op("layer", "Concat", parts, **GRID, axis=1)


def halved(net: QdqBuilder) -> str:
    """Two parts of unequal size, which are read by different ops and come together again."""
    net.initializers |= {"sizes": np.array([3, 5]), "spatial": np.array([2, 3])}
    split = [net.input("image", (1, 8, 3, 2)), "sizes"]
    net.nodes.append(helper.make_node("Split", split, ["first", "second"], name="split", axis=1))
    first, second = (net.pair(name, **GRID) for name in ("first", "second"))
    grid = {"scale": 0.0313, "zero_point": 107}
    mean = net.op("mean", "ReduceMean", [first, "spatial"], keepdims=1, **grid)
    most = net.op("pool", "GlobalAveragePool", [second], **grid)
    return net.op("layer", "Concat", [most, mean], axis=1, **grid)


MORE: dict[str, Case] = {
    "pointwise, odd sizes": conv((7, 5, 1, 1), (1, 5, 3, 3)),
    "pointwise, one row": conv((6, 3, 1, 1), (1, 3, 1, 1)),
    "pointwise, stride 3": conv((6, 5, 1, 1), (1, 5, 7, 8), strides=[3, 3]),
    "standard, odd sizes": conv((5, 3, 3, 3), (1, 3, 7, 6), pads=[1, 1, 1, 1], strides=[2, 1]),
    "standard, same lower": conv((5, 3, 4, 3), (1, 3, 8, 6), auto_pad="SAME_LOWER", strides=[2, 2]),
    "grouped, odd sizes": conv((9, 2, 3, 2), (1, 6, 5, 5), group=3, pads=[1, 0, 1, 1]),
    "standard 1-D": conv((6, 5, 4), (1, 5, 19), strides=[2], pads=[1, 2]),
    "depthwise, 5 channels": conv((5, 1, 3, 3), (1, 5, 6, 7), group=5, pads=[1, 1, 1, 1]),
    "depthwise, 11 channels, stride 2": conv((11, 1, 5, 5), (1, 11, 9, 8), group=11, pads=[2, 2, 2, 2], strides=[2, 2]),
    "depthwise, multiplier 3": conv((15, 1, 3, 3), (1, 5, 6, 7), group=5, pads=[1, 1, 1, 1]),
    "depthwise, stride above the kernel": conv((8, 1, 2, 2), (1, 8, 11, 13), group=8, strides=[3, 4]),
    "depthwise, tall and dilated": conv((8, 1, 7, 1), (1, 8, 17, 3), group=8, dilations=[2, 1], pads=[5, 0, 6, 0]),
    "depthwise, pads beyond the image": conv((8, 1, 3, 7), (1, 8, 3, 2), group=8, pads=[2, 6, 2, 6]),
    "fully connected, 10 channels": lambda net: net.layer("layer", "Gemm", net.input("x", (1, 13)), (10, 13), transB=1),
    "sub": pair("Sub", IMAGE, IMAGE),
    "add a value a channel": pair("Add", IMAGE, (1, 8, 1, 1)),
    "add a value a pixel": pair("Add", (13, 11), IMAGE),
    "add vectors": pair("Add", (1, 9), (1, 9)),
    "add a constant": with_a_constant,
    "mul a row": pair("Mul", (1, 8, 13, 1), (1, 1, 1, 11), scale=0.08219),
    "leaky relu": op("LeakyRelu", out={"scale": 0.0171}, alpha=0.07),
    "elu": op("Elu", out={"scale": 0.0171}),
    "tanh": op("Tanh", out={"scale": 1 / 128, "zero_point": 128}),
    "softplus": op("Softplus", out={"scale": 0.0121, "zero_point": 3}),
    "clip": op("Clip", np.float32(-0.3), np.float32(1.1), out={"scale": 0.0121, "zero_point": 113}),
    "softmax over rows": op("Softmax", out={"scale": 1 / 256, "zero_point": 0}, axis=2),
    "softmax of a vector": op("Softmax", image=(1, 37), out={"scale": 1 / 256, "zero_point": 0}, axis=-1),
    "max pool, pads": op("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
    "max pool 1-D": op("MaxPool", image=(1, 5, 12), kernel_shape=[3], strides=[2]),
    "global max pool": op("GlobalMaxPool"),
    "average pool, pads left out": op(
        "AveragePool", out={"scale": 0.0171}, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]
    ),
    "average pool, pads counted": op(
        "AveragePool", out={"scale": 0.0171}, kernel_shape=[3, 2], strides=[1, 2], pads=[1, 0, 2, 1],
        count_include_pad=1,
    ),
    "mean over the image": op("ReduceMean", np.array([2, 3]), out={"scale": 0.0103}, keepdims=1),
    "mean over the image, axes gone": op("ReduceMean", np.array([2, 3]), out={"scale": 0.0103}, keepdims=0),
    "into a vector": into_a_vector,
    "out of a vector": out_of_a_vector,
    "image to image": op("Reshape", np.array([1, 4, 13, 22])),
    "channels last by hand": op("Transpose", perm=[0, 2, 3, 1]),
    "squeeze": op("Squeeze", np.array([2]), image=(1, 8, 1, 11)),
    "unsqueeze": op("Unsqueeze", np.array([3]), image=(1, 8, 11)),
    "expand": op("Expand", np.array([1, 8, 5, 11]), image=(1, 8, 1, 11)),
    "slice": op("Slice", np.array([2, -2]), np.array([11, -9]), np.array([2, 3]), np.array([3, -1])),
    "pad": op("Pad", np.array([0, 1, 2, 0, 0, 0, 1, 3])),
    "joined along rows": joined,
    "joined channels": joined_channels,
    "two halves": halved,
}  # fmt: skip
ALL = {**CASES, **MORE}


def network() -> QuantizedModel:
    """All cases beside one another."""
    networks = {}
    for number, build_case in enumerate(ALL.values()):
        net = QdqBuilder(activations="int8" if number % 2 else "uint8", seed=number)
        networks[f"n{number}"] = (net, build_case(net))
    return merged(networks)


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Case → elements that differ from plain NumPy."""
    found = differences(network(), tmp_path_factory.mktemp("kernels"))
    assert len(found) == len(ALL)
    return {name: found[output] for name, output in zip(ALL, found, strict=True)}


@pytest.mark.parametrize("case", ALL)
def test_a_kernel_gives_what_plain_integers_give(case: str, wrong: dict[str, int]) -> None:
    assert wrong[case] == 0


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "cpu"), [("armv6l", "arm1176"), ("armv7l", "cortex-a7"), ("aarch64", "max")])
def test_an_arm_core_gives_the_same_bytes(architecture: str, cpu: str, tmp_path: Path) -> None:
    """Its inner loops are its own, so odd sizes count here as well."""
    need_programs(qemu_aarch64="qemu-user", qemu_arm="qemu-user")
    compiler_for(architecture)
    here = made(network(), tmp_path)
    words = (str(find(architecture).path), "-cpu", cpu)
    there = CProgram(build(tmp_path, architecture), here.written, words)
    rng = np.random.default_rng(5)
    data = b"".join(
        (rng.uniform(-200, 200, end.shape) * end.scale).astype("<f4").tobytes() for end in here.written.inputs
    )
    wanted, found = here.start(data), there.start(data)
    assert (found.returncode, found.stdout) == (0, wanted.stdout)
