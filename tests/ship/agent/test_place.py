from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sepia.ship import agent
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.place import Place, bench_program


def test_words_stand_before_a_command() -> None:
    place = Place(run_with=("qemu-arm", "-cpu", "arm1176"))
    assert place.command(Path("/bundle/network"), "--describe") == [
        "qemu-arm", "-cpu", "arm1176", "/bundle/network", "--describe",
    ]  # fmt: skip


def test_surroundings_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOKEN", "SSH_AUTH_SOCK", "http_proxy", "PYTHONPATH", "LD_PRELOAD", "QEMU_LD_PREFIX"):
        monkeypatch.setenv(name, "ours")
    monkeypatch.delenv("QEMU_CPU", raising=False)
    found = Place(environment={"PYTHONPATH": "/runtimes/litert"}).surroundings(Path("/work"))
    assert found == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/work",
        "TMPDIR": "/work",
        "LANG": "C.UTF-8",
        "PYTHONNOUSERSITE": "1",
        "PYTHONPATH": "/runtimes/litert",
        "QEMU_LD_PREFIX": "ours",
    }


def test_a_program_needs_no_python_and_no_measuring_program() -> None:
    Place("/no/python", run_with=("env",)).check("native")


@pytest.mark.parametrize(
    ("place", "runtime", "reason"),
    [
        (Place("/no/python", bench=__file__), "litert", "'/no/python' is no program of this board"),
        (Place(sys.executable), "litert", "the measuring program '' is missing"),
        (Place(run_with=("no-qemu", "-x")), "native", "'no-qemu' is no program of this board"),
    ],
)
def test_what_is_missing_is_named(place: Place, runtime: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        place.check(runtime)
    assert (caught.value.kind, caught.value.what) == ("runtime", reason)
    assert caught.value.hint == "run sepia ship install again"


def test_the_measuring_program_lies_beside_the_agent(tmp_path: Path) -> None:
    assert bench_program() == ""  # here, it does not
    shutil.copytree(Path(agent.__file__).parent, tmp_path / "sepia_agent")
    (tmp_path / "sepia_bench").mkdir()
    (tmp_path / "sepia_bench" / "bench.py").touch()
    text = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from sepia_agent import place; print(place.bench_program())"
    )
    said = subprocess.run([sys.executable, "-I", "-c", text], capture_output=True, text=True, check=True).stdout
    assert said.strip() == str(tmp_path / "sepia_bench" / "bench.py")
