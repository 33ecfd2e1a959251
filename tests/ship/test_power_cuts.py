"""The power of a whole emulated board is cut in the middle of updates: always a whole old or a whole new version.

SEPIA_POWER_CUTS: how many cuts (8 by default, 200 for the whole of it), dealt out to SEPIA_POWER_BOARDS boards that run
at once (2). SEPIA_POWER_SEED: of where they fall; each is told. A line a cut goes to standard error as it happens.
"""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.installed_agent import SHIP, libraries
from support.needs import lacking, need_programs, need_root
from support.power_board import PowerBoard, Savepoint, make_savepoint
from support.power_cuts import Cut, Trouble, cut_again_and_again
from support.power_offers import PowerOffers

pytestmark = pytest.mark.slow

CUTS = int(os.environ.get("SEPIA_POWER_CUTS", "8"))
BOARDS = int(os.environ.get("SEPIA_POWER_BOARDS", "2"))
SEED = int(os.environ.get("SEPIA_POWER_SEED", random.SystemRandom().randrange(10**6)))


@pytest.fixture(scope="module")
def savepoint(tmp_path_factory: pytest.TempPathFactory) -> Savepoint:
    need_root("the file owners of an emulated machine's disk")
    need_programs(
        qemu_system_aarch64="qemu-system-arm",
        qemu_aarch64_static="qemu-user-static",
        setpriv="util-linux",
        nginx="nginx-light",
        apt_get="apt",
    )
    if not Path("/sbin/mkfs.ext4").exists():
        lacking("mkfs.ext4 is not installed here (Debian: apt-get install e2fsprogs)")
    return make_savepoint(tmp_path_factory.mktemp("savepoint"), libraries(tmp_path_factory.mktemp("libraries")))


def campaign(
    savepoint: Savepoint, folder: Path, count: int, seed: int, spoil: Callable[[Path], object] = lambda ship: None
) -> list[Cut]:
    """`count` cuts on a board of its own. spoil: does something to the agent before it is on the disk."""
    cuts = []
    with PowerOffers(folder) as offers:
        spoil(offers.home / SHIP)
        with PowerBoard(savepoint, folder, offers.home) as board:
            for cut in cut_again_and_again(board, offers, count, seed):
                print(f"seed {seed}, {cut}", file=sys.stderr, flush=True)
                cuts.append(cut)
    return cuts


@pytest.mark.timeout(max(600, 20 * CUTS))
def test_power_cuts(savepoint: Savepoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each cut is judged by the next power-on, before the agent runs; at the end each board has the newest version."""
    counts = [CUTS // BOARDS + (number < CUTS % BOARDS) for number in range(BOARDS)]
    jobs = [(tmp_path / f"board{number}", count, SEED + number) for number, count in enumerate(counts)]
    for folder, _, _ in jobs:
        folder.mkdir()
    with capsys.disabled(), ThreadPoolExecutor(BOARDS) as pool:
        cuts = [cut for made in pool.map(lambda job: campaign(savepoint, *job), jobs) for cut in made]
        steps = Counter(cut.step for cut in cuts)
        found = Counter(cut.which for cut in cuts)
        print(f"{len(cuts)} of {CUTS} cuts: {dict(found)}; in {dict(steps)}", file=sys.stderr)
    assert len(cuts) == CUTS


def no_sync(ship: Path) -> None:
    """An agent whose author forgot that a disk keeps what it was told to keep, and no more."""
    run = ship / "agent" / "run.py"
    run.write_text(
        "import os\nos.fsync = lambda descriptor: None\n" + run.read_text().partition("import annotations")[2]
    )


def test_an_agent_that_does_not_sync_is_found_out(savepoint: Savepoint, tmp_path: Path) -> None:
    """The judge itself: an agent without fsync does not get through."""
    with pytest.raises(Trouble, match=r"neither the old nor the new|told to be there|not the one that was published"):
        campaign(savepoint, tmp_path, 12, 1, no_sync)
