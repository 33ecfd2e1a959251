"""The graph taken apart and put together again: exact where the techniques are exact."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest
import torch
from sepia.errors import ModelError
from sepia.export.torch_to_onnx import to_graph
from sepia.models.pt2 import load_pt2
from sepia.models.separate import depthwise_pointwise, low_rank_pointwise, pointwise_depthwise, spatial
from sepia.models.separate.network import SeparableNetwork
from torch import Tensor, nn

TECHNIQUES = (depthwise_pointwise, pointwise_depthwise, spatial, low_rank_pointwise)


class Net(nn.Module):
    """A norm that folds and one that cannot, ops in place, an even kernel, strides, a layer that is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.down = nn.Conv2d(8, 6, (3, 2), stride=2, padding=1)
        self.twice = nn.Conv2d(6, 6, 3, padding=2, dilation=2)
        self.even = nn.Conv2d(6, 6, 2, padding="same")
        self.late = nn.BatchNorm2d(6)
        self.mix = nn.Conv2d(6, 5, 1)
        self.last = nn.Linear(5, 3)

    def forward(self, values: Tensor) -> Tensor:
        values = torch.relu_(self.norm(self.stem(values)))
        values = self.down(values).relu()
        values = self.twice(self.twice(values).relu())
        values = self.late(values + self.even(values))
        result: Tensor = self.last(torch.relu(self.mix(values)).mean((2, 3)))
        return result


def net() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = Net()
        for norm in (module.norm, module.late):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)
    return module.eval()


def captured(module: nn.Module, shape: Sequence[int] = (1, 2, 12, 12)) -> SeparableNetwork:
    with torch.no_grad():
        return SeparableNetwork(torch.export.export(module, (torch.zeros(*shape),)), where="net")


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def largest(one: Tensor, other: Tensor) -> float:
    return float((one - other).detach().abs().max() / other.detach().abs().max())


def test_taken_apart_it_computes_the_same_with_any_batch() -> None:
    module, values = net(), drawn(3, 2, 12, 12)
    network = captured(module)
    assert largest(network.run(network.exact(), [values])[0], module(values)) < 1e-5
    assert list(network.layers) == ["stem", "down", "twice", "twice_2", "even", "mix"]
    assert network.layers["stem"].bias is not None, "the norm is folded into it"
    assert network.layers["even"].pads == ((0, 1), (0, 1))
    assert network.layers["down"].size_in == (12, 12) and network.layers["down"].size_out == (6, 7)
    assert network.weight_shapes["down"] == ((6, 8, 3, 2), 1)


@pytest.mark.parametrize("technique", TECHNIQUES, ids=[technique.NAME for technique in TECHNIQUES])
def test_with_every_layer_exchanged_at_full_rank_it_computes_the_same(technique: ModuleType) -> None:
    module, values = net(), drawn(3, 2, 12, 12)
    network = captured(module)
    chosen = {
        name: technique.separate(layer, technique.most(layer))
        for name, layer in network.layers.items()
        if technique.most(layer)
    }
    assert chosen
    changed = network.with_layers(chosen)
    assert largest(network.run(changed, [values])[0], module(values)) < 1e-5
    again = network.program(changed)
    assert largest(again.module()(values[:1]), module(values[:1])) < 1e-5
    assert largest(network.run(network.exact(), [values])[0], module(values)) < 1e-5, "the original stays"


@pytest.mark.parametrize(("conv", "shape"), [(nn.Conv1d, (1, 3, 9)), (nn.Conv3d, (1, 3, 5, 6, 7))])
def test_in_one_and_three_dimensions(conv: type[nn.Module], shape: tuple[int, ...]) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Sequential(conv(3, 4, 3, padding=1, stride=2), nn.ReLU(), conv(4, 4, 2)).eval()
    network = captured(module, shape)
    values = drawn(2, *shape[1:])
    for technique in (depthwise_pointwise, pointwise_depthwise, spatial):
        chosen = {
            name: technique.separate(layer, technique.most(layer))
            for name, layer in network.layers.items()
            if technique.most(layer)
        }
        assert largest(network.run(network.with_layers(chosen), [values])[0], module(values)) < 1e-5


def test_what_a_layer_reads_is_seen_before_it_is_changed_in_place() -> None:
    module, values = net(), drawn(2, 2, 12, 12)
    seen: list[Tensor] = []
    network = captured(module)
    network.observe({"down": lambda read: seen.append(torch.from_numpy(read.copy()))}, [values])
    assert largest(seen[0], torch.relu(module.norm(module.stem(values)))) < 1e-5


def test_new_layers_are_called_after_the_old_one_and_survive_the_file(tmp_path: Path) -> None:
    network = captured(net())
    program = network.program(network.with_layers({"down": depthwise_pointwise.separate(network.layers["down"], 2)}))
    torch.export.save(program, tmp_path / "net.pt2")
    again = SeparableNetwork(load_pt2(tmp_path / "net.pt2"), where="again")
    assert list(again.weight_shapes) == ["stem", "down.depthwise", "down.pointwise", "twice", "twice_2", "even", "mix"]
    assert again.weight_shapes["down.depthwise"] == ((16, 1, 3, 2), 16)
    names = [node.name for node in to_graph(program).graph if node.op_type == "Conv"]
    assert names[:3] == ["stem", "down.depthwise", "down.pointwise"]


def test_an_open_batch_stays_open_and_an_open_size_is_refused() -> None:
    module = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    batch = torch.export.Dim("batch")
    program = torch.export.export(module, (torch.zeros(2, 2, 8, 8),), dynamic_shapes=({0: batch},))
    network = SeparableNetwork(program, where="net")
    changed = network.with_layers({"0": spatial.separate(network.layers["0"], 2)})
    assert network.program(changed).module()(drawn(5, 2, 8, 8)).shape == (5, 4)
    height = torch.export.Dim("height", min=4, max=64)
    loose = torch.export.export(module, (torch.zeros(1, 2, 8, 8),), dynamic_shapes=({2: height},))
    with pytest.raises(ModelError, match="'0' reads is open"):
        SeparableNetwork(loose, where="net")
