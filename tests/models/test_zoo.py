"""The zoo's figures are those of its networks, and the published ones."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from sepia.models.zoo import ZOO, Task, for_inference
from support.count import count


def test_names_are_their_entries_own() -> None:
    assert next(iter(ZOO)) == "efficientnet-lite0", "the default network is first"
    assert all(name == entry.name for name, entry in ZOO.items())


def test_a_name_stands_for_one_network() -> None:
    made = [(entry.factory, entry.arguments, entry.input_shape) for entry in ZOO.values()]
    assert len(set(made)) == len(made)


@pytest.mark.parametrize("name", ZOO)
def test_figures_are_those_of_the_network(name: str) -> None:
    entry = ZOO[name]
    # Shapes alone: layers on "meta" hold no numbers and compute none.
    with torch.device("cpu" if entry.weights else "meta"):
        found = count(for_inference(entry.define()), entry.input_shape[1:])
    assert (found.parameters, found.macs, found.separable_macs) == (entry.parameters, entry.macs, entry.separable_macs)
    if entry.task is Task.CLASSIFICATION:
        assert found.output_shape == (1, 1000)


@pytest.mark.parametrize("name", ZOO)
def test_preparation_makes_what_the_network_reads(name: str) -> None:
    entry = ZOO[name]
    photos = entry.task in (Task.CLASSIFICATION, Task.DETECTION, Task.SEGMENTATION)
    assert photos == (entry.preparation is not None)
    if entry.preparation is not None:
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


@pytest.mark.parametrize("name", ["mobilenet-v2", "mobilenet-v3-small", "shufflenet-v2-0.5"])
def test_symbolic_tracing_goes_through(name: str) -> None:
    """Other quantisers read networks so; their stand-ins for tensors have no shape."""
    network = ZOO[name].define().eval()
    traced = torch.fx.symbolic_trace(network)
    values = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(traced(values), network(values))


def test_listing_loads_no_torch() -> None:
    code = "import sys, sepia.models; print([n for n in ('torch', 'onnx', 'skimage') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
