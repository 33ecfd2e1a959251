"""A captured program taken apart: its convolutions as arrays, what they read, and the network with others in place.

Batch normalisation is folded into the convolution before it first, as every export does: what is separated is what
runs, and the error of a response counts as it arrives at the next layer.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx
from torch.utils import _pytree as pytree

from ...errors import ModelError
from .captured import arguments, convolutions, drop_unused, fetch
from .convolution import Convolution
from .exchange import exchange
from .factored import Factored
from .fold_norms import fold_norms

__all__ = ["SeparableNetwork"]

_Copied = TypeVar("_Copied")
See = Callable[[NDArray[np.float32]], None]


class SeparableNetwork:
    """layers: convolutions of one group with constant weights, in execution order. weight_shapes: of every convolution
    with constant weights, its weight's shape and its groups, which say what kind of layer it is.

    program: captured in evaluation mode. It is left as it is; weights are copied.
    """

    def __init__(self, program: torch.export.ExportedProgram, *, where: str) -> None:
        self.where = where
        held = program.module(check_guards=False)
        # Without the hooks that insist on the batch of the capture.
        self._module = fx.GraphModule(held, _copied(held.graph))
        self._module.requires_grad_(False)
        fold_norms(self._module)
        self._nodes = dict(convolutions(self._module))
        self.weight_shapes: dict[str, tuple[tuple[int, ...], int]] = {}
        self.layers: dict[str, Convolution] = {}
        for name, node in self._nodes.items():
            given = arguments(node)
            weight = self._constant(given["weight"])
            # A sample without a batch in front is torch's own extra.
            if weight is None or len(node.meta["val"].shape) != weight.ndim:
                continue
            self.weight_shapes[name] = (tuple(weight.shape), int(given["groups"]))
            if given["groups"] == 1:
                self.layers[name] = self._convolution(name, node, weight)

    def exact(self) -> fx.GraphModule:
        """The network as it was captured, normalisations folded; not to be changed."""
        return self._module

    def with_layers(self, chosen: Mapping[str, Factored]) -> fx.GraphModule:
        """A network with its own weights and these layers in place of those of the same name."""
        root = _copied(self._module)
        nodes = dict(convolutions(root))
        for name, factored in chosen.items():
            exchange(root, nodes[name], name, factored)
        root.graph.eliminate_dead_code()
        root.delete_all_unused_submodules()
        drop_unused(root)
        root.graph.lint()
        root.recompile()
        return root

    def program(self, module: fx.GraphModule) -> torch.export.ExportedProgram:
        """`module` captured again, with the inputs that the program was captured with; open dimensions stay open."""
        examples, shapes = [], []
        for node in self._module.graph.nodes:
            if node.op == "placeholder":
                value = node.meta["val"]
                opened = {i: torch.export.Dim.AUTO for i, size in enumerate(value.shape) if not isinstance(size, int)}
                # Not 0 or 1, which torch would take for fixed.
                size = [one if isinstance(one, int) else 2 for one in value.shape]
                examples.append(torch.zeros(size, dtype=value.dtype))
                shapes.append(opened or None)
        args, kwargs = pytree.tree_unflatten(examples, self._in_spec())
        dynamic = None
        if any(shapes):
            if kwargs:
                raise ModelError(self.where, "has named inputs of open size", accepted="inputs by position")
            dynamic = tuple(shapes)
        with torch.no_grad():
            return torch.export.export(module.eval(), args, kwargs, dynamic_shapes=dynamic)

    def run(self, module: fx.GraphModule, feeds: Sequence[Tensor]) -> list[Tensor]:
        """The float outputs. feeds: one tensor an input, in the order of the graph."""
        args, kwargs = self.arguments(feeds)
        return _float_leaves(module(*args, **kwargs))

    def observe(self, see: Mapping[str, See], feeds: Sequence[Tensor]) -> None:
        """Run the exact network once and hand what each layer of `see` reads, [N, C_in, …], to who wants it."""
        with torch.no_grad():
            _Observing(self._module, {self._nodes[name]: one for name, one in see.items()}).run(*feeds)

    def arguments(self, feeds: Sequence[Tensor]) -> tuple[Any, Any]:
        args, kwargs = pytree.tree_unflatten(list(feeds), self._in_spec())
        return args, kwargs

    def _in_spec(self) -> Any:
        return self._module.graph._codegen.pytree_info.in_spec  # type: ignore[attr-defined]

    def _constant(self, node: Any) -> NDArray[np.float32] | None:
        if not isinstance(node, fx.Node) or node.op != "get_attr":
            return None
        tensor = fetch(self._module, str(node.target))
        if tensor.dtype is not torch.float32:
            return None
        found: NDArray[np.float32] = tensor.detach().cpu().numpy().copy()
        return found

    def _convolution(self, name: str, node: fx.Node, weight: NDArray[np.float32]) -> Convolution:
        given = arguments(node)
        kernel = weight.shape[2:]
        dilations = _each(given["dilation"], len(kernel))
        source = given["input"].meta["val"]
        if not all(isinstance(size, int) for size in (*source.shape[2:], *node.meta["val"].shape[2:])):
            raise ModelError(
                self.where, f"the size of what '{name}' reads is open", accepted="fixed sizes; only the batch may vary"
            )
        return Convolution(
            name,
            weight,
            self._constant(given["bias"]),
            _each(given["stride"], len(kernel)),
            _pads(given["padding"], kernel, dilations),
            dilations,
            tuple(int(size) for size in source.shape[2:]),
            tuple(int(size) for size in node.meta["val"].shape[2:]),
        )


def _copied(original: _Copied) -> _Copied:
    with warnings.catch_warnings():
        # torch warns of a class of its own as it copies it.
        warnings.simplefilter("ignore", FutureWarning)
        return copy.deepcopy(original)


class _Observing(fx.Interpreter):
    """Hands over what some nodes read at the moment that they run: later ops may change it in place."""

    def __init__(self, module: fx.GraphModule, see: Mapping[fx.Node, See]) -> None:
        super().__init__(module)
        self._see = see

    def run_node(self, n: fx.Node) -> Any:
        if n in self._see:
            source = self.fetch_args_kwargs_from_env(n)[0][0]
            self._see[n](source.detach().numpy())
        return super().run_node(n)


def _float_leaves(results: Any) -> list[Tensor]:
    return [leaf for leaf in pytree.tree_leaves(results) if isinstance(leaf, Tensor) and leaf.is_floating_point()]


def _each(value: Any, count: int) -> tuple[int, ...]:
    values = tuple(int(one) for one in (value if isinstance(value, list | tuple) else [value]))
    return values * count if len(values) == 1 else values


def _pads(padding: Any, kernel: Sequence[int], dilations: Sequence[int]) -> tuple[tuple[int, int], ...]:
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilations, kernel, strict=True)]
        return tuple((t // 2, t - t // 2) for t in total)
    return tuple((p, p) for p in _each(padding, len(kernel)))
