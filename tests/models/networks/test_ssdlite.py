"""SSDLite: the published counts, and predictions in the order of the anchors."""

from __future__ import annotations

import numpy as np
import torch
from sepia.models.networks.anchors import ssd_anchors
from sepia.models.networks.ssdlite import SSDLite, _by_anchor
from support.count import count

GRIDS = ((19, 19), (10, 10), (5, 5), (3, 3), (2, 2), (1, 1))


def test_counts_are_the_published_ones() -> None:
    """4.3 M parameters and 0.8 G MACs: arXiv:1801.04381, table 6, at 320×320, for 80 classes and the background."""
    with torch.device("meta"):
        found = count(SSDLite(classes=81), (3, 320, 320))
    assert (round(found.parameters / 1e6, 1), round(found.macs / 1e9, 1)) == (4.3, 0.8)


def test_each_anchor_has_a_prediction() -> None:
    with torch.device("meta"):
        offsets, logits = SSDLite().eval()(torch.zeros(2, 3, 300, 300))
    assert (offsets.shape, logits.shape) == ((2, 1917, 4), (2, 1917, 91))
    assert len(ssd_anchors(GRIDS)) == 1917, "TensorFlow's number for this network at 300×300"


def test_predictions_are_in_the_order_of_the_anchors() -> None:
    """A predictor that gives 1000·shape + what the map says of its column: read back by anchor."""
    anchors = ssd_anchors(GRIDS)
    maps = [torch.arange(w).float().expand(1, 1, h, w) for h, w in GRIDS]
    predictors = torch.nn.ModuleList()
    for count_ in (3, 6, 6, 6, 6, 6):
        layer = torch.nn.Conv2d(1, 4 * count_, 1)
        layer.weight.data.fill_(1.0)
        layer.bias.data = torch.arange(4 * count_).float().div(4, rounding_mode="floor") * 1000
        predictors.append(layer)
    with torch.no_grad():
        found = _by_anchor(predictors, maps, 4)[0].numpy()
    widths = np.concatenate([[w] * (h * w * shapes) for (h, w), shapes in zip(GRIDS, (3, 6, 6, 6, 6, 6), strict=True)])
    assert np.array_equal(found[:, 0] % 1000, np.round(anchors[:, 1] * widths - 0.5)), "the column"
    assert np.array_equal(found[:3, 0] // 1000, [0, 1, 2]), "the shape runs fastest"
    assert (found == found[:, :1]).all(), "an anchor's four values are of one shape"
