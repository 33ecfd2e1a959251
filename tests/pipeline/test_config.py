"""What `sepia.toml` may say, and what is said of what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest
from sepia.errors import ConfigError
from sepia.pipeline import load_config


def written(folder: Path, text: str) -> Path:
    path = folder / "sepia.toml"
    path.write_text(text)
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as error:
        load_config(written(folder, text))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    text = (
        '[[model]]\nsource = "nets/mine.py:small"\n[[model]]\nsource = "mobilenet-v2"\n'
        '[quantize]\ncalibrate = "photos"\n[accuracy]\ndata = "/abs"\n'
    )
    config = load_config(written(tmp_path, text))
    assert [model.source for model in config.model] == [f"{tmp_path}/nets/mine.py:small", "mobilenet-v2"]
    assert config.output == tmp_path / "build"
    assert config.quantize.calibrate == tmp_path / "photos"
    assert config.accuracy.data == Path("/abs")


def test_the_default_run_is_readable() -> None:
    assert load_config(Path(__file__).parents[2] / "sepia.toml").model[0].source == "efficientnet-lite0"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[model]]\nsource = "x"\n[quantise]\n', "unknown key 'quantise' (did you mean quantize?)"),
        ('[[model]]\nsorce = "x"\n', "unknown key 'model.sorce' (did you mean source?)"),
        ('[[model]]\nsource = "x"\n[bench]\nthread = [1]\n', "unknown key 'bench.thread' (did you mean threads?)"),
        ("", "model: Field required"),
        ('[[model]]\nsource = "x"\n[bench]\nseconds = "long"\n', "bench.seconds: Input should be a valid number"),
        ('[[model]]\nsource = "x"\nname = "../up"\n', "model.name: String should match"),
        ("[[model]\n", "not TOML"),
    ],
)
def test_each_fault_is_named(tmp_path: Path, text: str, says: str) -> None:
    assert says in refusal(tmp_path, text)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    said = refusal(tmp_path, '[[model]]\nsource = "x"\n[bench]\nthread = [1]\n[chek]\nsamples = 1\n')
    assert "bench.thread" in said
    assert "chek" in said


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file; next: write one"):
        load_config(tmp_path / "none.toml")
