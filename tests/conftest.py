"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import hypothesis
import pytest
from support.board_fixtures import arm64_board, arm_board, armel_board, armhf_board
from support.faults import Saw, saw_fault
from support.networks import made_once, write_lite0, write_mobilenet_v2
from support.ship_faults import SHIP_PAGE

__all__ = ["arm64_board", "arm_board", "armel_board", "armhf_board"]  # fixtures by import

# A shell's background job has Ctrl-C ignored, and so would every program that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The workers of a run share the cores. torch's threads wait for one another by spinning, four to seven times as long as
# one thread takes for the small networks here. Read when torch is loaded, and by the programs that a test starts.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# On a shared machine an example of a millisecond can take a second.
hypothesis.settings.register_profile("shared", deadline=None)
hypothesis.settings.load_profile("shared")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regen", action="store_true", help="write goldens anew instead of comparing with them")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden(name, text)`: `text` equals the file `goldens/<name>` beside the test; with --regen, becomes it."""

    def compare(name: str, text: str) -> None:
        path = request.path.parent / "goldens" / name
        if request.config.getoption("--regen"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"no golden {path.name}: run pytest --regen and read what it wrote"
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture
def saw(request: pytest.FixtureRequest) -> Saw:
    """`saw(fault, line)`: what the user saw of a fault is what the page of faults says; with --regen, becomes it."""
    return partial(saw_fault, regen=request.config.getoption("--regen"))


@pytest.fixture
def saw_ship(request: pytest.FixtureRequest) -> Saw:
    """As `saw`, of the page of shipping's faults and attacks."""
    return partial(SHIP_PAGE.saw, regen=request.config.getoption("--regen"))


@pytest.fixture(scope="session")
def photos() -> Path:
    """The folder with `calibration/` and `validation/`: real photos, file name = class index and synset.

    Named by SEPIA_PHOTOS, or found beside the checkout. They are not part of the repository.
    """
    beside = Path(__file__).resolve().parents[2] / "shared" / "imagenet"
    folder = Path(os.environ.get("SEPIA_PHOTOS", beside))
    if not (folder / "validation").is_dir():
        pytest.skip("real photos are not here: set SEPIA_PHOTOS to a folder with calibration/ and validation/")
    return folder


@pytest.fixture(scope="session")
def lite0_float(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """EfficientNet-Lite0 with its ImageNet weights as float ONNX. Not to be changed: all tests share the file."""
    return made_once(tmp_path_factory, "efficientnet-lite0", write_lite0)


@pytest.fixture(scope="session")
def mobilenet_v2_float(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MobileNetV2, random weights with a trained network's ranges, as float ONNX. Not to be changed."""
    return made_once(tmp_path_factory, "mobilenet-v2", write_mobilenet_v2)
