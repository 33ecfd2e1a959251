"""Codes on disk come back as they went, and are gone when nobody needs them."""

from __future__ import annotations

import numpy as np
import pytest
from sepia.quantize.calibration.code_store import CodeStore


def test_samples_come_back_by_number() -> None:
    rng = np.random.default_rng(0)
    samples = [rng.integers(0, 255, (1, 3, size, 4)).astype(np.uint8) for size in (5, 2, 7)]
    with CodeStore() as store:
        for sample in samples:
            store.append("x", sample)
            store.append("y", sample.astype(np.int8)[..., ::2])
        for index in (2, 0, 1, 1):
            np.testing.assert_array_equal(store.read("x", index), samples[index])
            found = store.read("y", index)
            assert found.dtype == np.int8
            np.testing.assert_array_equal(found, samples[index].astype(np.int8)[..., ::2])
        store.append("x", samples[0])
        np.testing.assert_array_equal(store.read("x", 3), samples[0])
        assert (store.sample_bytes("x"), store.sample_bytes("y")) == (60, 30)


def test_only_what_is_kept_stays() -> None:
    with CodeStore() as store:
        for name in "abc":
            store.append(name, np.zeros(3, np.uint8))
        files = {name: store._tensors[name].file for name in "abc"}
        store.keep(("b",))
        assert store.names == {"b"} and "b" in store and "a" not in store
        assert files["a"].closed and not files["b"].closed
    assert files["b"].closed
    with pytest.raises(KeyError):
        store.read("b", 0)
