"""A stride across a single column is no stride.

OpenVINO (2026.4.1) reads other columns in a convolution of one channel (or of one channel a group, on codes) that
moves across columns by more than one place, but down the rows by one, and whose output is one column wide. With a
stride of 1, and without the columns that no window reaches, the same windows are read, and rightly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .proto import Looked

__all__ = ["stride_one_column"]


def stride_one_column(model: Any) -> bool:
    """Such convolutions get a stride of 1, and a Slice before them where columns are left over.

    model: onnx.ModelProto, changed in place. Returns whether it was.
    """
    from onnx import GraphProto

    looked, written, changed = Looked(model), GraphProto(), False
    for node in model.graph.node:
        nodes = _rewritten(looked, node) if node.op_type == "Conv" and not node.domain else []
        changed |= bool(nodes)
        written.node.extend(nodes or [node])
    if changed:
        model.graph.ClearField("node")
        model.graph.node.extend(written.node)
    return changed


def _rewritten(looked: Looked, node: Any) -> list[Any]:
    from onnx import helper

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
    layer = type(node)()
    layer.CopyFrom(node)
    kept = [attribute for attribute in node.attribute if attribute.name not in ("strides", "pads", "auto_pad")]
    del layer.attribute[:]
    layer.attribute.extend(kept)
    layer.attribute.append(helper.make_attribute("strides", [*strides[:-1], 1]))
    layer.attribute.append(helper.make_attribute("pads", pads))
    if not off:
        return [layer]
    name = f"{node.output[0]}_columns"
    ends = [
        looked.add(f"{name}_{what}", np.array([number], np.int64))
        for what, number in (("start", 0), ("end", image[-1] - off), ("axis", len(image) - 1))
    ]
    layer.input[0] = name
    return [helper.make_node("Slice", [node.input[0], *ends], [name], f"{name}_slice"), layer]
