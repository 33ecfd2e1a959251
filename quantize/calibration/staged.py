"""The quantised network over the data, one layer's input at a time, while its layers are still being settled.

A layer that is rounded against what it will really read needs all layers before it in their final form. To run the
network from its beginning for each would cost its depth squared. So the codes of some tensors are kept for every sample
(`CodeStore`), and each run begins from those. Kept is what is no larger than what it was computed from: in a network of
inverted residuals the narrow tensors between blocks; the wide ones inside are computed again. Memory does not grow with
the samples; the file does, by the narrow tensors alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import onnx_ir as ir
from numpy.typing import NDArray

from ..fitted import Fitted, Task
from ..write_qdq import quantized_name, write_qdq
from .ahead import ahead
from .code_store import CodeStore
from .engine import Engine

__all__ = ["Staged"]


class Staged:
    """Reads of the quantised network of `task`. Use `with`: it holds temporary files.

    Ask for values in the order of the graph: what lies before a value that was asked for may be forgotten.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._store = CodeStore()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.__exit__(kind, error, trace)

    def codes(self, value: str, fitted: Fitted, later: Sequence[str]) -> Iterator[NDArray[Any]]:
        """Codes of the activation `value` for every sample, under the grids and weights of `fitted`.

        later: values that will be asked for after this one; only what they need is kept. Go through all of it.
        """
        name = quantized_name(value)
        if name in self._store:
            for index in range(len(self._task.data)):
                yield self._store.read(name, index)
        else:
            yield from self._run(name, write_qdq(self._task.model, self._task.placement, fitted.grids, fitted.rounded))
        self._forget(later)

    def _run(self, name: str, model: ir.Model) -> Iterator[NDArray[Any]]:
        values = {value.name or "": value for value in _values(model.graph)}
        starts = _starts(values[name], self._store.names)
        extracted = ir.convenience.extract(model.graph, [values[start] for start in starts], [values[name]])
        engine = Engine(ir.Model(extracted, ir_version=model.ir_version), [name], where=self._task.where)
        stored = all(start in self._store for start in starts)
        keeping = False
        for index, found in enumerate(ahead(engine.run(sample) for sample in self._samples(starts, stored))):
            codes = found[name]
            if index == 0:
                keeping = not stored or codes.nbytes <= sum(self._store.sample_bytes(start) for start in starts)
            if keeping:
                self._store.append(name, codes)
            yield codes

    def _samples(self, starts: Sequence[str], stored: bool) -> Iterator[Mapping[str, NDArray[Any]]]:
        kept = [start for start in starts if start in self._store]
        if stored:
            for index in range(len(self._task.data)):
                yield {start: self._store.read(start, index) for start in kept}
            return
        for index, sample in enumerate(ahead(self._task.data)):
            fed = {start: sample[start] for start in starts if start in sample}
            yield fed | {start: self._store.read(start, index) for start in kept}

    def _forget(self, later: Sequence[str]) -> None:
        """Keep what the values asked for later are computed from, seen from the float graph."""
        graph = self._task.model.graph
        values = {value.name or "": value for value in _values(graph)}
        real = {name: value for value, name in ((value, quantized_name(value)) for value in values)}
        stored = {real[name] for name in self._store.names if name in real}
        needed: set[str] = set()
        for value in later:
            needed |= set(_starts(values[value], frozenset(stored)))
        self._store.keep(frozenset(quantized_name(value) for value in needed & stored))


def _starts(value: ir.Value, stored: frozenset[str]) -> list[str]:
    """Stored values and graph inputs that `value` is computed from, by name; a stored value from itself."""
    found: dict[str, None] = {}
    seen: set[ir.Value] = set()
    pending = [value]
    while pending:
        value = pending.pop()
        if value in seen or value.const_value is not None:
            continue
        seen.add(value)
        name = value.name or ""
        producer = value.producer()
        if name in stored or (producer is None and value.is_graph_input()):
            found[name] = None
        elif producer is not None:
            pending.extend(source for source in producer.inputs if source is not None)
    return list(found)


def _values(graph: ir.Graph) -> Iterator[ir.Value]:
    yield from graph.inputs
    for node in graph:
        yield from node.outputs
