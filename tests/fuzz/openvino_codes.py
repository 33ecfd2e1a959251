"""What OpenVINO gets wrong on codes alone, where it plans and runs layers in int8: the conditions, and their rows.

In its source, the passes in src/common/low_precision_transformations, and oneDNN's kernels and snippets in the CPU
plugin.
"""

from __future__ import annotations

import numpy as np

from .draft import Drawn
from .kernels import pads_of
from .known import Known, grids_of, nodes_of
from .reference import evaluate

__all__ = ["OPENVINO_ON_CODES"]


def _nothing_but_pads(drawn: Drawn) -> bool:
    """One window wide, whose two columns of taps lie on either side of the image; and pads above, below or between.

    The part of a sum that belongs to the zero point is worked out beforehand for every place, but not where no tap
    reads the image: what lies in memory is taken there. The code 0 needs no such part; int8 counts from -128 here.
    """
    grids, values = grids_of(drawn), evaluate(drawn.model, drawn.feeds).values
    for node, a in nodes_of(drawn, "Conv"):
        if node.input[0] not in grids or grids[node.input[0]][1] == np.iinfo(grids[node.input[0]][1].dtype).min:
            continue
        image, weight = values[node.input[0]].shape[2:], values[node.input[1]].shape
        kernel, ones = weight[2:], [1] * len(image)
        strides, dilations = a.get("strides", ones), a.get("dilations", ones)
        pads = pads_of(a, image, [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)], strides)
        before, after = pads[: len(image)], pads[len(image) :]
        apart = kernel[-1] == 2 and dilations[-1] == image[-1] + 1 and before[-1] == after[-1] == 1
        apart = apart and any(before[:-1] + after[:-1])
        if apart and (weight[1] > 1 or a.get("group", 1) == 1):
            return True
    return False


OPENVINO_ON_CODES: tuple[Known, ...] = (
    Known(
        "windows around the image", "openvino", "2026.4.1", ("openvino",),
        "Conv of codes, not depthwise, whose two columns of taps lie in the pads on either side of the image, with "
        "pads above or below as well, and a zero point that is not the least code",
        "numbers of another size, not the same each time", _nothing_but_pads,
    ),
)  # fmt: skip
