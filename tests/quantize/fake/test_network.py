"""The fake network against the QDQ file: the same codes; pieces, switches, parameters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
import torch
from numpy.typing import NDArray
from onnx import helper
from sepia.errors import QuantizeError
from sepia.quantize.fake.network import FakeNetwork
from sepia.quantize.fitted import Fitted, Task
from sepia.quantize.write_qdq import quantized_name, write_qdq
from support.fitting import task_and_fitted
from support.graphs import NetBuilder, random_input, run_graph, tiny_separable
from support.quantising import with_values

_IMAGE = (1, 8, 10, 10)


def mobile_v3() -> NetBuilder:
    """Squeeze-excite, HardSwish, an add of a residual."""
    net = NetBuilder(_IMAGE)
    x = net.node("HardSwish", [net.conv(net.input, 8, kernel=3, stride=2)])
    y = net.node("HardSwish", [net.conv(x, 16)])
    y = net.node("HardSwish", [net.depthwise(y, kernel=5)])
    s = net.node("Relu", [net.conv(net.node("GlobalAveragePool", [y]), 4)])
    s = net.node("HardSigmoid", [net.conv(s, 16)], alpha=1 / 6, beta=0.5)
    y = net.conv(net.node("Mul", [y, s]), 8)
    net.node("Add", [y, x], name="y")
    return net


def concat_of_fixed() -> NetBuilder:
    """A Concat with an input of a fixed grid, which is brought to the output's by a pair of its own."""
    net = NetBuilder(_IMAGE)
    x = net.conv(net.input, 4)
    y = net.node("Concat", [net.conv(net.input, 8, kernel=3), net.node("Sigmoid", [x])], axis=1)
    net.node("MaxPool", [y], name="y", kernel_shape=[3, 3], strides=[2, 2])
    return net


def constants() -> NetBuilder:
    """A constant in the place of an activation, of an int8 node and of one in float."""
    net = NetBuilder(_IMAGE)
    factor = net.constant("factor", np.linspace(-1, 2, 8, dtype=np.float32).reshape(1, 8, 1, 1))
    x = net.node("Mul", [net.conv(net.input, 8), factor])
    x = net.node("Tanh", [x])
    x = net.node("Div", [net.conv(x, 8, kernel=3), net.constant("two", np.full((1, 8, 1, 1), 2, np.float32))])
    net.conv(x, 4, name="y")
    return net


def up() -> NetBuilder:
    net = NetBuilder(_IMAGE)
    x = net.node("Relu", [net.conv(net.input, 8)])
    weight = net.constant("up.weight", net.rng.normal(0, 0.3, (8, 4, 3, 3)).astype(np.float32))
    x = net.node("ConvTranspose", [x, weight], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 0, 1, 1], channels=4)
    x = net.relu6(net.node("Pad", [x, net.constant("pads", np.array([0, 0, 1, 1, 0, 0, 1, 1]))], mode="reflect"))
    net.node("DepthToSpace", [net.conv(x, 8)], name="y", blocksize=2)
    return net


def up_by_channel() -> NetBuilder:
    net = NetBuilder(_IMAGE)
    x = net.node("Relu", [net.conv(net.input, 8)])
    weight = net.constant("up.weight", net.rng.normal(0, 0.3, (8, 1, 3, 3)).astype(np.float32))
    x = net.node("ConvTranspose", [x, weight], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 0, 1, 1], group=8)
    margins = net.constant("pads", np.array([0, 0, 1, 1, 0, 0, 1, 1]))
    x = net.node("Pad", [net.node("Pad", [x, margins], mode="edge"), margins], mode="wrap")
    net.conv(net.relu6(x), 8, name="y")
    return net


NETS: dict[str, Callable[[], NetBuilder | onnx.ModelProto]] = {
    "separable, 1-D": lambda: tiny_separable((32,)),
    "separable, 2-D": tiny_separable,
    "separable, 3-D": lambda: tiny_separable((6, 8, 8)),
    "squeeze-excite": mobile_v3,
    "concat": concat_of_fixed,
    "constants": constants,
    "transposed": up,
    "depthwise transposed": up_by_channel,
}


def codes_of_the_file(task: Task, fitted: Fitted, folder: Path) -> dict[str, NDArray[np.int64]]:
    """By value name, what ONNX Runtime has there for the first sample."""
    path = folder / "int8.onnx"
    qdq = write_qdq(task.model, task.placement, fitted.grids, fitted.rounded)
    path.write_bytes(ir.to_proto(qdq).SerializeToString())
    made = {value.name for node in qdq.graph for value in node.outputs}
    names = [name for name in fitted.grids if quantized_name(name) in made]
    found = with_values(path, [quantized_name(name) for name in names], next(iter(task.data)))
    return {name: found[quantized_name(name)].astype(np.int64) for name in names}


def codes_of_the_fake(network: FakeNetwork, fitted: Fitted, names: list[str]) -> dict[str, NDArray[np.int64]]:
    feeds = network.tensors(next(iter(network.task.data)))
    values = network.run(feeds, names)
    codes = {}
    for name in names:
        grid, real = fitted.grids[name], values[name].double().numpy()
        exact = real / np.float64(grid.scale[0])
        np.testing.assert_allclose(exact, np.rint(exact), atol=2e-4)
        codes[name] = np.rint(exact).astype(np.int64) + int(grid.zero_point[0])
    return codes


@pytest.mark.parametrize("activations", ["uint8", "int8"])
@pytest.mark.parametrize("name", NETS)
def test_in_float64_the_codes_are_those_of_the_file(name: str, activations: str, tmp_path: Path) -> None:
    task, fitted = task_and_fitted(NETS[name](), activations=activations)
    expected = codes_of_the_file(task, fitted, tmp_path)
    found = codes_of_the_fake(FakeNetwork(task, fitted, dtype=torch.float64), fitted, list(expected))
    assert expected
    for value, codes in expected.items():
        assert np.array_equal(found[value], codes), value


@pytest.mark.parametrize("name", NETS)
def test_in_float32_they_are_but_for_one_in_a_thousand(name: str, tmp_path: Path) -> None:
    task, fitted = task_and_fitted(NETS[name]())
    expected = codes_of_the_file(task, fitted, tmp_path)
    found = codes_of_the_fake(FakeNetwork(task, fitted), fitted, list(expected))
    differences = np.concatenate([np.abs(found[value] - codes).reshape(-1) for value, codes in expected.items()])
    assert differences.max() <= 1
    assert (differences > 0).mean() < 1e-3


@pytest.mark.parametrize("name", NETS)
def test_without_a_quantisation_it_is_the_float_network(name: str) -> None:
    task, fitted = task_and_fitted(NETS[name]())
    sample = next(iter(task.data))
    expected = run_graph(task.model, sample)
    exact = FakeNetwork(task)
    switched = FakeNetwork(task, fitted)
    for found in (exact.run(exact.tensors(sample), exact.outputs),
                  switched.run(switched.tensors(sample), switched.outputs, values=(), layers=())):  # fmt: skip
        for output, values in expected.items():
            np.testing.assert_allclose(found[output].numpy(), values, rtol=1e-4, atol=1e-5)


def test_a_batch_is_its_samples() -> None:
    task, fitted = task_and_fitted(tiny_separable())
    network = FakeNetwork(task, fitted)
    samples = list(task.data)[:3]
    together = network.forward(network.tensors(*samples))["logits"]
    apart = torch.cat([network.forward(network.tensors(sample))["logits"] for sample in samples])
    assert torch.allclose(together, apart, atol=float(fitted.grids["logits"].scale[0]))
    assert (together - apart).abs().mean() < 0.05 * float(fitted.grids["logits"].scale[0])


def test_a_piece_from_stored_inputs_is_as_in_the_whole() -> None:
    task, fitted = task_and_fitted(tiny_separable())
    network = FakeNetwork(task, fitted, dtype=torch.float64)
    feeds = network.tensors(next(iter(task.data)))
    inner = network.run(feeds, ["block1.pw", "block2.add", "logits"])
    again = network.run({"block1.pw": inner["block1.pw"]}, ["block2.add"])
    assert torch.equal(again["block2.add"], inner["block2.add"])
    rest = network.run({"block2.add": inner["block2.add"]}, ["logits", "block2.add"])
    assert torch.equal(rest["logits"], inner["logits"])


def test_what_stands_before_a_dropped_activation_is_not_rounded() -> None:
    task, fitted = task_and_fitted(tiny_separable())
    network = FakeNetwork(task, fitted)
    activation = task.placement.layers[0].output
    assert "stem" not in network.grids
    found = network.run(network.tensors(next(iter(task.data))), ["stem", activation])
    assert float(found["stem"].min()) < 0 <= float(found[activation].min())


def test_one_tensor_alone_is_rounded() -> None:
    task, fitted = task_and_fitted(tiny_separable())
    network = FakeNetwork(task, fitted)
    feeds = network.tensors(next(iter(task.data)))
    names = [layer.output for layer in task.placement.layers]
    exact = network.run(feeds, names, values=(), layers=())
    found = network.run(feeds, names, values=names[:1], layers=())
    assert torch.equal(found[names[0]], network.grids[names[0]](exact[names[0]]))
    assert not torch.equal(found[names[1]], network.grids[names[1]](found[names[1]]))
    # The activation that another grid would take in is computed.
    assert float(found[names[1]].min()) >= 0
    assert float(found[names[1]].max()) <= 6


def test_one_layer_alone_is_rounded() -> None:
    task, fitted = task_and_fitted(tiny_separable())
    network = FakeNetwork(task, fitted)
    feeds = network.tensors(next(iter(task.data)))
    exact = network.run(feeds, ["block1.dw", "block1.pw"], values=(), layers=())
    found = network.run(feeds, ["block1.dw", "block1.pw"], values=(), layers=["block1.pw"])
    assert torch.equal(found["block1.dw"], exact["block1.dw"])
    assert not torch.equal(found["block1.pw"], exact["block1.pw"])


