"""Pads of transposed convolutions that a file leaves to `auto_pad`, for readers that want them spelt out."""

from __future__ import annotations

from typing import Any

__all__ = ["spell_out_transposed_pads"]


def spell_out_transposed_pads(model: Any) -> bool:
    """Write SAME_UPPER and SAME_LOWER of every ConvTranspose of `model` (onnx.ModelProto, changed in place) as pads.

    An output of size · stride takes pads of dilation · (kernel − 1) + 1 + output_padding − stride whatever the image's
    size, so that it need not be known (ONNX, ConvTranspose). Nodes whose kernel is smaller than that, or not known, and
    those with an output_shape stay as they are. Returns whether one was written.
    """
    from onnx import helper

    kernels = {tensor.name: list(tensor.dims)[2:] for tensor in model.graph.initializer}
    changed = False
    for node in model.graph.node:
        if node.op_type != "ConvTranspose" or node.domain:
            continue
        given = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        mode, kernel = given.get("auto_pad", b"NOTSET"), given.get("kernel_shape") or kernels.get(node.input[1])
        if not mode.startswith(b"SAME") or "output_shape" in given or not kernel:
            continue
        ones, none = [1] * len(kernel), [0] * len(kernel)
        rows = zip(
            kernel, given.get("strides", ones), given.get("dilations", ones), given.get("output_padding", none),
            strict=True,
        )  # fmt: skip
        totals = [step * (size - 1) + 1 + more - stride for size, stride, step, more in rows]
        if min(totals) < 0:
            continue
        small, large = [total // 2 for total in totals], [total - total // 2 for total in totals]
        kept = [attribute for attribute in node.attribute if attribute.name not in ("auto_pad", "pads")]
        del node.attribute[:]
        node.attribute.extend(kept)
        node.attribute.append(helper.make_attribute("pads", small + large if mode == b"SAME_UPPER" else large + small))
        changed = True
    return changed
