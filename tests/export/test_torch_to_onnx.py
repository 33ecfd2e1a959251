"""Float ONNX agrees with torch, whichever road it takes, and the same network gives the same bytes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime as ort
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from sepia.errors import ModelError, OutputError
from sepia.export.aten import lower
from sepia.export.torch_exporter import export_by_torch
from sepia.export.torch_to_onnx import torch_to_onnx
from sepia.graph.load import load_graph
from sepia.graph.passes import canonicalize
from sepia.models.layers import set_norm_statistics
from sepia.models.zoo import ZOO, Task
from torch import Tensor, nn


def _capture(module: nn.Module, *shapes: tuple[int, ...], batch: int = 1) -> torch.export.ExportedProgram:
    """batch 0: left open."""
    values = tuple(torch.rand(batch or 2, *shape) for shape in shapes)
    axes = None if batch else ({0: torch.export.Dim("batch")},) * len(values)
    with torch.no_grad():
        return torch.export.export(module.eval(), values, dynamic_shapes=axes)


def _run(path: Path, *values: Tensor) -> list[NDArray[np.float32]]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(path, options)
    feeds = {put.name: value.numpy() for put, value in zip(session.get_inputs(), values, strict=True)}
    return session.run(None, feeds)


def _compare(path: Path, module: nn.Module, *values: Tensor) -> None:
    with torch.no_grad():
        results = module(*(value.clone() for value in values))
    expected = [results] if isinstance(results, Tensor) else list(results)
    for found, wanted in zip(_run(path, *values), expected, strict=True):
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted.numpy(), rtol=0, atol=1e-5 * max(1.0, float(wanted.abs().max())))


_CLASSIFIERS = (
    "efficientnet-lite0", "efficientnet-b0", "ghostnet", "mnasnet-0.5", "mobilenet-v1-0.25", "mobilenet-v2",
    "mobilenet-v3-large", "mobilenet-v3-small", "mobilenet-v4-conv-small", "mobileone-s0", "shufflenet-v2-0.5",
    "xception",
)  # fmt: skip
"""One a family, of each kind of block: the others have no op that these have not."""


@pytest.mark.parametrize("name", _CLASSIFIERS)
def test_zoo_agrees_with_torch(tmp_path: Path, name: str) -> None:
    module = ZOO[name].build()
    program = _capture(module, (3, 64, 64))
    assert lower(program, 1) is not None, "no need of torch's exporter"
    torch_to_onnx(program, tmp_path / "a.onnx", metadata={})
    (furthest,) = _distances(tmp_path / "a.onnx", module, (3, 64, 64))
    assert furthest <= 1e-4


_SMALLER = {
    "deeplab-v3-plus-mobilenet-v2": (3, 97, 97),
    "ssdlite-mobilenet-v2": (3, 160, 160),
    "x3d-xs": (3, 2, 32, 32),
}
"""Than published: enough for every layer to have positions."""


@pytest.mark.parametrize("name", [name for name, entry in ZOO.items() if entry.task is not Task.CLASSIFICATION])
def test_networks_of_other_tasks_agree_with_torch(tmp_path: Path, name: str) -> None:
    entry = ZOO[name]
    shape = _SMALLER.get(name, entry.input_shape[1:])
    module = entry.build()
    torch_to_onnx(_capture(module, shape), tmp_path / "a.onnx", metadata={})
    assert max(_distances(tmp_path / "a.onnx", module, shape)) <= 1e-3


def _distances(path: Path, module: nn.Module, shape: tuple[int, ...]) -> list[float]:
    """Of each output from torch's, in its largest value. `module` is in double precision afterwards.

    Rounding grows with depth, so torch's own distance from the exact values is the measure of ours.
    """
    values = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        of_torch, exact = module(values), module.double()(values.double())
    outputs = [(of_torch, exact)] if isinstance(exact, Tensor) else list(zip(of_torch, exact, strict=True))
    distances = []
    for found, (wanted, right) in zip(_run(path, values), outputs, strict=True):
        assert np.abs(found - right.numpy()).max() <= 3 * np.abs(wanted.numpy() - right.numpy()).max()
        distances.append(float(np.abs(found - wanted.numpy()).max() / right.abs().max()))
    return distances


class _Plain(nn.Module):
    """Ops that only torch's exporter knows: leave None out."""

    def __init__(self, forward: Callable[..., object], *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.run = forward

    def forward(self, x: Tensor) -> object:
        return self.run(x, *self.layers)


def _shuffle(x: Tensor) -> Tensor:
    _, channels, height, width = x.shape
    return x.view(-1, 2, channels // 2, height, width).transpose(1, 2).flatten(1, 2)


def _in_place(x: Tensor) -> Tensor:
    one = x + 1
    two = F.hardtanh_(one, -0.2, 1.4)
    return two * one  # `one` has changed by now


def _in_place_on_a_view(x: Tensor) -> Tensor:
    one = x * 2
    one.flatten(1).sub_(1.0)
    return one + 0.0


_CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "relu": (lambda: nn.ReLU(), (4, 5, 6)),
    "relu in place": (lambda: nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(inplace=True)), (4, 5, 6)),
    "relu6": (lambda: nn.ReLU6(), (4, 5, 6)),
    "clamp below": (lambda: _Plain(lambda x: (x * 3 - 1).clamp(min=0.5)), (4, 5)),
    "clamp above": (lambda: _Plain(lambda x: (x * 3 - 1).clamp(max=0.5)), (4, 5)),
    "hardswish": (lambda: _Plain(lambda x: F.hardswish(x * 12 - 6)), (4, 5)),
    "hardsigmoid": (lambda: _Plain(lambda x: F.hardsigmoid(x * 12 - 6)), (4, 5)),
    "sigmoid": (lambda: nn.Sigmoid(), (4, 5)),
    "tanh": (lambda: nn.Tanh(), (4, 5)),
    "silu": (lambda: _Plain(lambda x: F.silu(x * 12 - 6)), (4, 5)),
    "leaky relu": (lambda: _Plain(lambda x: F.leaky_relu(x - 0.5, 0.3)), (4, 5)),
    "softmax": (lambda: nn.Softmax(1), (4, 5)),
    "arithmetic": (lambda: _Plain(lambda x: (2 * x + x) / (x + 1) - 0.5 * x - 3), (4, 5)),
    "add with alpha": (lambda: _Plain(lambda x: torch.add(x, x * x, alpha=3)), (4, 5)),
    "conv 1-D": (lambda: nn.Conv1d(4, 6, 3, 2, padding=1, dilation=2), (4, 20)),
    "conv grouped": (lambda: nn.Conv2d(4, 6, (3, 2), (2, 1), padding=(1, 0), groups=2), (4, 8, 9)),
    "conv depthwise 3-D": (lambda: nn.Conv3d(4, 8, 3, groups=4, padding="same", bias=False), (4, 5, 6, 7)),
    "conv same, even kernel": (lambda: nn.Conv2d(4, 6, 4, padding="same", dilation=3), (4, 12, 9)),
    "conv valid": (lambda: nn.Conv2d(4, 6, 3, padding="valid"), (4, 8, 9)),
    "conv circular": (lambda: nn.Conv2d(4, 6, 3, padding=1, padding_mode="circular"), (4, 8, 9)),
    "conv transposed": (lambda: nn.ConvTranspose2d(4, 6, 3, 2, padding=1, output_padding=1, groups=2), (4, 5, 6)),
    "conv, norm": (lambda: nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), nn.ReLU()), (4, 8, 8)),
    "norm alone": (lambda: nn.BatchNorm2d(4), (4, 8, 8)),
    "norm without weights": (lambda: nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6, affine=False)), (4, 8, 8)),
    "linear": (lambda: nn.Linear(5, 3, bias=False), (5,)),
    "linear on a sequence": (lambda: nn.Linear(5, 3), (4, 5)),
    "max pool": (lambda: nn.MaxPool2d(3, 2, padding=1), (4, 8, 9)),
    "max pool dilated": (lambda: nn.MaxPool2d(2, dilation=2), (4, 8, 9)),
    "max pool, ceil": (lambda: nn.MaxPool2d(2, ceil_mode=True), (4, 7, 9)),
    "average pool": (lambda: nn.AvgPool2d(3, 2, padding=1), (4, 8, 9)),
    "average pool without pads": (lambda: nn.AvgPool2d((3, 2), padding=1, count_include_pad=False), (4, 8, 9)),
    "average pool, divisor": (lambda: nn.AvgPool2d((2, 3), padding=1, divisor_override=5), (4, 8, 9)),
    "global pool": (lambda: nn.AdaptiveAvgPool2d(1), (4, 8, 9)),
    "pool to 2×2": (lambda: nn.AdaptiveAvgPool2d(2), (4, 8, 8)),
    "mean": (lambda: _Plain(lambda x: x.mean((2, 3), keepdim=True) + x.mean(-1, keepdim=True)), (4, 8, 9)),
    "flatten": (lambda: nn.Flatten(), (4, 3, 2)),
    "flatten some": (lambda: nn.Flatten(2), (4, 3, 2)),
    "squeeze": (lambda: _Plain(lambda x: x.unsqueeze(1).transpose(1, 2).squeeze(2)), (4, 3)),
    "permute": (lambda: _Plain(lambda x: x.permute(0, 2, -1, 1)), (4, 3, 2)),
    "channel shuffle": (lambda: _Plain(_shuffle), (4, 3, 2)),
    "pad": (lambda: _Plain(lambda x: F.pad(x, (1, 2, 0, 3), value=0.5)), (4, 3, 2)),
    "pad reflecting": (lambda: _Plain(lambda x: F.pad(x, (1, 1), mode="reflect")), (4, 3)),
    "slice": (lambda: _Plain(lambda x: x[:, 1:3, ::2] + x[:, -2:, ::2]), (4, 8)),
    "chunk and cat": (lambda: _Plain(lambda x: torch.cat(x.chunk(3, 1)[::-1], 1)), (8, 3)),
    "split": (lambda: _Plain(lambda x: x.split([1, 3], 1)[1] * 2), (4, 3)),
    "in place": (lambda: _Plain(_in_place), (4, 3)),
    "in place on a view": (lambda: _Plain(_in_place_on_a_view), (4, 3)),
    "dropout": (lambda: nn.Sequential(nn.Dropout(0.5), nn.Conv2d(4, 4, 1), nn.Dropout2d(0.5)), (4, 3, 2)),
    "resize": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), (2, 5, 4)),
    "identity": (lambda: nn.Identity(), (4,)),
    "two results of one": (lambda: _Plain(lambda x: (x * 2,) * 2), (4,)),
    "several outputs": (lambda: _Plain(lambda x: (x + 1, (x * 2, x - 1))), (4,)),
}

