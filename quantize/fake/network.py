"""A network in torch that computes what the QDQ file would, whole or in pieces, with gradients."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...errors import QuantizeError
from ..fitted import Fitted, Task
from ..op_table import ROWS
from ..read_layer import channel_axis
from ..rounding.round_layers import MOST_MULTIPLIER
from ..rounding.weights import fit_accumulator
from .grid import FakeGrid
from .layer import FakeLayer
from .ops import OPS

__all__ = ["FakeNetwork"]

_COPIES = ("Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Split", "Identity", "DepthToSpace",
           "SpaceToDepth", "MaxPool", "GlobalMaxPool")  # fmt: skip
"""Ops that put out nothing but values of their input: what is on the grid already stays on it."""


class FakeNetwork(nn.Module):
    """The canonical float graph of `task`, run op by op in torch, rounded where `fitted` has grids.

    Values have the names of the float graph. One that has a grid comes out on it; an activation function that its
    grid takes in (`placement.dropped`) does nothing while that grid is in use, and what stands before it is the layer's
    output before rounding. Without `fitted` all is float.

    Samples may be batched whatever batch the file has, as long as the graph keeps the batch first: [N, …].

        network = FakeNetwork(task, fitted)
        out = network.run(network.tensors(sample), ["logits"])["logits"]
        # One layer or block alone, from inputs stored before:
        y = network.run({"blocks.1.add": x}, ["blocks.2.add"])["blocks.2.add"]
        # In float, or with only some tensors or layers rounded:
        exact = network.run(feeds, ["logits"], values=(), layers=())["logits"]
        # With weights of one's own for a layer (real, in the layout of `Layer.weight`, differentiable):
        y = network.run(feeds, [name], weights={"blocks.2.project.conv": soft})[name]

    Attributes: `layers`, by layer name, the `FakeLayer` with the parameters latent and bias; `grids`, by value name,
    the `FakeGrid` (one object for all values of a group) with scale and zero_point. (In `layers`, dots of a name are
    kept: it is a plain dict; `parameters()` sees them all the same.) No parameter learns until `requires_grad_` is
    called on it. `fitted()` gives back the quantisation that they have become.

    Exactness: in float64 the codes are those of the integer arithmetic of the file, but for products next to the middle
    of two codes, where engines that multiply in float32 differ among themselves; in float32 they are 1 LSB off where
    the sum's rounding error passes such a middle, on less than one in a thousand.
    """

    def __init__(self, task: Task, fitted: Fitted | None = None, *, dtype: torch.dtype = torch.float32) -> None:
        """task: its model is not changed. dtype: torch.float32 or float64.

        Raises QuantizeError, with node and op, for an op that has no row in `fake.ops`.
        """
        super().__init__()
        self.task = task
        self.dtype = dtype
        graph, placement = task.model.graph, task.placement
        for node in graph:
            if node.op_type not in OPS or node.domain not in ("", "ai.onnx"):
                raise QuantizeError(
                    task.where,
                    f"node '{node.name}' ({node.op_type}) cannot be run in torch, as learning by gradient needs",
                    accepted=", ".join(sorted(OPS)),
                    hint="choose a recipe without adaround, learn_blocks, learn_ranges and distill",
                )
        self._nodes = list(graph)
        self._clips = _clips(self._nodes, placement.dropped)
        self._int8 = frozenset((*placement.int8, *placement.dropped))
        self._constants = {
            name: torch.tensor(value.const_value.numpy(), dtype=dtype)
            for name, value in graph.initializers.items()
            if value.const_value is not None and value.dtype in (ir.DataType.FLOAT, ir.DataType.DOUBLE)
        }
        self.layers = {
            layer.name: FakeLayer(layer, fitted.rounded[layer.name] if fitted else None, task.limit, dtype)
            for layer in placement.layers
        }
        self.grids: dict[str, FakeGrid] = {}
        if fitted is not None:
            for group in placement.groups:
                grid = FakeGrid(group, fitted.grids[group.values[0]], dtype)
                self.grids |= dict.fromkeys(group.values, grid)
        # Registered under names without dots, which torch keeps for paths.
        self._held = nn.ModuleList([*self.layers.values(), *dict.fromkeys(self.grids.values())])
        self._plans: dict[tuple[frozenset[str], tuple[str, ...]], list[_Step]] = {}

    @property
    def inputs(self) -> list[str]:
        return [value.name or "" for value in self.task.model.graph.inputs]

    @property
    def outputs(self) -> list[str]:
        """Those of float values."""
        ends = self.task.model.graph.outputs
        return [value.name or "" for value in ends if value.dtype in (ir.DataType.FLOAT, ir.DataType.DOUBLE)]

    def tensors(self, *samples: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
        """Samples, each [1, …] an input, as one batch."""
        return {
            name: torch.from_numpy(np.concatenate([sample[name] for sample in samples])).to(self.dtype)
            for name in samples[0]
        }

    def run(
        self,
        feeds: Mapping[str, Tensor],
        wanted: Sequence[str],
        *,
        values: Collection[str] | None = None,
        layers: Collection[str] | None = None,
        weights: Mapping[str, Tensor] | None = None,
        biases: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """The `wanted` values, computed from the `feeds` by no more nodes than that takes.

        feeds: by value name, any values of the graph, [N, …]; each is put on its grid if it has one (which changes
        nothing if it is on it). values: names that are put on their grids, None: all that have one. layers: names of
        those with rounded weights and biases, None: all. weights, biases: by layer name, in the place of the layer's
        own, used as they are: real, [C_out, C_in/group, *kernel] and [C_out]. Raises QuantizeError, with the node, if a
        node cannot take what it is given, and ValueError for names that are not in the graph.
        """
        plan = self._planned(frozenset(feeds), tuple(wanted))
        on = self.grids.keys() if values is None else self.grids.keys() & set(values)
        rounded = self.layers.keys() if layers is None else set(layers)
        run = _Run(self, on, rounded if self.grids else (), weights or {}, biases or {})
        for name, tensor in feeds.items():
            run.put(name, _laid_out(tensor.to(self.dtype)))
        for step in plan:
            run.step(step)
        return {name: run.have[name] for name in wanted}

    def forward(self, feeds: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The outputs, all rounded."""
        return self.run(feeds, self.outputs)

    def keep_within(self) -> None:
        """After each step of an optimiser over grids: bring them back to what a file and the kernels can hold.

        See `FakeGrid.keep_within`; and no layer's multiplier s_in · s_w / s_out passes `MOST_MULTIPLIER`.
        """
        for grid in dict.fromkeys(self.grids.values()):
            grid.keep_within()
        for layer in self.layers.values():
            source, output = (self.grids[name] for name in (layer.layer.source, layer.layer.output))
            if not output.fixed:
                output.widen_to(float(source.scale.detach()) * layer.most_scale / MOST_MULTIPLIER)

    def fitted(self) -> Fitted:
        """The quantisation that the parameters have become. Unchanged parameters give back what they began with."""
        grids = {name: grid.params() for name, grid in self.grids.items()}
        rounded = {}
        for name, layer in self.layers.items():
            scale_in = float(grids[layer.layer.source].scale[0])
            rounded[name] = fit_accumulator(layer.rounded(), layer.learned_layer(), scale_in, limit=self.task.limit)
        return Fitted(grids, rounded)

    def _planned(self, feeds: frozenset[str], wanted: tuple[str, ...]) -> list[_Step]:
        if (feeds, wanted) not in self._plans:
            self._plans[feeds, wanted] = _plan(self._nodes, feeds, wanted, self._constants)
        return self._plans[feeds, wanted]


