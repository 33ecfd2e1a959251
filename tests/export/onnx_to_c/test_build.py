from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import pytest
from sepia.errors import ConfigError, InputError, RuntimeUnavailable
from sepia.export.onnx_to_c import build, write_c
from support.c_programs import compiler_for
from support.qdq_layers import QdqBuilder


def written(folder: Path, *, seed: int = 0) -> Path:
    net = QdqBuilder(seed=seed)
    path = net.save(folder / "model.onnx", net.layer("layer", "Gemm", net.input("x", (1, 8)), (4, 8), transB=1))
    write_c(path, folder)
    return folder


@pytest.fixture(scope="module")
def for_a_zero(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler_for("armv6l")
    return build(written(tmp_path_factory.mktemp("zero")), "armv6l")


def test_built_twice_it_is_the_same_file(for_a_zero: Path, tmp_path: Path) -> None:
    longer = tmp_path / "a longer" / "folder"
    longer.mkdir(parents=True)
    data = build(written(longer), "armv6l").read_bytes()
    assert data == for_a_zero.read_bytes()
    assert b"sepia-native" not in data
    assert str(tmp_path).encode() not in data
    assert for_a_zero.stat().st_mode & 0o777 == 0o755


def test_it_is_static(for_a_zero: Path) -> None:
    program = for_a_zero.read_bytes()
    assert program[:7] == b"\x7fELF\x01\x01\x01"
    assert int.from_bytes(program[18:20], "little") == 40
    start, size, count = (
        int.from_bytes(program[at : at + width], "little") for at, width in ((28, 4), (42, 2), (44, 2))
    )
    kinds = {int.from_bytes(program[start + i * size :][:4], "little") for i in range(count)}
    dynamic, interpreter = 2, 3
    assert not kinds & {dynamic, interpreter}


def test_other_weights_make_another_program(tmp_path: Path) -> None:
    """A compiler that knows a source by its text alone must see that what it includes has changed."""
    compiler_for(platform.machine())
    one = build(written(tmp_path), platform.machine()).read_bytes()
    assert build(written(tmp_path, seed=1), platform.machine()).read_bytes() != one


def test_nothing_to_build(tmp_path: Path) -> None:
    compiler_for(platform.machine())
    with pytest.raises(InputError, match=r"model\.c: is not there; next: write_c makes it"):
        build(tmp_path, platform.machine())


def test_an_unknown_architecture(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'armv6' is none that can be built for; accepted: .*armv6l"):
        build(written(tmp_path), "armv6")


def test_a_compiler_that_fails(tmp_path: Path) -> None:
    compiler_for(platform.machine())
    folder = written(tmp_path)
    (folder / "model.c").write_text("int begin(", encoding="utf-8")
    with pytest.raises(RuntimeUnavailable, match=r"did not build the program .*error"):
        build(folder, platform.machine())
    assert not list(folder.glob(f"*{platform.machine()}*"))


def test_a_program_takes_no_memory_and_opens_no_file(tmp_path: Path) -> None:
    """Under a limit of no file more than the three that are open, and of its own size in memory."""
    compiler_for(platform.machine())
    program = build(written(tmp_path), platform.machine())
    limits = f"ulimit -n 3; ulimit -d 1024; exec {program}"
    ran = subprocess.run(["sh", "-c", limits], input=bytes(32), capture_output=True, timeout=60, check=False)
    assert (ran.returncode, len(ran.stdout)) == (0, 16), ran.stderr