_ONLY_TORCH = {
    "add with alpha", "linear on a sequence", "max pool, ceil", "pool to 2×2", "in place on a view", "resize",
}  # fmt: skip


def _case(name: str) -> tuple[nn.Module, tuple[int, ...]]:
    torch.manual_seed(0)
    build, shape = _CASES[name]
    module = build().eval()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d) and layer.affine:
            nn.init.uniform_(layer.weight, -1, 2)
            nn.init.normal_(layer.bias)
    set_norm_statistics(module, torch.rand(4, *shape))
    return module, shape


@pytest.mark.parametrize("name", _CASES)
def test_each_op_agrees_with_torch(tmp_path: Path, name: str) -> None:
    module, shape = _case(name)
    program = _capture(module, shape)
    assert (lower(program, 1) is None) == (name in _ONLY_TORCH)
    torch_to_onnx(program, tmp_path / "a.onnx", metadata={})
    onnx.checker.check_model(tmp_path / "a.onnx", full_check=True)
    if name != "several outputs":
        _compare(tmp_path / "a.onnx", module, torch.rand(1, *shape))
    assert all(value.shape is not None for node in load_graph(tmp_path / "a.onnx").graph for value in node.outputs)


@pytest.mark.parametrize("name", ["conv, norm", "channel shuffle", "chunk and cat", "flatten", "resize", "mean"])
def test_a_batch_left_open_takes_any(tmp_path: Path, name: str) -> None:
    module, shape = _case(name)
    program = _capture(module, shape, batch=0)
    torch_to_onnx(program, tmp_path / "open.onnx", metadata={}, dynamic_batch=True)
    torch_to_onnx(program, tmp_path / "one.onnx", metadata={})
    assert [d.dim_param or d.dim_value for d in _dims(tmp_path / "open.onnx")] == ["batch", *shape]
    assert [d.dim_param or d.dim_value for d in _dims(tmp_path / "one.onnx")] == [1, *shape]
    _compare(tmp_path / "open.onnx", module, torch.rand(5, *shape))
    _compare(tmp_path / "open.onnx", module, torch.rand(1, *shape))
    _compare(tmp_path / "one.onnx", module, torch.rand(1, *shape))


