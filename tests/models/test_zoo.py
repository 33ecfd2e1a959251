"""The zoo's figures are those of its networks, and the published ones."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from sepia.models.zoo import ZOO
from support.count import count

_PUBLISHED_MILLIONS = {
    "mobilenet-v1": 4.23,
    "mobilenet-v2": 3.50,
    "mobilenet-v3-small": 2.54,
    "mobilenet-v3-large": 5.48,
    "xception": 22.86,
}


def test_names_are_their_entries_own() -> None:
    assert list(ZOO) == ["efficientnet-lite0", *_PUBLISHED_MILLIONS]
    assert all(name == entry.name for name, entry in ZOO.items())


@pytest.mark.parametrize(("name", "millions"), _PUBLISHED_MILLIONS.items())
def test_parameters_are_as_published(name: str, millions: float) -> None:
    assert round(ZOO[name].parameters / 1e6, 2) == millions


@pytest.mark.parametrize("name", ZOO)
def test_figures_are_those_of_the_network(name: str) -> None:
    entry = ZOO[name]
    network = entry.build()
    assert not network.training
    found = count(network, entry.input_shape[1:])
    assert (found.parameters, found.macs, found.separable_macs) == (entry.parameters, entry.macs, entry.separable_macs)
    assert found.output_shape == (1, 1000)


@pytest.mark.parametrize("name", ZOO)
def test_preparation_makes_what_the_network_reads(name: str) -> None:
    entry = ZOO[name]
    preparation = entry.preparation
    assert entry.input_shape == (1, preparation.channels, preparation.height, preparation.width)


def test_labels_only_where_classes_mean_something() -> None:
    assert [name for name, entry in ZOO.items() if entry.labels] == ["efficientnet-lite0"]
    assert len(ZOO["efficientnet-lite0"].labels or ()) == 1000


@pytest.mark.parametrize("name", ["mobilenet-v3-large", "mobilenet-v2"])
def test_random_networks_repeat_and_keep_to_a_sane_range(name: str) -> None:
    one, two = ZOO[name].build(), ZOO[name].build()
    with torch.no_grad():
        values = torch.randn(2, 3, 96, 96)
        logits = one(values)
        assert torch.equal(logits, two(values))
    assert 0.1 < logits.std() < 10


def test_listing_loads_no_torch() -> None:
    code = "import sys, sepia.models; print([n for n in ('torch', 'onnx', 'skimage') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
