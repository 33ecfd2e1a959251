"""ONNX Runtime as calibration uses it: one graph, some of its inner values, one sample at a time.

The only file of this room that knows a runtime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ...errors import QuantizeError

__all__ = ["Engine"]


class Engine:
    """A session on one thread that returns the values named. Other work goes on beside it: see `ahead`."""

    def __init__(self, model: ir.Model, values: Sequence[str], *, where: str, as_written: bool = False) -> None:
        """model: is not changed. values: names of any values of its graph. where: what errors call the model.

        as_written: QuantizeLinear and DequantizeLinear are run as nodes of their own. Else ONNX Runtime makes integer
        kernels of what is between them, and *rounds float weights that it finds there*, one scale a tensor.
        """
        import onnxruntime

        self._ort_value = onnxruntime.OrtValue.ortvalue_from_numpy
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Exact integer kernels for QDQ graphs; without an effect where the processor has them anyway (VNNI).
        options.add_session_config_entry("session.x64quantprecision", "1")
        if as_written:
            options.add_session_config_entry("session.disable_quant_qdq", "1")
        _arena_as_asked()
        options.add_session_config_entry("session.use_env_allocators", "1")
        self._where = where
        self._values = list(values)
        try:
            self._session = onnxruntime.InferenceSession(
                _with_outputs(model, values), options, providers=["CPUExecutionProvider"]
            )
        except _runtime_errors() as error:
            raise QuantizeError(where, f"ONNX Runtime refuses it ({_first_line(error)})") from error
        self._batch = {value.name: value.shape[0] if value.shape else 1 for value in self._session.get_inputs()}

    def run(self, sample: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The named values for one sample (input name → array). Raises QuantizeError if the sample does not fit."""
        if set(sample) != set(self._batch):
            raise QuantizeError(
                self._where,
                f"a calibration sample has inputs {', '.join(sorted(sample)) or 'none'}",
                accepted=", ".join(sorted(self._batch)),
            )
        feeds = {name: _fill_batch(array, self._batch[name]) for name, array in sample.items()}
        fed = {name: feeds[name] for name in self._values if name in feeds}
        wanted = [name for name in self._values if name not in fed]
        try:
            found = self._session.run_with_ort_values(
                wanted, {name: self._ort_value(array) for name, array in feeds.items()}
            )
        except _runtime_errors() as error:
            raise QuantizeError(self._where, f"a calibration sample does not fit ({_first_line(error)})") from error
        return {name: np.asarray(_InPlace(value)) for name, value in zip(wanted, found, strict=True)} | fed


class _InPlace:
    """Shows an OrtValue's memory to NumPy, which keeps this object, and so the memory, alive.

    `OrtValue.numpy` copies; with all inner values of a network that is a third of the time of calibration.
    """

    def __init__(self, value: Any) -> None:
        self._value = value
        dtype = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8, "tensor(int8)": np.int8}[value.data_type()]
        self.__array_interface__ = {
            "shape": tuple(value.shape()),
            "typestr": np.dtype(dtype).str,
            "data": (value.data_ptr(), True),
            "version": 3,
        }


@cache
def _arena_as_asked() -> None:
    """Once a process: an arena that grows by what is asked for.

    By default it doubles, so that one more buffer, after hundreds of samples, can cost as much as all before.
    """
    import onnxruntime

    grows = {
        "arena_extend_strategy": 1,
        "initial_chunk_size_bytes": -1,
        "max_dead_bytes_per_chunk": -1,
        "initial_growth_chunk_size_bytes": -1,
    }
    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(place, onnxruntime.OrtArenaCfg(grows))


def _fill_batch(array: NDArray[Any], batch: Any) -> NDArray[Any]:
    """One sample as often as a network of a fixed batch wants it; its values have the same ranges and means."""
    if isinstance(batch, int) and batch > 1 and array.shape[:1] == (1,):
        return np.repeat(array, batch, axis=0)
    return np.ascontiguousarray(array)


def _with_outputs(model: ir.Model, values: Sequence[str]) -> bytes:
    copy = model.clone()
    have = {value.name for value in copy.graph.outputs} | {value.name for value in copy.graph.inputs}
    for node in copy.graph:
        copy.graph.outputs.extend(v for v in node.outputs if v.name in values and v.name not in have)
    return bytes(ir.to_proto(copy).SerializeToString())


def _runtime_errors() -> tuple[type[Exception], ...]:
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (state.Fail, state.InvalidArgument, state.InvalidGraph, state.NotImplemented, state.RuntimeException)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]
