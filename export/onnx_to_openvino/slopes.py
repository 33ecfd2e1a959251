"""PRelu's slopes get the rank of what they multiply.

ONNX lines slopes [n] up with the last axis. OpenVINO (2026.4.1) takes as many of them as there are channels for the
channels' own; of [1, …, n] it takes the last axis as well.
"""

from __future__ import annotations

from .proto import Looked

__all__ = ["align_slopes"]


def align_slopes(looked: Looked) -> bool:
    """Slopes of one axis that are constants become constants of all axes. Returns whether the model was changed."""
    changed = False
    for node in looked.model.graph.node:
        if node.op_type != "PRelu" or node.domain:
            continue
        slopes, sizes = looked.array(node.input[1]), looked.sizes(node.input[0])
        if slopes is None or sizes is None or slopes.ndim != 1 or slopes.size == 1 or len(sizes) < 3:
            continue
        whole = slopes.reshape([1] * (len(sizes) - 1) + [-1])
        node.input[1] = looked.add(f"{node.output[0]}_slopes", whole)
        changed = True
    return changed
