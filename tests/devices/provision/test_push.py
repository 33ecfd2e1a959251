"""Pushing with this machine as the board, in a home of its own: what ends up there, and what a fault leaves."""

from __future__ import annotations

import fcntl
import json
import os
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import pytest
from sepia.devices.provision import push
from sepia.devices.transport.local import LocalTransport
from sepia.errors import BoardError, InputError

MODULE = import_module("sepia.devices.provision.push")  # the package has a function of its name
FOLDER = "~/.sepia/runs/one"
Files = dict[str, Path]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """One of several pieces, an empty one, and one that can be run."""
    found = {"big.bin": tmp_path / "a", "deep/er/empty": tmp_path / "b", "deep/run": tmp_path / "c"}
    found["big.bin"].write_bytes(os.urandom(3_000_001))
    found["deep/er/empty"].touch()
    found["deep/run"].write_text("#!/bin/sh\n", encoding="utf-8")
    found["deep/run"].chmod(0o700)
    return found


def contents(folder: Path) -> dict[str, bytes]:
    """All files of `folder`, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def is_whole(home: Path, files: Files) -> None:
    """The folder holds `files` and its manifest, and nothing lies beside it."""
    found = contents(home / ".sepia")
    assert json.loads(found.pop("runs/one/.sepia.json")).keys() == files.keys()
    assert found == {f"runs/one/{name}": path.read_bytes() for name, path in files.items()}


def test_all_arrives(board: LocalTransport, home: Path, files: Files) -> None:
    told: list[tuple[int, int]] = []
    pushed = push(board, files, FOLDER, progress=lambda sent, total: told.append((sent, total)))
    assert pushed.folder == str(home / ".sepia/runs/one")
    assert (pushed.bytes, pushed.files, pushed.sent) == (3_000_011, 3, 3_000_011)
    assert told[-1] == (3_000_011, 3_000_011)
    assert told == sorted(told)
    is_whole(home, files)
    modes = [(home / ".sepia/runs/one" / name).stat().st_mode & 0o111 for name in ("big.bin", "deep/run")]
    assert modes == [0, 0o111]


def test_second_run_sends_nothing(board: LocalTransport, home: Path, files: Files) -> None:
    push(board, files, FOLDER)
    folder = (home / ".sepia/runs/one").stat().st_ino
    assert push(board, files, FOLDER).sent == 0
    assert push(board, files, FOLDER, verify=True).sent == 0
    assert (home / ".sepia/runs/one").stat().st_ino == folder


def test_spoilt_file_is_found_by_verify_and_alone_sent(board: LocalTransport, home: Path, files: Files) -> None:
    push(board, files, FOLDER)
    with (home / ".sepia/runs/one/deep/run").open("r+b") as file:
        file.write(b"##")
    assert push(board, files, FOLDER).sent == 0
    assert push(board, files, FOLDER, verify=True).sent == 10
    is_whole(home, files)


def test_short_file_is_found_without_verify(board: LocalTransport, home: Path, files: Files) -> None:
    push(board, files, FOLDER)
    os.truncate(home / ".sepia/runs/one/big.bin", 3_000_000)
    assert push(board, files, FOLDER).sent == 3_000_001
    is_whole(home, files)


def test_other_files_replace_the_folder(board: LocalTransport, home: Path, files: Files) -> None:
    push(board, files, FOLDER)
    del files["deep/er/empty"]
    files["new"] = files["deep/run"]
    assert push(board, files, FOLDER).sent == 10
    is_whole(home, files)


def test_what_a_power_cut_left_is_used(board: LocalTransport, home: Path, files: Files) -> None:
    left = home / ".sepia/runs/.one.partial"
    (left / "deep").mkdir(parents=True)
    (left / "big.bin").write_bytes(files["big.bin"].read_bytes())
    (left / "deep/run").write_bytes(b"#!/bin/sx\n")  # of the right size
    (left / "stray").touch()
    assert push(board, files, FOLDER).sent == 10
    is_whole(home, files)


def test_power_cut_between_the_two_renames(board: LocalTransport, home: Path, files: Files) -> None:
    push(board, files, FOLDER)
    (home / ".sepia/runs/one").rename(home / ".sepia/runs/.one.old")
    assert push(board, files, FOLDER).sent == 0
    is_whole(home, files)


def test_file_that_shrinks_meanwhile(board: LocalTransport, home: Path, files: Files) -> None:
    with pytest.raises(InputError, match="became shorter"):
        push(board, files, FOLDER, progress=lambda sent, total: os.truncate(files["big.bin"], sent))
    assert contents(home) == {}


def test_file_that_changes_meanwhile(board: LocalTransport, home: Path, files: Files) -> None:
    def change(sent: int, total: int) -> None:
        with files["big.bin"].open("r+b") as file:
            file.seek(2_900_000)
            file.write(b"x" * 100)

    with pytest.raises(BoardError, match=r"kitchen: big\.bin came with a wrong digest; next: "):
        push(board, files, FOLDER, progress=change)
    assert list(home.iterdir()) == []
    push(board, files, FOLDER)
    is_whole(home, files)


def test_interrupted_here(board: LocalTransport, home: Path, files: Files) -> None:
    push(board, {"before": files["deep/run"]}, FOLDER)

    def interrupt(sent: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        push(board, files, FOLDER, progress=interrupt)
    is_whole(home, {"before": files["deep/run"]})


def test_two_at_once_both_end_whole(home: Path, files: Files) -> None:
    def one(number: int) -> str:
        with LocalTransport(f"user {number}") as transport:
            return push(transport, files, FOLDER).folder

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(one, range(4))) == {str(home / ".sepia/runs/one")}
    is_whole(home, files)


def test_another_who_does_not_end(
    board: LocalTransport, home: Path, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MODULE, "_PATIENCE_S", 0.3)
    (home / ".sepia/runs").mkdir(parents=True)
    with (home / ".sepia/runs/.one.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BoardError, match=r"kitchen: somebody else has been filling .*/runs/one all the time"):
            push(board, files, FOLDER)
    push(board, files, FOLDER)
    is_whole(home, files)


def test_no_room_is_said_before_anything_is_sent(
    board: LocalTransport, home: Path, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MODULE, "_SPARE_BYTES", 1 << 60)
    with pytest.raises(BoardError, match=r"kitchen: .* needs \d+ MB, and \d+ MB are free; next: free some space"):
        push(board, files, FOLDER)
    assert list(home.iterdir()) == []


def test_file_in_the_place_of_the_folders_parent(board: LocalTransport, home: Path, files: Files) -> None:
    (home / ".sepia").touch()
    with pytest.raises(BoardError, match=r"kitchen: cannot write .*\.sepia.* \("):
        push(board, files, FOLDER)


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "a/../../b", "", ".", "a//b", ".sepia.json"])
def test_names_that_lead_out(board: LocalTransport, home: Path, files: Files, name: str) -> None:
    with pytest.raises(InputError, match="is no name inside a folder"):
        push(board, {name: files["big.bin"]}, FOLDER)
    assert list(home.iterdir()) == []


def test_file_that_is_not_here(board: LocalTransport, tmp_path: Path, home: Path) -> None:
    with pytest.raises(InputError, match=r"gone: cannot be read \(No such file"):
        push(board, {"a": tmp_path / "gone"}, FOLDER)
