"""Files and names that are old or new, never half."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sepia.ship.agent import durable
from sepia.ship.agent.errors import Refused
from support.cut_process import synced


def test_what_is_written_is_synced_before_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with synced(tmp_path) as wrong:
        durable.write_file(tmp_path / "folder" / "state.json", b"new")
        durable.make_folder(tmp_path / "a" / "b")
        durable.sync_folder(tmp_path / "a")
        durable.sync_folder(tmp_path / "a" / "b")
        durable.move(tmp_path / "a", tmp_path / "folder" / "a")
        durable.point(tmp_path / "current", "folder")
    assert wrong == []
    assert (tmp_path / "current" / "state.json").read_bytes() == b"new"


def test_a_file_that_is_refused_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    durable.write_file(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Refused, match="No space left") as error:
        durable.write_file(path, b"new")
    assert (error.value.kind, error.value.hint) == ("disk", "free some space")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_takes_the_place_of_a_file_or_a_link(tmp_path: Path) -> None:
    link = tmp_path / "current"
    for before in ("link", "file", "left over"):
        if before == "file":
            link.unlink()
            link.write_text("x")
        if before == "left over":
            (tmp_path / "current.new").symlink_to("elsewhere")
        durable.point(link, f"to {before}")
        assert os.readlink(link) == f"to {before}"  # noqa: PTH115 - the very text
    assert list(tmp_path.iterdir()) == [link]


def test_remove_takes_what_it_is_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    (tmp_path / "link").symlink_to("folder")
    durable.remove(tmp_path / "link")
    assert (tmp_path / "folder" / "inside").is_dir()
    durable.remove(tmp_path / "folder")
    durable.remove(tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []
