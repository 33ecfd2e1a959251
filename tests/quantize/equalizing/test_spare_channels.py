"""Dead channels as finer copies of another: the float function stays, the rounding of the tensor costs less."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
import pytest
from numpy.typing import NDArray
from sepia.graph.passes import canonicalize
from sepia.quantize.calibration.channel_statistics import channel_statistics
from sepia.quantize.equalizing.spare_channels import Spare, find_spares, spare_channels
from support.graphs import NetBuilder, run_graph

Floats = NDArray[np.float32]
DEAD = (1, 4, 5)
LOUD = 2


def layer(net: NetBuilder, x: str, weight: Floats, bias: Floats, name: str, *, group: int = 1) -> str:
    names = [x, net.constant(f"{name}.weight", weight), net.constant(f"{name}.bias", bias)]
    pads = [size // 2 for size in weight.shape[2:]] * 2
    return net.node("Conv", names, name=name, channels=len(weight), group=group, pads=pads)


def network(
    *, depthwise: bool, dead: tuple[int, ...] = DEAD, bias: float | None = None, relu6: bool = True
) -> NetBuilder:
    """Six channels, of which some never fire, and one that the layer behind it makes much of.

    bias: of the dead ones, as a multiple of Σ|w|; 2 is the most that inputs of ±2 can make of them.
    """
    net = NetBuilder((1, 3, 32, 32), seed=3)
    rng = net.rng

    def normal(*shape: int) -> Floats:
        return rng.normal(0, 0.5, shape).astype(np.float32)

    weight, biases = normal(6, 3, 1, 1), np.full(6, 2.0, np.float32)
    reach = np.abs(weight).sum(axis=(1, 2, 3))
    biases[list(dead)] = -9.0 if bias is None else bias * reach[list(dead)]
    x = layer(net, net.input, weight, biases, "first")
    x = net.relu6(x) if relu6 else net.node("Relu", [x])
    if depthwise:
        filters = normal(6, 1, 3, 3)
        filters[LOUD] *= 20.0
        x = layer(net, x, filters, normal(6), "middle", group=6)
        x = net.relu6(x) if relu6 else net.node("Relu", [x])
        layer(net, x, normal(4, 6, 1, 1), normal(4), "last")
    else:
        mixed = normal(4, 6, 3, 3)
        mixed[:, LOUD] *= 20.0
        layer(net, x, mixed, normal(4), "last")
    return net


def built(net: NetBuilder) -> ir.Model:
    return canonicalize(ir.from_proto(net.proto(net.nodes[-1].output[0])))


def images(count: int = 8) -> list[dict[str, Floats]]:
    rng = np.random.default_rng(5)
    return [{"image": np.clip(rng.normal(0, 1, (1, 3, 32, 32)), -2, 2).astype(np.float32)} for _ in range(count)]


def used(model: ir.Model) -> ir.Model:
    names = list(dict.fromkeys(name for spare in find_spares(model) for name in (spare.source, spare.value)))
    return spare_channels(model, channel_statistics(model, names, images(), where="here"))


def array(model: ir.Model, layer_name: str, index: int = 1) -> Floats:
    node = next(node for node in model.graph if node.name == layer_name)
    value = node.inputs[index]
    assert value is not None and value.const_value is not None
    return value.const_value.numpy()


def output(model: ir.Model, sample: dict[str, Floats]) -> NDArray[Any]:
    (only,) = run_graph(model, sample).values()
    return only


def inside(values: NDArray[Any]) -> NDArray[Any]:
    """Without the positions whose kernels reach over a border."""
    return values[..., 1:-1, 1:-1]


def rms(values: NDArray[Any]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def rounded(model: ir.Model, sample: dict[str, Floats], value: str, step: float) -> NDArray[Any]:
    """The output, with `value` rounded to multiples of `step` on its way."""
    graph = model.clone()
    real = next(v for node in graph.graph for v in node.outputs if v.name == value)
    scale = ir.tensor(np.float32(step), name="step")
    const = ir.Value(name="step", const_value=scale, shape=ir.Shape(()), type=ir.TensorType(ir.DataType.FLOAT))
    graph.graph.register_initializer(const)
    over = ir.node("Div", [real, const])
    whole = ir.node("Round", [over.outputs[0]])
    back = ir.node("Mul", [whole.outputs[0], const])
    for node, index in list(real.uses()):
        if node is not over:
            node.replace_input_with(index, back.outputs[0])
    producer = real.producer()
    assert producer is not None
    graph.graph.insert_after(producer, [over, whole, back])
    return output(graph, sample)


@pytest.mark.parametrize("depthwise", [True, False], ids=["depthwise between", "read by a mixing layer"])
def test_the_float_function_stays(depthwise: bool) -> None:
    model = built(network(depthwise=depthwise))
    after = used(model)
    assert after is not model
    for sample in images(3):
        before, off = output(model, sample), output(after, sample) - output(model, sample)
        # At a border a shift is less than half a step of 6/255, and the bend of a Relu keeps it from cancelling.
        assert rms(off) < 0.005 * before.std()
        assert rms(inside(off)) < 0.001 * before.std()


@pytest.mark.parametrize("depthwise", [True, False], ids=["depthwise between", "read by a mixing layer"])
def test_rounding_the_tensor_costs_a_fraction(depthwise: bool) -> None:
    model = built(network(depthwise=depthwise, relu6=False))
    after = used(model)
    (spare,) = (one for one in find_spares(model) if one.writer == "first")
    value = spare.value
    step = float(channel_statistics(model, [value], images(), where="here")[value].maximum.max()) / 255
    errors = []
    for one in (model, after):
        off = [inside(rounded(one, sample, value, step) - output(model, sample)) for sample in images()]
        errors.append(rms(np.stack(off)))
    # A quarter of the loud channel's error is left, and all of the other two's.
    assert errors[1] < 0.5 * errors[0]


def test_the_mean_of_the_copies_is_on_a_finer_grid() -> None:
    """Rounding a value that may lie anywhere between two steps errs by step / √12; four copies err by a quarter."""
    model = built(network(depthwise=True))
    group = sorted((LOUD, *DEAD))
    shifts = array(used(model), "first", 2)[group].astype(np.float64) - array(model, "first", 2)[LOUD]
    step = 6.0 / 255
    values = np.linspace(1.0, 2.0, 100_001)
    copies = [np.rint((values + shift) / step) * step - shift for shift in shifts]
    assert rms(copies[0] - values) == pytest.approx(step / np.sqrt(12), rel=0.02)
    assert rms(np.mean(copies, axis=0) - values) == pytest.approx(step / np.sqrt(12) / 4, rel=0.02)


def test_what_each_weight_becomes() -> None:
    model = built(network(depthwise=True))
    after = used(model)
    group = sorted((LOUD, *DEAD))
    for name in ("first", "middle"):
        weights = array(after, name)
        assert all(np.array_equal(weights[one], weights[LOUD]) for one in group)
        assert np.array_equal(weights[LOUD], array(model, name)[LOUD])
    np.testing.assert_allclose(array(after, "last")[:, group].sum(axis=1), array(model, "last")[:, LOUD], rtol=1e-5)
    shifts = array(after, "first", 2)[group] - array(model, "first", 2)[LOUD]
    assert shifts.sum() == pytest.approx(0.0, abs=1e-6)
    assert np.diff(np.sort(shifts)) == pytest.approx(np.diff(np.sort(shifts))[0], rel=1e-4)
    untouched = [0, 3]
    for name in ("first", "middle"):
        assert np.array_equal(array(after, name)[untouched], array(model, name)[untouched])
    assert np.array_equal(array(after, "last")[:, untouched], array(model, "last")[:, untouched])


def test_a_channel_that_could_fire_is_left_alone() -> None:
    """It never did on these images; inputs between the same ends could make it."""
    model = built(network(depthwise=True, bias=-1.97))
    seen = channel_statistics(model, [find_spares(model)[0].value], images(), where="here")
    assert (next(iter(seen.values())).maximum[list(DEAD)] == 0.0).all()
    assert used(model) is model
    assert used(built(network(depthwise=True, bias=-2.1))) is not model


@pytest.mark.parametrize("dead", [(), (0, 1, 2, 3, 4, 5)], ids=["none is dead", "all are dead"])
def test_nothing_to_do(dead: tuple[int, ...]) -> None:
    model = built(network(depthwise=True, dead=dead))
    assert used(model) is model


def test_where_it_may_be_done() -> None:
    assert [(s.writer, s.reader, s.mixer) for s in find_spares(built(network(depthwise=True)))] == [
        ("first", "middle", "last")
    ]
    assert [(s.writer, s.reader, s.mixer) for s in find_spares(built(network(depthwise=False)))] == [
        ("first", "last", None)
    ]


def test_a_tensor_that_others_read_is_left_alone() -> None:
    net = NetBuilder((1, 3, 8, 8))
    x = net.relu6(net.conv("image", 6, kernel=1))
    net.node("Add", [net.conv(net.depthwise(x), 6, kernel=1), x])
    assert find_spares(built(net)) == ()


def test_without_an_activation_nothing_is_dead() -> None:
    net = NetBuilder((1, 3, 8, 8))
    net.conv(net.conv("image", 6, kernel=1), 4, kernel=1)
    assert find_spares(built(net)) == ()


def test_the_same_twice() -> None:
    model = built(network(depthwise=True))
    one, other = used(model), used(model)
    assert all(np.array_equal(array(one, name), array(other, name)) for name in ("first", "middle", "last"))
    assert isinstance(find_spares(model)[0], Spare)
