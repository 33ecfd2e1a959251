"""A captured torch network → an ONNX graph, op by op, for the ops that convolutional networks are made of.

torch's own exporter knows every op, but takes seconds to decompose a network that is plain already, and names its
layers by number. This one translates what it knows exactly, in milliseconds, keeping the names of the user's modules;
`torch_to_onnx` asks it first and takes torch's exporter for everything else.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import onnx_ir as ir
import torch
from numpy.typing import NDArray
from torch import fx
from torch.export.graph_signature import OutputKind

from .aten_ops import IN_PLACE, LOWERINGS, VIEWS, Arguments, UnknownHere

__all__ = ["OPSET", "lower"]

OPSET = 20
_FLOAT = ir.TensorType(ir.DataType.FLOAT)


def lower(program: torch.export.ExportedProgram, batch: int | str | None = None) -> ir.Model | None:
    """The graph of `program`, or None if it holds anything that is not known exactly here.

    batch: what to call or to make a first dimension that the program leaves open. Weights are shared with the
    program, not copied. Names of values are the paths of the modules that make them.
    """
    try:
        return _Lowering(program, batch).run()
    except UnknownHere:
        return None


class _Lowering:
    """The graph under construction. values: what each torch node became; a tuple for one of several results."""

    def __init__(self, program: torch.export.ExportedProgram, batch: int | str | None) -> None:
        self.program = program
        self.batch = batch
        self.symbol: str | None = None
        self.graph = ir.Graph([], [], nodes=[], name="main_graph", opset_imports={"": OPSET})
        self.values: dict[fx.Node, Any] = {}
        self.names: set[str] = set()
        self.constants: dict[tuple[Any, ...], ir.Value] = {}
        self.at: fx.Node | None = None

    def run(self) -> ir.Model:
        if any(spec.kind is not OutputKind.USER_OUTPUT for spec in self.program.graph_signature.output_specs):
            raise UnknownHere("the network changes its own state")
        for node in self.program.graph.nodes:
            self.at = node
            if node.op == "placeholder":
                self.values[node] = self._placeholder(node)
            elif node.op == "call_function":
                self._call(node)
            elif node.op == "output":
                self._outputs(node.args[0])
            else:
                raise UnknownHere(node.op)
        return ir.Model(self.graph, ir_version=10, producer_name="sepia")

    def _placeholder(self, node: fx.Node) -> Any:
        signature = self.program.graph_signature
        for held in (
            signature.inputs_to_parameters,
            signature.inputs_to_buffers,
            signature.inputs_to_lifted_tensor_constants,
        ):
            if node.name in held:
                return self._weight(held[node.name])
        if node.name not in signature.user_inputs:
            raise UnknownHere("an input that is no tensor")
        value = ir.Value(name=node.name, shape=self.shape(node), type=_float(node.meta["val"]))
        self.graph.inputs.append(value)
        self.names.add(node.name)
        return value

    def _weight(self, name: str) -> ir.Value:
        tensor = self.program.state_dict.get(name)
        if tensor is None:
            tensor = self.program.constants[name]
        array = tensor.detach().cpu().contiguous().numpy()
        return _constant(name, array)

    def _call(self, node: fx.Node) -> None:
        value = node.meta.get("val")
        if isinstance(value, int | torch.SymInt):  # sizes: shapes are read where they are used
            self.values[node] = value
            return
        if node.target is operator.getitem:
            source, index = node.args
            self.values[node] = self.values[cast(fx.Node, source)][index]
            return
        target = str(node.target)
        name = IN_PLACE.get(target, target)
        if name not in LOWERINGS:
            raise UnknownHere(target)
        for tensor in value if isinstance(value, list | tuple) else [value]:
            _float(tensor)
        result = LOWERINGS[name](self, _arguments(node, self.values))
        self.values[node] = result
        if target in IN_PLACE:
            self._mutate(node.args[0], result)

    def _mutate(self, changed: Any, result: Any) -> None:
        """An op in place: who reads its input later sees the result. Views of the input would, too: not known here."""
        aliased = changed.op != "call_function" or str(changed.target) in VIEWS
        if aliased or any(str(user.target) in VIEWS for user in changed.users):
            raise UnknownHere("an op in place on a view")
        self.values[changed] = result

    def _outputs(self, results: Sequence[Any]) -> None:
        for result in results:
            value = self.values.get(result) if isinstance(result, fx.Node) else None
            if not isinstance(value, ir.Value):
                raise UnknownHere("an output that is no tensor")
            if value.producer() is None or value in self.graph.outputs:
                self.at = result
                value = self.op("Identity", [value])
            self.graph.outputs.append(value)

    def op(
        self,
        kind: str,
        inputs: Sequence[ir.Value | None],
        attributes: Mapping[str, Any] | None = None,
        *,
        part: str = "",
    ) -> ir.Value:
        """Append a node that makes what the torch node being translated makes, or a `part` of the way there."""
        name = _name(self._node())
        output = ir.Value(name=self._unique(f"{name}.{part}" if part else name), type=_FLOAT)
        if not part:
            output.shape = self.shape()
        return self._append(kind, inputs, attributes or {}, [output])[0]

    def split(self, value: ir.Value, axis: int) -> tuple[ir.Value, ...]:
        """Append a Split into what torch found; each part is named with its number."""
        shapes = [self._dimensions(result.shape) for result in _results(self._node())]
        name = _name(self._node())
        outputs = [ir.Value(name=self._unique(f"{name}.{index}"), type=_FLOAT) for index in range(len(shapes))]
        for output, shape in zip(outputs, shapes, strict=True):
            output.shape = shape
        lengths = self.integers([shape[axis] for shape in shapes])
        return self._append("Split", [value, lengths], {"axis": axis}, outputs)

    def _append(
        self, kind: str, inputs: Sequence[ir.Value | None], attributes: Mapping[str, Any], outputs: list[ir.Value]
    ) -> tuple[ir.Value, ...]:
        for value in inputs:
            if value is not None and value.const_value is not None and value.name not in self.graph.initializers:
                self.graph.register_initializer(value)
        self.graph.append(ir.node(kind, inputs, attributes, outputs=outputs, name=outputs[0].name))
        return tuple(outputs)

    def array(self, numbers: NDArray[Any]) -> ir.Value:
        """An initialiser, the same one for the same numbers."""
        key = (numbers.dtype.str, numbers.shape, numbers.tobytes())
        if key not in self.constants:
            name = self._unique(f"constant_{len(self.constants)}")
            self.constants[key] = _constant(name, numbers)
        return self.constants[key]

    def integers(self, numbers: Sequence[Any]) -> ir.Value:
        if not all(type(number) is int for number in numbers):
            raise UnknownHere("a size that is not fixed")
        return self.array(np.asarray(numbers, np.int64))

    def shape(self, node: fx.Node | None = None) -> ir.Shape:
        """Of the torch node being translated, or of another."""
        return self._dimensions(_results(node or self._node())[0].shape)

    def _dimensions(self, sizes: Sequence[int | torch.SymInt]) -> ir.Shape:
        found: list[int | str | None] = []
        for index, size in enumerate(sizes):
            if type(size) is int:
                found.append(size)
                continue
            self.symbol = self.symbol or str(size)
            if index or str(size) != self.symbol or self.batch is None:
                raise UnknownHere("a dimension, other than the batch, that is not fixed")
            found.append(self.batch)
        return ir.Shape(found)

    def _node(self) -> fx.Node:
        if self.at is None:
            raise UnknownHere("nothing to translate")
        return self.at

    def _unique(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self.names:
            name, number = f"{wanted}_{number}", number + 1
        self.names.add(name)
        return name


def _arguments(node: fx.Node, values: Mapping[fx.Node, Any]) -> Arguments:
    """By name, defaults filled in, torch nodes replaced by what they became."""
    schema = node.target._schema.arguments  # type: ignore[union-attr]
    found: Arguments = {argument.name: argument.default_value for argument in schema}
    given = {argument.name: value for argument, value in zip(schema, node.args, strict=False)} | dict(node.kwargs)
    return found | {name: fx.node.map_arg(value, lambda at: values[at]) for name, value in given.items()}


def _results(node: fx.Node) -> list[torch.Tensor]:
    value = node.meta["val"]
    return list(value) if isinstance(value, list | tuple) else [value]


def _constant(name: str, array: NDArray[Any]) -> ir.Value:
    tensor = ir.tensor(array, name=name)
    shape = ir.Shape(array.shape)
    return ir.Value(name=name, const_value=tensor, shape=shape, type=ir.TensorType(tensor.dtype))


def _float(value: object) -> ir.TensorType:
    if not isinstance(value, torch.Tensor) or value.dtype is not torch.float32:
        raise UnknownHere("a value that is not float32")
    return _FLOAT


def _name(node: fx.Node) -> str:
    """The path of the module that made the value, with the op where the module does more than one."""
    stack = list(node.meta.get("nn_module_stack", {}).values())
    path, kind = (str(part) for part in stack[-1]) if stack else ("", "")
    if not path:
        return node.name
    return path if "torch.nn.modules" in kind and "container" not in kind else f"{path}.{node.name}"
