"""The layer that was spoilt is the one that both orders name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import numpy_helper
from sepia.quantize.mixed.sensitivity import sensitivities
from sepia.quantize.recipes import Recipe
from support.graphs import tiny_separable
from support.mixing import variants_of


@pytest.mark.parametrize("spoilt", ["block1.dw", "block2.project", "head"])
def test_the_layer_with_one_huge_weight_loses_most(spoilt: str, tmp_path: Path) -> None:
    """Per tensor, one weight 60 times as large as the others leaves them two bits."""
    proto = tiny_separable()
    for tensor in proto.graph.initializer:
        if tensor.name == f"{spoilt}.weight":
            array = numpy_helper.to_array(tensor).copy()
            array[0] *= 60 / np.abs(array[0]).max() * np.abs(array[1:]).max()
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    recipe = Recipe(weights="per-tensor", ranges="minmax", bias_correction="none")
    _, variants = variants_of(proto, tmp_path, recipe=recipe)
    ticks: list[tuple[int, int]] = []
    rows = sensitivities(variants, tick=lambda done, total: ticks.append((done, total)))
    assert [row.layer for row in rows] == list(variants.layers)
    assert ticks[-1] == (10, 10)
    assert max(rows, key=lambda row: row.alone).layer == spoilt
    assert min(rows, key=lambda row: row.rest).layer == spoilt
    row = next(row for row in rows if row.layer == spoilt)
    assert row.alone > 0.5 * variants.loss(())
    assert row.alone == variants.loss(set(variants.layers) - {spoilt})
    assert row.rest == variants.loss({spoilt})