def test_a_batch_left_open_is_not_written_into_shapes() -> None:
    module, shape = _case("flatten")
    graph = lower(_capture(module, shape, batch=0), "batch")
    assert graph is not None
    (target,) = (value.const_value for value in graph.graph.initializers.values())
    assert target is not None
    assert target.numpy().tolist() == [0, 24]


def test_who_reads_a_value_after_an_op_in_place_sees_its_result(tmp_path: Path) -> None:
    """Told of the first value itself, as a graph that was edited or written by another tool may be."""
    module, shape = _case("in place")
    program = _capture(module, shape)
    nodes = {str(node.target): node for node in program.graph.nodes}
    nodes["aten.mul.Tensor"].args = (nodes["aten.hardtanh_.default"], nodes["aten.add.Tensor"])
    torch_to_onnx(program, tmp_path / "a.onnx", metadata={})
    _compare(tmp_path / "a.onnx", module, torch.rand(1, *shape))


def _dims(path: Path) -> list[onnx.TensorShapeProto.Dimension]:
    return list(onnx.load(path).graph.input[0].type.tensor_type.shape.dim)


@pytest.mark.parametrize("name", ["conv, norm", "flatten"])
def test_a_fixed_batch_can_be_opened(tmp_path: Path, name: str) -> None:
    module, shape = _case(name)
    torch_to_onnx(_capture(module, shape), tmp_path / "a.onnx", metadata={}, dynamic_batch=True)
    _compare(tmp_path / "a.onnx", module, torch.rand(3, *shape))


