"""Inputs of layers in the quantised network, piece by piece, against the whole network at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sepia.graph.load import save_graph
from sepia.quantize.calibration.staged import Staged
from sepia.quantize.write_qdq import quantized_name, write_qdq
from support.fitted_tasks import fitted_task, inverted_residuals
from support.quantising import with_values


def test_every_layers_input_is_that_of_the_whole_network(tmp_path: Path) -> None:
    task, fitted = fitted_task(inverted_residuals(), tmp_path)
    whole = tmp_path / "whole.onnx"
    save_graph(write_qdq(task.model, task.placement, fitted.grids, fitted.rounded), whole)
    sources = [layer.source for layer in task.placement.layers]
    names = [quantized_name(source) for source in sources]
    expected = [with_values(whole, list(dict.fromkeys(names)), sample) for sample in task.data]
    with Staged(task) as staged:
        for index, source in enumerate(sources):
            found = list(staged.codes(source, fitted, sources[index + 1 :]))
            assert len(found) == len(expected)
            for codes, values in zip(found, expected, strict=True):
                np.testing.assert_array_equal(codes, values[quantized_name(source)])


def test_what_is_kept_is_narrow_and_still_needed(tmp_path: Path) -> None:
    task, fitted = fitted_task(inverted_residuals(), tmp_path)
    sources = [layer.source for layer in task.placement.layers]
    most = 0
    with Staged(task) as staged:
        for index, source in enumerate(sources):
            for _ in staged.codes(source, fitted, sources[index + 1 :]):
                pass
            kept = staged._store.names
            most = max(most, sum(staged._store.sample_bytes(name) for name in kept))
            assert len(kept) <= 3
        assert staged._store.names == set()
    assert most <= 3 * 64 + 4 * 64 + 4 * 64, "a wide tensor of 16 · 64 bytes was kept"


def test_changed_layers_are_run_as_changed(tmp_path: Path) -> None:
    task, fitted = fitted_task(inverted_residuals(), tmp_path)
    first, second = task.placement.layers[:2]
    zero = replace(fitted.rounded[first.name], codes=np.zeros_like(fitted.rounded[first.name].codes))
    changed = replace(fitted, rounded={**fitted.rounded, first.name: replace(zero, bias=np.zeros(4, np.float32))})
    with Staged(task) as staged:
        for codes in staged.codes(second.source, changed, []):
            zero_point = fitted.grids[second.source].zero_point[0]
            assert set(codes.reshape(-1)) == {zero_point}


def test_its_files_are_closed_after_an_error(tmp_path: Path) -> None:
    task, fitted = fitted_task(inverted_residuals(), tmp_path)
    sources = [layer.source for layer in task.placement.layers]
    staged = Staged(task)
    with pytest.raises(KeyboardInterrupt), staged:
        for _ in staged.codes(sources[0], fitted, sources):
            raise KeyboardInterrupt
    assert staged._store.names == set()
