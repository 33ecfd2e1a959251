"""What calibration takes as photos are added: the peak with few against the peak with many, by range method."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .contestants import ROADS
from .environments import python_of
from .measured import RoadFailed, run_road

__all__ = ["CASES", "Growth", "MemoryCase", "measure_growth"]


@dataclass(frozen=True)
class MemoryCase:
    """One range method. few, many: photos. prepared: read from the .npy file, else from a folder of photos."""

    name: str
    environment: str
    script: str
    method: str
    few: int
    many: int
    prepared: bool


_OURS = ("default", "fast", "minmax", "percentile", "mse", "entropy")

CASES = (
    *(MemoryCase(f"sepia, {method}", "", "sepia_quantize.py", method, 16, 400, False) for method in _OURS),
    # It keeps every activation of every photo: 400 would take 25 GB.
    MemoryCase(
        "quantize_static, entropy", "onnxruntime", "quantize_static_road.py", "entropy", few=16, many=64, prepared=True
    ),
    MemoryCase(
        "quantize_static, min-max", "onnxruntime", "quantize_static_road.py", "per-channel", 16, 200, prepared=True
    ),
)


@dataclass(frozen=True)
class Growth:
    """Peak RSS of the whole process in bytes, and seconds from its start to its end, for both counts of photos."""

    name: str
    few: int
    many: int
    few_bytes: int
    many_bytes: int
    few_seconds: float
    many_seconds: float

    @property
    def ratio(self) -> float:
        return self.many_bytes / self.few_bytes

    @property
    def bytes_a_photo(self) -> float:
        return (self.many_bytes - self.few_bytes) / (self.many - self.few)


def measure_growth(case: MemoryCase, *, float_onnx: Path, photos: Path, folder: Path, root: Path, out: Path) -> Growth:
    """Run a case with few and with many photos, each in a process of its own. Raises RoadFailed.

    photos: where the prepared .npy files are. folder: at least `many` photos as they are. root: of environments.
    """
    runs = []
    calibration = photos / "calibration.npy" if case.prepared else folder
    if not case.prepared and sum(1 for _ in folder.iterdir()) < case.many:
        raise RoadFailed(f"{folder} holds fewer than {case.many} photos")
    for count in (case.few, case.many):
        place = out / f"{case.name.replace(', ', '-')}-{count}"
        arguments = ["--calibration", str(calibration), "--out", str(place), "--method", case.method]
        arguments += ["--limit", str(count), "--float-onnx", str(float_onnx)]
        runs.append(run_road(python_of(case.environment, root), ROADS / case.script, arguments, place))
    few, many = runs
    return Growth(
        case.name,
        case.few,
        case.many,
        few.peak_rss_bytes,
        many.peak_rss_bytes,
        few.wall_seconds,
        many.wall_seconds,
    )
