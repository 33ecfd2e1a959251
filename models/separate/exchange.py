"""A convolution of a captured graph gives way to its stages."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx

from .captured import arguments, put
from .factored import Factored, Stage

__all__ = ["exchange"]

_CONV = {1: torch.ops.aten.conv1d.default, 2: torch.ops.aten.conv2d.default, 3: torch.ops.aten.conv3d.default}


def exchange(root: fx.GraphModule, node: fx.Node, name: str, factored: Factored) -> None:
    """Put the stages of `factored` in the place of `node`."""
    graph, source = root.graph, arguments(node)["input"]
    several = len(factored.branches) > 1
    results = []
    with graph.inserting_before(node):
        for number, branch in enumerate(factored.branches):
            value = source
            for index, one in enumerate(branch):
                part = f"{name}.{one.part}{number if several else ''}"
                # Once is enough, in the last chain that is added up.
                last = index == len(branch) - 1 and number == len(factored.branches) - 1
                value = _convolve(root, value, part, one, factored.bias if last else None)
            results.append(value)
        total = results[0]
        for number, other in enumerate(results[1:], start=1):
            total = graph.call_function(torch.ops.aten.add.Tensor, (total, other))
            _located(total, f"{name}.sum{number}", "torch.nn.modules.module.Module")
    node.replace_all_uses_with(total)
    graph.erase_node(node)


def _convolve(
    root: fx.GraphModule, source: fx.Node, path: str, one: Stage, bias: NDArray[np.float32] | None
) -> fx.Node:
    graph = root.graph
    put(root, f"{path}.weight", torch.from_numpy(one.weight.copy()))
    weight = graph.get_attr(f"{path}.weight")
    held = None
    if bias is not None:
        put(root, f"{path}.bias", torch.from_numpy(bias.copy()))
        held = graph.get_attr(f"{path}.bias")
    if one.repeat > 1:
        source = graph.call_function(torch.ops.aten.cat.default, ([source] * one.repeat, 1))
        _located(source, f"{path}.copies", "torch.nn.modules.module.Module")
    pads = one.pads
    if any(before != after for before, after in pads):
        # torch pads evenly alone; it counts from the last dimension.
        flat = [size for pair in reversed(pads) for size in pair]
        source = graph.call_function(torch.ops.aten.pad.default, (source, flat))
        _located(source, f"{path}.pad", "torch.nn.modules.padding.ZeroPad2d")
        pads = ((0, 0),) * len(pads)
    settings = (list(one.strides), [before for before, _ in pads], list(one.dilations), one.groups)
    result = graph.call_function(_CONV[len(pads)], (source, weight, held, *settings))
    _located(result, path, "torch.nn.modules.conv.Conv2d")
    return result


def _located(node: fx.Node, path: str, kind: str) -> None:
    """Where the exporter looks for the name of what a node makes."""
    node.meta["nn_module_stack"] = {path: (path, kind)}
