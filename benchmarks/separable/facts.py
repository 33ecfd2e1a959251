"""Every figure of the page, by name: from the layers themselves, from the zoo, and from what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sepia.models.layers import (
    ConvNorm,
    Cost,
    Depthwise,
    DepthwiseSeparable,
    Layer,
    Pointwise,
    SpatiallySeparable,
)
from sepia.models.zoo import ZOO

from .charts import one, ratio

__all__ = ["facts"]

_FAMILIES = (
    "mobilenet-v1", "mobilenet-v2", "mobilenet-v3-large", "mobilenet-v4-conv-medium", "efficientnet-lite0", "xception",
    "ssdlite-mobilenet-v2", "deeplab-v3-plus-mobilenet-v2", "ds-cnn", "matchboxnet", "x3d-xs",
)  # fmt: skip


def facts(measured: Mapping[str, Any]) -> dict[str, Any]:
    """For both templates. measured: what `measure` wrote."""
    return {
        "v1": _mobilenet_layer(),
        "dimensions": _dimensions(),
        "zoo": [ZOO[name] for name in _FAMILIES if name in ZOO],
        "ratio": ratio,
        "resnet": _bottleneck(),
        "machine": measured["machine"],
        "versions": measured["versions"],
        "weights": measured["weights"],
        **_latency(measured["rows"]),
    }


def _bare(layer: type[Layer], *arguments: int, **rest: Any) -> Layer:
    """Convolutions alone: without normalisation or activation."""
    plain: dict[str, Any] = {"between": (), "after": ()}
    if layer in (ConvNorm, Depthwise, Pointwise):
        plain = {"norm": False, "activation": None}
    return layer(*arguments, **plain, **rest)


def _mobilenet_layer() -> dict[str, Any]:
    """One of MobileNetV1's five equal blocks: 512 channels to 512 at 14×14."""
    channels, size = 512, (14, 14)
    return {
        "channels": channels,
        "size": size[0],
        "standard": _bare(ConvNorm, channels, channels).cost(size),
        "depthwise": _bare(Depthwise, channels).cost(size),
        "pointwise": _bare(Pointwise, channels, channels).cost(size),
        "pair": _bare(DepthwiseSeparable, channels, channels).cost(size),
        "spatial": _bare(SpatiallySeparable, channels, channels).cost(size),
    }


def _dimensions() -> list[dict[str, Any]]:
    """64 channels to 64, kernel 3 in each direction, in one to three dimensions."""
    found = []
    for size in ((1024,), (32, 32), (8, 32, 32)):
        count = len(size)
        layers: dict[str, Cost | None] = {
            "standard": _bare(ConvNorm, 64, 64, dimensions=count).cost(size),
            "pair": _bare(DepthwiseSeparable, 64, 64, dimensions=count).cost(size),
            "spatial": _bare(SpatiallySeparable, 64, 64, dimensions=count).cost(size) if count > 1 else None,
        }
        found.append({"size": "×".join(map(str, size)), "count": count, "ratio": ratio(64, 3, count), **layers})
    return found


def _bottleneck() -> dict[str, Cost]:
    """ResNet-50's first blocks at 56×56: 256 → 64 → 64 → 256."""
    size = (56, 56)
    return {
        "reduce": _bare(Pointwise, 256, 64).cost(size),
        "middle": _bare(ConvNorm, 64, 64).cost(size),
        "expand": _bare(Pointwise, 64, 256).cost(size),
    }


def _latency(rows: Any) -> dict[str, Any]:
    shapes = list(dict.fromkeys((row["channels"], row["size"]) for row in rows))
    engines = list(dict.fromkeys((row["runtime"], row["precision"]) for row in rows))
    table = []
    for shape in shapes:
        for engine in engines:
            standard, pair = (one(rows, shape, engine, layer) for layer in ("standard", "separable"))
            table.append(
                {
                    "channels": shape[0],
                    "size": shape[1],
                    "runtime": engine[0],
                    "precision": engine[1],
                    "standard": standard["us"],
                    "pair": pair["us"],
                    "depthwise": one(rows, shape, engine, "depthwise")["us"],
                    "pointwise": one(rows, shape, engine, "pointwise")["us"],
                    "times": standard["us"] / pair["us"],
                    "macs": standard["macs"] / pair["macs"],
                }
            )
    middle = shapes[len(shapes) // 2]
    intensity = []
    for layer in ("standard", "pointwise", "depthwise"):
        row = one(rows, middle, engines[0], layer)
        intensity.append({"layer": layer, "macs": row["macs"], "bytes": row["bytes"]})
    quicker = {
        layer: [
            one(rows, middle, (runtime, "float"), layer)["us"] / one(rows, middle, (runtime, "int8"), layer)["us"]
            for runtime in dict.fromkeys(runtime for runtime, _ in engines)
        ]
        for layer in ("standard", "pointwise", "depthwise")
    }
    return {
        "int8_quicker": quicker,
        "latency": table,
        "engines": engines,
        "intensity": intensity,
        "middle": middle,
        "least_times": min(row["times"] for row in table),
        "most_times": max(row["times"] for row in table),
        "depthwise_share_macs": [
            one(rows, shape, None, "depthwise")["macs"] / one(rows, shape, None, "separable")["macs"]
            for shape in shapes
        ],
        "depthwise_share_time": [row["depthwise"] / (row["depthwise"] + row["pointwise"]) for row in table],
    }
