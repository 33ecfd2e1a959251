from __future__ import annotations

import hashlib
import json
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from sepia.export.onnx_to_c import write_c
from sepia.graph.load import load_graph
from sepia.graph.qdq import read_qdq
from support.c_programs import CProgram, made
from support.plain_codes import dequantised_outputs
from support.qdq_layers import QdqBuilder


def two_ends(folder: Path) -> Path:
    """Two inputs and two outputs of different sizes, one of them an image."""
    net = QdqBuilder(seed=4)
    image, side = net.input("image", (1, 3, 8, 6)), net.input("side", (1, 5), scale=0.0313)
    wide = net.layer("wide", "Conv", image, (5, 3, 3, 3), pads=[1, 1, 1, 1], strides=[2, 2])
    mean = net.op("mean", "GlobalAveragePool", [wide])
    net.initializers["shape"] = np.array([1, 5])
    flat = net.op("flat", "Reshape", [mean, "shape"])
    total = net.op("total", "Add", [flat, side], scale=0.0417)
    return net.save(folder / "model.onnx", wide, net.layer("scores", "Gemm", total, (7, 5), transB=1))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> CProgram:
    folder = tmp_path_factory.mktemp("program")
    return made(two_ends(folder), folder / "c")


def test_inputs_and_outputs_follow_one_another_in_the_order_of_the_graph(program: CProgram) -> None:
    quantized = read_qdq(load_graph(program.written.source.parent.parent / "model.onnx"))
    rng = np.random.default_rng(2)
    samples = [
        {end.name: rng.normal(0, 60 * end.scale, end.shape).astype(np.float32) for end in program.written.inputs}
        for _ in range(3)
    ]
    found, _ = program.run(samples)
    for sample, outputs in zip(samples, found, strict=True):
        wanted = dequantised_outputs(quantized, sample)
        assert list(outputs) == list(wanted) == ["wide_dequantized", "scores_dequantized"]
        for name, array in wanted.items():
            np.testing.assert_array_equal(outputs[name], array)


def test_what_it_tells(program: CProgram) -> None:
    sample = {end.name: np.zeros(end.shape, np.float32) for end in program.written.inputs}
    _, told = program.run([sample] * 4)
    assert set(told) == {"p50_ms", "times_ms", "arena_bytes"}
    assert len(told["times_ms"]) == 4
    low, *_, high = sorted(told["times_ms"])
    assert low <= told["p50_ms"] <= high
    assert told["arena_bytes"] == program.written.arena_bytes


def test_a_sample_that_comes_in_pieces(program: CProgram) -> None:
    sample = {end.name: np.full(end.shape, 0.7, np.float32) for end in program.written.inputs}
    data = program.packed(sample)
    with subprocess.Popen(
        [program.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as slow:
        assert slow.stdin is not None
        for piece in (data[:3], data[3:90], data[90:]):
            time.sleep(0.1)
            slow.stdin.write(piece)
            slow.stdin.flush()
        out, _ = slow.communicate(timeout=60)
    assert (slow.returncode, out) == (0, program.start(data).stdout)


def test_it_describes_itself(program: CProgram) -> None:
    ran = program.start(b"", "--describe")
    told = json.loads(ran.stdout)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert [end["shape"] for end in told["inputs"]] == [[1, 3, 8, 6], [1, 5]]
    assert told["inputs"][0] == {
        "name": "image", "shape": [1, 3, 8, 6], "scale": float(np.float32(0.02057)), "zero_point": -15,
        "dtype": "float32",
    }  # fmt: skip
    assert (told["input_bytes"], told["output_bytes"]) == (4 * (144 + 5), 4 * (5 * 4 * 3 + 7))


@pytest.mark.parametrize(
    ("data", "options", "code", "words"),
    [
        (bytes(4 * 149 + 1), (), 1, b"error: standard input ended within a sample\n"),
        (b"", (), 1, b"error: no sample on standard input\n"),
        (b"", ("--describe", "more"), 2, b"usage: samples on standard input; or --describe\n"),
    ],
)
def test_what_it_can_not_do(program: CProgram, data: bytes, options: tuple[str, ...], code: int, words: bytes) -> None:
    ran = program.start(data, *options)
    assert (ran.returncode, ran.stderr) == (code, words)


def test_infinity_and_what_is_no_number_get_a_code(program: CProgram) -> None:
    sample = {end.name: np.zeros(end.shape, np.float32) for end in program.written.inputs}
    ends = {}
    for value in (np.inf, -np.inf, 1e30, -1e30):
        sample["side"][0, 2] = value
        (found,), _ = program.run([sample])
        ends[value] = found["scores_dequantized"]
    np.testing.assert_array_equal(ends[np.inf], ends[1e30])
    np.testing.assert_array_equal(ends[-np.inf], ends[-1e30])
    assert not np.array_equal(ends[np.inf], ends[-np.inf])
    sample["side"][0, 2] = np.nan
    (found,), _ = program.run([sample])
    assert np.isfinite(found["scores_dequantized"]).all()


def test_written_twice_it_is_the_same_text(tmp_path: Path) -> None:
    source = two_ends(tmp_path)
    one, other = (write_c(source, tmp_path / name) for name in ("one", "other"))
    assert one.source.read_bytes() == other.source.read_bytes()
    assert one.weights.read_bytes() == other.weights.read_bytes()
    text = one.source.read_text(encoding="utf-8")
    assert text.startswith("/* Auto-generated file. Do not edit!")
    assert hashlib.sha256(source.read_bytes()).hexdigest() in text
    assert hashlib.sha256(one.weights.read_bytes()).hexdigest() in text
    assert str(tmp_path) not in text


def test_a_name_can_not_end_a_comment_or_a_string(tmp_path: Path) -> None:
    net = QdqBuilder()
    x = net.input('im"age*/??/', (1, 4))
    path = net.save(tmp_path / "model.onnx", net.layer("a*/b", "Gemm", x, (3, 4), transB=1))
    program = made(path, tmp_path / "c")
    assert json.loads(program.start(b"", "--describe").stdout)["inputs"][0]["name"] == 'im"age*/??/'
