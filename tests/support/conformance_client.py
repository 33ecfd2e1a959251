"""The board's client by the command line of TUF's conformance suite (github.com/theupdateframework/tuf-conformance).

The suite is on no package registry; from a checkout of it:

    pytest tuf_conformance --entrypoint "python tests/support/conformance_client.py" \
        --expected-failures "test_keytype_and_scheme"   # only without the package cryptography

Its CLIENT-CLI.md says what `init`, `refresh` and `download` are to do.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from urllib.parse import quote

from sepia.ship.agent.client import Client
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.fetch import Http
from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import TargetFile


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("metadata-dir", "metadata-url", "target-name", "target-dir", "target-base-url"):
        parser.add_argument(f"--{name}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("init").add_argument("root", type=Path)
    for name in ("refresh", "download"):
        commands.add_parser(name)
    options = parser.parse_args()
    # The agent's folder is the one around the metadata.
    folder = Path(options.metadata_dir).parent
    if options.command == "init":
        (folder / "trust").mkdir()
        shutil.copy(options.root, folder / "trust" / "root.json")
        return 0
    try:
        client = Client(folder, Http(options.metadata_url.rstrip("/").removesuffix("/metadata")))
        client.refresh()
        if options.command == "download":
            _download(client, options.target_name, Path(options.target_dir))
    except Refused as refused:
        print(f"{refused.kind}: {refused}", file=sys.stderr)
        return 1
    return 0


def _download(client: Client, name: str, folder: Path) -> None:
    target = client.find(name)
    if target is None:
        raise Refused(name, "is not signed for", kind="missing")
    into = folder / quote(name, safe="")
    if not _is_there(target, into):
        client.save(target, into)


def _is_there(target: TargetFile, path: Path) -> bool:
    try:
        with path.open("rb") as file:
            target.verify_length_and_hashes(file)
    except (FileNotFoundError, LengthOrHashMismatchError):
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
