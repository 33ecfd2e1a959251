"""Calibration of a float network: what is seen, and data that will not do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
from numpy.typing import NDArray
from sepia.errors import QuantizeError
from sepia.graph.load import load_graph
from sepia.graph.passes import canonicalize
from sepia.quantize.calibration.calibrate import Calibration, observe
from sepia.quantize.placement import place
from support.graphs import tiny_separable
from support.quantising import normal_data, with_values

_SHAPE = (1, 3, 16, 16)
Samples = list[Mapping[str, NDArray[np.float32]]]


@pytest.fixture
def model(tmp_path: Path) -> ir.Model:
    path = tmp_path / "net.onnx"
    path.write_bytes(tiny_separable().SerializeToString())
    return canonicalize(load_graph(path))


def calibrated(model: ir.Model, data: Samples) -> Calibration:
    placement = place(model)
    return observe(
        model,
        placement.watched(),
        placement.layers,
        data,
        constants={},
        histogram=True,
        where="net.onnx",
        tick=lambda: None,
    )


def test_ends_and_means_are_those_of_all_samples(model: ir.Model, tmp_path: Path) -> None:
    data = list(normal_data({"image": _SHAPE}, 5))
    found = calibrated(model, data)
    names = list(found.observed)
    values = [with_values(tmp_path / "net.onnx", [n for n in names if n != "image"], dict(sample)) for sample in data]
    for name in names[1:]:
        stacked = np.stack([value[name] for value in values])
        assert found.observed[name].minimum == pytest.approx(stacked.min(), rel=1e-4, abs=1e-5)
        assert found.observed[name].maximum == pytest.approx(stacked.max(), rel=1e-4, abs=1e-5)
    assert found.observed["image"].maximum == max(float(sample["image"].max()) for sample in data)
    pooled = np.stack([value["pool"] for value in values]).mean(axis=(0, 1)).reshape(-1)
    np.testing.assert_allclose(found.means["fc"][:, 0], pooled, rtol=1e-4, atol=1e-5)
    assert found.samples == 5


def test_no_samples(model: ir.Model) -> None:
    with pytest.raises(QuantizeError, match="has no samples"):
        calibrated(model, [])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_the_tensor_and_the_sample_that_are_not_finite_are_named(model: ir.Model, bad: float) -> None:
    data = [{"image": np.zeros(_SHAPE, np.float32)}, {"image": np.full(_SHAPE, bad, np.float32)}]
    with pytest.raises(QuantizeError, match=r"net\.onnx: tensor 'image' is NaN or infinite for calibration sample 1"):
        calibrated(model, data)


def test_a_sample_of_another_shape(model: ir.Model) -> None:
    with pytest.raises(QuantizeError, match="does not fit"):
        calibrated(model, [{"image": np.zeros((1, 3, 8, 8), np.float32)}])


def test_a_sample_of_another_name(model: ir.Model) -> None:
    with pytest.raises(QuantizeError, match="has inputs picture; accepted: image"):
        calibrated(model, [{"picture": np.zeros(_SHAPE, np.float32)}])
