"""The pipe to a worker process, with small workers made for the occasion."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sepia.runtime import tflite_worker
from sepia.runtime.worker import Worker, WorkerError

ECHO = f"""
import sys
sys.path.insert(0, {str(Path(tflite_worker.__file__).parent)!r})
import numpy as np
from tflite_worker import read_message, write_message
while True:
    try:
        request, arrays = read_message(sys.stdin.buffer, np)
    except EOFError:
        break
    if request.get("die"):
        print("some noise", file=sys.stderr)
        print("the last word", file=sys.stderr)
        sys.exit(3)
    if request.get("refuse"):
        write_message(sys.stdout.buffer, {{"error": "not today"}}, {{}}, np)
        continue
    write_message(sys.stdout.buffer, request, {{name: array * 2 for name, array in arrays.items()}}, np)
"""


@pytest.fixture
def worker():
    made = Worker([sys.executable, "-c", ECHO])
    yield made
    made.close()


@pytest.fixture(scope="module")
def echo():
    made = Worker([sys.executable, "-c", ECHO])
    yield made
    made.close()


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int64", "float16"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3, 4)])
def test_arrays_come_back_as_they_went(echo: Worker, dtype: str, shape: tuple[int, ...]) -> None:
    sent = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    answer, arrays = echo.ask({"do": "double", "text": "ä\n"}, {"a": sent, "b": np.flip(sent)})
    assert answer == {"do": "double", "text": "ä\n"}
    for name, right in (("a", sent * 2), ("b", np.flip(sent) * 2)):
        assert arrays[name].dtype == right.dtype
        np.testing.assert_array_equal(arrays[name], right)
        assert arrays[name].flags.writeable


def test_a_refusal_is_an_error_and_the_worker_goes_on(worker: Worker) -> None:
    with pytest.raises(WorkerError, match="not today"):
        worker.ask({"refuse": True})
    assert worker.ask({"do": "x"})[0] == {"do": "x"}


def test_a_death_gives_its_code_and_last_line(worker: Worker) -> None:
    with pytest.raises(WorkerError, match="ended with code 3: the last word"):
        worker.ask({"die": True})
    assert not worker.alive
    with pytest.raises(WorkerError, match="the last word"):
        worker.ask({"do": "x"})


def test_an_interrupted_question_ends_the_worker(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer would otherwise be taken for the next question's."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(worker, "_receive", interrupted)
    with pytest.raises(KeyboardInterrupt):
        worker.ask({"do": "x"})
    assert not worker.alive


def test_closing_ends_a_worker_that_does_not_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    stubborn = Worker([sys.executable, "-c", "import time; time.sleep(600)"])
    real = stubborn._process.wait
    monkeypatch.setattr(stubborn._process, "wait", lambda timeout=None: real(0.1 if timeout else None))
    started = time.monotonic()
    stubborn.close()
    assert not stubborn.alive
    assert time.monotonic() - started < 60  # not asleep for all of the 600
