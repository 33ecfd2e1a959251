"""What an application does with current/: by `load`, and by itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sepia
from sepia.ship import agent
from sepia.ship.agent import engines, predictor
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.manifest import write_manifest
from support.unpacked_bundles import Unpacked, native_bundle, unpacked

MODEL = "tiny"
SIZE = 6
LABELS = b"first\nsecond\nthird\n"
# Reads a sample of SIZE × SIZE × 3 floats, answers its first three, and goes on, as a generated program does.
PROGRAM = f"""#!{sys.executable}
import sys
while sample := sys.stdin.buffer.read({SIZE * SIZE * 3 * 4}):
    sys.stdout.buffer.write(sample[:12])
    sys.stdout.flush()
"""


def preparation(shape: list[int] | None = None, layout: str = "NCHW", outputs: int = 3) -> dict[str, Any]:
    entry = {"name": "image", "dtype": "float32", "scale": None, "zero_point": None}
    return {
        "height": SIZE, "width": SIZE, "resize": SIZE, "crop": "centre", "resampling": "bilinear", "colour": "RGB",
        "mean": [127.0] * 3, "scale": [128.0] * 3, "layout": "NCHW",
        "inputs": [{**entry, "shape": shape or [1, 3, SIZE, SIZE], "layout": layout}],
        "outputs": [{**entry, "name": "result", "shape": [1, outputs], "layout": "as is"}],
    }  # fmt: skip


def current(root: Path, bundle: Unpacked) -> None:
    link = root / "models" / MODEL / "current"
    link.unlink(missing_ok=True)
    link.symlink_to(f"versions/{bundle.folder.name}")


def version_folder(root: Path, version: str) -> Path:
    return root / "models" / MODEL / "versions" / f"{version}-{'0' * 12}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Of an agent, with a program as the current version of MODEL."""
    bundle = installed(tmp_path, "1.0.0")
    current(tmp_path, bundle)
    return tmp_path


def installed(root: Path, version: str, program: str = PROGRAM, **fields: Any) -> Unpacked:
    fields = {"preparation": preparation(), "version": version} | fields
    return native_bundle(version_folder(root, version), program, changes={"labels.txt": LABELS}, **fields)


@pytest.fixture
def picture() -> Any:
    """Its first pixels are 255, 127 and 0."""
    pixels = np.zeros((SIZE, SIZE, 3), np.uint8)
    pixels[0, :3] = [[255] * 3, [127] * 3, [0] * 3]
    return pixels


def test_the_greatest_outputs_with_their_labels(root: Path, picture: Any) -> None:
    with agent.load(MODEL, root) as model:
        assert (model.model, model.version) == (MODEL, "1.0.0")
        guesses = model.predict(picture, top=2)
        assert [(guess.label, guess.score, guess.index) for guess in guesses] == [("first", 1.0, 0), ("second", 0.0, 1)]
        assert model.scores(picture) == [1.0, 0.0, -127 / 128]
        assert [guess.index for guess in model.predict(picture, top=9)] == [0, 1, 2]
        assert model.scores(255 - picture)[2] == 1.0  # a program goes on from one picture to the next


def test_equal_scores_come_in_the_networks_order(root: Path) -> None:
    with agent.load(MODEL, root) as model:
        assert [guess.index for guess in model.predict(np.zeros((9, 9), np.uint8))] == [0, 1, 2]


def test_it_stays_the_version_that_it_was(root: Path, picture: Any) -> None:
    with agent.load(MODEL, root) as model:
        assert not model.superseded
        current(root, installed(root, "2.0.0", PROGRAM.replace("sample[:12]", "bytes(12)")))
        assert model.superseded and model.version == "1.0.0"
        assert model.scores(picture)[0] == 1.0
    with agent.load(MODEL, root) as model:
        assert model.version == "2.0.0" and model.scores(picture) == [0.0, 0.0, 0.0]


def test_a_switch_while_it_is_loaded_gives_no_mix(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = installed(root, "2.0.0")
    read = predictor._manifest

    def switching(folder: Path) -> Any:
        current(root, new)
        return read(folder)

    monkeypatch.setattr(predictor, "_manifest", switching)
    seen: list[str] = []
    monkeypatch.setattr(predictor, "_labels", lambda folder, manifest: seen.append(folder.name) or ())
    monkeypatch.setattr(predictor, "engine_of", lambda folder, manifest, place: seen.append(folder.name))
    assert predictor.load(MODEL, root).version == "1.0.0"
    assert set(seen) == {f"1.0.0-{'0' * 12}"} and len(seen) == 2


def test_codes_become_real_numbers(root: Path, picture: Any) -> None:
    told = preparation()
    told["outputs"][0].update(dtype="int8", scale=0.5, zero_point=3)
    current(root, installed(root, "3.0.0", PROGRAM.replace("sample[:12]", "bytes([7, 255, 128])"), preparation=told))
    with agent.load(MODEL, root) as model:
        assert model.scores(picture) == [2.0, -2.0, -65.5]


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (PROGRAM.replace("sample[:12]", "sys.exit(3)"), "native: ended by itself"),
        ("no program", "native: cannot be started (Exec format error)"),
        (PROGRAM.replace("sample[:12]", "b'short'"), "native: no answer within 0.2 s"),
    ],
)
def test_a_program_that_fails(
    root: Path, picture: Any, program: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "_ANSWER_S", 0.2 if "short" in program else 20.0)
    current(root, installed(root, "2.0.0", program))
    with pytest.raises(Refused) as caught, agent.load(MODEL, root) as model:
        model.predict(picture)
    assert str(caught.value).startswith(reason) and caught.value.kind == "runtime"


