"""What a board follows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sepia.ship.agent.config import Config, Followed, Runtime, Timeouts, read_config, write_config
from sepia.ship.agent.errors import Refused

FULL = Config(
    "kitchen",
    "https://models.example/repo",
    {
        "lite0": Followed(
            "pi4-bookworm64-litert-t4", "beta", 5, ("/bin/ok", "a b"), ("/bin/reload",), Timeouts(1, 2, 3, 4)
        )
    },
    {"litert": Runtime("/usr/bin/python3.11", {"PYTHONPATH": "/home/pi/x"})},
    ("qemu-arm", "-cpu", "arm1176"),
)


@pytest.mark.parametrize("config", [Config("kitchen"), FULL], ids=["least", "full"])
def test_as_it_was_written(tmp_path: Path, config: Config) -> None:
    (tmp_path / "config.json").write_bytes(write_config(config))
    assert read_config(tmp_path / "config.json") == config


def test_only_the_target_of_a_model_has_no_default(tmp_path: Path) -> None:
    told = {"schema": 1, "board": "kitchen", "models": {"lite0": {"target": "pi4-bookworm64-litert-t4"}}}
    (tmp_path / "config.json").write_text(json.dumps(told))
    followed = read_config(tmp_path / "config.json").followed("lite0")
    assert (followed.channel, followed.keep, followed.health, followed.timeouts) == ("stable", 3, (), Timeouts())


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("schema",), 2, "'schema'"),
        (("board",), "", "'board'"),
        (("board",), None, "'board'"),
        (("repository",), "ftp://x", "'ftp://x'"),
        (("more",), 1, "'more' is unknown"),
        (("run_with",), "qemu", "'run_with'"),
        (("models", "lite0", "keep"), 1, "'models.lite0.keep'"),
        (("models", "lite0", "keep"), True, "'models.lite0.keep'"),
        (("models", "lite0", "health"), ["a", 1], "'models.lite0.health'"),
        (("models", "lite0", "channel"), "../beta", "'../beta'"),
        (("models", "lite0", "target"), "pi4/x", "'pi4/x'"),
        (("models", "lite0", "timeouts", "health"), 0, "'models.lite0.timeouts.health'"),
        (("models", "lite0", "timeouts", "health"), float("inf"), "'models.lite0.timeouts.health'"),
        (("models", "Lite0"), {}, "'models.Lite0'"),
        (("models", "../x"), {}, "'models.../x'"),
        (("runtimes", "litert", "environment"), {"A": 1}, "'runtimes.litert.environment'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, path: tuple[str, ...], value: object, said: str) -> None:
    told = json.loads(write_config(FULL))
    inner = told
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    (tmp_path / "config.json").write_text(json.dumps(told))
    with pytest.raises(Refused) as error:
        read_config(tmp_path / "config.json")
    assert error.value.kind == "config"
    assert said in str(error.value)


def test_no_configuration_is_told(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="No such file") as error:
        read_config(tmp_path / "config.json")
    assert error.value.hint == "install the agent again"
