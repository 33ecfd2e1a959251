"""`sepia explain SOURCE`: the whole text of two networks, counts held to the layers themselves, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sepia.cli import main
from sepia.export.torch_to_onnx import torch_to_onnx
from sepia.graph.cost import graph_cost, separable_share
from sepia.graph.load import load_graph
from sepia.models.separate.network import SeparableNetwork
from sepia.models.separate.techniques import TECHNIQUES
from sepia.models.zoo import ZOO
from sepia.pipeline.separability_files import separability
from sepia.report.separability import Separability, to_text
from support.graphs import NetBuilder, tiny_separable
from torch import Tensor, nn


class SmallResNet(nn.Module):
    """Two blocks of standard convolutions, the second strided with a 1×1 shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _step(3, 16, 7, 2)
        self.first = nn.Sequential(_step(16, 16), nn.ReLU(), _step(16, 16))
        self.second = nn.Sequential(_step(16, 32, 3, 2), nn.ReLU(), _step(32, 32))
        self.shortcut = _step(16, 32, 1, 2)
        self.classify = nn.Linear(32, 10)

    def forward(self, image: Tensor) -> Tensor:
        x = torch.relu(self.stem(image))
        x = torch.relu(x + self.first(x))
        x = torch.relu(self.shortcut(x) + self.second(x))
        logits: Tensor = self.classify(x.mean((2, 3)))
        return logits


