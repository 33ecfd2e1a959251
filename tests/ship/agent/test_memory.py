"""The agent's memory: what it needs does not grow with the bundle."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sepia.ship.agent.config import Config, Followed, write_config
from support.small_bundles import MODEL
from support.tuf_story import Story

MORE_BYTES = 6 << 20
"""Of resident memory, that ten times the bundle may take."""

_RUN = """
import sys
from pathlib import Path
from sepia.ship.agent.__main__ import main
code = main(["--root", sys.argv[1], "update", "--inbox", "one"])
told = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in told.splitlines() if line.startswith("VmHWM")))
sys.exit(code)
"""


@pytest.mark.slow
def test_ten_times_the_bundle_takes_no_more_memory(quick_disk: Path) -> None:
    small, large = (_peak_bytes(quick_disk / str(size), size) for size in (5_300_000, 53_000_000))
    assert large < small + MORE_BYTES
    assert small < 64 << 20


def _peak_bytes(folder: Path, payload: int) -> int:
    story = Story(folder / "story")
    story.publish("1.0", payload=payload)
    root = folder / "ship"
    (root / "trust").mkdir(parents=True)
    shutil.copy(story.root, root / "trust" / "root.json")
    shutil.copytree(story.repository, root / "inbox" / "one")
    followed = {MODEL: Followed(story.target, story.channel)}
    (root / "config.json").write_bytes(write_config(Config("kitchen", "", followed)))
    told = subprocess.run([sys.executable, "-c", _RUN, str(root)], check=True, capture_output=True, text=True)
    return int(told.stdout.splitlines()[-1]) << 10
