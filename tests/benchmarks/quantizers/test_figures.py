"""Views and figures by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.quantizers.figures import figures_of, views_of
from benchmarks.quantizers.intervals import rms_interval, wilson


def test_a_mirror_image_has_left_and_right_exchanged() -> None:
    photos = np.arange(2 * 1 * 2 * 3, dtype=np.float32).reshape(2, 1, 2, 3)
    views = views_of(photos)
    assert views.shape == (2, 2, 1, 2, 3)
    assert np.array_equal(views[:, 0], photos)
    assert views[0, 1, 0].tolist() == [[2, 1, 0], [5, 4, 3]]


def test_figures_by_hand() -> None:
    wanted = np.array([[[1, 0], [0, 1]], [[0, 1], [3, 0]]], dtype=np.float32)
    found = np.array([[[1, 0], [2, 1]], [[0, 1], [3, 1]]], dtype=np.float32)
    figures = figures_of(found, wanted, np.array([0, 1]))
    # Two of eight logits are off, by 2 and by 1. The mirror image of photo 0 changed to its right class; that of photo
    # 1 is wrong, as in float.
    assert (figures.views, figures.top1, figures.agreement) == (4, 0.75, 0.75)
    assert figures.rms == pytest.approx(np.sqrt((4 + 1) / 8))
    assert figures.agreement_interval == wilson(3, 4)
    assert figures.rms_interval == rms_interval(np.array([[0, 2.0], [0, 0.5]]))
