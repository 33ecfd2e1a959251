"""Every way to name a network, and every way to get it wrong, in one line."""

from __future__ import annotations

import re
from pathlib import Path

import onnx
import pytest
import torch
from onnx import helper
from sepia.errors import InputError, ModelError
from sepia.inputs import Preparation
from sepia.inputs.metadata import to_metadata
from sepia.models import load_source
from torch import nn

_FACTORIES = """
import importlib.util
import sys
import torch
from torch import nn
import models  # the user's own package, of the name of one of our rooms
import layers  # a module of the name of one of our files

print("printed on import")
sys.stderr.write("and on stderr")

def good():
    print("printed by the factory")
    print("{}", flush=True)
    assert models.WHOSE == layers.WHOSE == "the user's"
    assert importlib.util.find_spec("zoo") is importlib.util.find_spec("capture") is None  # files of ours
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())

good.preparation = {"height": 32, "width": 32, "resize": 36, "mean": [0, 0, 0], "scale": [255, 255, 255]}
good.labels = ["ant", "bee", "cat", "dog"]

class OnModule(nn.Module):
    preparation = {"height": 16, "width": 16, "resize": 16, "colour": "GREY", "mean": [0], "scale": [1]}
    labels = ("one",)
    def forward(self, pixels):
        return pixels.mean((2, 3))

def on_module():
    return OnModule()

def with_example():
    return nn.Conv1d(2, 3, 1), torch.rand(1, 2, 7)

def raises():
    raise ValueError("the weights are gone\\nsecond line")

def number():
    return 3

def wrong_example():
    return good(), "a picture"

def wrong_shape():
    return nn.Conv2d(4, 4, 1)

def exits():
    sys.exit(3)

def dies():
    import os
    os._exit(7)

def unknown_key():
    module = good()
    module.preparation = {"hieght": 3}
    return module

class Branches(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x

def branches():
    return Branches()

value = 5
"""


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("user")
    (folder / "models").mkdir()
    (folder / "models" / "__init__.py").write_text('WHOSE = "the user\'s"\n')
    (folder / "layers.py").write_text('WHOSE = "the user\'s"\n')
    (folder / "net.py").write_text(_FACTORIES)
    (folder / "broken.py").write_text("def net(:\n")
    return folder


def test_zoo(tmp_path: Path) -> None:
    loaded = load_source("MobileNet-V3-Small", tmp_path)
    assert (loaded.kind, loaded.name, loaded.onnx, loaded.labels) == ("zoo", "mobilenet-v3-small", None, None)
    assert loaded.program is not None
    assert loaded.program.graph_signature.user_inputs == ("input",)
    assert loaded.preparation == Preparation(mean=(127.5,) * 3, scale=(127.5,) * 3)


