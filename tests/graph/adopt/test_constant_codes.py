"""Weights and biases as other quantisers store them, each made int8 codes with zero point 0 or the float they are."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
from sepia.graph.adopt import adopt
from sepia.graph.adopt.constant_codes import settle_constants
from sepia.graph.qdq import read_qdq
from support.graphs import random_input, run_graph
from support.pairs import Quantised
from support.passes import loaded

RNG = np.random.default_rng(3)


def net(codes: Any, scale: Any, zero: Any, *, make: Any = None, opset: int = 21, **attributes: Any) -> onnx.ModelProto:
    """conv(pair(image), weight [4, 3, 3, 3]) → pair. make: how the codes come about, if not from the file."""
    built = Quantised((1, 3, 6, 6))
    grid = [built.constant("w_scale", np.asarray(scale, np.float32)), built.constant("w_zero", np.asarray(zero))]
    data = built.constant("w", np.asarray(codes)) if make is None else make(built, grid)
    weight = built.node("DequantizeLinear", [data, *grid], name="weight", **attributes)
    y = built.node("Conv", [built.pair(built.input), weight], name="conv", channels=4)
    return built.proto(built.pair(y, 0.05, 128), opset=opset)


def same_outputs(proto: onnx.ModelProto, adopted: Any) -> None:
    feeds = random_input(proto)
    expected, found = run_graph(proto, feeds), run_graph(adopted, feeds)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


CODES = RNG.integers(-100, 101, (4, 3, 3, 3))
ZEROS = np.array([3, -2, 0, 20])


@pytest.mark.parametrize("axis", [None, 0], ids=["per tensor", "per channel"])
def test_a_zero_point_goes_into_the_codes_where_they_fit(axis: int | None) -> None:
    """uint8 weights of ONNX Runtime (weight_type QUInt8, asymmetric)."""
    zero = np.uint8(120) if axis is None else (ZEROS + 120).astype(np.uint8)
    scale = 0.01 if axis is None else [0.01, 0.02, 0.03, 0.04]
    codes = (CODES + 120).clip(0, 240).astype(np.uint8)
    proto = net(codes, scale, zero, **({} if axis is None else {"axis": 0}))
    found = adopt(loaded(proto))
    assert found.told == ("1 constant: zero point taken into the codes",)
    view = read_qdq(found.model)
    (name,) = view.codes
    held = view.params[name]
    assert (held.dtype, held.axis, held.zero_point.any()) == ("int8", axis, False)
    far = codes.astype(int) - (120 if axis is None else ZEROS.reshape(4, 1, 1, 1) + 120)
    np.testing.assert_array_equal(view.codes[name], far)
    same_outputs(proto, found.model)


def test_codes_that_do_not_fit_stay() -> None:
    codes = np.full((4, 3, 3, 3), 255, np.uint8)
    model = loaded(net(codes, 0.01, np.uint8(120)))
    found = adopt(model)
    assert (found.model, found.told) == (model, ())


def test_symmetric_weights_are_left_alone() -> None:
    for codes, zero in ((CODES.astype(np.int8), np.int8(0)), ((CODES + 128).astype(np.uint8), np.uint8(128))):
        model = loaded(net(codes, 0.01, zero))
        assert adopt(model).model is model


@pytest.mark.parametrize("signed", [True, False], ids=["int4", "uint4"])
def test_four_bits_are_held_in_eight(signed: bool) -> None:
    kind = ml_dtypes.int4 if signed else ml_dtypes.uint4
    codes = RNG.integers(-8, 8, (4, 3, 3, 3)) + (0 if signed else 8)
    proto = net(codes.astype(kind), 0.1, np.array(0 if signed else 8).astype(kind))
    found = adopt(loaded(proto))
    assert found.told == (f"1 constant: {'' if signed else 'u'}int4 codes held as int8",)
    view = read_qdq(found.model)
    (held,) = view.codes.values()
    np.testing.assert_array_equal(held, codes - (0 if signed else 8))
    same_outputs(proto, found.model)


def test_blocks_become_the_floats_that_they_stand_for() -> None:
    """Opset 21: a scale for every block of 9 along an axis."""
    codes = RNG.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8)
    scale = RNG.uniform(0.01, 0.02, (4, 3, 3, 1))
    proto = net(codes, scale, np.zeros((4, 3, 3, 1), np.int8), axis=3, block_size=3)
    found = adopt(loaded(proto))
    assert found.told == ("1 constant: int8 codes in blocks held as the float numbers that they stand for",)
    view = read_qdq(found.model)
    assert view.codes == {}
    (conv,) = (node for node in view.model.graph if node.op_type == "Conv")
    np.testing.assert_array_equal(
        conv.inputs[1].const_value.numpy(), codes.astype(np.float32) * scale.astype(np.float32)
    )
    same_outputs(proto, found.model)


def test_sixteen_bits_become_the_floats_that_they_stand_for() -> None:
    codes = RNG.integers(-30000, 30000, (4, 3, 3, 3)).astype(np.int16)
    proto = net(codes, 1e-5, np.int16(0))
    found = adopt(loaded(proto))
    assert found.told == ("1 constant: int16 codes held as the float numbers that they stand for",)
    same_outputs(proto, found.model)


@pytest.mark.parametrize("narrow", [False, True], ids=["QuantizeLinear", "with a Clip"])
def test_codes_made_of_floats_are_stored(narrow: bool) -> None:
    """ONNX Runtime (AddQDQPairToWeight) and torchao (fold_quantize off); the Clip is onnxscript's and brevitas's."""
    real = RNG.normal(0, 1, (4, 3, 3, 3)).astype(np.float32)

    def make(built: Quantised, grid: list[str]) -> str:
        codes = built.node("QuantizeLinear", [built.constant("real", real), *grid], name="q")
        if not narrow:
            return codes
        bounds = [built.constant(name, np.int8(bound)) for name, bound in (("low", -127), ("high", 127))]
        return built.node("Clip", [codes, *bounds])

    proto = net(None, 0.005, np.int8(0), make=make)
    found = adopt(loaded(proto))
    assert found.told == ("1 constant: stored as the codes that QuantizeLinear makes of them",)
    view = read_qdq(found.model)
    (codes,) = view.codes.values()
    np.testing.assert_array_equal(codes, np.rint(real / np.float32(0.005)).clip(-127 if narrow else -128, 127))
    same_outputs(proto, found.model)


def test_a_bias_with_a_zero_point() -> None:
    built = Quantised((1, 3, 6, 6))
    grid = [built.constant("b_scale", np.float32(1e-3)), built.constant("b_zero", np.int32(7))]
    bias = built.node("DequantizeLinear", [built.constant("b", np.array([9, -3], np.int32)), *grid], name="bias")
    weight = built.coded("weight", np.ones((2, 3, 1, 1), np.int8), 0.02)
    proto = built.proto(built.pair(built.node("Conv", [built.pair(built.input), weight, bias], channels=2)))
    found = adopt(loaded(proto))
    view = read_qdq(found.model)
    (codes,) = (codes for codes in view.codes.values() if codes.dtype == np.int32)
    assert codes.tolist() == [2, -10]
    same_outputs(proto, found.model)


def test_constants_that_are_no_weights_keep_their_zero_point() -> None:
    """Sepia's own files hold such: the constant operand of a sum."""
    built = Quantised((1, 3, 4, 4))
    grid = built.grid("c", 0.01, 3)
    constant = built.node("DequantizeLinear", [built.constant("codes", np.full((3, 1, 1), 9, np.uint8)), *grid])
    model = loaded(built.proto(built.pair(built.node("Add", [built.pair(built.input), constant]))))
    assert settle_constants(model) == []
