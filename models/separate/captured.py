"""Small questions to a captured graph of torch, and small changes of what it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from torch import Tensor, fx, nn

__all__ = ["CONVOLUTIONS", "arguments", "convolutions", "drop_unused", "fetch", "free_path", "put"]

CONVOLUTIONS = frozenset(
    f"aten.conv{dimensions}d.{form}" for dimensions in (1, 2, 3) for form in ("default", "padding")
)
"""Ops, as torch names them."""


def convolutions(module: fx.GraphModule) -> Iterator[tuple[str, fx.Node]]:
    """Convolutions by the path of their weight; the second use of one weight gets a number."""
    taken: Counter[str] = Counter()
    for node in module.graph.nodes:
        if node.op != "call_function" or str(node.target) not in CONVOLUTIONS:
            continue
        weight = arguments(node)["weight"]
        path = str(weight.target).removesuffix(".weight") if isinstance(weight, fx.Node) else node.name
        taken[path] += 1
        yield (path if taken[path] == 1 else f"{path}_{taken[path]}"), node


def arguments(node: fx.Node) -> dict[str, Any]:
    """By name, defaults filled in."""
    schema = node.target._schema.arguments  # type: ignore[union-attr]
    found = {argument.name: argument.default_value for argument in schema}
    given = {argument.name: value for argument, value in zip(schema, node.args, strict=False)}
    return found | given | dict(node.kwargs)


def fetch(module: nn.Module, path: str) -> Tensor:
    *parents, name = path.split(".")
    for parent in parents:
        module = getattr(module, parent)
    found: Tensor = getattr(module, name)
    return found


def put(module: nn.Module, path: str, tensor: Tensor) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        if not isinstance(getattr(module, parent, None), nn.Module):
            setattr(module, parent, nn.Module())
        module = getattr(module, parent)
    if name in module._buffers:
        del module._buffers[name]
    setattr(module, name, nn.Parameter(tensor, requires_grad=False))


def free_path(module: nn.Module, wanted: str) -> str:
    taken = {*dict(module.named_parameters()), *dict(module.named_buffers())}
    path, number = wanted, 1
    while path in taken:
        path, number = f"{wanted}_{number}", number + 1
    return path


def drop_unused(module: fx.GraphModule) -> None:
    """Weights that nothing reads any more."""
    read = {str(node.target) for node in module.graph.nodes if node.op == "get_attr"}
    for name, _ in [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]:
        if name not in read:
            *parents, last = name.split(".")
            owner: nn.Module = module
            for parent in parents:
                owner = getattr(owner, parent)
            delattr(owner, last)
