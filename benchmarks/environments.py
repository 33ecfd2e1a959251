"""The peers' environments: a venv each under `build/peers/`, made on first use from the pins in `peers/`."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

__all__ = ["python_of"]

PINS = Path(__file__).resolve().parent / "peers"


def python_of(environment: str, root: Path) -> Path:
    """The interpreter of a peer's environment, installing it if its pins are new. "" is this Python.

    Raises subprocess.CalledProcessError if pip fails: its own words are on stderr.
    """
    if not environment:
        return Path(sys.executable)
    pins = PINS / f"{environment}.txt"
    folder = root / environment
    python = folder / "bin" / "python"
    stamp = folder / ".pins"
    wanted = hashlib.sha256(pins.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    print(f"making the environment of {environment} in {folder} (once)", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "-r", pins], check=True)
    stamp.write_text(wanted, encoding="utf-8")
    return python
