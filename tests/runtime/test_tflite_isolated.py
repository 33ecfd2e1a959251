"""tflite-runtime against the contract, through its worker in an environment of its own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from sepia.errors import RunError, RuntimeUnavailable
from sepia.runtime import tflite_isolated
from sepia.runtime.environments import find_python
from sepia.runtime.tflite_isolated import TFLiteRuntime
from support.runtime_contract import RuntimeContract
from support.tiny_models import TinyModel, write_tflite


@pytest.fixture(autouse=True, scope="module")
def wheel() -> None:
    """Without a Python that has a wheel there is nothing to test. A wheel that fails to install is a failure."""
    try:
        find_python("tflite-runtime", tflite_isolated._PYTHONS)
    except RuntimeUnavailable as error:
        pytest.skip(str(error))


class TestTFLiteRuntime(RuntimeContract):
    runtime = TFLiteRuntime()
    channels_last = True

    def write(self, folder: Path, *, int8: bool = False, open_batch: bool = False) -> Path:
        folder.mkdir(exist_ok=True)
        return write_tflite(self.weights, folder / "tiny.tflite", int8=int8, batch=None if open_batch else 1)

    def layer_names(self, int8: bool) -> list[str]:
        return ["middle", "result_codes" if int8 else "result"]

    def test_one_process_serves_all_sessions(self, float_file: Path) -> None:
        with self.runtime.open(float_file) as one, self.runtime.open(float_file) as other:
            assert one._worker is other._worker

    def test_a_crash_is_told_and_the_next_file_opens(self, float_file: Path) -> None:
        session = self.runtime.open(float_file)
        os.kill(session._worker._process.pid, signal.SIGKILL)
        with pytest.raises(RunError, match="SIGKILL"):
            self.infer(session, TinyModel.photo())
        session.close()
        with self.runtime.open(float_file) as fresh:
            assert self.infer(fresh, TinyModel.photo()).shape == TinyModel.photo().shape
