"""The loss of a quantisation, against plain NumPy over the outputs of the two networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sepia.errors import QuantizeError
from sepia.graph.load import load_graph
from sepia.quantize.loss import Loss, measure_loss
from sepia.quantize.recipes import Recipe
from support.graphs import NetBuilder
from support.quantising import normal_data, quantised, with_values

SHAPES = {"image": (1, 3, 6, 6)}


def small() -> NetBuilder:
    net = NetBuilder((1, 3, 6, 6))
    x = net.conv("image", 8, kernel=3)
    net.gemm(net.node("Flatten", [net.node("GlobalAveragePool", [net.node("Relu", [x])])]), 5)
    return net


def test_of_a_small_network(tmp_path: Path) -> None:
    done = quantised(small(), tmp_path)
    data = normal_data(SHAPES, 6, seed=3)
    loss = measure_loss(load_graph(done.source), load_graph(done.path), data, where="here")
    (name,) = loss.rms
    right, found = (
        np.concatenate([with_values(path, [name], x)[name] for x in data]) for path in (done.source, done.path)
    )
    assert loss.samples == 6
    assert loss.rms[name] == pytest.approx(np.sqrt(np.mean((found - right) ** 2)), rel=1e-3)
    assert loss.power[name] == pytest.approx(right.std(), rel=1e-5)
    assert loss.agreement[name] == np.mean(right.argmax(1) == found.argmax(1))
    assert loss.relative == pytest.approx(loss.rms[name] / loss.power[name])


def test_labels_count_right_answers(tmp_path: Path) -> None:
    poor = Recipe(name="poor", ranges="percentile", percentile=60, bias_correction="none")
    done = quantised(small(), tmp_path, recipe=poor)
    data = normal_data(SHAPES, 30, seed=3)
    exact, rounded = load_graph(done.source), load_graph(done.path)
    (name,) = measure_loss(exact, rounded, data, where="here").rms
    right, found = (
        [int(with_values(path, [name], x)[name].argmax()) for x in data] for path in (done.source, done.path)
    )
    assert right != found  # so that the two can be told apart
    labels = [answer if index % 3 else (answer + 1) % 5 for index, answer in enumerate(right)]
    loss = measure_loss(exact, rounded, data, where="here", labels=labels)
    assert loss.top1 == {
        "float": np.mean(np.array(right) == labels),
        "int8": np.mean(np.array(found) == labels),
    }
    with pytest.raises(QuantizeError, match=r"gives \[1, 5\], a sample is of class 5"):
        measure_loss(exact, rounded, data, where="here", labels=[5] * 30)


def test_the_float_network_loses_nothing(tmp_path: Path) -> None:
    net = small()
    model = load_graph(net.save(tmp_path / "model.onnx", net.nodes[-1].output[0]))
    loss = measure_loss(model, model, normal_data(SHAPES, 2), where="here")
    (name,) = loss.rms
    assert (loss.rms[name], loss.agreement[name], loss.relative) == (0.0, 1.0, 0.0)


def test_one_channel_has_no_class_to_agree_on() -> None:
    loss = Loss({"a": 0.5, "b": 0.1}, {"a": 1.0, "b": 0.1}, {"a": None, "b": 1.0}, 1)
    assert loss.relative == 1.0
