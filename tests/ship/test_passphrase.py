"""Typed in or from a file; where there is neither, a line says what would do."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from sepia.errors import TrustError
from sepia.ship.passphrase import VARIABLE, ask, none


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What will be typed; what is left was not asked for."""
    typed: list[str] = []
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda question, stream: typed.pop(0))
    return typed


def test_the_first_line_of_a_file_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.write_text("correct hörse \r\nmore\n", encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(file))
    assert ask("root", False) == ask("root", True) == "correct hörse ".encode()


@pytest.mark.parametrize(
    ("data", "told"),
    [(b"", "its first line is empty"), (b"\nx", "its first line is empty"), (b"\xff\xfe", "it is no text")],
)
def test_a_file_without_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, told: str) -> None:
    file = tmp_path / "secret"
    file.write_bytes(data)
    monkeypatch.setenv(VARIABLE, str(file))
    with pytest.raises(TrustError, match=rf"{VARIABLE}=.*{told}"):
        ask("root", False)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "gone"))
    with pytest.raises(TrustError, match="cannot be read \\(No such file"):
        ask("root", False)


def test_a_new_one_is_typed_twice(terminal: list[str]) -> None:
    terminal += ["correct horse", "correct horse", "left"]
    assert ask("root", True) == b"correct horse"
    assert terminal == ["left"]


@pytest.mark.parametrize(
    ("typed", "told"),
    [(["correct horse", "correct house"], "the two passphrases are not the same"), (["short", "short"], "8 or more")],
)
def test_a_new_one_that_will_not_do(terminal: list[str], typed: Sequence[str], told: str) -> None:
    terminal += typed
    with pytest.raises(TrustError, match=told):
        ask("root", True)


def test_an_old_one_is_typed_once_and_may_be_short(terminal: list[str]) -> None:
    terminal += ["short"]
    assert ask("root", False) == b"short"


def test_nobody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    with pytest.raises(TrustError, match=rf"key 'root': its passphrase is needed.*{VARIABLE}"):
        ask("root", False)


def test_none_is_none() -> None:
    assert none("root", True) is None
