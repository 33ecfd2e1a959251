"""From one QDQ network to one small QDQ file a layer, names kept.

A *layer* is what lies between the codes it reads and the codes it makes: its DequantizeLinear nodes, its op with an
activation behind it, its QuantizeLinear. Found from the file alone, by walking back from each QuantizeLinear to the
nearest DequantizeLinear nodes, so that the check does not lean on the reader which the translators use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ..errors import GraphError
from ..files import replacing
from ..graph.kinds import Kind, kind_of
from ..graph.quantization import QuantParams

__all__ = ["CodeTensor", "Layer", "find_layers", "write_cut"]

_ACTIVATION_TYPES = ("int8", "uint8")


@dataclass(frozen=True)
class CodeTensor:
    """An activation that is held as codes.

    codes: its name in the file (QuantizeLinear's output). real: name of the float value that was quantised.
    dequantized: name that the dequantised copy bears. shape: in ONNX layout, batch 1.
    """

    codes: str
    real: str
    dequantized: str
    params: QuantParams
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """One piece between codes and codes.

    name, op, kind: of the node that does the work (convolution or matrix product first, else the last node); a product
    of a value and its own gate is an activation.
    nodes: every float node of the piece, in order. reads: codes it reads. floats: graph inputs it reads as float; a
    piece with any is no layer to compare (the quantisation of the network's own input is one). makes: codes it makes.
    """

    name: str
    op: str
    kind: Kind
    nodes: tuple[str, ...]
    reads: tuple[CodeTensor, ...]
    floats: tuple[str, ...]
    makes: tuple[CodeTensor, ...]

    @property
    def comparable(self) -> bool:
        """Reads codes alone, so every runtime can be given the very same inputs."""
        return not self.floats and bool(self.reads)


def find_layers(model: ir.Model) -> tuple[Layer, ...]:
    """Every piece of a QDQ model that makes codes, in execution order. Shapes must be inferred.

    Raises GraphError if the model has no QuantizeLinear of an activation at all.
    """
    order = {node: position for position, node in enumerate(model.graph)}
    constants = _constants(model.graph)
    ends: dict[ir.Node | ir.Value, list[ir.Node]] = {}
    for node in model.graph:
        source = node.inputs[0] if node.op_type == "QuantizeLinear" else None
        if source is not None and source not in constants:
            # Outputs of one node (Split) are made together.
            ends.setdefault(source.producer() or source, []).append(node)
    if not ends:
        raise GraphError(
            model.graph.name or "model", "has no QuantizeLinear: nothing is quantised in it", accepted="a QDQ ONNX file"
        )
    return tuple(_layer(quantizers, order, constants) for quantizers in ends.values())


def write_cut(model: ir.Model, layer: Layer, destination: Path, *, io: Literal["codes", "float"] = "codes") -> None:
    """Write `layer` of `model` as an ONNX file of its own.

    io="codes": inputs and outputs are the codes under their own names, so the first and last thing that a runtime
    sees are integers, as inside the network. io="float": QuantizeLinear before and DequantizeLinear after, inputs
    named by `real` and outputs by `dequantized`: for translators that make integer inputs out of that pair (TFLite).
    """
    values = {value.name: value for value in _values(model.graph)}
    inputs = [values[tensor.codes] for tensor in layer.reads] + [values[name] for name in layer.floats]
    graph = ir.convenience.extract(model.graph, inputs, [values[tensor.codes] for tensor in layer.makes])
    graph.name = layer.name
    if io == "float":
        _float_outputs(graph, layer.makes)
        _float_inputs(graph, layer.reads)
    for value in _values(graph):
        if value.shape is not None:
            value.shape = ir.Shape(_batch_one(value))
    cut = ir.Model(graph, ir_version=model.ir_version)
    with replacing(destination) as partial:
        ir.save(cut, partial)


def _layer(quantizers: Sequence[ir.Node], order: Mapping[ir.Node, int], constants: Container[ir.Value]) -> Layer:
    nodes: set[ir.Node] = set()
    codes: dict[ir.Value, ir.Node] = {}
    floats: dict[ir.Value, None] = {}
    pending = [quantizer.inputs[0] for quantizer in quantizers]
    while pending:
        value = pending.pop()
        if value is None or value in constants:
            continue
        producer = value.producer()
        if producer is None:
            floats[value] = None
        elif producer.op_type == "DequantizeLinear":
            source = producer.inputs[0]
            if source is not None:
                codes.setdefault(source, producer)
        elif producer not in nodes:
            nodes.add(producer)
            pending.extend(producer.inputs)
    inside = sorted(nodes, key=order.__getitem__)
    main = _main(inside) or quantizers[-1]
    return Layer(
        name=_name(main),
        op="+".join(node.op_type for node in inside) or main.op_type,
        kind=Kind.ACTIVATION if _is_table(main) else kind_of(main),
        nodes=tuple(_name(node) for node in inside),
        reads=_apart([_read(value, dequantizer) for value, dequantizer in codes.items()]),
        floats=tuple(str(value.name) for value in floats),
        makes=tuple(_made(quantizer) for quantizer in quantizers),
    )


def _main(nodes: Sequence[ir.Node]) -> ir.Node | None:
    heavy = [node for node in nodes if kind_of(node).convolution or kind_of(node) in _MATRIX]
    working = [node for node in nodes if kind_of(node) is not Kind.SHAPE]
    return next(iter(heavy or working[::-1] or nodes[::-1]), None)


_MATRIX = (Kind.TRANSPOSED, Kind.FULLY_CONNECTED)
_GATES = ("Sigmoid", "HardSigmoid", "Tanh")


def _is_table(node: ir.Node) -> bool:
    """x · gate(x), SiLU in two steps: each code that it makes comes of one code of x, as an activation's does."""
    if node.op_type != "Mul":
        return False
    one, other = (_codes_behind(value) for value in node.inputs[:2])
    return _gate_of(one) is other is not None or _gate_of(other) is one is not None


def _codes_behind(value: ir.Value | None) -> ir.Value | None:
    producer = None if value is None else value.producer()
    return producer.inputs[0] if producer is not None and producer.op_type == "DequantizeLinear" else None


def _gate_of(codes: ir.Value | None) -> ir.Value | None:
    """The codes that a gate read to make `codes`."""
    quantizer = None if codes is None else codes.producer()
    real = quantizer.inputs[0] if quantizer is not None and quantizer.op_type == "QuantizeLinear" else None
    gate = None if real is None else real.producer()
    return _codes_behind(gate.inputs[0]) if gate is not None and gate.op_type in _GATES else None


def _name(node: ir.Node) -> str:
    return node.name or str(node.outputs[0].name)


def _apart(reads: Sequence[CodeTensor]) -> tuple[CodeTensor, ...]:
    """One real value quantised twice (a pair for each reader) has two names where a layer reads both."""
    count = Counter(tensor.real for tensor in reads)
    return tuple(replace(tensor, real=f"{tensor.codes}_real") if count[tensor.real] > 1 else tensor for tensor in reads)


def _read(codes: ir.Value, dequantizer: ir.Node) -> CodeTensor:
    producer = codes.producer()
    real = producer.inputs[0] if producer is not None else None
    return _tensor(codes, dequantizer, str(real.name) if real is not None else f"{codes.name}_real")


def _made(quantizer: ir.Node) -> CodeTensor:
    real = quantizer.inputs[0]
    return _tensor(quantizer.outputs[0], quantizer, str(real.name) if real is not None else "")


def _tensor(codes: ir.Value, node: ir.Node, real: str) -> CodeTensor:
    copies = [use.outputs[0].name for use in codes.consumers() if use.op_type == "DequantizeLinear"]
    return CodeTensor(
        codes=str(codes.name),
        real=real,
        dequantized=str(copies[0]) if copies else f"{codes.name}_dequantized",
        params=_params(node),
        shape=_batch_one(codes),
    )


def _params(node: ir.Node) -> QuantParams:
    """Parameters of a QuantizeLinear or DequantizeLinear of an activation. One scale said often is one scale."""
    scale, zero_point = _array(node, 1).astype(np.float32).reshape(-1), _array(node, 2).reshape(-1)
    name = str(zero_point.dtype)
    if name not in _ACTIVATION_TYPES:
        raise GraphError(
            f"'{_name(node)}' ({node.op_type})", f"quantises an activation to {name}", accepted="int8 or uint8"
        )
    if (scale == scale[0]).all() and (zero_point == zero_point[0]).all():
        return QuantParams(scale[:1], zero_point[:1].astype(np.int64), name)
    return QuantParams(scale, zero_point.astype(np.int64), name, node.attributes.get_int("axis", 1))


def _array(node: ir.Node, position: int) -> NDArray[Any]:
    value = node.inputs[position] if position < len(node.inputs) else None
    if value is None and position == 2:
        codes = node.inputs[0] if node.op_type == "DequantizeLinear" else node.outputs[0]
        signed = codes is not None and codes.dtype == ir.DataType.INT8
        return np.zeros(_array(node, 1).shape, np.int8 if signed else np.uint8)
    constant = None if value is None else ir.convenience.get_const_tensor(value)
    if constant is None:
        raise GraphError(f"'{_name(node)}' ({node.op_type})", "its scale or zero point is not a constant")
    return constant.numpy()


def _constants(graph: ir.Graph) -> set[ir.Value]:
    """Initialisers and whatever is computed from them alone (a weight's DequantizeLinear)."""
    found = set(graph.initializers.values())
    for node in graph:
        if all(source is None or source in found for source in node.inputs):
            found.update(node.outputs)
    return found


def _batch_one(value: ir.Value) -> tuple[int, ...]:
    if value.shape is None:
        raise GraphError(f"'{value.name}'", "its shape is not known, so its layer cannot be cut out")
    return tuple(size if isinstance(size, int) else 1 for size in value.shape)


def _values(graph: ir.Graph) -> Iterable[ir.Value]:
    yield from graph.inputs
    for node in graph:
        yield from node.outputs


def _float_inputs(graph: ir.Graph, reads: Sequence[CodeTensor]) -> None:
    by_name = {value.name: (position, value) for position, value in enumerate(graph.inputs)}
    for tensor in reads:
        position, codes = by_name[tensor.codes]
        dequantizer = next(node for node in codes.consumers() if node.op_type == "DequantizeLinear")
        real = ir.val(tensor.real, ir.DataType.FLOAT, tensor.shape)
        made = ir.val(tensor.codes, codes.dtype, tensor.shape)
        codes.replace_all_uses_with(made)
        graph.inputs[position] = real
        node = ir.node(
            "QuantizeLinear",
            [real, *dequantizer.inputs[1:]],
            {name: value for name, value in dequantizer.attributes.items() if name == "axis"},
            outputs=[made],
            name=f"{tensor.codes}_quantize",
        )
        graph.insert_before(graph[0], node)


def _float_outputs(graph: ir.Graph, makes: Sequence[CodeTensor]) -> None:
    by_name = {value.name: (position, value) for position, value in enumerate(graph.outputs)}
    for tensor in makes:
        position, codes = by_name[tensor.codes]
        quantizer = codes.producer()
        if quantizer is None:
            raise ValueError(f"{tensor.codes}: codes that a layer makes come from its QuantizeLinear")
        real = ir.val(tensor.dequantized, ir.DataType.FLOAT, tensor.shape)
        graph.outputs[position] = real
        graph.append(
            ir.node(
                "DequantizeLinear", [codes, *quantizer.inputs[1:]], outputs=[real], name=f"{tensor.codes}_dequantize"
            )
        )
