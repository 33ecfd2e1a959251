from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sepia.export.onnx_to_tflite.layout import (
    Touch,
    as_is,
    assign,
    channels_last,
    compose,
    moves_data,
    permuted,
    undo,
)

PERMS = st.permutations(range(4)).map(tuple)


def value(name: str, *shape: int) -> ir.Value:
    return ir.Value(name=name, shape=ir.Shape(shape), type=ir.TensorType(ir.DataType.FLOAT))


def test_channels_last() -> None:
    assert [channels_last(rank) for rank in (3, 4, 5)] == [(0, 2, 1), (0, 2, 3, 1), (0, 2, 3, 4, 1)]
    assert permuted((1, 3, 5, 7), channels_last(4)) == (1, 5, 7, 3)


@given(held=PERMS, wanted=PERMS)
def test_compose_carries_one_layout_to_another(held: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    array = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    found = array.transpose(held).transpose(compose(held, wanted))
    np.testing.assert_array_equal(found, array.transpose(wanted))


@given(perm=PERMS)
def test_undo(perm: tuple[int, ...]) -> None:
    assert permuted(perm, undo(perm)) == as_is(4)


@given(shape=st.lists(st.sampled_from([1, 2, 3]), min_size=4, max_size=4).map(tuple), perm=PERMS)
def test_a_transpose_that_moves_no_data_is_a_reshape(shape: tuple[int, ...], perm: tuple[int, ...]) -> None:
    array = np.arange(int(np.prod(shape))).reshape(shape)
    turned = array.transpose(perm)
    if not moves_data(shape, perm):
        np.testing.assert_array_equal(turned, array.reshape(turned.shape))
    elif sum(size > 1 for size in shape) > 1:
        assert not np.array_equal(turned.reshape(-1), array.reshape(-1))


def test_a_batch_chosen_later_counts_as_long() -> None:
    assert moves_data((-1, 8, 1, 1), (1, 0, 2, 3))
    assert not moves_data((-1, 8, 1, 1), channels_last(4))


def test_one_asker_decides_for_its_class() -> None:
    a, b, c, d = (value(name, 1, 8, 5, 5) for name in "abcd")
    found = assign([Touch("any", (a, b)), Touch("any", (b, c)), Touch("channels last", (c,)), Touch("free", (d,))], [])
    assert {name: perm == channels_last(4) for name, perm in found.items()} == {
        "a": True, "b": True, "c": True, "d": False
    }  # fmt: skip


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_order_of_asking_does_not_matter(order: tuple[int, int]) -> None:
    a, b = value("a", 1, 8, 5, 5), value("b", 1, 8, 5, 5)
    touches = [Touch("any", (a, b)), Touch("channels last", (b,))]
    assert assign([touches[place] for place in order], [])["a"] == channels_last(4)


def test_ends_of_rank_4_ask_and_others_do_not() -> None:
    found = assign([], [value("image", 1, 3, 5, 5), value("sound", 1, 3, 5), value("logits", 1, 10)])
    assert found == {"image": (0, 2, 3, 1), "sound": (0, 1, 2), "logits": (0, 1)}


def test_values_of_another_rank_keep_out_of_a_class() -> None:
    image, vector = value("a", 1, 8, 5, 5), value("b", 8, 1, 1)
    found = assign([Touch("any", (image, vector)), Touch("channels last", (image,))], [])
    assert found == {"a": (0, 2, 3, 1), "b": (0, 1, 2)}