def test_no_such_model(root: Path) -> None:
    with pytest.raises(Refused, match=r"no version of it is here.*models here: tiny"):
        agent.load("other", root)
    with pytest.raises(Refused, match="is no name"):
        agent.load("../tiny", root)


def test_a_manifest_that_is_gone(root: Path) -> None:
    (version_folder(root, "1.0.0") / "manifest.json").unlink()
    with pytest.raises(Refused, match=r"manifest.json cannot be read"):
        agent.load(MODEL, root)


def test_a_runtime_that_this_agent_does_not_know(root: Path) -> None:
    bundle = network(root, "9.0.0")
    other = bundle.manifest.__class__(**{**vars(bundle.manifest), "runtime": "mnn", "target": "pi4-bookworm64-mnn-t1"})
    (bundle.folder / "manifest.json").write_bytes(write_manifest(other))
    with pytest.raises(Refused, match=r"mnn: is not known to this agent.*litert, tflite-runtime, openvino, native"):
        agent.load(MODEL, root)


# --- a network of Python's runtimes ---------------------------------------------------------------------------------


def network(root: Path, version: str) -> Unpacked:
    """ONNX: the mean of each channel of a picture."""
    import onnx
    from onnx import helper

    float_, folder = onnx.TensorProto.FLOAT, version_folder(root, version)
    ends = [
        helper.make_tensor_value_info("image", float_, [1, 3, SIZE, SIZE]),
        helper.make_tensor_value_info("result", float_, [1, 3, 1, 1]),
    ]
    graph = helper.make_graph(
        [helper.make_node("GlobalAveragePool", ["image"], ["result"])], "mean", ends[:1], ends[1:]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    contents = {"labels.txt": b"red\ngreen\nblue\n", "model.onnx": model.SerializeToString()}
    bundle = unpacked(
        folder, contents, runtime="onnxruntime", network="model.onnx", version=version, preparation=preparation()
    )
    current(root, bundle)
    return bundle


BLUE = np.full((20, 30, 3), [0, 0, 255], np.uint8)


def test_a_network_in_onnx_runtime(root: Path) -> None:
    network(root, "2.0.0")
    with agent.load(MODEL, root) as model:
        (best, *_) = model.predict(BLUE)
        assert (best.label, best.score) == ("blue", 1.0)


def script(folder: Path, text: str, *arguments: str, **environment: str) -> str:
    program = folder / "application.py"
    program.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(program), *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_ten_lines_of_an_application(root: Path, tmp_path: Path) -> None:
    """As on a board: the agent is found by its link, its folder by where it lies, the runtime by config.json."""
    network(root, "2.0.0")
    shutil.copytree(Path(agent.__file__).parent, root / "agents" / "1" / "sepia_agent")
    (root / "agent").symlink_to("agents/1")
    text = (
        "import sys\n"
        f"sys.path.insert(0, {str(root / 'agent')!r})\n"
        "from sepia_agent import load\n"
        "import numpy\n\n"
        f'model = load("{MODEL}")\n'
        "picture = numpy.full((20, 30, 3), [0, 0, 255], numpy.uint8)\n"
        "for guess in model.predict(picture, top=1):\n"
        '    print(f"{guess.score:.3f} {guess.label}")\n'
    )
    assert script(tmp_path, text) == "1.000 blue\n"


def test_an_application_that_uses_nothing_of_sepia(root: Path, tmp_path: Path) -> None:
    network(root, "2.0.0")
    text = """
import json, pathlib, sys
import numpy, onnxruntime

folder = (pathlib.Path(sys.argv[1]) / "current").resolve()
told = json.loads((folder / "manifest.json").read_text())
labels = (folder / "labels.txt").read_text().splitlines()
session = onnxruntime.InferenceSession(folder / told["network"], providers=["CPUExecutionProvider"])
picture = numpy.full((6, 6, 3), [0, 0, 255], numpy.float32)
values = (picture - told["preparation"]["mean"]) / told["preparation"]["scale"]
logits = session.run(None, {session.get_inputs()[0].name: values.transpose(2, 0, 1)[None].astype("float32")})[0]
print(labels[logits.argmax()], told["version"], bool({"sepia", "sepia_agent"} & set(sys.modules)))
"""
    assert script(tmp_path, text, str(root / "models" / MODEL)) == "blue 2.0.0 False\n"


def test_without_numpy_and_pillow_a_program_is_run_all_the_same(root: Path, tmp_path: Path) -> None:
    """As on ARMv6."""
    home = Path(sepia.__file__).resolve().parent
    text = (
        "import importlib.util, sys\n"
        "sys.modules['numpy'] = sys.modules['PIL'] = None\n"
        f"spec = importlib.util.spec_from_file_location('sepia_agent', {str(home / 'ship/agent/__init__.py')!r}, "
        f"submodule_search_locations=[{str(home / 'ship/agent')!r}])\n"
        "sys.modules['sepia_agent'] = module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "from sepia_agent import load\n"
        "picture = memoryview(bytes([255, 255, 255]) * 300).cast('B', (10, 30, 3))\n"
        f"print(load({MODEL!r}, {str(root)!r}).predict(picture, top=1)[0].score)\n"
    )
    assert script(tmp_path, text) == "1.0\n"
