"""A delta makes the new bundle of the old one, and is not written if it would not."""

from __future__ import annotations

from pathlib import Path

import bsdiff4
import pytest
from sepia.errors import InputError, OutputError
from sepia.files import digest
from sepia.ship.agent.archive import check
from sepia.ship.agent.patch import apply
from sepia.ship.delta import make
from support.small_bundles import make_small_bundle


def test_it_makes_the_new_of_the_old(tmp_path: Path) -> None:
    old, new = (make_small_bundle(tmp_path, version, payload=100_000) for version in ("1.0.0", "1.1.0"))
    size = make(old.path, new.path, tmp_path / "x.bsdiff")
    assert size == (tmp_path / "x.bsdiff").stat().st_size
    assert 50_000 < size < 60_000  # half of the payload is another one, and random
    apply(old.path, tmp_path / "x.bsdiff", tmp_path / "made", most_bytes=new.bytes)
    assert digest(tmp_path / "made") == new.sha256
    assert check(tmp_path / "made") == new.manifest


def test_the_same_bundles_give_the_same_delta(tmp_path: Path) -> None:
    old, new = (make_small_bundle(tmp_path, version) for version in ("1.0.0", "1.1.0"))
    make(old.path, new.path, tmp_path / "a")
    make(old.path, new.path, tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_one_that_makes_something_else_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = (make_small_bundle(tmp_path, version) for version in ("1.0.0", "1.1.0"))
    real = bsdiff4.diff
    monkeypatch.setattr(bsdiff4, "diff", lambda before, after: real(before, after[:-1] + b"x"))
    with pytest.raises(OutputError, match="does not make what it was made of"):
        make(old.path, new.path, tmp_path / "x")
    monkeypatch.setattr(bsdiff4, "diff", lambda before, after: real(before, after)[:-9])
    with pytest.raises(InputError, match=r"cut short|not whole"):
        make(old.path, new.path, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_what_cannot_be_read_or_is_too_large_is_told(tmp_path: Path) -> None:
    new = make_small_bundle(tmp_path, "1.0.0").path
    with pytest.raises(InputError, match=r"none: cannot be read \(No such file"):
        make(tmp_path / "none", new, tmp_path / "x")
    with (tmp_path / "large").open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(InputError, match=r"too large for a delta \(over 64 MiB\)"):
        make(new, tmp_path / "large", tmp_path / "x")