def test_a_network_that_holds_to_its_batch_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program = _capture(_Plain(lambda x: x.view(1, -1)), (4,))
    with pytest.raises(ModelError) as caught:
        torch_to_onnx(program, tmp_path / "a.onnx", metadata={}, dynamic_batch=True)
    assert str(caught.value).startswith("export to ONNX: the network cannot take a batch of any size (")
    assert str(caught.value).endswith(
        "next: capture it with an open first dimension (torch.export.Dim), or export with a fixed batch"
    )
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_both_roads_meet(tmp_path: Path) -> None:
    """torch's exporter, an implementation of its own, judges ours on a whole network."""
    module = ZOO["mobilenet-v3-small"].build()
    program, values = _capture(module, (3, 64, 64)), torch.rand(1, 3, 64, 64)
    torch_to_onnx(program, tmp_path / "ours.onnx", metadata={})
    theirs = canonicalize(export_by_torch(program))
    ir.save(theirs, tmp_path / "theirs.onnx")
    (ours,), (other,) = _run(tmp_path / "ours.onnx", values), _run(tmp_path / "theirs.onnx", values)
    np.testing.assert_allclose(ours, other, rtol=0, atol=1e-5)
    kinds = [
        sorted(node.op_type for node in graph) for graph in (load_graph(tmp_path / "ours.onnx").graph, theirs.graph)
    ]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        ("linear", ["input"], ["logits"]),
        ("conv, norm", ["input"], ["output"]),
        ("several outputs", ["input"], ["output_0", "output_1", "output_2"]),
        ("resize", ["input"], ["output"]),
    ],
)
def test_names_of_inputs_and_outputs(tmp_path: Path, name: str, inputs: list[str], outputs: list[str]) -> None:
    module, shape = _case(name)
    torch_to_onnx(_capture(module, shape), tmp_path / "a.onnx", metadata={})
    graph = onnx.load(tmp_path / "a.onnx").graph
    assert ([value.name for value in graph.input], [value.name for value in graph.output]) == (inputs, outputs)


