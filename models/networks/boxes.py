"""Boxes from a detector's outputs, on the host: decoding, and the suppression of boxes of the same thing. NumPy alone.

A box is (top, left, bottom, right) in units of the image's height and width; it may reach beyond [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Detections", "decode", "detections", "faces", "overlaps", "suppress"]

Floats = NDArray[np.float32]

_SCALES = np.array([10.0, 10.0, 5.0, 5.0], np.float32)
"""Of offsets y, x, height, width: `faster_rcnn_box_coder` in the network's configuration."""


@dataclass(frozen=True)
class Detections:
    """What was found, best first. boxes: [D, 4]. scores: [D], in [0, 1]. classes: [D], the index of the logit.

    points: [D, P, 2], (x, y) of each, for faces: right eye, left eye, nose, mouth, right ear, left ear; else P is 0.
    """

    boxes: Floats
    scores: Floats
    classes: NDArray[np.int64]
    points: Floats


def decode(offsets: Floats, anchors: Floats) -> Floats:
    """[A, 4] offsets (y, x, height, width) from [A, 4] anchors → [A, 4] boxes.

    Centres move by offset/10 of the anchor's size, sizes by a factor of exp(offset/5): Ren et al. 2015,
    arXiv:1506.01497, equation 2, with TensorFlow's scales.
    """
    scaled = offsets / _SCALES
    centres = scaled[:, :2] * anchors[:, 2:] + anchors[:, :2]
    return _box(centres, np.exp(scaled[:, 2:]) * anchors[:, 2:])


def detections(
    offsets: Floats,
    logits: Floats,
    anchors: Floats,
    *,
    least_score: float = 0.3,
    most_overlap: float = 0.6,
    most: int = 100,
) -> Detections:
    """One image's outputs of `SSDLite`, [A, 4] and [A, classes], as boxes, class by class.

    least_score: of the logit's sigmoid. most_overlap: intersection over union from which the weaker of two boxes of one
    class is left out. most: detections that are kept in all. Class 0, the background, is never found. 0.6 and 100 are
    the authors'; they keep all scores.
    """
    boxes, scores = decode(offsets, anchors), _sigmoid(logits)
    found: list[tuple[float, int, int]] = []
    for class_ in range(1, logits.shape[1]):
        (candidates,) = np.nonzero(scores[:, class_] >= least_score)
        kept = suppress(boxes[candidates], scores[candidates, class_], most_overlap)
        found += [(float(scores[index, class_]), class_, int(index)) for index in candidates[kept]]
    best = sorted(found, key=lambda one: (-one[0], one[1], one[2]))[:most]
    return Detections(
        boxes[[index for *_, index in best]],
        np.array([score for score, *_ in best], np.float32),
        np.array([class_ for _, class_, _ in best], np.int64),
        np.zeros((len(best), 0, 2), np.float32),
    )


def faces(
    values: Floats,
    logits: Floats,
    anchors: Floats,
    *,
    size: int = 128,
    least_score: float = 0.75,
    least_overlap: float = 0.3,
) -> Detections:
    """One image's outputs of `BlazeFace`, [A, 16] and [A, 1], as boxes with six points each.

    values: box (x, y, width, height) and points (x, y), in pixels of an image of `size`, centre and points from the
    anchor's centre. Boxes that overlap by more than `least_overlap` are blended, weighed by their scores, which stands
    for suppression: Bazarevsky et al. 2019, arXiv:1907.05047, section 3.3. The score is the best one's.
    """
    scores = _sigmoid(np.clip(logits[:, 0], -100, 100))
    (candidates,) = np.nonzero(scores >= least_score)
    scaled = values[candidates].reshape(-1, 8, 2) / size * anchors[candidates, None, :1:-1]
    places = np.delete(scaled, 1, axis=1) + anchors[candidates, None, 1::-1]
    boxes = _box(places[:, 0, ::-1], scaled[:, 1, ::-1])
    chosen = scores[candidates]
    remaining = np.argsort(-chosen, kind="stable")
    blended: list[tuple[Floats, np.float32, Floats]] = []
    while len(remaining):
        best = remaining[0]
        same = overlaps(boxes[best], boxes[remaining]) > least_overlap
        same[0] = True  # a box without an area overlaps not even itself
        group, remaining = remaining[same], remaining[~same]
        weights = chosen[group] / chosen[group].sum()
        box = (boxes[group] * weights[:, None]).sum(0)
        points = (places[group, 1:] * weights[:, None, None]).sum(0)
        blended.append((box, chosen[best], points))
    return Detections(
        np.array([box for box, *_ in blended], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in blended], np.float32),
        np.zeros(len(blended), np.int64),
        np.array([points for *_, points in blended], np.float32).reshape(-1, 6, 2),
    )


def suppress(boxes: Floats, scores: Floats, most_overlap: float) -> NDArray[np.int64]:
    """Indices of the boxes that stay, best first: each that no better one that stays overlaps by more than that.

    boxes: [D, 4]. scores: [D]. Of equal scores the earlier counts as better.
    """
    remaining = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(remaining):
        kept.append(int(remaining[0]))
        rest = remaining[1:]
        remaining = rest[overlaps(boxes[kept[-1]], boxes[rest]) <= most_overlap]
    return np.array(kept, np.int64)


def overlaps(box: Floats, boxes: Floats) -> Floats:
    """Intersection over union of one box, [4], with each of `boxes`, [D, 4]: [D], in [0, 1]; 0 without an area."""
    shared = np.clip(np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2]), 0, None).prod(axis=1)
    areas = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)
    union = np.clip(box[2:] - box[:2], 0, None).prod() + areas - shared
    shares: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return shares


def _box(centres: NDArray[np.floating], sizes: NDArray[np.floating]) -> Floats:
    return np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1).astype(np.float32)


def _sigmoid(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)
