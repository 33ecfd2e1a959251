"""Power cuts in the middle of updates, one after another on one board: where each fell, and what was found after it.

A cut falls at a named step of the update (right after the board did its first, or its n-th, act of it, and up to half
a second more), at any moment of the whole, or after the board has told that it was done. The next power-on looks at
the disk before the agent runs. Every other cut falls into the very next run of what was cut, so that finishing and
undoing are cut, too; before the rest the board must have come to the newest version by itself.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from support.power_board import PowerBoard, PowerGone

__all__ = ["Cut", "Offers", "Trouble", "cut_again_and_again"]

_AFTER_AN_ACT_S = 0.5
_AFTER_THE_END_S = 1.5


class Offers(Protocol):
    """What the board may be offered."""

    model: str
    steps: Mapping[str, str]
    """Name of a step → pattern of the console's lines of it ("@ os.rename …": vm_witness.py)."""

    def publish(self) -> str:
        """A new version for the board; its name."""

    def manifest(self, version: str) -> str:
        """SHA-256 of that version's manifest."""

    def allowed(self, name: str) -> bool:
        """Whether a name may lie in the model's folder once an update is over."""


class Trouble(AssertionError):
    """Neither the old nor the new version, or the board did not come to the new one by itself."""


@dataclass(frozen=True)
class Cut:
    """One. moment: in words. step: the last that had begun. found: the version after it; "old", "new" or what is
    wrong."""

    number: int
    moment: str
    step: str
    found: str
    which: str
    seconds: float

    def __str__(self) -> str:
        told = f"{self.moment}; in step: {self.step}; found {self.found} whole: the {self.which} one"
        return f"cut {self.number:3}: {told} ({self.seconds:.1f} s)"


def cut_again_and_again(board: PowerBoard, offers: Offers, count: int, seed: int) -> Iterator[Cut]:
    """Cut `board`'s power `count` times, then let it come to the newest version. Raises Trouble.

    The board holds a whole version at the start. seed: of where the cuts fall.
    """
    play = _Play(board, offers, random.Random(seed))
    play.power_on()
    play.start()
    for number in range(1, count + 1):
        began = time.monotonic()
        if play.unfinished and number % 2:
            play.finish()
        if not play.unfinished:
            play.offer()
        moment, step = play.cut(number)
        play.power_on()
        found, which = play.judge(moment)
        yield Cut(number, moment, step, found, which, time.monotonic() - began)
    play.finish(plain=True)
    board.cut_power()


