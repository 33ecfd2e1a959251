"""Clean-up of a finished program: what two lowerings wrote and one would have left out.

1. A RESHAPE of a RESHAPE reads what the first one read; one to the shape that it starts from goes.
2. A TRANSPOSE of a TRANSPOSE that undoes it reads what the first one read, and both go.
3. Operators whose outputs nobody reads go.

None changes a value; run twice, the second run changes nothing.
"""

from __future__ import annotations

from .program import Operator, Program, Tensor

__all__ = ["tidy"]


def tidy(program: Program) -> None:
    """Apply all rules in place."""
    _shorten(program)
    _drop_unread(program)


def _shorten(program: Program) -> None:
    made: dict[int, Operator] = {}
    replaced: dict[int, Tensor] = {}
    for operator in program.operators:
        operator.inputs = tuple(tensor and replaced.get(id(tensor), tensor) for tensor in operator.inputs)
        if operator.op in ("RESHAPE", "TRANSPOSE"):
            source = _source(operator, made)
            if operator.op == "RESHAPE":
                operator.inputs = (source, *operator.inputs[1:])
            output = operator.outputs[0]
            if _undone(operator, source):
                replaced[id(output)] = source
        for output in operator.outputs:
            made[id(output)] = operator


def _source(operator: Operator, made: dict[int, Operator]) -> Tensor:
    """What the operator reads, looking through operators of its own kind."""
    tensor = operator.inputs[0]
    if tensor is None:
        raise ValueError(f"{operator.op} without data")
    before = made.get(id(tensor))
    if before is None or before.op != operator.op or before.inputs[0] is None:
        return tensor
    if operator.op == "RESHAPE" or _cancel(before, operator):
        return before.inputs[0]
    return tensor


def _undone(operator: Operator, source: Tensor) -> bool:
    """Whether the output is `source` itself."""
    if operator.op == "RESHAPE":
        return source.shape == operator.outputs[0].shape
    return source is not operator.inputs[0]


def _cancel(first: Operator, second: Operator) -> bool:
    one, other = first.inputs[1], second.inputs[1]
    if one is None or other is None or one.data is None or other.data is None:
        return False
    return [int(one.data[axis]) for axis in other.data] == list(range(len(one.data)))


def _drop_unread(program: Program) -> None:
    read = {id(tensor) for tensor in program.outputs.values()}
    kept = []
    for operator in reversed(program.operators):
        if any(id(output) in read for output in operator.outputs):
            kept.append(operator)
            read |= {id(tensor) for tensor in operator.inputs if tensor is not None}
    program.operators = kept[::-1]
