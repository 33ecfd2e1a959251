"""Batch normalisation goes into the convolution before it."""

from __future__ import annotations

from collections import Counter

from torch import fx
from torch.nn.utils.fusion import fuse_conv_bn_weights

from .captured import CONVOLUTIONS, arguments, drop_unused, fetch, free_path, put

__all__ = ["fold_norms"]

_NORM = "aten.batch_norm.default"
_STATISTICS = ("weight", "bias", "running_mean", "running_var")


def fold_norms(module: fx.GraphModule) -> None:
    """y = γ (x − μ) / √(σ² + ε) + β in evaluation mode, after a convolution that nothing else reads or shares."""
    uses = Counter(str(node.target) for node in module.graph.nodes if node.op == "get_attr" for _ in node.users)
    for node in list(module.graph.nodes):
        if node.op != "call_function" or str(node.target) != _NORM:
            continue
        norm = arguments(node)
        layer = norm["input"]
        if norm["training"] or str(layer.target) not in CONVOLUTIONS or len(layer.users) > 1:
            continue
        given = arguments(layer)
        held = {**{key: given[key] for key in ("weight", "bias")}, **{f"norm_{key}": norm[key] for key in _STATISTICS}}
        if any(value is not None and value.op != "get_attr" for value in held.values()):
            continue
        path = str(held["weight"].target)
        if uses[path] > 1 or held["norm_running_mean"] is None or held["norm_running_var"] is None:
            continue
        arrays = {key: None if value is None else fetch(module, str(value.target)) for key, value in held.items()}
        weight, bias = fuse_conv_bn_weights(
            arrays["weight"],  # type: ignore[arg-type]
            arrays["bias"],
            arrays["norm_running_mean"],  # type: ignore[arg-type]
            arrays["norm_running_var"],  # type: ignore[arg-type]
            float(norm["eps"]),
            arrays["norm_weight"],
            arrays["norm_bias"],
        )
        folder = path.rpartition(".")[0]
        bias_path = free_path(module, f"{folder}.folded_bias" if folder else "folded_bias")
        put(module, path, weight.detach().clone())
        put(module, bias_path, bias.detach().clone())
        with module.graph.inserting_before(layer):
            read = module.graph.get_attr(bias_path)
        read.meta["val"] = None
        layer.args = (given["input"], given["weight"], read, given["stride"], given["padding"], given["dilation"],
                      given["groups"])  # fmt: skip
        layer.kwargs = {}
        node.replace_all_uses_with(layer)
        module.graph.erase_node(node)
    module.graph.eliminate_dead_code()
    drop_unused(module)
    module.recompile()
