"""A folder as a web server gives it."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest
from sepia.ship.loopback import served


def test_files_while_it_runs(tmp_path: Path) -> None:
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "timestamp.json").write_bytes(b"{}")
    with served(tmp_path) as address:
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{address}metadata/timestamp.json", timeout=10) as answer:
            assert answer.read() == b"{}"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{address}nothing", timeout=10)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{address}metadata/timestamp.json", timeout=10)
