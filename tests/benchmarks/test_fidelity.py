"""Agreement, rms and top-1 by hand; photos in the form a file asks for."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.feeding import as_asked
from benchmarks.fidelity import compare_logits


def test_figures_by_hand() -> None:
    wanted = np.array([[1, 0], [0, 1], [0, 1], [3, 0]], dtype=np.float32)
    found = np.array([[1, 0], [2, 1], [0, 1], [3, 0]], dtype=np.float32)
    figures = compare_logits(found, wanted, np.array([0, 0, 0, 0]))
    # One logit of eight is off by 2; photo 1 changed its class, to the right one.
    assert figures == {"top1": 0.75, "agreement": 0.75, "rms": pytest.approx(np.sqrt(4 / 8))}


def test_a_photo_is_transposed_and_coded_as_the_file_asks() -> None:
    photo = np.linspace(-1, 1, 24, dtype=np.float32).reshape(1, 3, 2, 4)
    assert np.array_equal(as_asked(photo, (1, 3, 2, 4), "float32", None, None), photo)
    last = as_asked(photo, (1, 2, 4, 3), "float32", None, None)
    assert np.array_equal(last, np.moveaxis(photo, 1, 3))
    codes = as_asked(photo, (1, 3, 2, 4), "int8", 1 / 127, -20)
    assert codes.dtype == np.int8
    # −1 → −147 is below the type and clipped; 1 → 107.
    assert (codes.min(), codes.max()) == (-128, 107)


def test_a_shape_that_is_neither_layout_is_refused() -> None:
    with pytest.raises(ValueError, match="the file takes"):
        as_asked(np.zeros((1, 3, 2, 4), dtype=np.float32), (1, 3, 8, 8), "float32", None, None)
