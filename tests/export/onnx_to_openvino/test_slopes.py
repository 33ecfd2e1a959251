"""As many slopes as channels, in the last axis."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sepia.export.onnx_to_openvino.proto import Looked
from sepia.export.onnx_to_openvino.slopes import align_slopes
from support.openvino_nets import as_ir_and_as_it_says, small_net


def test_slopes_of_the_last_axis(tmp_path: Path) -> None:
    model = small_net(
        "g (float[1, 4, 4] x) => (float[1, 4, 4] y) <float[4] s = {0.1, 0.5, 0.9, 0.2}> { y = PRelu(x, s) }"
    )
    found, wanted = as_ir_and_as_it_says(model, tmp_path)
    np.testing.assert_allclose(found["y"], wanted["y"], rtol=1e-6)


@pytest.mark.parametrize(
    ("slopes", "shape"),
    [
        ("float[1] s = {0.1}", "1, 4, 4"),
        ("float[4, 1] s = {1, 2, 3, 4}", "1, 4, 4"),
        ("float[4] s = {1, 2, 3, 4}", "1, 4"),
    ],
    ids=["one", "of channels", "rank 2"],
)
def test_others_stay(slopes: str, shape: str) -> None:
    model = small_net(f"g (float[{shape}] x) => (float[{shape}] y) <{slopes}> {{ y = PRelu(x, s) }}")
    before = model.SerializeToString()
    assert not align_slopes(Looked(model))
    assert model.SerializeToString() == before
