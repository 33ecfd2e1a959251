"""Layers run elsewhere are compared with this machine's and with the reference's, each by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sepia.check.packed_layers import pack_layers
from sepia.errors import InputError, Refusal, RunError, UnsupportedOps
from sepia.runtime import RUNTIMES
from support.elsewhere import run_elsewhere
from support.fake_runtime import FakeRuntime
from support.residual import RESIDUAL_INPUT, RESIDUAL_LAYERS, RESIDUAL_OUTPUT, residual_net

SIZES = (8 * 16, 8 * 16, 8 * 16, 8 * 16, 8, 8, 5)


@pytest.fixture(scope="module")
def qdq(tmp_path_factory) -> Path:
    return residual_net().save(tmp_path_factory.mktemp("net") / "net.onnx", RESIDUAL_OUTPUT)


def _data(count: int = 3):
    rng = np.random.default_rng(5)
    return [{"image": rng.normal(0, 1, RESIDUAL_INPUT).astype(np.float32)} for _ in range(count)]


@pytest.mark.parametrize("name", ["onnxruntime", "litert", "openvino"])
def test_this_machine_as_the_other_one_gives_the_very_codes(qdq, tmp_path, name):
    packed = pack_layers(qdq, [name], _data(), tmp_path / "packed")

    assert [each.layer.name for each in packed] == list(RESIDUAL_LAYERS)
    for each, size in zip(packed, SIZES, strict=True):
        here, reference = each.compare(run_elsewhere(each.packed, RUNTIMES[name], tmp_path / "o.npz"))
        assert (here.codes, here.equal) == (2 * size, 2 * size)
        assert reference.codes == 2 * size
        assert reference.max_lsb <= (0 if name == "onnxruntime" else 1)


def _one_up(arrays):
    """The first code of every output one higher, modulo 256."""
    for array in arrays.values():
        array.reshape(-1)[:1] += 1
    return arrays


@pytest.mark.parametrize("name", ["onnxruntime", "litert"])
def test_one_code_that_differs_elsewhere_is_seen(qdq, tmp_path, name):
    packed = pack_layers(qdq, [name], _data(), tmp_path / "packed")

    for each in packed:
        here, _ = each.compare(run_elsewhere(each.packed, RUNTIMES[name], tmp_path / "o.npz", _one_up))
        assert here.codes - here.equal == 1
        assert here.max_lsb in (1, 255)


def test_the_two_comparisons_are_not_mixed_up(qdq, tmp_path):
    """An engine that is off here and not elsewhere: far from itself, equal to the reference."""
    off = FakeRuntime(spoil=lambda outputs: {name: codes ^ np.uint8(4) for name, codes in outputs.items()})
    known = {"onnxruntime": RUNTIMES["onnxruntime"], "fake": off}

    packed = pack_layers(qdq, ["fake"], _data(), tmp_path / "packed", known=known)

    for each in packed:
        here, reference = each.compare(run_elsewhere(each.packed, RUNTIMES["onnxruntime"], tmp_path / "o.npz"))
        assert (here.equal, here.max_lsb) == (0, 4)
        assert (reference.equal, reference.max_lsb) == (reference.codes, 0)


def test_a_runtime_that_is_not_installed_here_is_compared_with_the_reference_alone(qdq, tmp_path):
    absent = FakeRuntime("absent", absent=True)
    known = {"onnxruntime": RUNTIMES["onnxruntime"], "absent": absent}

    packed = pack_layers(qdq, ["absent"], _data(), tmp_path / "packed", known=known)

    here, reference = packed[0].compare(run_elsewhere(packed[0].packed, known["onnxruntime"], tmp_path / "o.npz"))
    assert here is None
    assert reference.equal == reference.codes == 2 * SIZES[0]


def test_a_layer_that_the_format_refuses_keeps_the_reason_and_packs_nothing(qdq, tmp_path):
    def translate(codes: Path, real: Path, destination: Path) -> None:
        raise UnsupportedOps("net.onnx", "fake", [Refusal("n", "Add", "no such op")])

    known = {"onnxruntime": RUNTIMES["onnxruntime"], "fake": FakeRuntime(suffix=".fake")}
    packed = pack_layers(qdq, ["fake"], _data(), tmp_path / "packed", known=known, translate=translate)

    assert {each.packed for each in packed} == {None}
    assert all("no such op" in each.failure for each in packed)
    assert not (tmp_path / "packed").exists()


def test_each_layer_of_each_runtime_has_a_folder_of_its_own(qdq, tmp_path):
    packed = pack_layers(qdq, ["onnxruntime", "litert"], _data(), tmp_path)

    folders = [each.packed.folder for each in packed]
    assert len(set(folders)) == 2 * len(RESIDUAL_LAYERS)
    assert {folder.parent.name for folder in folders} == {"onnxruntime", "litert"}


def test_outputs_of_another_layer_are_refused(qdq, tmp_path):
    first, *_, last = pack_layers(qdq, ["onnxruntime"], _data(), tmp_path / "packed")

    with pytest.raises(RunError, match="gave no output"):
        first.compare(run_elsewhere(last.packed, RUNTIMES["onnxruntime"], tmp_path / "o.npz"))


def test_no_samples_is_an_error(qdq, tmp_path):
    with pytest.raises(InputError, match="no samples"):
        pack_layers(qdq, ["onnxruntime"], [], tmp_path)
