"""Pads of transposed convolutions that a file leaves to `auto_pad`, for readers that want them spelt out."""

from __future__ import annotations

from typing import Any

from .proto import Looked, copied, replace_nodes, shared_out

__all__ = ["spell_out_transposed_pads"]


def spell_out_transposed_pads(looked: Looked) -> bool:
    """Write SAME_UPPER and SAME_LOWER of every ConvTranspose as pads, in place. Returns whether one was written.

    An output of size · stride takes pads of dilation · (kernel − 1) + 1 + output_padding − stride whatever the image's
    size, so that it need not be known (ONNX, ConvTranspose). Nodes whose kernel is smaller than that, or not known, and
    those with an output_shape stay as they are.
    """
    return replace_nodes(looked, _spelt_out)


def _spelt_out(looked: Looked, node: Any) -> list[Any]:
    if node.op_type != "ConvTranspose":
        return []
    given, weight = looked.attributes(node), looked.constants.get(node.input[1])
    mode, kernel = (
        given.get("auto_pad", b"NOTSET"),
        given.get("kernel_shape") or (list(weight.dims)[2:] if weight else []),
    )
    if not mode.startswith(b"SAME") or "output_shape" in given or not kernel:
        return []
    ones, none = [1] * len(kernel), [0] * len(kernel)
    rows = zip(
        kernel, given.get("strides", ones), given.get("dilations", ones), given.get("output_padding", none),
        strict=True,
    )  # fmt: skip
    totals = [step * (size - 1) + 1 + more - stride for size, stride, step, more in rows]
    return [] if min(totals) < 0 else [copied(node, "auto_pad", "pads", pads=shared_out(totals, mode))]
