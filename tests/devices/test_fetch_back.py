"""Files come back whole, or not at all and with the reason."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sepia.devices.fetch_back import fetch_back
from sepia.devices.transport import Ran
from sepia.devices.transport.local import LocalTransport
from sepia.errors import BoardError

FILES = {"a/outputs.npz": b"PK\x03\x04 numbers\n{}\n", "b/outputs.npz": bytes(range(256)) * 9000, "empty": b""}


class SpoiltLine(LocalTransport):
    """A board whose answers are changed on the way."""

    def __init__(self, change: Callable[[bytes], bytes]) -> None:
        super().__init__("pi@spoilt")
        self._change = change

    def run(
        self,
        command: Sequence[str],
        *,
        deadline: float,
        stdin: Iterable[bytes] = (),
        environment: Mapping[str, str] | None = None,
        guarded: bool = False,
    ) -> Ran:
        ran = super().run(command, deadline=deadline, stdin=stdin, environment=environment, guarded=guarded)
        return replace(ran, out=self._change(ran.out))


@pytest.fixture
def folder(tmp_path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / "board" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "board"


def _fetch(transport, folder: Path, destination: Path, names=tuple(FILES)):
    with transport:
        return fetch_back(transport, str(folder), names, destination, deadline=60)


def _nothing_in(folder: Path) -> bool:
    return not any(path.is_file() for path in folder.rglob("*"))


def test_files_come_back_as_they_are_in_the_order_asked_for(folder, tmp_path):
    paths = _fetch(
        LocalTransport("board"), folder, tmp_path / "here", names=("empty", "b/outputs.npz", "a/outputs.npz")
    )

    assert [path.relative_to(tmp_path / "here").as_posix() for path in paths] == [
        "empty",
        "b/outputs.npz",
        "a/outputs.npz",
    ]
    assert {name: (tmp_path / "here" / name).read_bytes() for name in FILES} == FILES


def test_the_home_folder_may_be_written_as_a_tilde(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    with LocalTransport("board") as transport:
        (path,) = fetch_back(transport, f"~/{folder.name}", ["empty"], tmp_path / "here", deadline=60)

    assert path.read_bytes() == b""


def test_no_names_need_no_board(tmp_path):
    closed = LocalTransport("board")
    closed.close()

    assert fetch_back(closed, "/nowhere", [], tmp_path, deadline=1) == ()


def test_what_a_login_shell_prints_first_is_no_part_of_a_file(folder, tmp_path):
    _fetch(SpoiltLine(lambda out: b"Welcome!\n" + out), folder, tmp_path / "here")

    assert {name: (tmp_path / "here" / name).read_bytes() for name in FILES} == FILES


def test_a_file_that_is_not_there_is_named_and_nothing_is_written(folder, tmp_path):
    with pytest.raises(BoardError) as caught:
        _fetch(LocalTransport("pi@here"), folder, tmp_path / "here", names=("empty", "c/outputs.npz"))

    assert str(caught.value) == f"pi@here: {folder}/c/outputs.npz cannot be read (No such file or directory)"
    assert _nothing_in(tmp_path / "here")


def _flip_one_bit(out: bytes) -> bytes:
    return out[:99] + bytes([out[99] ^ 1]) + out[100:]


def _lose_the_start(out: bytes) -> bytes:
    return out[5000:]


def _lose_the_middle(out: bytes) -> bytes:
    return out[:100] + out[101:]


@pytest.mark.parametrize(
    ("change", "file"),
    [(_flip_one_bit, "b/outputs.npz"), (_lose_the_start, "a/outputs.npz"), (_lose_the_middle, "a/outputs.npz")],
)
def test_a_byte_changed_or_lost_on_the_way_is_told_and_nothing_is_written(folder, tmp_path, change, file):
    with pytest.raises(BoardError, match=f"pi@spoilt: '{file}' came back spoilt.*next: run the same command again"):
        _fetch(SpoiltLine(change), folder, tmp_path / "here")

    assert _nothing_in(tmp_path / "here")


@pytest.mark.parametrize("change", [lambda out: out[:70000], lambda out: b"", lambda out: b"\n"])
def test_an_answer_that_was_cut_short_is_told(folder, tmp_path, change):
    with pytest.raises(BoardError, match=r"pi@spoilt: the files did not come back whole \(\d+ bytes and no end\)"):
        _fetch(SpoiltLine(change), folder, tmp_path / "here")

    assert _nothing_in(tmp_path / "here")


def test_a_board_that_sends_other_files_is_not_believed(folder, tmp_path):
    told = {"name": "../outside", "bytes": 0, "sha256": hashlib.sha256().hexdigest()}
    lie = b"\n" + json.dumps({"files": [told]}).encode() + b"\n"

    with pytest.raises(BoardError, match="other files than it was asked for"):
        _fetch(SpoiltLine(lambda out: lie), folder, tmp_path / "here")

    assert not (tmp_path / "outside").exists()


def test_a_program_that_failed_is_told_with_its_last_line(tmp_path):
    with pytest.raises(BoardError, match=r"board: send.py ended with code 1: .*TypeError"):
        _fetch(LocalTransport("board"), tmp_path, tmp_path, names=(7,))


def test_the_deadline_holds(folder, tmp_path):
    os.mkfifo(folder / "never")

    with pytest.raises(BoardError, match="board"), LocalTransport("board") as transport:
        fetch_back(transport, str(folder), ["never"], tmp_path / "here", deadline=2)
