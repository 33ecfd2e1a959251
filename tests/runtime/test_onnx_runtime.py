"""ONNX Runtime against the contract, and its guard against 16-bit sums."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import pytest
from sepia.runtime import onnx_runtime
from sepia.runtime.onnx_runtime import EXACT_ENTRY, OnnxRuntime
from sepia.runtime.processor import Processor
from support.runtime_contract import RuntimeContract
from support.tiny_models import TinyModel, write_onnx, write_qdq


class TestOnnxRuntime(RuntimeContract):
    runtime = OnnxRuntime()

    def write(self, folder: Path, *, int8: bool = False, open_batch: bool = False) -> Path:
        folder.mkdir(exist_ok=True)
        if int8:
            return write_qdq(self.weights, folder / "tiny.int8.onnx")
        return write_onnx(self.weights, folder / "tiny.onnx", batch="batch" if open_batch else 1)


@pytest.mark.parametrize(
    ("architecture", "features", "set_"),
    [
        ("x86_64", ("avx2", "avx512f"), True),
        ("x86_64", ("avx2", "avx512_vnni"), False),
        ("x86_64", ("avx2", "avx_vnni"), False),
        ("aarch64", ("asimd",), False),
    ],
)
def test_sums_are_kept_in_32_bits_only_where_the_processor_needs_it(
    monkeypatch: pytest.MonkeyPatch, architecture: str, features: tuple[str, ...], set_: bool
) -> None:
    monkeypatch.setattr(onnx_runtime, "processor", lambda: Processor("some", architecture, 4, features))
    options = onnx_runtime._options(onnxruntime, 1)
    try:
        found = options.get_session_config_entry(EXACT_ENTRY)
    except RuntimeError:
        found = "0"
    assert (found == "1") == set_


def test_outputs_are_the_same_with_the_guard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The entry moves weights to uint8 on any x86; the sums, and so the codes, must not move."""
    file = write_qdq(TinyModel.drawn(), tmp_path / "tiny.onnx")
    feeds = {"image": TinyModel.photo()}
    with OnnxRuntime().open(file) as session:
        plain = session.run(feeds)["result"]
    monkeypatch.setattr(onnx_runtime, "processor", lambda: Processor("some", "x86_64", 4, ("avx2",)))
    with OnnxRuntime().open(file) as session:
        assert (session.run(feeds)["result"] == plain).all()
        assert [p.precision for p in session.placements() if p.precision != "none"] == ["int8", "int8"]