def test_several_inputs_keep_their_names(tmp_path: Path) -> None:
    class Sum(nn.Module):
        def forward(self, left: Tensor, output: Tensor) -> Tensor:
            return (left + output).unsqueeze(2)

    torch_to_onnx(_capture(Sum(), (2,), (2,)), tmp_path / "a.onnx", metadata={})
    graph = onnx.load(tmp_path / "a.onnx").graph
    assert [value.name for value in graph.input] == ["left", "output_"]
    _compare(tmp_path / "a.onnx", Sum(), torch.rand(1, 2), torch.rand(1, 2))


def test_layers_are_named_after_the_users_modules(lite0_float: Path) -> None:
    names = [str(node.name) for node in load_graph(lite0_float).graph]
    assert names[:3] == ["stem.conv", "stem.activation", "blocks.0.depthwise.conv"]
    assert names[-1] == "classifier"
    assert len(set(names)) == len(names)


def test_metadata_and_nothing_of_this_machine(tmp_path: Path) -> None:
    module, shape = _case("linear on a sequence")  # on this road torch notes stack traces
    for node in export_by_torch(_capture(module, shape)).graph:
        assert (node.metadata_props, [value.metadata_props for value in node.outputs]) == ({}, [{}])
    torch_to_onnx(_capture(module, shape), tmp_path / "a.onnx", metadata={"sepia.labels": '["ant"]', "k": "µ"})
    model = onnx.load(tmp_path / "a.onnx")
    assert {entry.key: entry.value for entry in model.metadata_props} == {"sepia.labels": '["ant"]', "k": "µ"}
    assert str(Path(__file__).parent).encode() not in (tmp_path / "a.onnx").read_bytes()


def test_the_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.onnx", "b.onnx"):
        torch_to_onnx(_capture(ZOO["mobilenet-v3-small"].build(), (3, 32, 32)), tmp_path / name, metadata={"k": "v"})
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_the_program_is_left_as_it_was(tmp_path: Path) -> None:
    module, shape = _case("conv, norm")
    program = _capture(module, shape)
    before = {name: tensor.clone() for name, tensor in program.state_dict.items()}
    torch_to_onnx(program, tmp_path / "a.onnx", metadata={})
    assert all(torch.equal(tensor, before[name]) for name, tensor in program.state_dict.items())


@pytest.mark.parametrize("name", ["conv, norm", "resize"])
def test_nothing_is_printed(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    module, shape = _case(name)
    program = _capture(module, shape)
    capfd.readouterr()
    torch_to_onnx(program, tmp_path / "a.onnx", metadata={})
    assert capfd.readouterr() == ("", "")


def test_what_torch_cannot_translate_is_named(tmp_path: Path) -> None:
    program = _capture(_Plain(torch.special.bessel_j0), (4,))
    with pytest.raises(ModelError, match=r"export to ONNX: torch cannot translate the network: .*bessel_j0"):
        torch_to_onnx(program, tmp_path / "a.onnx", metadata={})
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(OutputError, match="cannot be written"):
        torch_to_onnx(_capture(nn.ReLU(), (4,)), tmp_path / "file" / "a.onnx", metadata={})


def test_plain_networks_need_no_exporter_of_torchs() -> None:
    code = (
        "import sys, torch; from pathlib import Path; from sepia.export.torch_to_onnx import to_graph\n"
        "to_graph(torch.export.export(torch.nn.Conv2d(3, 4, 1), (torch.rand(1, 3, 4, 4),)))\n"
        "print([name for name in sys.modules if name.startswith('onnxscript')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
