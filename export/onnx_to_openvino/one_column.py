"""A stride across a single column is no stride.

OpenVINO (2026.4.1) reads other columns in a convolution of one channel (or of one channel a group, on codes) that
moves across columns by more than one place, but down the rows by one, and whose output is one column wide. With a
stride of 1, and without the columns that no window reaches, the same windows are read, and rightly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .proto import Looked, copied, replace_nodes

__all__ = ["stride_one_column"]


def stride_one_column(looked: Looked) -> bool:
    """Such convolutions get a stride of 1, and a Slice before them where columns are left over.

    Changes the model in place. Returns whether it did.
    """
    return replace_nodes(looked, _rewritten)


def _rewritten(looked: Looked, node: Any) -> list[Any]:
    from onnx import helper

    if node.op_type != "Conv":
        return []
    given = looked.attributes(node)
    kernel, image = (looked.sizes(name) or [] for name in (node.input[1], node.input[0]))
    count = len(kernel) - 2
    if count < 2 or kernel[1] != 1 or len(image) != len(kernel) or not image[-1]:
        return []
    strides, dilations = (given.get(name, [1] * count) for name in ("strides", "dilations"))
    pads = looked.pads(node, kernel[2:])
    if strides[-1] < 2 or not pads:
        return []
    window = (kernel[-1] - 1) * dilations[-1] + 1
    left = image[-1] + pads[count - 1] + pads[-1] - window
    if not 0 <= left < strides[-1]:
        return []
    off = max(0, left - pads[-1])
    if off >= image[-1]:  # The window lies in the pads alone.
        return []
    pads[-1] -= left - off
    layer = copied(node, "strides", "pads", "auto_pad", strides=[*strides[:-1], 1], pads=pads)
    if not off:
        return [layer]
    name = f"{node.output[0]}_columns"
    ends = [
        looked.add(f"{name}_{what}", np.array([number], np.int64))
        for what, number in (("start", 0), ("end", image[-1] - off), ("axis", len(image) - 1))
    ]
    layer.input[0] = name
    return [helper.make_node("Slice", [node.input[0], *ends], [name], f"{name}_slice"), layer]
