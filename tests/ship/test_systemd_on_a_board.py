"""Debian's systemd on an emulated machine runs the product's units, and its timer pulls an update by itself."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sepia.devices.transport.ssh import SSHTransport
from sepia.ship.agent.config import Config, Followed
from sepia.ship.systemd import ENABLED, period, units
from support.installed_agent import SHIP, write_agent
from support.needs import lacking, need_programs, need_root
from support.power_board import HOST
from support.tuf_story import Story
from support.vm_board import VMBoard

from benchmarks.web_server import WebServer

pytestmark = pytest.mark.slow

ROOT = f"/home/pi/{SHIP}"
WITHIN_S = 240.0
UNITS = "/etc/systemd/system"
# Each board keeps to a moment of its own, up to a period later; a drop-in is the operator's own.
SOON = "[Timer]\nRandomizedDelaySec=1\n"


@pytest.fixture
def vm() -> Iterator[VMBoard]:
    need_root("the file owners of an emulated machine's disk")
    need_programs(qemu_system_aarch64="qemu-system-arm", ssh="openssh-client", nginx="nginx-light", apt_get="apt")
    if not Path("/sbin/mkfs.ext4").exists():
        lacking("mkfs.ext4 is not installed here (Debian: apt-get install e2fsprogs)")
    with VMBoard(memory=512, systemd=True) as board:
        yield board


@pytest.mark.timeout(900)
def test_the_timer_pulls_an_update(vm: VMBoard, tmp_path: Path) -> None:
    story = Story(tmp_path / "story")
    with (
        WebServer(story.repository, tmp_path / "nginx") as server,
        SSHTransport(vm.destination, name="kitchen", config=vm.ssh_config, silence=60.0) as transport,
    ):
        config = Config("kitchen", server.url(HOST), {story.model: Followed(story.target, story.channel)})
        write_agent(tmp_path / "home", config, story.root.read_bytes())
        put(transport, tmp_path / "home")
        place(transport)
        story.publish("1.0.0")
        assert await_version(transport, story.model) == "1.0.0"
        story.publish("1.1.0")
        assert await_version(transport, story.model, "1.1.0") == "1.1.0"
        said = told(transport, "sudo journalctl -u sepia-ship.service -o cat")
        assert "lite0 1.1.0: runs" in said, said
        assert told(transport, "systemctl is-failed sepia-ship.service; true").strip() != "failed"
    vm.kill_power()
    vm.start()
    with SSHTransport(vm.destination, name="kitchen", config=vm.ssh_config, silence=60.0) as transport:
        state = told(transport, "systemctl show -p Result,ExecMainStatus sepia-ship-recover.service")
        assert "Result=success" in state and "ExecMainStatus=0" in state, state
        assert await_version(transport, story.model, "1.1.0") == "1.1.0"


def put(transport: SSHTransport, home: Path) -> None:
    """What lies in `home`, into pi's."""
    archive = shutil.make_archive(str(home), "tar", home)
    ran = transport.run(["tar", "-x", "-C", "/home/pi", "-f", "-"], deadline=200, stdin=[Path(archive).read_bytes()])
    assert ran.code == 0, ran


def place(transport: SSHTransport) -> None:
    """The product's units, for each minute, switched on by root."""
    written = units(ROOT, "pi", "/usr/bin/python3", period("1min"))
    for name, text in {**written.system, "sepia-ship.timer.d/soon.conf": SOON}.items():
        path = f"{UNITS}/{name}"
        told(transport, f"sudo mkdir -p {Path(path).parent} && sudo tee {path} >/dev/null <<'END'\n{text}END")
    told(transport, "sudo systemctl daemon-reload")
    told(transport, f"sudo systemctl enable --now {' '.join(ENABLED)}")


def await_version(transport: SSHTransport, model: str, wanted: str | None = None) -> str:
    """The version that `current` is, once it is there, or is `wanted`."""
    until = time.monotonic() + WITHIN_S
    found = ""
    while time.monotonic() < until and (not found or wanted not in (None, found)):
        time.sleep(2)
        link = told(transport, f"readlink {ROOT}/models/{model}/current; true").strip()
        found = link.removeprefix("versions/").rpartition("-")[0]
    return found


def told(transport: SSHTransport, line: str) -> str:
    """Standard output of a shell's line there; fails if it fails."""
    ran = transport.run(["sh", "-c", line], deadline=100)
    assert ran.code == 0, (line, ran)
    return ran.out.decode()
