"""A loaded graph is sound, or one clear line says why not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper, numpy_helper
from sepia.errors import GraphError, ModelError, MovedBatch, OutputError
from sepia.graph.load import load_graph, save_graph
from support.graphs import NetBuilder, random_input, run_graph, tiny_separable


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(tiny_separable().SerializeToString())
    return path


def written(proto: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


@pytest.mark.parametrize("size", [(16,), (12, 10), (6, 8, 7)], ids=["1-D", "2-D", "3-D"])
def test_loads_with_all_shapes_known(size: tuple[int, ...], tmp_path: Path) -> None:
    proto = tiny_separable(size)
    del proto.graph.value_info[:]
    model = load_graph(written(proto, tmp_path))
    assert all(value.shape is not None and value.shape.is_static() for node in model.graph for value in node.outputs)
    assert model.graph.outputs[0].shape == ir.Shape([1, 5])


def test_written_and_read_back_is_the_same_graph(tiny: Path, tmp_path: Path) -> None:
    model = load_graph(tiny)
    model.metadata_props["sepia.labels"] = "cat\ndog"
    save_graph(model, tmp_path / "copy.onnx")
    save_graph(load_graph(tmp_path / "copy.onnx"), tmp_path / "again.onnx")
    assert (tmp_path / "copy.onnx").read_bytes() == (tmp_path / "again.onnx").read_bytes()
    assert load_graph(tmp_path / "copy.onnx").metadata_props == {"sepia.labels": "cat\ndog"}


def test_save_refuses_a_folder_in_the_way(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "out.onnx").mkdir()
    with pytest.raises(OutputError, match=r"out\.onnx: cannot be written"):
        save_graph(load_graph(tiny), tmp_path / "out.onnx")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.onnx: no such file; accepted: an ONNX file"):
        load_graph(tmp_path / "gone.onnx")


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is a folder"):
        load_graph(tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "is not an ONNX file"),
        (b"PK\x03\x04" + bytes(64), "is not an ONNX file"),
        (b"<html>not found</html>", "is not an ONNX file"),
        (bytes(100), "is not an ONNX file"),
    ],
    ids=["empty", "png", "zip", "html", "zeros"],
)
def test_other_content(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=rf"model\.onnx: {reason}"):
        load_graph(tmp_path / "model.onnx")


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 0.999])
def test_truncated(share: float, tiny: Path) -> None:
    content = tiny.read_bytes()
    tiny.write_bytes(content[: max(3, int(len(content) * share))])
    with pytest.raises(ModelError, match=r"is cut short|not an ONNX file") as caught:
        load_graph(tiny)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("opset", [11, 12, 13, 15, 17, 18, 20, 21, 22, 23, 24])
def test_opsets_old_and_new(opset: int, tmp_path: Path) -> None:
    proto = tiny_separable()
    feeds = random_input(proto)
    expected = run_graph(proto, feeds)["logits"]
    proto.opset_import[0].version = opset
    helper.set_model_props(proto, {"kept": "yes"})
    model = load_graph(written(proto, tmp_path))
    assert model.opset_imports[""] == max(opset, 20)
    assert model.metadata_props["kept"] == "yes"
    np.testing.assert_array_equal(run_graph(model, feeds)["logits"], expected)


@pytest.mark.parametrize("opset", [1, 6, 25, 99])
def test_unknown_opset(opset: int, tmp_path: Path) -> None:
    proto = tiny_separable()
    proto.opset_import[0].version = opset
    with pytest.raises(ModelError, match=rf"has opset {opset}; accepted: a model of ONNX opset 7 to 24"):
        load_graph(written(proto, tmp_path))


def test_attribute_of_opset_seven_becomes_an_input(tmp_path: Path) -> None:
    net = NetBuilder((1, 3, 6, 6))
    proto = net.proto(net.conv(net.input, 4, name="conv"), opset=9)
    proto.graph.node.append(helper.make_node("Clip", ["conv"], ["clipped"], min=0.0, max=6.0))
    proto.graph.output[0].name = "clipped"
    model = load_graph(written(proto, tmp_path))
    assert [node.op_type for node in model.graph][-1] == "Clip"
    assert len(model.graph[-1].inputs) == 3


@pytest.mark.parametrize(
    ("shape", "what"),
    [
        ((1, 3, 0, 8), r"dimension 2 is 0"),
        ((0, 3, 8, 8), r"dimension 0 is 0"),
        ((1, 3, "h", 8), "dimension 2 is dynamic"),
    ],
)
def test_unusable_dimensions(shape: tuple[int | str, ...], what: str, tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    with pytest.raises(GraphError, match=rf"input 'x' has shape .*{what}; accepted: positive sizes"):
        load_graph(written(proto, tmp_path))


def test_dynamic_batch_is_welcome(tmp_path: Path) -> None:
    net = NetBuilder((1, 3, 8, 8))
    net.inputs[net.input] = ("n", 3, 8, 8)
    pooled = net.node("GlobalAveragePool", [net.relu6(net.conv(net.input, 4, kernel=3))])
    model = load_graph(net.save(tmp_path / "model.onnx", net.gemm(net.node("Flatten", [pooled]), 2)))
    shape = model.graph.outputs[0].shape
    assert shape is not None
    assert not isinstance(shape[0], int)
    assert shape[1] == 2


def test_shape_that_depends_on_the_data(tmp_path: Path) -> None:
    net = NetBuilder((1, 3, 8, 8))
    found = net.node("NonZero", [net.input], name="found")
    path = net.save(tmp_path / "model.onnx", net.node("Cast", [found], to=TensorProto.FLOAT))
    with pytest.raises(
        GraphError, match=r"the shape of 'found' \(made by 'found_node' \(NonZero\)\) depends on the data"
    ):
        load_graph(path)


@pytest.mark.parametrize("how", ["turned", "merged", "broadcast", "of two"])
def test_open_batch_behind_the_first_dimension(how: str, tmp_path: Path) -> None:
    net = NetBuilder((1, 4))
    net.inputs[net.input] = ("rows", 4)
    if how in ("turned", "of two"):
        moved = net.node("Transpose", [net.input], name="moved", perm=[1, 0])
    elif how == "merged":
        moved = net.node("Reshape", [net.input, net.constant("sizes", np.array([2, -1]))], name="moved")
    else:
        apart = net.node("Unsqueeze", [net.input, net.constant("axis", np.array([1]))])
        moved = net.node("Add", [net.input, apart], name="moved")
    end = net.node("Reshape", [moved, net.constant("two", np.array([4, 2]))]) if how == "of two" else moved
    path = net.save(tmp_path / "model.onnx", end)
    with pytest.raises(
        MovedBatch, match=r"'moved' \(made by 'moved_node' \(.*\)\) has the open batch behind"
    ) as refused:
        load_graph(path)
    if how == "of two":
        return
    # What the line tells to do, done.
    *command, _ = refused.value.hint.removeprefix("fix the batch: python ").split()
    subprocess.run([sys.executable, *command, str(tmp_path / "fixed.onnx")], check=True)
    (output,) = load_graph(tmp_path / "fixed.onnx").graph.outputs
    assert output.shape is not None
    assert output.shape.is_static()


def test_shapes_that_do_not_fit(tmp_path: Path) -> None:
    proto = tiny_separable()
    (weight,) = (tensor for tensor in proto.graph.initializer if tensor.name == "fc.weight")
    weight.CopyFrom(numpy_helper.from_array(np.zeros((5, 3), np.float32), "fc.weight"))
    with pytest.raises((GraphError, ModelError), match=r"model\.onnx: "):
        load_graph(written(proto, tmp_path))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite(bad: float, tmp_path: Path) -> None:
    proto = tiny_separable()
    (weight,) = (tensor for tensor in proto.graph.initializer if tensor.name == "block1.dw.weight")
    array = numpy_helper.to_array(weight).copy()
    array[2, 0, 1, 1] = bad
    weight.CopyFrom(numpy_helper.from_array(array, weight.name))
    with pytest.raises(
        GraphError, match=r"initialiser 'block1\.dw\.weight' has 1 of 72 values that are NaN or infinite"
    ):
        load_graph(written(proto, tmp_path))


def test_not_finite_in_a_constant_node(tmp_path: Path) -> None:
    net = NetBuilder((1, 3, 4, 4))
    tensor = numpy_helper.from_array(np.full((1, 3, 1, 1), np.nan, np.float32), "")
    net.nodes.append(helper.make_node("Constant", [], ["shift"], value=tensor))
    with pytest.raises(GraphError, match=r"'shift' has 3 of 3 values that are NaN"):
        load_graph(net.save(tmp_path / "model.onnx", net.node("Add", [net.input, "shift"])))


def test_infinite_bound_of_a_clip_is_no_weight(tmp_path: Path) -> None:
    net = NetBuilder((1, 3, 4, 4))
    net.constant("top", np.array(np.inf, np.float32))
    net.constant("zero", np.array(0, np.float32))
    load_graph(net.save(tmp_path / "model.onnx", net.node("Clip", [net.input, "zero", "top"])))


def test_external_weights(tmp_path: Path) -> None:
    proto = tiny_separable()
    feeds = random_input(proto)
    expected = run_graph(proto, feeds)["logits"]
    onnx.save(proto, str(tmp_path / "model.onnx"), save_as_external_data=True, location="weights.bin", size_threshold=0)
    model = load_graph(tmp_path / "model.onnx")
    save_graph(model, tmp_path / "whole.onnx")
    (tmp_path / "weights.bin").unlink()
    np.testing.assert_array_equal(run_graph(load_graph(tmp_path / "whole.onnx"), feeds)["logits"], expected)
    with pytest.raises(ModelError, match=r"its weights are in another file that cannot be read: weights\.bin"):
        load_graph(tmp_path / "model.onnx")


def test_local_functions_are_inlined(tmp_path: Path) -> None:
    double = helper.make_function(
        "mine", "Double", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])], [helper.make_opsetid("", 20)]
    )
    graph = helper.make_graph(
        [helper.make_node("Double", ["x"], ["y"], domain="mine")],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("mine", 1)]
    proto = helper.make_model(graph, functions=[double], opset_imports=opsets, ir_version=9)
    model = load_graph(written(proto, tmp_path))
    assert [node.op_type for node in model.graph] == ["Add"]
    assert model.graph[0].outputs[0].shape == ir.Shape([1, 3])


def test_weights_listed_as_inputs_are_no_inputs(tmp_path: Path) -> None:
    proto = tiny_separable()
    for tensor in proto.graph.initializer:
        proto.graph.input.append(helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, tensor.dims))
    assert [value.name for value in load_graph(written(proto, tmp_path)).graph.inputs] == ["image"]


def test_no_nodes(tmp_path: Path) -> None:
    proto = tiny_separable()
    del proto.graph.node[:]
    with pytest.raises(ModelError, match="has no nodes"):
        load_graph(written(proto, tmp_path))
