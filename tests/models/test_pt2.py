"""A `.pt2` of this torch loads; of another, both versions are named; anything else is told for what it is."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from sepia.errors import ModelError
from sepia.models.pt2 import load_pt2
from torch import nn


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.export.save(torch.export.export(nn.Linear(2, 3), (torch.rand(1, 2),)), tmp_path / "net.pt2")
    return tmp_path / "net.pt2"


def _edited(path: Path, changes: dict[str, Any]) -> Path:
    """The same archive with keys of its model.json changed; None removes one."""
    copy = path.with_name("edited.pt2")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(copy, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("models/model.json"):
                merged = json.loads(data) | changes
                data = json.dumps({key: value for key, value in merged.items() if value is not None}).encode()
            new.writestr(name, data)
    return copy


def test_of_this_torch(saved: Path) -> None:
    assert load_pt2(saved).module()(torch.rand(1, 2)).shape == (1, 3)


def test_of_another_torch_names_both_versions(saved: Path, capfd: pytest.CaptureFixture[str]) -> None:
    other = _edited(saved, {"torch_version": "1.99.0", "schema_version": {"major": 99, "minor": 0}})
    with pytest.raises(ModelError) as caught:
        load_pt2(other)
    assert str(caught.value) == (
        f"{other}: was written by torch 1.99.0 and cannot be read by torch {torch.__version__}; "
        "next: save it again with this torch, or give the module as file.py:factory"
    )
    assert capfd.readouterr().out == ""


def test_spoilt_within(saved: Path) -> None:
    with pytest.raises(ModelError, match=r"edited\.pt2: cannot be read by torch 2.*\("):
        load_pt2(_edited(saved, {"graph_module": None}))


def test_truncated(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-200])
    with pytest.raises(ModelError, match=r"net\.pt2: .*truncated.*next: write it with torch"):
        load_pt2(saved)


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "a.pt2").touch()
    with pytest.raises(ModelError, match=r"a\.pt2: is empty"):
        load_pt2(tmp_path / "a.pt2")


def test_another_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pt2", "w") as archive:
        archive.writestr("readme", "no program")
    with pytest.raises(ModelError, match=r"a\.pt2: holds no exported program"):
        load_pt2(tmp_path / "a.pt2")
