"""Files are whole or absent, and a refusal says which file and why."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sepia.errors import InputError, OutputError
from sepia.files import digest, replacing, write_text


def test_text_is_written_and_folders_are_made(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "a.txt", "one\ntwo µ\n")
    assert (tmp_path / "new" / "a.txt").read_bytes() == "one\ntwo µ\n".encode()
    assert [entry.name for entry in (tmp_path / "new").iterdir()] == ["a.txt"]


def test_temporary_is_beside_and_keeps_the_ending(tmp_path: Path) -> None:
    with replacing(tmp_path / "model.onnx") as partial:
        assert partial.parent == tmp_path
        assert partial.suffix == ".onnx"
        partial.write_bytes(b"whole")
        assert not (tmp_path / "model.onnx").exists()
    assert (tmp_path / "model.onnx").read_bytes() == b"whole"


def test_old_file_stays_when_the_block_raises(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as partial:
        partial.write_text("hal")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_full_disk_names_the_file_and_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with pytest.raises(OutputError) as caught, replacing(path) as partial:
        partial.write_text("hal")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert str(caught.value) == (
        f"{path}: cannot be written (No space left on device); next: free some space, then run the same command again"
    )
    assert list(tmp_path.iterdir()) == []


def test_an_error_about_another_file_is_not_ours(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"elsewhere\.bin"), replacing(tmp_path / "a.txt"):
        (tmp_path / "elsewhere.bin").read_bytes()


def test_folder_without_write_permission(tmp_path: Path) -> None:
    # In a process of an ordinary user: root may write anywhere.
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o555)
    code = (
        "import os, sys; from pathlib import Path; from sepia.files import write_text\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"
        "write_text(Path(sys.argv[1]), 'x')\n"
    )
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    tmp_path.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", code, folder / "a.txt"], capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert last == (
        f"sepia.errors.OutputError: {folder / 'a.txt'}: cannot be written (Permission denied); "
        "next: choose a folder that you may write to"
    )
    assert list(folder.iterdir()) == []


def test_folder_in_the_way_is_kept(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match=r"out: cannot be written \(Is a directory\)"):
        write_text(tmp_path / "out", "x")
    assert (tmp_path / "out").is_dir()


def test_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(OutputError, match="cannot be written"):
        write_text(tmp_path / "file" / "a.txt", "x")
    assert (tmp_path / "file").read_text() == "kept"


def test_block_that_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.txt: nothing was written"), replacing(tmp_path / "a.txt"):
        pass


def test_digest(tmp_path: Path) -> None:
    data = bytes(range(256)) * 9000
    (tmp_path / "a.bin").write_bytes(data)
    assert digest(tmp_path / "a.bin") == hashlib.sha256(data).hexdigest()


def test_digest_of_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.bin: cannot be read \(No such file or directory\)"):
        digest(tmp_path / "gone.bin")