@dataclass(frozen=True)
class _Step:
    """A node and the values that nobody reads after it."""

    node: ir.Node
    done: tuple[str, ...]


class _Run:
    """One pass: the values that are still wanted."""

    def __init__(
        self,
        network: FakeNetwork,
        on: Collection[str],
        rounded: Collection[str],
        weights: Mapping[str, Tensor],
        biases: Mapping[str, Tensor],
    ) -> None:
        self.network = network
        self.on = on
        self.rounded = rounded
        self.weights = weights
        self.biases = biases
        self.have: dict[str, Tensor] = {}

    def put(self, name: str, values: Tensor) -> None:
        self.have[name] = self.network.grids[name].forward(values) if name in self.on else values

    def step(self, step: _Step) -> None:
        node = step.node
        inputs = [self._input(node, index, value) for index, value in enumerate(node.inputs)]
        if node.name in self.network.layers:
            inputs[1:] = self._weights(node)
        for value, result in zip(node.outputs, self._results(node, inputs), strict=False):
            name = value.name or ""
            first = node.inputs[0]
            copied = node.op_type in _COPIES and first is not None and first.name in self.on
            if copied and name in self.on:
                self.have[name] = result
            else:
                self.put(name, result)
        for name in step.done:
            self.have.pop(name, None)

    def _results(self, node: ir.Node, inputs: list[Tensor | None]) -> tuple[Tensor, ...]:
        if inputs[0] is not None and self.network._clips.get(node.name or "") in self.on:
            return (inputs[0],)
        try:
            result = OPS[node.op_type](node, inputs)
        except (ValueError, RuntimeError, IndexError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            text = f"node '{node.name}' ({node.op_type}) cannot be run in torch ({reason})"
            raise QuantizeError(self.network.task.where, text) from error
        return result if isinstance(result, tuple) else (result,)

    def _input(self, node: ir.Node, index: int, value: ir.Value | None) -> Tensor | None:
        if value is None:
            return None
        name = value.name or ""
        held = self.have[name] if name in self.have else self.network._constants.get(name)
        if held is None or node.name not in self.network._int8:
            return held
        target = self.network.task.placement.apart.get((node.name or "", index))
        if target is not None and target in self.on:
            return self.network.grids[target].forward(held)
        constant = name in self.network.task.placement.constants and name in self.on
        if constant and index in dict(ROWS[node.op_type].activations(node)):
            return self.network.grids[name].forward(held)
        return held

    def _weights(self, node: ir.Node) -> list[Tensor | None]:
        """Weight in the file's layout, and bias."""
        name = node.name or ""
        layer = self.network.layers[name]
        rounded = name in self.rounded
        weight, bias = self.weights.get(name), self.biases.get(name)
        if weight is None:
            weight = layer.weight() if rounded else layer.exact_weight
        if bias is None:
            scale_in = self.network.grids[layer.layer.source].scale if rounded else None
            bias = layer.bias_on_grid(scale_in) if scale_in is not None else layer.exact_bias
        swapped = channel_axis(node.op_type, layer.layer.group) == 1
        return [weight.transpose(0, 1) if swapped else weight, bias]


def _clips(nodes: Sequence[ir.Node], dropped: Mapping[str, str]) -> dict[str, str]:
    """Dropped activation → the value whose grid does its work: its own output, or that of the last one of a chain."""
    outputs = {node.name or "": node.outputs[0].name or "" for node in nodes}
    after = {before: node for node, before in dropped.items()}
    found = {}
    for node in dropped:
        last = node
        while last in after:
            last = after[last]
        found[node] = outputs[last]
    return found


def _laid_out(values: Tensor) -> Tensor:
    """Images with their channels last in memory: depthwise convolutions run several times faster so."""
    return values.contiguous(memory_format=torch.channels_last) if values.ndim == 4 else values


def _plan(
    nodes: Sequence[ir.Node], feeds: frozenset[str], wanted: tuple[str, ...], constants: Collection[str]
) -> list[_Step]:
    needed, chosen = set(wanted) - feeds, []
    for node in reversed(nodes):
        if needed.isdisjoint(value.name for value in node.outputs):
            continue
        chosen.append(node)
        needed -= {value.name or "" for value in node.outputs}
        needed |= {v.name or "" for v in node.inputs if v is not None and v.const_value is None} - feeds
    missing = sorted(needed - set(constants))
    if missing:
        raise ValueError(f"{', '.join(wanted)} needs {', '.join(missing)}, which is neither fed nor computed")
    kept = set(wanted)
    steps = []
    for node in chosen:
        read = {value.name or "" for value in node.inputs if value is not None} - kept
        unread = {value.name or "" for value in node.outputs} - kept
        steps.append(_Step(node, tuple(read | unread)))
        kept |= read
    return list(reversed(steps))
