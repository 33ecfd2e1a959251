"""The ten lines of an application: what is current on this board, loaded, and asked what is in a picture.

    import sys
    sys.path.insert(0, "/home/pi/.sepia/ship/agent")
    from sepia_agent import load

    model = load("efficientnet-lite0")
    for guess in model.predict("photo.jpg", top=3):
        print(f"{guess.score:8.3f} {guess.label}")
    if model.superseded:
        model = load("efficientnet-lite0")

Nothing of it is needed: `models/<model>/current/` holds plain files, and its manifest.json says how they are used.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from .config import Config, Runtime, read_config
from .engines import engine_of
from .errors import Refused
from .layout import Layout
from .manifest import MOST_BYTES, Manifest, read_manifest
from .paths import MANIFEST
from .place import Place
from .prepare import read_picture, read_preparation

__all__ = ["Guess", "Predictor", "load"]

_KIND = "load"


@dataclass(frozen=True)
class Guess:
    """label: the class's name, "" where the bundle has none. score: the network's own output for it: a logit, or a
    probability where the network ends in softmax. index: of the class."""

    label: str
    score: float
    index: int


class Predictor:
    """One version of a model. It stays that version, whatever is switched to meanwhile. Not for two threads at once.

    version: of the bundle. labels: class names, in the order of the outputs; () where the bundle has none.
    """

    def __init__(self, current: Path, folder: Path, config: Config) -> None:
        manifest = _manifest(folder)
        runtime = config.runtimes.get(manifest.runtime, Runtime())
        place = Place(runtime.python, runtime.environment, config.run_with)
        self._current, self._folder = current, folder
        self._preparation = read_preparation(str(folder), manifest.preparation)
        self._codes = _codes(manifest)
        self._engine = engine_of(folder, manifest, place)
        self.model, self.version = manifest.model, manifest.version
        self.labels = _labels(folder, manifest)

    def predict(self, image: Any, *, top: int = 5) -> list[Guess]:
        """The `top` greatest outputs, the greatest first.

        image: a Pillow image, a file's name, or an array of uint8, [H, W] or [H, W, 3] in RGB, of any size. Raises
        Refused: kind "preparation" for what is no picture, "runtime" if the network could not be run.
        """
        scores = self.scores(image)
        best = heapq.nlargest(top, range(len(scores)), key=lambda index: (scores[index], -index))
        return [Guess(self.labels[index] if index < len(self.labels) else "", scores[index], index) for index in best]

    def scores(self, image: Any) -> list[float]:
        """All of the network's first output, as real numbers."""
        values = self._engine.run(self._preparation.bytes_of(read_picture(image)))
        scale, zero = self._codes
        return [(value - zero) * scale for value in values] if scale else list(values)

    @property
    def superseded(self) -> bool:
        """Whether another version is current by now."""
        return self._current.resolve() != self._folder

    def close(self) -> None:
        self._engine.close()

    def __enter__(self) -> Predictor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def load(model: str, root: str | Path | None = None) -> Predictor:
    """What is current of `model`. root: the agent's folder; by default the one that this agent lies in.

    Raises Refused: no such model here, files that can't be read, a runtime that can't be loaded.
    """
    layout = Layout(Path(root).expanduser() if root is not None else _root())
    current = layout.model(model).current
    try:
        folder = current.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        known = ", ".join(layout.models()) or "none"
        raise Refused(str(current), "no version of it is here", kind=_KIND, hint=f"models here: {known}") from error
    config = read_config(layout.config) if layout.config.is_file() else Config("")
    return Predictor(current, folder, config)


def _root() -> Path:
    """ROOT/agents/<version>/sepia_agent/predictor.py is this file; elsewhere, the user's own."""
    folders = Path(__file__).resolve().parents
    if len(folders) > 3 and (folders[3] / "models").is_dir():
        return folders[3]
    return Path("~/.sepia/ship").expanduser()


def _manifest(folder: Path) -> Manifest:
    try:
        with (folder / MANIFEST).open("rb") as file:
            return read_manifest(file.read(MOST_BYTES + 1))
    except OSError as error:
        raise Refused(str(folder), f"{MANIFEST} cannot be read ({error.strerror or error})", kind=_KIND) from error


def _codes(manifest: Manifest) -> tuple[float, int]:
    """Scale and zero point of the first output, 0 and 0 where it is no codes."""
    try:
        output = manifest.preparation["outputs"][0]
        if str(output["dtype"]).startswith("float"):
            return 0.0, 0
        return float(output["scale"]), int(output["zero_point"])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Refused(manifest.version, f"does not say what its outputs are ({error!r})", kind=_KIND) from error


def _labels(folder: Path, manifest: Manifest) -> tuple[str, ...]:
    files = manifest.of_role("labels")
    try:
        return tuple((folder / files[0].path).read_text(encoding="utf-8").splitlines()) if files else ()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(files[0].path, f"cannot be read ({error})", kind=_KIND) from error