def _step(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


@pytest.fixture(scope="module")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> tuple[torch.export.ExportedProgram, Path]:
    with torch.no_grad():
        program = torch.export.export(SmallResNet().eval(), (torch.zeros(1, 3, 64, 64),))
    path = tmp_path_factory.mktemp("resnet") / "resnet.onnx"
    torch_to_onnx(program, path, metadata={})
    return program, path


def run(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["explain", *arguments])
    said = capfd.readouterr()
    return int(str(ended.value.code)), said.out, said.err


def test_mobilenet_v2(mobilenet_v2_float: Path, golden: Callable[[str, str], None]) -> None:
    found = separability(load_graph(mobilenet_v2_float), "mobilenet-v2")
    golden("separability-mobilenet-v2.txt", to_text(found, rows=6) + "\n")
    entry = ZOO["mobilenet-v2"]
    assert found.macs == entry.macs
    assert round(found.separable_share * found.macs) == entry.separable_macs


def test_the_how_to_shows_what_the_command_says() -> None:
    tests = Path(__file__).parents[1]
    page = (tests.parent / "docs/how-to/separate-a-network.md").read_text(encoding="utf-8")
    _, shown = page.split("$ sepia explain mobilenet-v2 --rows 6\n")
    said = (tests / "pipeline/goldens/separability-mobilenet-v2.txt").read_text(encoding="utf-8").splitlines()
    lines = [line for line in shown.split("```")[0].splitlines() if line != "…"]
    assert len(lines) > 8 and set(lines) <= set(said)


def test_a_small_resnet(resnet: tuple[torch.export.ExportedProgram, Path], golden: Callable[[str, str], None]) -> None:
    golden("separability-resnet.txt", to_text(separability(load_graph(resnet[1]), "resnet.onnx")) + "\n")


def test_what_it_promises_is_what_a_separated_network_counts(
    resnet: tuple[torch.export.ExportedProgram, Path], tmp_path: Path
) -> None:
    """Each technique of the record, put into the network, exported, and counted anew."""
    program, path = resnet
    told = separability(load_graph(path), "resnet")
    network = SeparableNetwork(program, where="resnet")
    assert {saving.technique for saving in told.savings} == {None, *(technique.name for technique in TECHNIQUES)}
    # torch's names and the graph's come in one order, the execution's.
    named = dict(zip((row.layer for row in told.layers if row.kernel), network.layers, strict=True))
    by_name = {technique.name: technique for technique in TECHNIQUES}
    for saving in told.savings:
        chosen = {
            named[row.layer]: one
            for row in told.layers
            for one in row.possible[: 1 if saving.technique is None else None]
            if saving.technique in (None, one.technique)
        }
        assert len(chosen) == saving.layers
        module = network.with_layers(
            {
                name: by_name[one.technique].separate(network.layers[name], one.rank, None)
                for name, one in chosen.items()
            }
        )
        torch_to_onnx(network.program(module), tmp_path / "made.onnx", metadata={})
        costs = graph_cost(load_graph(tmp_path / "made.onnx"))
        assert sum(cost.macs for cost in costs) == saving.macs
        assert sum(cost.params for cost in costs) == saving.params
        assert separable_share(costs) == pytest.approx(saving.separable_share)


def test_json_is_the_record(capfd: pytest.CaptureFixture[str], resnet: tuple[object, Path]) -> None:
    code, out, err = run(capfd, str(resnet[1]), "--json")
    assert code == 0, err
    found = Separability.model_validate(json.loads(out), strict=False)
    assert found == separability(load_graph(resnet[1]), str(resnet[1]))


def test_a_folder_of_floats_is_its_network(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(tiny_separable().SerializeToString())
    code, out, err = run(capfd, str(tmp_path))
    assert code == 0, err
    assert "3 depthwise + pointwise pairs of layers" in out
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_a_torch_program(
    capfd: pytest.CaptureFixture[str], resnet: tuple[torch.export.ExportedProgram, Path], tmp_path: Path
) -> None:
    torch.export.save(resnet[0], tmp_path / "resnet.pt2")
    code, out, err = run(capfd, str(tmp_path / "resnet.pt2"))
    assert code == 0, err
    assert out.splitlines()[1:] == to_text(separability(load_graph(resnet[1]), "resnet")).splitlines()[1:]


def test_one_and_three_dimensions(tmp_path: Path) -> None:
    for size, kernel in (((64,), 5), ((4, 16, 16), 3)):
        net = NetBuilder((1, 8, *size))
        x = net.conv(net.conv(net.input, 16, kernel=kernel, name="standard"), 8, name="pointwise")
        found = separability(load_graph(net.save(tmp_path / "net.onnx", x)), "net")
        standard = found.layers[0]
        assert standard.kernel == (kernel,) * len(size)
        techniques = {one.technique for one in standard.possible}
        assert ("spatially separable" in techniques) == (len(size) > 1)
        pair = next(one for one in standard.possible if one.technique == "depthwise + pointwise")
        assert pair.macs_ratio == pytest.approx(1 / 16 + 1 / kernel ** len(size))


def test_without_a_convolution(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    net = NetBuilder((1, 12))
    path = net.save(tmp_path / "net.onnx", net.gemm(net.input, 5))
    code, out, err = run(capfd, str(path))
    assert code == 0, err
    assert "it has no convolution: there is nothing that could be separable" in out
    assert "nothing to gain in 1 (fully connected: no convolution)" in out


def test_a_product_of_matrices(tmp_path: Path) -> None:
    net = NetBuilder((1, 1))
    weight = net.constant("w", np.ones((1, 3), np.float32))
    found = separability(load_graph(net.save(tmp_path / "net.onnx", net.node("MatMul", [net.input, weight]))), "net")
    assert [(row.channels_in, row.channels_out) for row in found.layers] == [(1, 3)]


@pytest.mark.parametrize(
    ("make", "arguments", "said"),
    [
        ("nothing", ["mobilenet-v9"], "mobilenet-v9: is no known network"),
        ("nothing", ["net.onnx"], "net.onnx: does not exist"),
        ("text", ["net.onnx"], "is not an ONNX file"),
        ("folder", ["net"], "net: holds no network; accepted: model.onnx, or model.int8.onnx beside it"),
        ("network", ["net.onnx", "--calibrate", "photos"], "--calibrate: there is no int8 file in net.onnx to measure"),
        ("network", ["net.onnx", "--samples", "3"], "--samples: there is no int8 file"),
        ("quantised", ["net.onnx"], "net.onnx: is quantised already"),
    ],
)
def test_what_cannot_be_explained_gets_one_line(
    make: str,
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if make == "text":
        Path("net.onnx").write_text("no network")
    elif make == "folder":
        Path("net").mkdir()
    elif make == "network":
        Path("net.onnx").write_bytes(tiny_separable().SerializeToString())
    elif make == "quantised":
        net = NetBuilder((1, 3, 8, 8))
        scale, zero = net.constant("s", np.array(0.1, np.float32)), net.constant("z", np.array(0, np.int8))
        codes = net.node("QuantizeLinear", [net.input, scale, zero], channels=3)
        net.save(Path("net.onnx"), net.conv(net.node("DequantizeLinear", [codes, scale, zero], channels=3), 4))
    code, out, err = run(capfd, *arguments)
    assert (code, out) == (1, "")
    last = err.strip().splitlines()[-1]
    assert said in last
    assert "Traceback" not in err


def test_a_folder_comes_before_a_network_of_the_zoo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mobilenet-v2").mkdir()
    (Path("mobilenet-v2") / "model.onnx").write_bytes(tiny_separable().SerializeToString())
    code, out, err = run(capfd, "mobilenet-v2")
    assert code == 0, err
    assert out.startswith("mobilenet-v2/model.onnx: ")
