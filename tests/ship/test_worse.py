"""A version that is worse than it says: whole, and wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sepia.errors import InputError
from sepia.runtime import RUNTIMES
from sepia.ship.agent.archive import check, unpack
from sepia.ship.bundle import make_bundle
from sepia.ship.worse import make_worse


@pytest.mark.parametrize("runtime", ["onnxruntime", "litert"])
def test_whole_and_wrong(runtime: str, model_folder: Path, tmp_path: Path) -> None:
    good = make_bundle(model_folder, f"host-debian12-{runtime}-t1", "1.0.0", tmp_path)
    path, what = make_worse(good.path, model_folder, "1.1.0", tmp_path)
    assert path.name == good.path.name.replace("1.0.0", "1.1.0")
    assert "largest weights" in what
    manifest = check(path)
    assert (manifest.version, manifest.bounds) == ("1.1.0", good.manifest.bounds)
    changed = {
        file.path for file, was in zip(manifest.files, good.manifest.files, strict=True) if file.sha256 != was.sha256
    }
    assert changed == {manifest.network}
    folder = tmp_path / "worse"
    unpack(path, folder)
    inputs, golden = np.load(folder / "golden/inputs.npz"), np.load(folder / "golden/outputs.npz")
    with RUNTIMES[runtime].open(folder / manifest.network, threads=1) as session:
        name = session.inputs[0].name
        first = session.run({name: inputs[name][:1]})
    (output,) = golden.files
    assert np.abs(np.asarray(first[output], float) - golden[output][:1]).max() > 0.01


def test_a_network_without_int8_weights(model_folder: Path, tmp_path: Path) -> None:
    good = make_bundle(model_folder, "host-debian12-onnxruntime-t1", "1.0.0", tmp_path)
    (model_folder / "model.int8.onnx").write_bytes((model_folder / "model.onnx").read_bytes())
    with pytest.raises(InputError, match=r"model\.int8\.onnx: has no int8 weights; next: sepia quantize"):
        make_worse(good.path, model_folder, "1.1.0", tmp_path)
