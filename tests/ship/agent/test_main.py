"""The agent's command line, with TUF's own metadata, a real self-test and real commands of the operator's."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sepia.ship.agent.__main__ import main
from sepia.ship.agent.archive import verify
from sepia.ship.agent.config import Config, Followed, write_config
from support.small_bundles import MODEL, WRONG
from support.tuf_story import Story

PACKAGE = Path(__file__).resolve().parents[3] / "ship" / "agent"


class Agent:
    """In a folder of its own; what is published is pushed to its inbox."""

    def __init__(self, root: Path, story: Story, **followed: Any) -> None:
        self.root, self.story = root, story
        (root / "trust").mkdir(parents=True)
        shutil.copy(story.root, root / "trust" / "root.json")
        told = Followed(story.target, story.channel, **followed)
        (root / "config.json").write_bytes(write_config(Config("kitchen", "", {story.model: told})))
        self.folder = root / "models" / story.model

    def push(self) -> str:
        shutil.copytree(self.story.repository, self.root / "inbox" / "one")
        return "one"

    def runs(self) -> str:
        return verify((self.folder / "current").resolve()).version


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path / "story")


@pytest.fixture
def agent(quick_disk: Path, story: Story) -> Agent:
    log = quick_disk / "asked"
    health = ("/bin/sh", "-c", f'echo "$SEPIA_MODEL $SEPIA_VERSION $(readlink "$SEPIA_CURRENT")" >> {log}')
    return Agent(quick_disk / "ship", story, health=health)


def said(capsys: pytest.CaptureFixture[str], code: int) -> dict[str, Any]:
    """The last line; the exit code must be the one it tells."""
    told: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["ok"] == (code == 0)
    return told


def call(agent: Agent, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    return said(capsys, main(["--root", str(agent.root), "--wait", "0", *words]))


def test_a_whole_life(agent: Agent, story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    first = story.publish("1.0")
    told = call(agent, capsys, "update", "--inbox", agent.push())
    done = told["models"][MODEL]
    assert (done["result"], done["version"], done["sha256"]) == ("switched", "1.0", first.sha256)
    assert agent.runs() == "1.0"
    assert not (agent.root / "inbox" / "one").exists()
    assert done["bytes"] > first.bytes

    story.publish("1.1")
    done = call(agent, capsys, "update", "--inbox", agent.push())["models"][MODEL]
    assert (done["result"], done["version"], done["delta"]) == ("switched", "1.1", True)

    story.publish("1.2", does=WRONG)
    told = call(agent, capsys, "update", "--inbox", agent.push(), "--model", MODEL)
    assert (told["kind"], told["models"][MODEL]["version"]) == ("self-test", "1.1")
    assert agent.runs() == "1.1"

    status = call(agent, capsys, "status")["models"][MODEL]
    assert (status["version"], status["previous"]) == ("1.1", "1.0")
    assert [refused["version"] for refused in status["refused"]] == ["1.2"]
    assert status["last_check"]["kind"] == "self-test"
    assert status["disk_bytes"] > 2 * first.bytes

    assert call(agent, capsys, "rollback", MODEL)["models"][MODEL]["version"] == "1.0"
    assert [held["version"] for held in call(agent, capsys, "status")["models"][MODEL]["held"]] == ["1.1"]
    assert call(agent, capsys, "verify")["models"][MODEL] == {"version": "1.0", "ok": True, "reason": ""}
    asked = (agent.root.parent / "asked").read_text().splitlines()
    assert [line.split()[1] for line in asked] == ["1.0", "1.1", "1.0"]
    assert asked[1].startswith(f"{MODEL} 1.1 versions/1.1-")


def test_health_that_fails_is_told(quick_disk: Path, story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    agent = Agent(quick_disk / "ship", story, health=("/bin/sh", "-c", "echo no camera; exit 3"))
    story.publish("1.0")
    told = call(agent, capsys, "update", "--inbox", agent.push())
    assert told["kind"] == "health"
    assert "no camera" in told["error"]
    assert not (agent.folder / "current").is_symlink()


def test_a_reload_that_fails_is_as_bad(quick_disk: Path, story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    agent = Agent(quick_disk / "ship", story, reload=("/no/such/program",))
    story.publish("1.0")
    told = call(agent, capsys, "update", "--inbox", agent.push())
    assert told["kind"] == "health"
    assert "/no/such/program" in told["error"]


def test_a_spoilt_file_is_told_and_put_right(agent: Agent, story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    story.publish("1.0")
    call(agent, capsys, "update", "--inbox", agent.push())
    (agent.folder / "current" / "payload.bin").write_bytes(b"")
    told = call(agent, capsys, "verify")
    assert (told["kind"], told["hint"]) == ("digest", "an update puts it right")
    assert "payload.bin" in call(agent, capsys, "status")["models"][MODEL]["spoilt"]
    assert call(agent, capsys, "update", "--inbox", agent.push())["models"][MODEL]["result"] == "mended"
    assert call(agent, capsys, "status")["models"][MODEL]["spoilt"] is None
    assert agent.runs() == "1.0"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("update",), "config"),
        (("update", "--inbox", "../one"), "name"),
        (("update", "--inbox", "one", "--model", "other"), "config"),
        (("rollback", "other"), "config"),
        (("rollback", MODEL), "missing"),
        (("verify", "--model", "other"), "config"),
    ],
)
def test_what_cannot_be_is_one_line(
    agent: Agent, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], kind: str
) -> None:
    told = call(agent, capsys, *words)
    assert told["kind"] == kind
    assert told["error"]
    assert told["hint"] or kind == "missing"


def test_an_inbox_that_holds_nothing_is_refused(agent: Agent, capsys: pytest.CaptureFixture[str]) -> None:
    (agent.root / "inbox" / "one").mkdir(parents=True)
    told = call(agent, capsys, "update", "--inbox", "one")
    assert told["models"][MODEL]["result"] == "refused"
    assert told["kind"] == "missing"


def test_recover_says_what_runs(agent: Agent, story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    story.publish("1.0")
    call(agent, capsys, "update", "--inbox", agent.push())
    (agent.folder / "current").unlink()
    assert call(agent, capsys, "recover")["models"][MODEL]["version"] == "1.0"
    assert agent.runs() == "1.0"


def test_a_stop_in_the_health_command_ends_it_too(quick_disk: Path, story: Story) -> None:
    """As systemd stops a unit; the next start finishes the rest."""
    mark = quick_disk / "mark"
    words = f"[ -e {mark} ] && exit 0; touch {mark}; echo $$ > {mark}.pid; exec sleep 600"
    agent = Agent(quick_disk / "ship", story, health=("/bin/sh", "-c", words))
    story.publish("1.0")
    command = [sys.executable, "-m", "sepia.ship.agent", "--root", str(agent.root), "update", "--inbox", agent.push()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        _until(lambda: Path(f"{mark}.pid").exists() and Path(f"{mark}.pid").read_text().strip() != "")
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 128 + signal.SIGTERM
    child = int(Path(f"{mark}.pid").read_text())
    _until(lambda: not Path(f"/proc/{child}").exists())
    assert main(["--root", str(agent.root), "recover"]) == 0
    assert agent.runs() == "1.0"


@pytest.mark.slow
def test_it_is_a_distribution_of_its_own(tmp_path: Path) -> None:
    """Built as pip builds it, and run where nothing of Sepia is."""
    copy = tmp_path / "source"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(tmp_path)]
    subprocess.run([*build, str(copy)], check=True, capture_output=True)
    [wheel] = tmp_path.glob("sepia_agent-*-py3-none-any.whl")
    site = tmp_path / "site"
    shutil.unpack_archive(wheel, site, "zip")
    assert {path.name for path in site.iterdir() if path.suffix != ".dist-info"} == {"sepia_agent"}
    names = {path.name for path in (site / "sepia_agent").iterdir()}
    assert names == {path.name for path in PACKAGE.glob("*.py")}
    metadata = next(site.glob("*.dist-info/METADATA")).read_text()
    assert "Requires-Python: >=3.10" in metadata
    seen = "import sepia_agent.update, sys; print(sorted(n for n in sys.modules if n.split('.')[0] == 'sepia'))"
    told = subprocess.run(
        [sys.executable, "-c", seen],
        cwd=site,
        env={"PYTHONPATH": str(site)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.strip() == "[]"


def _until(ready: Any) -> None:
    until = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < until
        time.sleep(0.02)
