from __future__ import annotations

from pathlib import Path

import numpy as np
from sepia.export.onnx_to_tflite import check_tflite, support_table
from sepia.export.onnx_to_tflite.alternatives import _INSTEAD, instead_of
from sepia.export.onnx_to_tflite.lower import FAMILIES
from sepia.export.onnx_to_tflite.rows import ROWS
from sepia.export.onnx_to_tflite.versions import known_ops
from sepia.graph.load import load_graph
from support.tflite_files import Net


def refusals(net: Net, folder: Path, *outputs: str) -> list[str]:
    return [str(refusal) for refusal in check_tflite(load_graph(net.save(folder, *outputs)))]


def test_every_row_lives_in_the_file_of_its_family() -> None:
    homes = {row.lower.__module__ for rows in ROWS.values() for row in rows}
    assert homes == {family.__name__ for family in FAMILIES}


def test_the_docs_name_operators_that_the_version_table_knows() -> None:
    words = {word.strip(",") for row in support_table() for word in row["becomes"].split() if word.strip(",").isupper()}
    assert words - known_ops() == set()


def test_the_table_has_a_line_for_each_row() -> None:
    table = support_table()
    assert len(table) == sum(len(rows) for rows in ROWS.values())
    assert {"op", "kind", "rank", "becomes", "int8", "conditions"} == set(table[0])
    depthwise = next(row for row in table if row["kind"] == "depthwise")
    assert (depthwise["op"], depthwise["rank"], depthwise["becomes"]) == ("Conv", "3, 4", "DEPTHWISE_CONV_2D")
    assert next(row for row in table if row["op"] == "Div")["int8"] == "no, float"


def test_every_op_of_the_main_road_has_a_row() -> None:
    wanted = (
        "Conv Gemm Add Mul Relu Clip HardSwish HardSigmoid Sigmoid GlobalAveragePool AveragePool MaxPool ReduceMean "
        "Concat Pad Resize Reshape Flatten Transpose Slice Split Softmax"
    )
    assert set(wanted.split()) - set(ROWS) == set()


def test_every_refusal_is_listed_with_its_node(tmp_path: Path) -> None:
    net = Net()
    x = net.op("Erf", [net.input(1, 4, 6, 6)], name="erf")
    x = net.op("MaxPool", [x], kernel_shape=[2, 2], dilations=[2, 2], name="pool")
    x = net.op("Mish", [net.op("Relu", [x])], name="mish")
    found = refusals(net, tmp_path, x)
    assert len(found) == 3
    assert found[0].startswith("'erf' (Erf, rank 4): TFLite has no operator for it here")
    assert found[1].startswith("'pool' (MaxPool, rank 4): MAX_POOL_2D needs dilations of 1")
    assert found[2].startswith("'mish' (Mish, rank 4)")
    assert found[0].endswith("see the list of supported ops")
    assert found[2].endswith("nearest that is taken: HardSwish")


def test_an_alternative_is_itself_taken() -> None:
    """Every name of an ONNX op in the table of alternatives has a row."""
    for op in _INSTEAD:
        assert op not in ROWS
        named = [word.strip(",") for word in instead_of(op).removeprefix("nearest that is taken: ").split()]
        ops = [word for word in named if word[0].isupper() and word != "BatchNormalization"]
        assert set(ops) <= set(ROWS), op


def test_a_depthwise_convolution_of_rank_5_names_its_kind_and_who_takes_it(tmp_path: Path) -> None:
    net = Net()
    x = net.weighted("Conv", net.input(1, 4, 6, 6, 6), (4, 1, 3, 3, 3), channels=4, group=4, kernel_shape=[3, 3, 3])
    (found,) = refusals(net, tmp_path, x)
    assert "(Conv, depthwise, rank 5): " in found
    assert "TFLite has no depthwise convolution over a volume" in found
    assert "OpenVINO takes 3-D layers" in found


def test_inputs_that_are_no_float(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto

    net = Net()
    table = net.constant(np.ones((10, 4), np.float32))
    y = net.op("Gather", [table, net.input(3)])
    source = net.save(tmp_path, y)
    model = onnx.load(str(source))
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    onnx.save(model, str(source))
    first, second = [str(refusal) for refusal in check_tflite(load_graph(source))]
    assert "'x' (graph input): holds int64" in first
    assert "GATHER needs constant indices" in second
