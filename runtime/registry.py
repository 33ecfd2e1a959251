"""Every runtime by its name, as in a target's."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..errors import ConfigError, nearest
from .interface import Runtime
from .litert import LiteRT
from .onnx_runtime import OnnxRuntime
from .openvino_runtime import OpenVINO
from .tflite_isolated import TFLiteRuntime

__all__ = ["RUNTIMES", "runtime_named"]

_ALL: tuple[Runtime, ...] = (OnnxRuntime(), LiteRT(), TFLiteRuntime(), OpenVINO())

RUNTIMES: Mapping[str, Runtime] = MappingProxyType({runtime.name: runtime for runtime in _ALL})
"""Light: each loads its library when it is first asked for something."""


def runtime_named(name: str) -> Runtime:
    """Raises ConfigError with the nearest names if there is no such runtime."""
    if name not in RUNTIMES:
        raise ConfigError("runtime", f"no runtime is called '{name}'", accepted=nearest(name, RUNTIMES))
    return RUNTIMES[name]
