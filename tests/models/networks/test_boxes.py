"""Boxes against slow loops: decoding and its inverse, overlaps by counting cells, suppression one pair at a time."""

from __future__ import annotations

import subprocess
import sys
from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from sepia.models.networks.anchors import blazeface_anchors, ssd_anchors
from sepia.models.networks.boxes import decode, detections, faces, overlaps, suppress

Floats = NDArray[np.float32]
CELLS = 12


def random_boxes(seed: int, count: int) -> Floats:
    """On a grid of CELLS×CELLS, so that areas can be counted."""
    corners = np.sort(np.random.default_rng(seed).integers(0, CELLS + 1, (count, 2, 2)), axis=1)
    return (corners.reshape(count, 4) / CELLS).astype(np.float32)


def cells(box: Floats) -> set[tuple[int, int]]:
    top, left, bottom, right = np.round(box * CELLS).astype(int)
    return {(row, column) for row in range(top, bottom) for column in range(left, right)}


@given(st.integers(0, 10_000))
def test_overlap_is_the_share_of_common_cells(seed: int) -> None:
    one, *others = random_boxes(seed, 5)
    for other, found in zip(others, overlaps(one, np.array(others)), strict=True):
        union = cells(one) | cells(other)
        expected = len(cells(one) & cells(other)) / len(union) if union else 0.0
        assert found == pytest.approx(expected, abs=1e-5)


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.3, 0.6, 1.0]))
def test_suppression_is_the_slow_one(seed: int, most: float) -> None:
    boxes = random_boxes(seed, 12)
    scores = np.random.default_rng(seed + 1).integers(0, 5, 12).astype(np.float32)
    kept: list[int] = []
    for index in sorted(range(12), key=lambda index: (-scores[index], index)):
        if all(overlaps(boxes[better], boxes[[index]])[0] <= most for better in kept):
            kept.append(index)
    assert suppress(boxes, scores, most).tolist() == kept


offsets = arrays.arrays(np.float32, (6, 4), elements=st.floats(-4, 4, width=32))


@given(offsets)
def test_decoded_boxes_encode_to_the_offsets(given_: Floats) -> None:
    anchors = ssd_anchors(((2, 1), (1, 1)))[:6]
    for (top, left, bottom, right), anchor, expected in zip(decode(given_, anchors), anchors, given_, strict=True):
        y, x, height, width = (float(number) for number in anchor)
        encoded = (
            10 * ((top + bottom) / 2 - y) / height,
            10 * ((left + right) / 2 - x) / width,
            5 * log((bottom - top) / height),
            5 * log((right - left) / width),
        )
        assert encoded == pytest.approx(expected, abs=1e-3)


def test_anchors_are_as_described() -> None:
    anchors = ssd_anchors(((2, 3), (1, 1)))
    assert anchors.shape == (2 * 3 * 3 + 6, 4)
    assert anchors[0] == pytest.approx([1 / 4, 1 / 6, 0.1, 0.1])
    assert anchors[1] == pytest.approx([1 / 4, 1 / 6, 0.2 / 2**0.5, 0.2 * 2**0.5]), "twice as wide as high"
    assert anchors[3, :2] == pytest.approx([1 / 4, 3 / 6]), "columns run before rows"
    assert anchors[-1] == pytest.approx([0.5, 0.5, 0.95**0.5, 0.95**0.5]), "between the last scale and 1"
    near = blazeface_anchors()
    assert near[0] == pytest.approx([1 / 32, 1 / 32, 1, 1])
    assert (near[2, :2] == [1 / 32, 3 / 32]).all()
    assert near[512] == pytest.approx([1 / 16, 1 / 16, 1, 1])


def test_detections_are_by_class_best_first() -> None:
    anchors = ssd_anchors(((2, 1), (1, 1)))
    raw = np.zeros((len(anchors), 4), np.float32)
    logits = np.full((len(anchors), 3), -9, np.float32)
    logits[0, 1], logits[1, 1], logits[1, 2] = 1.0, 2.0, 0.5
    logits[2, 0] = 9.0  # the background
    raw[1] = raw[0] = 0
    anchors[1] = anchors[0]
    found = detections(raw, logits, anchors)
    assert found.classes.tolist() == [1, 2], "two boxes of one class in one place are one"
    assert found.scores == pytest.approx([1 / (1 + exp(-2.0)), 1 / (1 + exp(-0.5))])
    assert found.boxes == pytest.approx(np.tile(decode(raw[:1], anchors[:1]), (2, 1)))
    assert len(detections(raw, logits, anchors, most=1).scores) == 1
    assert len(detections(raw, logits, anchors, least_score=0.99).scores) == 0


def test_faces_are_blended_by_their_scores() -> None:
    anchors = blazeface_anchors()
    values = np.zeros((896, 16), np.float32)
    logits = np.full((896, 1), -9, np.float32)
    values[:, 2:4] = 64  # half of the image wide and high
    values[0, :2] = 12.8, 6.4  # x, y, in pixels from the anchor's centre
    values[0, 4:6] = 1.28, 2.56
    logits[0], logits[1] = 3.0, 2.0
    found = faces(values, logits, anchors)
    (box,), (score,), (points,) = found.boxes, found.scores, found.points
    weight = (1 / (1 + exp(-3.0))) / (1 / (1 + exp(-3.0)) + 1 / (1 + exp(-2.0)))
    x, y = 1 / 32 + weight * 0.1, 1 / 32 + weight * 0.05
    assert box == pytest.approx([y - 0.25, x - 0.25, y + 0.25, x + 0.25], abs=1e-6)
    assert score == pytest.approx(1 / (1 + exp(-3.0)))
    assert points[0] == pytest.approx([1 / 32 + weight * 0.01, 1 / 32 + weight * 0.02], abs=1e-6)
    assert points[5] == pytest.approx([1 / 32, 1 / 32], abs=1e-6)


def test_faces_apart_stay_apart_and_none_is_none() -> None:
    anchors = blazeface_anchors()
    values = np.zeros((896, 16), np.float32)
    values[:, 2:4] = 8
    logits = np.full((896, 1), -9, np.float32)
    assert faces(values, logits, anchors).boxes.shape == (0, 4)
    logits[0], logits[511] = 2.0, 3.0
    assert len(faces(values, logits, anchors).boxes) == 2


def test_the_host_needs_no_torch() -> None:
    code = "import sys, sepia.models.networks.boxes, sepia.models.networks.anchors; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