def test_weights_of_ones_own_with_their_gradient() -> None:
    task, fitted = task_and_fitted(tiny_separable())
    network = FakeNetwork(task, fitted)
    feeds = network.tensors(next(iter(task.data)))
    weight = network.layers["block1.pw"].weight().clone().requires_grad_()
    bias = torch.zeros(weight.shape[0], requires_grad=True)
    found = network.run(feeds, ["block1.pw"], weights={"block1.pw": weight}, biases={"block1.pw": bias})
    found["block1.pw"].square().sum().backward()
    assert weight.grad is not None and float(weight.grad.abs().sum()) > 0
    assert bias.grad is not None and float(bias.grad.abs().sum()) > 0


def test_unchanged_parameters_give_back_the_quantisation() -> None:
    for build in NETS.values():
        task, fitted = task_and_fitted(build(), activations="int8")
        again = FakeNetwork(task, fitted).fitted()
        assert again.grids.keys() == fitted.grids.keys()
        for name, grid in fitted.grids.items():
            found = again.grids[name]
            assert (found.scale, found.zero_point, found.dtype) == (grid.scale, grid.zero_point, grid.dtype)
        for name, rounded in fitted.rounded.items():
            assert np.array_equal(again.rounded[name].codes, rounded.codes)
            assert np.array_equal(again.rounded[name].scale, rounded.scale)
            assert np.array_equal(again.rounded[name].bias, rounded.bias)


def test_near_float_means_the_same_codes() -> None:
    task, fitted = task_and_fitted(tiny_separable())
    network = FakeNetwork(task, fitted)
    before = {name: layer.latent.clone() for name, layer in network.layers.items()}
    for layer in network.layers.values():
        layer.start_near_float()
    again = network.fitted()
    for name, layer in network.layers.items():
        assert np.array_equal(again.rounded[name].codes, fitted.rounded[name].codes)
        exact = layer.exact_weight
        assert (layer.weight() - exact).abs().sum() > (layer.latent * layer.scale - exact).abs().sum()
        assert not torch.equal(layer.latent, before[name])


def test_learning_moves_weights_biases_and_grids() -> None:
    task, fitted = task_and_fitted(tiny_separable())
    network = FakeNetwork(task, fitted)
    layer, grid = network.layers["block1.pw"], network.grids["block1.pw"]
    parameters = [layer.latent, layer.bias, grid.scale, grid.zero_point]
    for parameter in parameters:
        parameter.requires_grad_(True)
    out = network.run(network.tensors(next(iter(task.data))), ["logits"])["logits"]
    out.square().sum().backward()
    assert all(parameter.grad is not None for parameter in parameters)
    with torch.no_grad():
        grid.scale.mul_(2)
        layer.latent.add_(1)
    changed = network.fitted()
    assert changed.grids["block1.pw"].scale[0] == 2 * fitted.grids["block1.pw"].scale[0]
    moved = np.clip(fitted.rounded["block1.pw"].codes.astype(int) + 1, -127, 127)
    assert np.array_equal(changed.rounded["block1.pw"].codes, moved)


def test_a_grid_stays_inside_the_bounds_of_the_activation_that_it_replaces() -> None:
    task, fitted = task_and_fitted(tiny_separable())
    network = FakeNetwork(task, fitted)
    grid = network.grids[task.placement.layers[0].output]
    with torch.no_grad():
        grid.scale.fill_(1.0)
        grid.zero_point.fill_(13.2)
    network.keep_within()
    params = grid.params()
    assert params.zero_point[0] == 0
    assert float(params.scale[0]) * 255 == pytest.approx(6.0)


def test_an_op_without_a_row_is_refused() -> None:
    net = NetBuilder(_IMAGE)
    net.conv(net.node("Mish", [net.conv(net.input, 4, name="before")], name="odd"), 4)
    task, fitted = task_and_fitted(net)
    with pytest.raises(QuantizeError, match=r"odd.*Mish") as caught:
        FakeNetwork(task, fitted)
    assert "Conv" in str(caught.value)


def test_a_shape_that_does_not_fit_names_the_node() -> None:
    task, fitted = task_and_fitted(tiny_separable())
    network = FakeNetwork(task, fitted)
    with pytest.raises(QuantizeError, match="stem"):
        network.forward({"image": torch.zeros(1, 4, 16, 16)})


def test_names_that_are_not_there() -> None:
    task, fitted = task_and_fitted(tiny_separable())
    network = FakeNetwork(task, fitted)
    feeds = {name: torch.from_numpy(array) for name, array in random_input(tiny_separable()).items()}
    with pytest.raises(ValueError, match="nowhere"):
        network.run(feeds, ["nowhere"])
    with pytest.raises(ValueError, match="image"):
        network.run({}, ["logits"])


def test_split_with_one_output_unread() -> None:
    net = NetBuilder(_IMAGE)
    x = net.conv(net.input, 8)
    net.nodes.append(helper.make_node("Split", [x], ["one", "other"], axis=1, num_outputs=2, name="split"))
    net.channels |= {"one": 4, "other": 4}
    net.conv("other", 3, name="y")
    task, fitted = task_and_fitted(net)
    network = FakeNetwork(task, fitted)
    out = network.run(network.tensors(next(iter(task.data))), ["y"])
    assert set(out) == {"y"}
