"""IR is a translation: the same outputs bit for bit, int8 where the QDQ file is, the same bytes each time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from sepia.errors import GraphError, InputError, OutputError
from sepia.export.onnx_to_openvino import onnx_to_openvino, read_metadata
from sepia.runtime import RUNTIMES
from support.tiny_models import TinyModel, write_onnx, write_qdq

WEIGHTS = TinyModel.drawn()
OPENVINO = RUNTIMES["openvino"]


def with_metadata(path: Path, **properties: str) -> Path:
    model = onnx.load(path)
    helper.set_model_props(model, {key.replace("_", ".", 1): value for key, value in properties.items()})
    onnx.save(model, path)
    return path


@pytest.fixture(params=["float", "uint8", "int8"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "tiny.onnx"
    return (
        write_onnx(WEIGHTS, path) if request.param == "float" else write_qdq(WEIGHTS, path, activations=request.param)
    )


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_outputs_and_placements_are_those_of_the_onnx_file(source: Path, tmp_path: Path) -> None:
    onnx_to_openvino(source, tmp_path / "out" / "tiny.xml")
    assert left(tmp_path / "out") == ["tiny.bin", "tiny.xml"]
    with OPENVINO.open(source) as direct, OPENVINO.open(tmp_path / "out" / "tiny.xml") as translated:
        for seed in range(3):
            feeds = {"image": TinyModel.photo(seed)}
            np.testing.assert_array_equal(translated.run(feeds)["result"], direct.run(feeds)["result"])
        assert (translated.inputs, translated.outputs) == (direct.inputs, direct.outputs)
        placed = [[(p.layer, p.precision) for p in each.placements() if p.precision != "none"]
                  for each in (direct, translated)]  # fmt: skip
    assert placed[0] == placed[1]
    assert [layer for layer, _ in placed[1]] == ["mix", "spread"]


def test_int8_weights_stay_int8_in_the_file(tmp_path: Path) -> None:
    for write, name in ((write_onnx, "float"), (write_qdq, "int8")):
        onnx_to_openvino(write(WEIGHTS, tmp_path / f"{name}.onnx"), tmp_path / f"{name}.xml")
    weights = WEIGHTS.pointwise.size + WEIGHTS.depthwise.size
    sizes = {name: (tmp_path / f"{name}.bin").stat().st_size for name in ("float", "int8")}
    assert sizes["float"] >= 4 * weights  # not pressed into float16
    assert weights <= sizes["int8"] < 4 * weights


def test_the_same_source_gives_the_same_bytes(source: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        onnx_to_openvino(source, tmp_path / f"{name}.xml")
    for ending in ("xml", "bin"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()


def test_names_of_the_file_are_kept(tmp_path: Path) -> None:
    onnx_to_openvino(write_qdq(WEIGHTS, tmp_path / "tiny.onnx"), tmp_path / "tiny.xml")
    text = (tmp_path / "tiny.xml").read_text()
    for name in ("mix", "spread", "pw_quantized", "dw_scale"):
        assert f'name="{name}"' in text


def test_our_metadata_goes_along_and_no_others(tmp_path: Path) -> None:
    told = {"sepia_preparation": '{"mean": [1.5], "names": "<ä> & \\"b\\""}', "sepia_labels": '["cat", "dog"]'}
    source = with_metadata(write_onnx(WEIGHTS, tmp_path / "tiny.onnx"), **told, other="x")
    onnx_to_openvino(source, tmp_path / "tiny.xml")
    assert read_metadata(tmp_path / "tiny.xml") == {key.replace("_", "."): value for key, value in told.items()}
    onnx_to_openvino(write_onnx(WEIGHTS, tmp_path / "plain.onnx"), tmp_path / "plain.xml")
    assert read_metadata(tmp_path / "plain.xml") == {}


def test_openvino_itself_reads_the_metadata(tmp_path: Path) -> None:
    import openvino

    onnx_to_openvino(
        with_metadata(write_onnx(WEIGHTS, tmp_path / "tiny.onnx"), sepia_labels='["cat"]'), tmp_path / "tiny.xml"
    )
    model = openvino.Core().read_model(str(tmp_path / "tiny.xml"))
    assert model.get_rt_info(["sepia", "sepia.labels"]).astype(str) == '["cat"]'


def test_a_dynamic_batch_stays_dynamic(tmp_path: Path) -> None:
    onnx_to_openvino(write_onnx(WEIGHTS, tmp_path / "tiny.onnx", batch="batch"), tmp_path / "tiny.xml")
    images = np.concatenate([TinyModel.photo(seed) for seed in (1, 2)])
    with OPENVINO.open(tmp_path / "tiny.xml") as session:
        assert session.inputs[0].shape[0] == -1
        result = session.run({"image": images})["result"]
    np.testing.assert_allclose(result[1], WEIGHTS.reference(images[1:])[0], atol=1e-5)


def test_an_op_that_it_cannot_carry_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    model = onnx.load(write_onnx(WEIGHTS, tmp_path / "tiny.onnx"))
    model.graph.node[1].op_type, model.graph.node[1].domain = "Wobble", "my.own"
    model.opset_import.append(helper.make_opsetid("my.own", 1))
    onnx.save(model, tmp_path / "tiny.onnx")
    with pytest.raises(GraphError, match=r"my\.own\.Wobble") as told:
        onnx_to_openvino(tmp_path / "tiny.onnx", tmp_path / "out" / "tiny.xml")
    assert "\n" not in str(told.value)
    assert "Check '" not in str(told.value)
    assert not (tmp_path / "out").exists()


def test_files_that_are_no_onnx_are_refused(tmp_path: Path) -> None:
    broken = tmp_path / "tiny.onnx"
    broken.write_bytes(write_onnx(WEIGHTS, broken).read_bytes()[:200])
    with pytest.raises(GraphError, match=r"tiny\.onnx: OpenVINO cannot carry it"):
        onnx_to_openvino(broken, tmp_path / "tiny.xml")
    with pytest.raises(InputError, match="no such file"):
        onnx_to_openvino(tmp_path / "none.onnx", tmp_path / "tiny.xml")
    with pytest.raises(OutputError, match=r"a name ending in \.xml"):
        onnx_to_openvino(broken, tmp_path / "tiny.ir")
    assert left(tmp_path) == ["tiny.onnx"]


def test_a_write_that_fails_halfway_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import openvino

    source = write_onnx(WEIGHTS, tmp_path / "tiny.onnx")
    onnx_to_openvino(source, tmp_path / "tiny.xml")
    before = {name: (tmp_path / name).read_bytes() for name in left(tmp_path)}

    def half(model: object, path: str, **options: object) -> None:
        Path(path).with_suffix(".bin").write_bytes(b"half")
        Path(path).write_text("<net")
        raise RuntimeError("Exception from src/core.cpp:1:\nno space left on device")

    monkeypatch.setattr(openvino, "save_model", half)
    with pytest.raises(OutputError, match="no space left on device"):
        onnx_to_openvino(source, tmp_path / "tiny.xml")
    assert {name: (tmp_path / name).read_bytes() for name in left(tmp_path)} == before


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    source = write_onnx(WEIGHTS, tmp_path / "tiny.onnx")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        onnx_to_openvino(source, tmp_path / "file" / "tiny.xml")


def test_metadata_of_no_xml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tiny.xml").write_text("<net")
    with pytest.raises(InputError, match=r"tiny\.xml"):
        read_metadata(tmp_path / "tiny.xml")


@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER"])
@pytest.mark.parametrize("more", ["", ", strides = [2], dilations = [2]", ", strides = [2], output_padding = [1]"])
def test_a_transposed_layer_with_an_open_batch_keeps_its_auto_pad(tmp_path: Path, mode: str, more: str) -> None:
    source, translated = tmp_path / "same.onnx", tmp_path / "same.xml"
    onnx.save(
        onnx.parser.parse_model(
            '<ir_version: 9, opset_import: ["": 20]> g (float[N, 1, 5] x, float[N, 2] nobody) => (float[N, 1, M] y)'
            f"<float[1, 1, 4] w = {{1, 2, -3, 5}}> {{ y = ConvTranspose<auto_pad = {mode!r}{more}>(x, w) }}".replace(
                "'", '"'
            )
        ),
        source,
    )
    onnx_to_openvino(source, translated)
    feeds = {"x": np.arange(10, dtype=np.float32).reshape(2, 1, 5), "nobody": np.zeros((2, 2), np.float32)}
    with RUNTIMES["onnxruntime"].open(source) as wanted, OPENVINO.open(translated) as found:
        np.testing.assert_array_equal(found.run(feeds)["y"], wanted.run(feeds)["y"])
