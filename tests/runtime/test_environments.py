"""Environments of their own: whole or not at all, made once, told when impossible. No network: wheels made here."""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sepia.errors import RuntimeUnavailable
from sepia.runtime import environments
from sepia.runtime.environments import cache_folder, environment, find_python

HERE = (sys.version_info[0], sys.version_info[1])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEPIA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def wheel(folder: Path, name: str = "tiny_thing") -> Path:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "WHAT = 42\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def leftovers(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "environments").iterdir() if not path.name.endswith(".lock"))


def test_it_has_what_was_asked_for_and_nothing_of_ours(tmp_path: Path, cache: Path) -> None:
    python = environment("tiny-1.0", [str(wheel(tmp_path))], [HERE])
    assert leftovers(cache) == [f"tiny-1.0-cp{HERE[0]}{HERE[1]}"]
    code = "import tiny_thing, importlib.util as u; print(tiny_thing.WHAT, u.find_spec('numpy'), u.find_spec('sepia'))"
    done = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["42", "None", "None"]


def faked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Making one takes a moment and leaves an interpreter. The list fills with what was made."""
    made: list[str] = []

    def make(name: str, folder: Path, python: str, requirements: list[str]) -> None:
        time.sleep(0.2)
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").symlink_to(python)
        made.append(name)

    monkeypatch.setattr(environments, "_make", make)
    return made


def test_it_is_made_once_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    made = faked(monkeypatch)
    with ThreadPoolExecutor(3) as pool:
        found = set(pool.map(lambda _: environment("tiny", [], [HERE]), range(3)))
    environment("tiny", [], [HERE])
    assert (len(found), made) == (1, ["tiny"])


def test_a_failed_install_leaves_nothing_and_gives_pips_reason(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(RuntimeUnavailable) as told:
        environment("tiny", [str(tmp_path / "none-1.0-py3-none-any.whl")], [HERE])
    assert "cannot be made" in str(told.value)
    assert "none-1.0-py3-none-any.whl" in str(told.value)
    assert leftovers(cache) == []


def test_one_whose_python_was_removed_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = faked(monkeypatch)
    python = environment("tiny", [], [HERE])
    python.unlink()
    python.symlink_to(tmp_path / "gone")
    assert environment("tiny", [], [HERE]).exists()
    assert made == ["tiny", "tiny"]


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SEPIA_CACHE", str(tmp_path / "file"))
    with pytest.raises(RuntimeUnavailable, match="set SEPIA_CACHE"):
        environment("tiny", [], [HERE])


def test_the_cache_is_the_users_own_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SEPIA_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "sepia" or sys.platform != "linux"


class TestFindPython:
    def pythons(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **answers: str) -> None:
        for version, answer in answers.items():
            path = folder / f"python{version.replace('v', '').replace('_', '.')}"
            path.write_text(f"#!/bin/sh\n{answer}\n")
            path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def test_the_one_in_use_comes_first(self) -> None:
        assert find_python("x", [(3, 1), HERE]) == (HERE, sys.executable)

    def test_names_that_do_not_run_are_passed_over(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pythons(tmp_path, monkeypatch, v4_3="echo not installed >&2; exit 127", v4_2="echo 4 9", v4_1="echo 4 1")
        assert find_python("x", [(4, 3), (4, 2), (4, 1)]) == ((4, 1), str(tmp_path / "python4.1"))

    def test_none_at_all_says_which_would_do(self) -> None:
        with pytest.raises(RuntimeUnavailable) as told:
            find_python("tflite-runtime", [(4, 2), (4, 1)])
        assert f"no wheel for Python {HERE[0]}.{HERE[1]}" in str(told.value)
        assert "accepted: Python 4.2, 4.1" in str(told.value)
        assert "install python4.2" in str(told.value)
