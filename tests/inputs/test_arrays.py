"""Samples in .npz and .npy files are streamed, and wrong ones are told exactly."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sepia.errors import InputError
from sepia.inputs import calibration_data

_INPUTS = {"input": (1, 3, 4, 4)}


def _values(count: int = 7) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((count, 3, 4, 4)).astype(np.float32)


def _write(path: Path, values: NDArray[np.float32]) -> Path:
    if path.name.startswith("packed"):
        np.savez_compressed(path, input=values)
    elif path.suffix == ".npz":
        np.savez(path, input=values)
    else:
        np.save(path, values)
    return path


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "packed.npz"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("limit", [None, 3])
def test_samples_are_those_written(tmp_path: Path, name: str, order: str, limit: int | None) -> None:
    values = _values()
    path = _write(tmp_path / name, np.asarray(values, order=order))  # type: ignore[call-overload]
    data = calibration_data(path, _INPUTS, None, limit=limit)
    chosen = range(7) if limit is None else (0, 2, 4)
    assert len(data) == len(chosen)
    assert not data.built_in
    for _ in range(2):
        for sample, index in zip(data, chosen, strict=True):
            np.testing.assert_array_equal(sample["input"], values[index : index + 1])


def test_float64_becomes_float32(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", _values().astype(np.float64))
    (sample, *_) = calibration_data(tmp_path / "a.npy", _INPUTS, None)
    assert sample["input"].dtype == np.float32


def test_several_inputs_by_name(tmp_path: Path) -> None:
    a, b = _values(), np.ones((7, 2), np.float32)
    np.savez(tmp_path / "a.npz", b=b, a=a)
    for index, sample in enumerate(calibration_data(tmp_path / "a.npz", {"a": (1, 3, 4, 4), "b": (1, 2)}, None)):
        np.testing.assert_array_equal(sample["a"], a[index : index + 1])
        np.testing.assert_array_equal(sample["b"], b[index : index + 1])


@pytest.mark.parametrize("name", ["a.npy", "packed.npz"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, name: str) -> None:
    sample_bytes = 3 * 64 * 64 * 4
    path = _write(tmp_path / name, np.zeros((200, 3, 64, 64), np.float32))
    tracemalloc.start()
    for _ in calibration_data(path, {"input": (1, 3, 64, 64)}, None):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * sample_bytes, "the file is 200 samples"


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"input": np.zeros((5, 4, 4, 3), np.float32)}, "'input' has shape [5, 4, 4, 3], expected [N, 3, 4, 4]"),
        ({"input": np.zeros((3, 4, 4), np.float32)}, "'input' has shape [3, 4, 4], expected [N, 3, 4, 4]"),
        ({"input": np.float32(1)}, "'input' has shape [], expected [N, 3, 4, 4]"),
        ({"input": np.zeros((0, 3, 4, 4), np.float32)}, "holds no samples: the first dimension is 0"),
        ({"input": np.zeros((5, 3, 4, 4), np.uint8)}, "'input' has type uint8; accepted: float32 or another float"),
        (
            {"x": np.zeros(1, np.float32), "y": np.zeros(1, np.float32)},
            "holds 'x', 'y', the network's inputs are 'input'; accepted: one array an input, of the same name",
        ),
        ({}, "holds nothing, the network's inputs are 'input'"),
    ],
)
def test_wrong_arrays_are_told(tmp_path: Path, arrays: dict[str, NDArray[np.float32]], message: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(InputError) as caught:
        calibration_data(tmp_path / "a.npz", _INPUTS, None)
    assert f"{tmp_path / 'a.npz'}: {message}" in str(caught.value)


def test_different_numbers_of_samples(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.zeros((3, 2), np.float32), b=np.zeros((4, 2), np.float32))
    with pytest.raises(InputError, match="the inputs have different numbers of samples"):
        calibration_data(tmp_path / "a.npz", {"a": (1, 2), "b": (1, 2)}, None)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_named(tmp_path: Path, bad: float) -> None:
    values = _values()
    values[4, 1, 2, 3] = bad
    np.save(tmp_path / "a.npy", values)
    samples = iter(calibration_data(tmp_path / "a.npy", _INPUTS, None))
    for _ in range(4):
        next(samples)
    with pytest.raises(InputError, match=r"a\.npy: sample 4 of 'input' holds NaN or infinity"):
        next(samples)


@pytest.mark.parametrize(("name", "reason"), [("a.npy", "ends within sample 5"), ("a.npz", "not a zip file")])
def test_a_truncated_file_is_told(tmp_path: Path, name: str, reason: str) -> None:
    path = _write(tmp_path / name, _values())
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(InputError, match=rf"{name}: cannot be read.*{reason}"):
        list(calibration_data(path, _INPUTS, None))


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
@pytest.mark.parametrize("data", [b"", b"not an array at all, but long enough to hold a header"])
def test_a_file_of_something_else_is_told(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=rf"{name}: cannot be read as \.np"):
        calibration_data(tmp_path / name, _INPUTS, None)


def test_pickled_objects_are_not_run(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match=r"a\.npy: 'input' has (shape|type)"):
        calibration_data(tmp_path / "a.npy", _INPUTS, None)
