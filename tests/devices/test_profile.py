"""Profiles: that each says where its numbers are from, and that a board is told by its own words."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from sepia.devices.facts import BoardFacts
from sepia.devices.profile import PROFILES, profile_named, profile_of, profiles
from sepia.errors import ConfigError
from support.needs import need_programs

OWN = """
name = "odroid"
title = "A board of my own"
models = ["Hardkernel ODROID-C4"]
core = "Cortex-A55"
cores = 4
systems = ["bookworm64"]
qemu = { aarch64 = "cortex-a55" }
sources = { clock = ["https://example.org"] }
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEPIA_CONFIG", str(tmp_path))
    folder = tmp_path / "profiles"
    folder.mkdir()
    return folder / "own.toml"


def facts(machine: str = "aarch64", bits: int = 64, model: str = "") -> BoardFacts:
    return BoardFacts(
        machine,
        bits,
        "bookworm64",
        "2.36",
        "3.11.2",
        "/usr/bin/python3",
        "/home/pi",
        "pi",
        4,
        2**30,
        2**30,
        model=model,
    )


def test_the_boards_that_are_promised() -> None:
    assert set(PROFILES) == {"pizero", "pizero2w", "pi3bplus", "pi4", "pi5", "aarch64", "armv7"}
    assert PROFILES["pi4"].system().name == "bookworm64"
    assert PROFILES["pizero"].system().architecture == "armv6l"
    assert PROFILES["pi5"].memory.sizes_mb[1:4] == (2048, 4096, 8192)


@pytest.mark.parametrize("name", PROFILES)
def test_every_source_is_a_page(name: str) -> None:
    profile = PROFILES[name]
    pages = [page for addresses in profile.sources.values() for page in addresses]
    pages += [one.source for one in profile.memory.bandwidth]
    assert pages
    assert all(page.startswith("https://") for page in pages)


def test_extensions() -> None:
    assert PROFILES["pi5"].has("dotprod", "aarch64")
    assert PROFILES["pi4"].has("neon", "aarch64")
    assert PROFILES["pi4"].has("neon", "armv7l")
    assert not PROFILES["pi4"].has("dotprod", "aarch64")
    assert not PROFILES["pi5"].has("i8mm", "aarch64")
    assert not PROFILES["pizero"].has("neon", "armv6l")


@pytest.mark.parametrize(("qemu", "architectures"), [("qemu-aarch64", {"aarch64"}), ("qemu-arm", {"armv7l", "armv6l"})])
def test_qemu_knows_every_core(qemu: str, architectures: set[str]) -> None:
    program = shutil.which(qemu) or shutil.which(f"{qemu}-static")
    if program is None:
        need_programs(**{qemu.replace("-", "_"): "qemu-user"})
        raise AssertionError
    known = subprocess.run([program, "-cpu", "help"], capture_output=True, text=True).stdout.split()
    used = {cpu for one in PROFILES.values() for architecture, cpu in one.qemu.items() if architecture in architectures}
    assert used
    assert used <= set(known)


def test_an_unknown_profile_system_or_architecture_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no board 'pi4b'; accepted: did you mean pi4"):
        profile_named("pi4b")
    with pytest.raises(ConfigError, match=r"pi5: has no system 'bookworm32'; accepted: bookworm64, trixie64"):
        PROFILES["pi5"].system("bookworm32")
    with pytest.raises(ConfigError, match="pizero: does not run aarch64; accepted: armv6l"):
        PROFILES["pizero"].qemu_cpu("aarch64")


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (facts(model="Raspberry Pi 4 Model B Rev 1.4"), "pi4"),
        (facts(model="Raspberry Pi 3 Model B Plus Rev 1.3"), "pi3bplus"),
        (facts("armv6l", 32, "Raspberry Pi Zero W Rev 1.1"), "pizero"),
        (facts(model="Raspberry Pi Zero 2 W Rev 1.0"), "pizero2w"),
        (facts(model="Somebody's board"), "aarch64"),
        (facts("aarch64", 32), "armv7"),
        (facts("armv7l", 32), "armv7"),
        (facts("armv6l", 32), None),
        (facts("x86_64"), None),
    ],
)
def test_a_board_is_told_by_its_model_else_by_its_architecture(told: BoardFacts, name: str | None, own: Path) -> None:
    found = profile_of(told)
    assert (None if found is None else found.name) == name


def test_a_new_board_is_one_file(own: Path) -> None:
    own.write_text(OWN)
    assert profile_named("odroid").cores == 4
    told = profile_of(facts(model="Hardkernel ODROID-C4"))
    assert told is not None
    assert told.name == "odroid"


def test_the_longest_model_wins(own: Path) -> None:
    own.write_text(OWN.replace("Hardkernel ODROID-C4", "Raspberry Pi 4 Model B Rev 1.5"))
    assert [profile_of(facts(model=f"Raspberry Pi 4 Model B Rev 1.{n}")).name for n in (4, 5)] == ["pi4", "odroid"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("sources = ", "# sources = ", r"own.toml: .*no source for clock"),
        ('"odroid"', '"pi4"', "own.toml: the name 'pi4' is taken"),
        ("bookworm64", "bookwurm64", "own.toml: systems: .*no system 'bookwurm64' .*bookworm64"),
        ("aarch64 =", "armv7l =", "own.toml: .*qemu has no processor for aarch64"),
        ("cores = 4", 'cores = "4"', "own.toml: cores: "),
        ("cores = 4", "cores = 0", "own.toml: cores: "),
        ("title", "titel", "own.toml: .*titel: "),
        ("systems = [", "systems = ", "own.toml: cannot be read"),
    ],
)
def test_a_file_that_is_wrong_is_named(was: str, becomes: str, says: str, own: Path) -> None:
    own.write_text(OWN.replace(was, becomes, 1))
    with pytest.raises(ConfigError, match=says):
        profiles()


def test_a_system_of_the_boards_own(own: Path) -> None:
    noble = 'name = "noble64", suite = "noble", glibc = "2.39", python = "3.12"'
    table = f'{{ {noble}, architecture = "aarch64", debian = "arm64" }}'
    own.write_text(OWN.replace('"bookworm64"', table))
    assert profile_named("odroid").system("noble64").python == "3.12"
