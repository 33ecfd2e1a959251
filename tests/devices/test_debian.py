"""Packages from the host's own Debian mirror; small ones, kept in the user's cache between runs where they can be."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from sepia.devices import debian
from sepia.errors import BoardError
from sepia.files import digest
from support.needs import need_programs

NOWHERE = "http://127.0.0.1:9/debian"
"""No server listens at the discard port."""


@pytest.fixture(autouse=True)
def tools() -> None:
    need_programs(apt_get="apt", dpkg_deb="dpkg", tar="tar")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need_programs(apt_get="apt")
    folder = tmp_path_factory.mktemp("debian")
    debian.fetch("armhf", "bookworm", ["libmd0"], folder, dependencies=False)
    return folder


def _deb(folder: Path, name: str, files: dict[str, str]) -> Path:
    """A package with `files`, as dpkg-deb makes it."""
    tree = folder / name
    for path, text in {**files, "DEBIAN/control": _control(name)}.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    made = folder / f"{name}_1_all.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", str(tree), str(made)], check=True, capture_output=True)
    return made


def _control(name: str) -> str:
    return (
        f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: none\n"
    )


def test_what_was_fetched_needs_no_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(debian.MIRROR_VARIABLE, NOWHERE)
    (deb,) = debian.fetch("armhf", "bookworm", ["libmd0"], cache, dependencies=False)
    assert deb.name.startswith("libmd0_")
    assert deb.name.endswith("_armhf.deb")


def test_a_spoilt_package_is_fetched_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (deb,) = debian.fetch("armhf", "bookworm", ["libmd0"], cache, dependencies=False)
    whole = digest(deb)
    deb.write_bytes(deb.read_bytes()[:-1] + b"x")
    with monkeypatch.context() as away:
        away.setenv(debian.MIRROR_VARIABLE, NOWHERE)
        with pytest.raises(BoardError, match=f"is {NOWHERE} reached from here"):
            debian.fetch("armhf", "bookworm", ["libmd0"], cache, dependencies=False)
    assert debian.fetch("armhf", "bookworm", ["libmd0"], cache, dependencies=False) == (deb,)
    assert digest(deb) == whole


def test_dependencies_come_first_and_scripts_tools_are_left_out(cache: Path) -> None:
    names = [deb.name.partition("_")[0] for deb in debian.fetch("armhf", "bookworm", ["libssl3"], cache)]
    assert names.index("libc6") < names.index("libssl3")
    assert not {"debconf", "perl-base", "dpkg"} & set(names)


def test_a_root_is_made_once_and_told(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = cache / "roots" / ".partial-armhf-bookworm-0123-dead"
    left.mkdir(parents=True)
    root = debian.make_root("armhf", "bookworm", ["libmd0"], cache)
    assert (root / "lib").is_symlink()
    assert list((root / "usr/lib/arm-linux-gnueabihf").glob("libmd.so.0*"))
    assert not (root / "usr/share/doc").exists()
    assert not left.exists()
    assert set(debian.manifest(root)) >= {deb.name for deb in debian.fetch("armhf", "bookworm", ["libmd0"], cache)}
    assert all(len(sha) == 64 for sha in debian.manifest(root).values())
    monkeypatch.setenv(debian.MIRROR_VARIABLE, NOWHERE)
    before = root.stat().st_ino
    assert debian.make_root("armhf", "bookworm", ["libmd0"], cache) == root
    assert root.stat().st_ino == before


def test_an_interrupted_root_is_no_root(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(debian, "unpack", stop)
    before = set((cache / "roots").iterdir())
    with pytest.raises(KeyboardInterrupt):
        debian.make_root("armhf", "bookworm", ["libmd0"], cache, exclude=["./etc"])
    assert set((cache / "roots").iterdir()) == before


def test_unpacking_keeps_the_merged_folders_and_leaves_out_what_is_not_read(tmp_path: Path) -> None:
    root = tmp_path / "root"
    first = _deb(tmp_path, "first", {"lib/one": "1", "bin/two": "2", "usr/share/doc/first/x": "x"})
    second = _deb(tmp_path, "second", {"usr/lib/three": "3", "usr/share/mandolin": "kept"})
    debian.unpack([first, second], root)
    assert (root / "lib").is_symlink()
    assert {path.name for path in (root / "usr/lib").iterdir()} == {"one", "three"}
    assert (root / "usr/bin/two").read_text() == "2"
    assert not (root / "usr/share/doc").exists()
    assert (root / "usr/share/mandolin").read_text() == "kept"


def test_a_package_that_is_none(tmp_path: Path) -> None:
    deb = tmp_path / "x_1_all.deb"
    deb.write_text("no archive")
    with pytest.raises(BoardError, match=r"x_1_all.deb: cannot be unpacked \("):
        debian.unpack([deb], tmp_path / "root")


@pytest.mark.parametrize(
    ("architecture", "suite", "package", "told"),
    [
        ("armhf", "bookworm", "no-such-package", "Debian bookworm for armhf: no package 'no-such-package'"),
        ("armhf", "nosuite", "libmd0", "has no suite 'nosuite'"),
        ("mips", "bookworm", "libmd0", "not an architecture of ours; accepted: arm64, armhf, armel"),
    ],
)
def test_what_cannot_be_had_is_told(cache: Path, architecture: str, suite: str, package: str, told: str) -> None:
    with pytest.raises(BoardError) as caught:
        debian.fetch(architecture, suite, [package], cache)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_index_that_is_not_signed_by_debian_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = tmp_path / "keyring.gpg"
    keyring.write_bytes(b"")
    monkeypatch.setattr(debian, "_KEYRING", keyring)
    with pytest.raises(BoardError, match="next: update the package debian-archive-keyring"):
        debian.fetch("armhf", "bookworm", ["libmd0"], tmp_path / "cache")


def test_a_missing_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "_KEYRING", tmp_path / "none.gpg")
    with pytest.raises(BoardError, match="keyring is missing; next: install debian-archive-keyring"):
        debian.fetch("armhf", "bookworm", ["libmd0"], tmp_path)


def test_missing_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BoardError, match=r"apt-get is not installed here; next: install apt"):
        debian.fetch("armhf", "bookworm", ["libmd0"], tmp_path)
    with pytest.raises(BoardError, match=r"dpkg-deb is not installed here; next: install dpkg"):
        debian.unpack([tmp_path / "x.deb"], tmp_path / "root")


def test_a_lock_held_by_another_has_an_end(tmp_path: Path) -> None:
    with (
        debian._locked(tmp_path, "armhf-bookworm", 0.0),
        pytest.raises(BoardError, match="another process has been making armhf-bookworm"),
    ):
        debian.fetch("armhf", "bookworm", ["libmd0"], tmp_path, deadline=0.5)


@pytest.mark.parametrize(
    ("told", "mirror"),
    [
        ("Packages main Debian http://near/debian/\n", "http://near/debian"),
        ("Packages main $(ORIGIN) http://near/debian/\n", "http://near/debian"),
        ("Packages contrib Debian http://a/debian/\nPackages main Debian http://b/debian/\n", "http://b/debian"),
    ],
)
def test_the_mirror_is_the_hosts_own(monkeypatch: pytest.MonkeyPatch, told: str, mirror: str) -> None:
    monkeypatch.delenv(debian.MIRROR_VARIABLE, raising=False)
    monkeypatch.setattr(debian, "_tell", lambda _: told)
    assert debian.mirror() == mirror
    monkeypatch.setenv(debian.MIRROR_VARIABLE, "http://mine/")
    assert debian.mirror() == "http://mine"


@pytest.mark.parametrize(
    "told",
    ["", "Packages main Debian http://near/debian-security/\n", "Packages main Ubuntu http://near/ubuntu/\n"],
)
def test_without_a_mirror_of_debian_one_must_be_named(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    monkeypatch.delenv(debian.MIRROR_VARIABLE, raising=False)
    monkeypatch.setattr(debian, "_tell", lambda _: told)
    with pytest.raises(BoardError, match=f"knows no mirror of Debian; next: name one .* in {debian.MIRROR_VARIABLE}"):
        debian.mirror()