class _Play:
    """What is known of the board between two cuts."""

    def __init__(self, board: PowerBoard, offers: Offers, chance: random.Random) -> None:
        self.board, self.offers, self.chance = board, offers, chance
        self.recovered = False
        self.old = self.new = ""
        self.whole_s = 3.0
        self.acts: dict[str, int] = {}  # of each step in a run that was not cut
        self.told_done = True

    @property
    def unfinished(self) -> bool:
        return not self.told_done

    def start(self) -> None:
        found = self.board.look(self.offers.model)
        self.old = self.new = self._version(found, "at the start")

    def offer(self) -> None:
        self.old = self.new
        self.new = self.offers.publish()
        self.told_done = False

    def power_on(self) -> None:
        self.board.power_on()
        self.recovered = False

    def update(self, *, plain: bool = False, seen: Callable[[str], None] = lambda line: None) -> float:
        """What systemd's units run: once after each boot "recover", and "update" by the timer. Their seconds."""
        seconds = 0.0
        for word in ("update",) if self.recovered else ("recover", "update"):
            ran = self.board.run(word, plain=plain, seen=seen)
            if ran["code"] != 0:
                raise Trouble(f"{word} did not end well by itself: {ran['answer']}: {self.board.said[-30:]}")
            self.recovered = True
            seconds += float(ran["seconds"])
        return seconds

    def finish(self, *, plain: bool = False) -> None:
        """The board comes to the newest version with no help, and nothing is left over."""
        self.update(plain=plain)
        found = self.board.look(self.offers.model)
        if self._version(found, "once the update was over") != self.new:
            raise Trouble(f"{found['version']} runs, and {self.new} is the newest: {self.board.said[-30:]}")
        left = [name for name in found["beside"] if not self.offers.allowed(name)]
        if left:
            raise Trouble(f"left over: {', '.join(left)}")
        self.told_done = True

    def cut(self, number: int) -> tuple[str, str]:
        """Run the update and cut the power in it. The moment in words, and the last step that had begun."""
        names = [*self.offers.steps, "any moment"]
        aim = names[number % len(names)]
        cutter = _Cutter(self.board, self.offers.steps)
        if aim == "any moment":
            cutter.cut_after_start(self.chance.uniform(0, self.whole_s))
        else:
            # Half of them right after an act, the others until half a second later.
            wait = self.chance.choice((0.0, self.chance.uniform(0, _AFTER_AN_ACT_S)))
            cutter.cut_after_act(aim, self.chance.randint(1, self.acts.get(aim, 1)), wait)
        try:
            seconds = self.update(seen=cutter.seen)
        except PowerGone:
            cutter.stop()
            self.board.cut_power()
            return cutter.moment, cutter.step
        cutter.stop()
        self.told_done = True
        self.whole_s = max(self.whole_s, seconds)
        self.acts = dict(cutter.acts)
        wait = self.chance.uniform(0, _AFTER_THE_END_S)
        time.sleep(wait)
        self.board.cut_power()
        return f"{wait:.2f} s after it was done", "over"

    def judge(self, moment: str) -> tuple[str, str]:
        """What the disk holds after a cut: the version, and "old" or "new"."""
        found = self.board.look(self.offers.model)
        version = self._version(found, moment)
        if version not in (self.old, self.new):
            raise Trouble(f"{moment}: {version} runs, which is neither {self.old} nor {self.new}")
        if self.told_done and version != self.new:
            raise Trouble(f"{moment}: {version} runs, though {self.new} was told to be there")
        return version, "new" if version == self.new else "old"

    def _version(self, found: Mapping[str, Any], moment: str) -> str:
        if not found["whole"]:
            raise Trouble(f"{moment}: neither the old nor the new version is whole: {found['why']}")
        version = str(found["version"])
        if found["manifest"] != self.offers.manifest(version):
            raise Trouble(f"{moment}: the manifest of {version} is not the one that was published")
        return version


class _Cutter:
    """Cuts the power at the moment that is told; `seen` gets the console's lines."""

    def __init__(self, board: PowerBoard, steps: Mapping[str, str]) -> None:
        self._steps = {name: re.compile(pattern) for name, pattern in steps.items()}
        self._board = board
        self._aim, self._act, self._wait_s = "", 0, 0.0
        self._timer: threading.Timer | None = None
        self.acts: Counter[str] = Counter()
        self.step, self.moment = "start", ""

    def cut_after_start(self, wait_s: float) -> None:
        self._set(wait_s, "the start")

    def cut_after_act(self, step: str, act: int, wait_s: float) -> None:
        """`wait_s` after the `act`-th line (from 1) of `step`."""
        self._aim, self._act, self._wait_s = step, act, wait_s

    def seen(self, line: str) -> None:
        for name, pattern in self._steps.items():
            if pattern.search(line):
                self.step = name
                self.acts[name] += 1
                if (name, self.acts[name]) == (self._aim, self._act):
                    self._set(self._wait_s, f"'{line.removeprefix('@ ')}'")

    def stop(self) -> None:
        """No cut from here on."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()

    def _set(self, wait_s: float, after: str) -> None:
        self.moment = f"{wait_s:.2f} s after {after}"
        self._timer = threading.Timer(wait_s, self._board.kill)
        self._timer.start()
