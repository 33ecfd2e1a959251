"""BlazeFace: MediaPipe's shapes, and a block against the paper's figure 1 in plain steps."""

from __future__ import annotations

import pytest
import torch
from sepia.models.networks.anchors import blazeface_anchors
from sepia.models.networks.blazeface import BlazeBlock, BlazeFace
from torch.nn import functional


def test_each_anchor_has_a_prediction() -> None:
    with torch.device("meta"):
        values, logits = BlazeFace().eval()(torch.zeros(2, 3, 128, 128))
    assert (values.shape, logits.shape) == ((2, 896, 16), (2, 896, 1))
    assert len(blazeface_anchors()) == 896


@pytest.mark.parametrize(("out", "stride"), [(6, 1), (9, 1), (9, 2)])
@torch.no_grad()
def test_block(out: int, stride: int) -> None:
    block, values = BlazeBlock(6, out, stride).eval(), torch.randn(1, 6, 8, 8)
    # TensorFlow's SAME: one zero on each side for stride 1; one after for stride 2 on an even size.
    padded = functional.pad(values, (1, 1, 1, 1) if stride == 1 else (0, 1, 0, 1))
    depthwise, pointwise = block.layer.depthwise, block.layer.pointwise
    wide = functional.conv2d(padded, depthwise.conv.weight, stride=stride, groups=6)
    changed = pointwise.norm(functional.conv2d(wide, pointwise.conv.weight))
    kept = values if stride == 1 else values.unfold(2, 2, 2).unfold(3, 2, 2).amax((-1, -2))
    changed[:, :6] += kept
    torch.testing.assert_close(block(values), changed.clamp(min=0))
