"""Loading a network in the application's own process."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from sepia.ship.agent import engines
from sepia.ship.agent.engines import engine_of
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.place import Place
from support.tiny_models import TinyModel
from support.unpacked_bundles import network_bundle

HERE = Place(sys.executable)


@pytest.mark.parametrize(("runtime", "order"), [("litert", (0, 2, 3, 1)), ("onnxruntime", (0, 1, 2, 3))])
def test_each_runtime_gives_the_references_outputs(tmp_path: Path, runtime: str, order: tuple[int, ...]) -> None:
    image = TinyModel.photo()
    shape = [image.shape[axis] for axis in order]
    told = {"inputs": [{"dtype": "float32", "shape": [-1, *shape[1:]]}]}
    bundle = network_bundle(tmp_path / "1", runtime, preparation=told)
    engine = engine_of(bundle.folder, bundle.manifest, HERE)
    right = TinyModel.drawn().reference(image).transpose(order).reshape(-1)
    for _ in range(2):
        got = engine.run(np.ascontiguousarray(image.transpose(order)).tobytes())
        assert np.allclose(got, right, atol=1e-5)
    engine.close()


def test_the_boards_runtime_is_found_by_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind what the application has, if that has NumPy loaded; before it, if not."""
    monkeypatch.setattr(sys, "path", ["/own"])
    engines._find([str(tmp_path), "", "/own"])
    assert sys.path == ["/own", str(tmp_path)]
    monkeypatch.setattr(sys, "path", ["/own"])
    monkeypatch.setattr(sys, "modules", {name: found for name, found in sys.modules.items() if name != "numpy"})
    engines._find([str(tmp_path)])
    assert sys.path == [str(tmp_path), "/own"]


def test_a_runtime_that_cannot_be_loaded_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = network_bundle(tmp_path / "1", preparation={"inputs": [{"dtype": "float32", "shape": [1]}]})
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    place = Place(sys.executable, {"LD_LIBRARY_PATH": "/runtimes/lib"})
    with pytest.raises(Refused) as caught:
        engine_of(bundle.folder, bundle.manifest, place)
    assert (caught.value.kind, caught.value.hint) == (
        "runtime", "start the application with LD_LIBRARY_PATH=/runtimes/lib",
    )  # fmt: skip
