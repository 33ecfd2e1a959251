from __future__ import annotations

import re

import numpy as np
from sepia.export.onnx_to_c.blob import SLACK_BYTES, Blob


def place(told: str) -> int:
    found = re.search(r"weights \+ (\d+)", told)
    assert found is not None
    return int(found[1])


def test_each_array_lies_where_it_is_said_to() -> None:
    blob = Blob()
    arrays = [np.arange(5, dtype=np.int8), np.array([1.5, -2.0], np.float32), np.array([[7, -70000]], np.int32)]
    told = [blob.add(array) for array in arrays]
    data = blob.data()
    for text, array in zip(told, arrays, strict=True):
        assert place(text) % 16 == 0
        assert data[place(text) :].startswith(array.astype(array.dtype.newbyteorder("<")).tobytes())
    assert [text.split("*")[0] for text in told] == ["(const int8_t ", "(const float ", "(const int32_t "]


def test_equal_arrays_lie_once() -> None:
    blob = Blob()
    first = blob.add(np.ones(40, np.int8))
    size = len(blob.data())
    assert blob.add(np.ones(40, np.int8)) == first
    assert len(blob.data()) == size


def test_a_kernel_may_read_beyond_the_last_array() -> None:
    blob = Blob()
    blob.add(np.ones(16, np.int8))
    assert len(blob.data()) == 16 + SLACK_BYTES