def test_factory_is_captured_among_the_users_own_modules(
    user: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    loaded = load_source(f"{user / 'net.py'}:good", tmp_path)
    assert (loaded.kind, loaded.name) == ("factory", "net-good")
    assert loaded.preparation == Preparation(32, 32, 36, mean=(0.0,) * 3, scale=(255.0,) * 3)
    assert loaded.labels == ("ant", "bee", "cat", "dog")
    assert loaded.program is not None
    assert loaded.program.module()(torch.rand(1, 3, 32, 32)).shape == (1, 4)
    assert capfd.readouterr() == ("", "")
    log = (tmp_path / "capture.log").read_text()
    assert all(text in log for text in ("printed on import", "and on stderr", "printed by the factory"))


def test_preparation_and_labels_of_the_module(user: Path, tmp_path: Path) -> None:
    loaded = load_source(f"{user / 'net.py'}:on_module", tmp_path)
    assert loaded.preparation == Preparation(16, 16, 16, colour="GREY", mean=(0.0,), scale=(1.0,))
    assert loaded.labels == ("one",)
    assert loaded.program is not None
    assert loaded.program.example_inputs is not None
    assert loaded.program.example_inputs[0][0].shape == (1, 1, 16, 16)


def test_factory_with_an_example_input_and_an_open_batch(user: Path, tmp_path: Path) -> None:
    loaded = load_source(f"{user / 'net.py'}:with_example", tmp_path, dynamic_batch=True)
    assert (loaded.preparation, loaded.labels) == (None, None)
    assert loaded.program is not None
    assert loaded.program.module()(torch.rand(5, 2, 7)).shape == (5, 3, 7)


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("raises", "'raises' raised ValueError: the weights are gone (net.py, line 35); next: what it printed, and"),
        ("number", "'number' returned int, not a torch.nn.Module; next: return the module, or (module, example input)"),
        ("wrong_example", "the example input is str; next: give a tensor, or a tuple of tensors"),
        ("wrong_shape", "its forward raised on [1, 3, 224, 224]: RuntimeError: Given groups=1, weight of size"),
        ("wrong_shape", "next: its input was taken to be [1, 3, 224, 224]; return (module, example input) for another"),
        ("exits", "'exits' raised SystemExit: 3 (net.py, line 47)"),
        ("dies", "its process ended with exit code 7 before it was captured"),
        ("branches", "torch.export cannot capture it: "),
        ("unknown_key", "its preparation cannot be used: sepia.preparation has unknown keys; accepted: colour, crop"),
        ("value", "'value' is int, not a function; next: it has good, OnModule, on_module"),
        ("missing", "has no function 'missing'; next: it has good, OnModule, on_module"),
        ("a-b", "'a-b' is no function's name; accepted: file.py:factory"),
    ],
)
def test_a_factory_that_fails_is_told_in_one_line(user: Path, tmp_path: Path, factory: str, message: str) -> None:
    where = f"{user / 'net.py'}:{factory}"
    with pytest.raises((ModelError, InputError)) as caught:
        load_source(where, tmp_path)
    assert str(caught.value).startswith(f"{where}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_failed_captures_log_outlives_its_folder(user: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        load_source(f"{user / 'net.py'}:raises", tmp_path)
    found = re.search(r"are in (\S+\.log)", str(caught.value))
    assert found
    log = Path(found[1])
    assert not log.is_relative_to(tmp_path)
    assert "printed on import" in log.read_text()
    assert "ValueError: the weights are gone" in log.read_text()
    log.unlink()


def test_a_file_that_python_cannot_read(user: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"broken\.py:net: importing it raised SyntaxError"):
        load_source(f"{user / 'broken.py'}:net", tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mobilenet-v9", "mobilenet-v9: is no known network; accepted: a name of the zoo, file.py:factory, a .pt2"),
        ("mobilenet-v9", "did you mean mobilenet-v2 or mobilenet-v1"),
        ("gone.py:net", "gone.py: does not exist"),
        ("gone.py", "gone.py: does not say which function builds the network; accepted: gone.py:FUNCTION"),
        ("gone.pt2", "gone.pt2: does not exist; accepted: a name of the zoo, file.py:factory, a .pt2 or an .onnx file"),
        ("gone.onnx", "gone.onnx: does not exist"),
        ("weights.pth", "weights.pth: holds weights without a network"),
    ],
)
def test_what_names_no_network(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        load_source(text, tmp_path)
    assert message in str(caught.value)


def test_pt2(tmp_path: Path) -> None:
    torch.export.save(torch.export.export(nn.Linear(2, 3), (torch.rand(1, 2),)), tmp_path / "net.pt2")
    loaded = load_source(str(tmp_path / "net.pt2"), tmp_path)
    assert (loaded.kind, loaded.name, loaded.preparation) == ("pt2", "net", None)
    assert loaded.program is not None


def _onnx(path: Path, metadata: dict[str, str]) -> Path:
    value = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 2]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", value[:1], value[1:])
    model = helper.make_model(graph)
    helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return path


def test_onnx_brings_its_metadata(tmp_path: Path) -> None:
    preparation = Preparation(8, 8, 8)
    path = _onnx(tmp_path / "a.onnx", to_metadata(preparation, ("ant", "bee")))
    loaded = load_source(str(path), tmp_path)
    assert (loaded.kind, loaded.name, loaded.program, loaded.onnx) == ("onnx", "a", None, path)
    assert (loaded.preparation, loaded.labels) == (preparation, ("ant", "bee"))


def test_onnx_without_metadata(tmp_path: Path) -> None:
    loaded = load_source(str(_onnx(tmp_path / "a.onnx", {})), tmp_path)
    assert (loaded.preparation, loaded.labels) == (None, None)


def test_onnx_with_spoilt_metadata(tmp_path: Path) -> None:
    path = _onnx(tmp_path / "a.onnx", {"sepia.preparation": "{"})
    with pytest.raises(InputError, match=r"a\.onnx: sepia\.preparation is not JSON"):
        load_source(str(path), tmp_path)


@pytest.mark.parametrize(("data", "message"), [(b"", "is empty"), (b"\x08garbage", "is not an ONNX file")])
def test_a_file_that_is_no_onnx(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "a.onnx").write_bytes(data)
    with pytest.raises(ModelError, match=rf"a\.onnx: {message}"):
        load_source(str(tmp_path / "a.onnx"), tmp_path)
