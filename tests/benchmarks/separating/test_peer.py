"""TensorLy's factors, as layers: the formulas against what the stages count, and full ranks against the layer."""

from __future__ import annotations

import numpy as np
import pytest
from sepia.models.separate.fit import weight_error
from support.slow_convolutions import made, run, run_factored, seen

from benchmarks.separating.peer import _cp, _tucker, cp_macs, cp_rank, tucker_macs, tucker_ranks


def test_tucker_at_full_rank_is_the_layer_and_costs_what_is_said() -> None:
    layer = made((5, 4, 3, 3), (8, 7), strides=(2, 1))
    left, _, _ = np.linalg.svd(layer.wide.reshape(5, -1), full_matrices=False)
    right, _, _ = np.linalg.svd(layer.wide.transpose(1, 0, 2).reshape(4, -1), full_matrices=False)
    core = np.einsum("oiab,op,iq->pqab", layer.weight, left, right)
    factored = _tucker(layer, right.T, core, left)
    assert weight_error(layer, factored.weight) < 1e-6 and factored.macs == tucker_macs(layer, 5, 4)
    values = seen(layer, samples=2)
    np.testing.assert_allclose(run_factored(factored, values), run(layer, values), rtol=1e-3, atol=1e-3)


def test_cp_computes_its_own_weight_and_costs_what_is_said() -> None:
    rng = np.random.default_rng(0)
    layer = made((5, 4, 3, 2), (8, 7), strides=(2, 1))
    inputs, rows, columns, outputs = (rng.normal(size=size) for size in ((3, 4), (3, 3), (3, 2), (5, 3)))
    layer.weight[...] = np.einsum("or,ra,rb,ri->oiab", outputs, rows, columns, inputs)
    factored = _cp(layer, inputs, rows, columns, outputs)
    assert weight_error(layer, factored.weight) < 1e-6 and factored.macs == cp_macs(layer, 3)
    values = seen(layer, samples=2)
    np.testing.assert_allclose(run_factored(factored, values), run(layer, values), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_ranks_are_the_largest_that_keep_to_the_macs(share: float) -> None:
    layer = made((32, 16, 3, 3), (8, 8))
    most = int(share * layer.macs)
    out, into = tucker_ranks(layer, most) or (0, 0)
    assert 0.8 * most < tucker_macs(layer, out, into) <= most
    rank = cp_rank(layer, most) or 0
    assert cp_macs(layer, rank) <= most < cp_macs(layer, rank + 1)
    assert tucker_ranks(layer, 10) is None and cp_rank(layer, 10) is None
