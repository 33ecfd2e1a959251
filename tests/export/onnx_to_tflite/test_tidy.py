from __future__ import annotations

import numpy as np
from sepia.export.onnx_to_tflite.program import Program, Tensor
from sepia.export.onnx_to_tflite.tidy import tidy


def start() -> tuple[Program, Tensor]:
    program = Program()
    x = program.inputs["x"] = program.tensor("x", (2, 3, 4), "float32")
    return program, x


def step(program: Program, op: str, x: Tensor, shape: tuple[int, ...], setting: tuple[int, ...] = ()) -> Tensor:
    y = program.tensor("t", shape, "float32")
    held = program.constant("s", np.array(setting or shape, np.int32))
    program.add(op, [x, held] if op in ("RESHAPE", "TRANSPOSE") else [x], [y])
    return y


def ops(program: Program) -> list[str]:
    tidy(program)
    once = program.listing()
    tidy(program)
    assert program.listing() == once
    return [operator.op for operator in program.operators]


def test_a_reshape_of_a_reshape_is_one() -> None:
    program, x = start()
    program.outputs["y"] = step(program, "RESHAPE", step(program, "RESHAPE", x, (6, 4)), (24,))
    assert ops(program) == ["RESHAPE"]
    assert program.operators[0].inputs[0] is x


def test_a_reshape_back_is_none() -> None:
    program, x = start()
    back = step(program, "RESHAPE", step(program, "RESHAPE", x, (6, 4)), x.shape)
    program.outputs["y"] = step(program, "RELU", back, x.shape)
    assert ops(program) == ["RELU"]


def test_a_reshape_that_makes_an_output_stays() -> None:
    program, x = start()
    program.outputs["y"] = step(program, "RESHAPE", x, x.shape)
    assert ops(program) == ["RESHAPE"]


def test_a_reshape_that_somebody_else_reads_stays_for_him() -> None:
    program, x = start()
    middle = step(program, "RESHAPE", x, (6, 4))
    program.outputs["y"] = step(program, "RELU", middle, (6, 4))
    program.outputs["z"] = step(program, "RESHAPE", middle, (24,))
    assert ops(program) == ["RESHAPE", "RELU", "RESHAPE"]


def test_two_transposes_that_cancel_go() -> None:
    program, x = start()
    turned = step(program, "TRANSPOSE", x, (3, 4, 2), (1, 2, 0))
    back = step(program, "TRANSPOSE", turned, (2, 3, 4), (2, 0, 1))
    program.outputs["y"] = step(program, "RELU", back, (2, 3, 4))
    assert ops(program) == ["RELU"]


def test_two_transposes_that_do_not_cancel_stay() -> None:
    program, x = start()
    turned = step(program, "TRANSPOSE", x, (3, 4, 2), (1, 2, 0))
    program.outputs["y"] = step(program, "RELU", step(program, "TRANSPOSE", turned, (4, 2, 3), (1, 2, 0)), (4, 2, 3))
    assert ops(program) == ["TRANSPOSE", "TRANSPOSE", "RELU"]


def test_what_nobody_reads_goes() -> None:
    program, x = start()
    step(program, "TANH", step(program, "RELU", x, x.shape), x.shape)
    program.outputs["y"] = step(program, "LOGISTIC", x, x.shape)
    assert ops(program) == ["LOGISTIC"]
