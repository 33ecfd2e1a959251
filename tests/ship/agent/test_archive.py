"""What is packed is unpacked bit for bit; everything else is refused before a byte is written."""

from __future__ import annotations

import errno
import io
import os
import random
import shutil
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sepia.ship.agent import archive
from sepia.ship.agent.archive import Limits, check, digest, pack, unpack, verify
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.manifest import write_manifest
from sepia.ship.agent.ustar import BLOCK, END, header, padding
from support.made_bundles import CONTENTS, NETWORK, make_archive, manifest_for
from support.odd_archives import ESCAPED, ODD, write_odd_archive
from support.small_bundles import make_small_bundle

NATIVE = {"runtime": "native", "target": "pizero-bookworm32-native-t1", "threads": 1, "program": NETWORK}

names = st.lists(st.from_regex(r"[A-Za-z0-9_][a-z0-9._+-]{0,12}", fullmatch=True), min_size=1, max_size=3)
contents = st.dictionaries(names.map("/".join), st.binary(max_size=1100), max_size=6)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "lite0.sepia"
    make_archive(path)
    return path


def _refused(path: Path, folder: Path, limits: Limits = archive.LIMITS) -> Refused:
    """By `check` and by `unpack` alike; nothing is left of either."""
    before = sorted(folder.parent.rglob("*"))
    with pytest.raises(Refused) as checked:
        check(path, limits)
    with pytest.raises(Refused) as unpacked:
        unpack(path, folder, limits)
    assert str(checked.value) == str(unpacked.value)
    assert sorted(folder.parent.rglob("*")) == before
    return checked.value


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents)
def test_packed_and_unpacked_it_is_the_same(tmp_path_factory: pytest.TempPathFactory, found: dict[str, bytes]) -> None:
    place = tmp_path_factory.mktemp("trip")
    found[NETWORK] = b"net"
    try:
        manifest = make_archive(place / "x.sepia", found)
    except Refused as refused:  # two names in one place
        assert refused.kind == "archive"
        return
    assert check(place / "x.sepia") == manifest
    assert unpack(place / "x.sepia", place / "folder") == manifest == verify(place / "folder")
    assert {name: (place / "folder" / name).read_bytes() for name in found} == found
    sha256 = pack(manifest, place / "folder", place / "again.sepia")
    assert (place / "again.sepia").read_bytes() == (place / "x.sepia").read_bytes()
    assert digest(place / "folder") == sha256


def test_tar_reads_it_and_makes_the_same(bundle: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    subprocess.run(["tar", "-xf", bundle, "-C", place], check=True, capture_output=True)
    assert {name: (place / name).read_bytes() for name in CONTENTS} == CONTENTS
    plain = ["--format=ustar", "-b1", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0", "--mode=0644"]
    order = ["manifest.json", *sorted(CONTENTS)]
    subprocess.run(["tar", *plain, "-cf", tmp_path / "theirs", "-C", place, *order], check=True, capture_output=True)
    assert (tmp_path / "theirs").read_bytes() == bundle.read_bytes()


def test_a_program_alone_is_executable_whatever_the_umask(tmp_path: Path) -> None:
    bundle = make_small_bundle(tmp_path, "1.0.0")
    old = os.umask(0o077)
    try:
        unpack(bundle.path, tmp_path / "folder")
    finally:
        os.umask(old)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "folder").rglob("*.*")}
    assert stat.S_IMODE((tmp_path / "folder" / "network").stat().st_mode) == 0o755
    assert set(modes.values()) == {0o644}


# --- changed, cut, longer -----------------------------------------------------------------------------------------


def test_any_changed_byte_is_refused(bundle: Path, tmp_path: Path) -> None:
    """But for what a manifest may say; of that the digest of the whole file tells, and the repository signs that."""
    good = bundle.read_bytes()
    manifest = len(write_manifest(manifest_for(CONTENTS)))
    free = range(BLOCK, BLOCK + manifest)
    changed = tmp_path / "changed.sepia"
    for place in set(range(0, len(good), 5)) - set(free):
        changed.write_bytes(good[:place] + bytes([good[place] ^ 0x10]) + good[place + 1 :])
        with pytest.raises(Refused):
            check(changed)


@pytest.mark.parametrize("left", [0, 1, 511, 512, 700, 1024, 1600, 3000])
def test_a_file_that_is_cut_short_is_refused(bundle: Path, tmp_path: Path, left: int) -> None:
    with bundle.open("r+b") as file:
        file.truncate(left)
    refused = _refused(bundle, tmp_path / "folder")
    assert refused.kind == "archive" and ("cut short" in refused.what or "ends before" in refused.what)


@pytest.mark.parametrize("missing", [1, 512, 1024])
def test_an_end_that_is_cut_short_is_refused(bundle: Path, tmp_path: Path, missing: int) -> None:
    with bundle.open("r+b") as file:
        file.truncate(bundle.stat().st_size - missing)
    assert "cut short at its end" in _refused(bundle, tmp_path / "folder").what


@pytest.mark.parametrize("more", [b"\0", bytes(512), b"x" * 600, bytes(10240 - 1024)])
def test_bytes_after_the_end_are_refused(bundle: Path, tmp_path: Path, more: bytes) -> None:
    with bundle.open("ab") as file:
        file.write(more)
    assert f"{len(more)} bytes more than its manifest says" in _refused(bundle, tmp_path / "folder").what


def test_a_wrong_content_is_refused_and_what_was_unpacked_removed(bundle: Path, tmp_path: Path) -> None:
    good = bundle.read_bytes()
    assert good.count(b"TFL3TFL3") > 0
    bundle.write_bytes(good.replace(b"TFL3TFL3", b"TFL3TFL4", 1))
    refused = _refused(bundle, tmp_path / "folder")
    assert NETWORK in refused.what and refused.kind == "digest"


# --- archives that mean harm --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_archive_is_refused_with_its_name_and_reason(kind: str, tmp_path: Path) -> None:
    odd = write_odd_archive(kind, make_small_bundle(tmp_path, "1.0.0"), tmp_path)
    refused = _refused(odd, tmp_path / "inner" / "folder")
    assert refused.kind in ("archive", "limit")
    assert str(refused).isprintable()
    assert not Path("/tmp", ESCAPED).exists() and not list(tmp_path.rglob(ESCAPED))


def _raw(path: Path, blocks: list[bytes], contents: dict[str, bytes] = CONTENTS) -> None:
    """An archive with this manifest, and `blocks` after it."""
    data = write_manifest(manifest_for(contents))
    head = header("manifest.json", len(data), 0o644) + data + bytes(padding(len(data)))
    path.write_bytes(head + b"".join(blocks))


def _entry(name: str, data: bytes, **changes: object) -> bytes:
    """As `tarfile` writes it, with GNU tar's zeros for the device numbers, which Pythons do not agree on."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in changes.items():
        setattr(info, key, value)
    block = info.tobuf(tarfile.USTAR_FORMAT)
    block = block[:148] + b" " * 8 + block[156:329] + b"0000000\0" * 2 + block[345:]
    return block[:148] + b"%06o\0 " % sum(block) + block[156:] + data + bytes(padding(len(data)))


def _entries(**instead: bytes) -> list[bytes]:
    return [*(instead.get(name) or _entry(name, data) for name, data in sorted(CONTENTS.items())), END]


@pytest.mark.parametrize(
    ("blocks", "told"),
    [
        (_entries()[1:], "'labels.txt' is in the place of 'golden/inputs.npz'"),
        (_entries()[1::-1] + _entries()[2:], "'labels.txt' is in the place of 'golden/inputs.npz'"),
        (_entries()[:1] + _entries(), "'golden/inputs.npz' is in the place of 'labels.txt'"),
        ([*_entries()[:-2], END], "ends before 'z-empty'"),
        (_entries(**{"labels.txt": _entry("labels.txt", b"tenches\n")}), "has 8 bytes, its manifest says 6"),
        (_entries(**{"labels.txt": _entry("labels.txt", b"tench\n", mode=0o755)}), "has mode 0755"),
        (_entries(**{"labels.txt": _entry("labels.txt", b"tench\n", mtime=1)}), "says more than name, size and mode"),
        (_entries(**{"labels.txt": _entry("labels.txt", b"tench\n", uname="root")}), "says more than"),
        (_entries(**{"z-empty": _entry("z-empty", b"", type=tarfile.DIRTYPE)}), "is a folder"),
        ([*_entries()[:-1], _entry("zz", b"more"), END], "'zz' is not in it"),
        ([*_entries()[:-1], _entry("labels.txt", b"other\n"), END], "'labels.txt' is not in it"),
        ([*_entries()[:-1], b"\1" * 1024], "does not end with zeros"),
    ],
    ids=range(12),
)
def test_entries_other_than_the_manifests_are_refused(blocks: list[bytes], told: str, tmp_path: Path) -> None:
    _raw(tmp_path / "x.sepia", blocks)
    assert told in str(_refused(tmp_path / "x.sepia", tmp_path / "folder"))


def test_these_entries_unchanged_are_accepted(tmp_path: Path) -> None:
    """So that the refusals above are of what each of them changes."""
    _raw(tmp_path / "x.sepia", _entries())
    check(tmp_path / "x.sepia")


def test_a_manifest_that_is_not_first_or_not_there_is_refused(tmp_path: Path) -> None:
    for data in (b"", b"\0" * 2048, b"PK\3\4" * 512, _entry("labels.txt", b"tench\n") + END):
        (tmp_path / "x.sepia").write_bytes(data)
        assert _refused(tmp_path / "x.sepia", tmp_path / "folder").kind == "archive"


def test_a_tar_that_is_compressed_is_refused(bundle: Path, tmp_path: Path) -> None:
    subprocess.run(["gzip", "-k", bundle], check=True)
    assert "manifest.json" in _refused(bundle.with_name("lite0.sepia.gz"), tmp_path / "folder").what


# --- limits, before anything --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (Limits(files=3), "4 files; at most 3"),
        (Limits(bytes=1573), "1574 bytes; at most 1573"),
        (Limits(path=16), "17 characters in a name; at most 16"),
    ],
)
def test_limits_are_kept_to(bundle: Path, tmp_path: Path, limits: Limits, told: str) -> None:
    refused = _refused(bundle, tmp_path / "folder", limits)
    assert told in refused.what and refused.kind == "limit"
    with pytest.raises(Refused, match=told):
        pack(manifest_for(CONTENTS), lambda name: io.BytesIO(CONTENTS[name]), tmp_path / "y.sepia", limits)
    assert not (tmp_path / "y.sepia").exists()


def test_limits_that_fit_exactly_do(bundle: Path) -> None:
    check(bundle, Limits(files=4, bytes=1574, path=17))


def test_a_huge_file_is_refused_by_its_length(tmp_path: Path) -> None:
    make_archive(tmp_path / "x.sepia")
    with (tmp_path / "x.sepia").open("r+b") as file:
        file.truncate(10 << 30)
    refused = _refused(tmp_path / "x.sepia", tmp_path / "folder")
    assert refused.kind == "limit" and str(10 << 30) in refused.what


def test_a_manifest_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "x.sepia").write_bytes(header("manifest.json", 1 << 29, 0o644))
    assert _refused(tmp_path / "x.sepia", tmp_path / "folder").kind == "limit"


# --- the disk -----------------------------------------------------------------------------------------------------


def test_a_folder_that_is_there_is_left_alone(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").write_text("x")
    with pytest.raises(Refused, match="File exists") as caught:
        unpack(bundle, tmp_path / "folder")
    assert caught.value.kind == "disk"
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["mine"]


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "x.sepia").write_text("mine")
    with pytest.raises(Refused, match="File exists"):
        make_archive(tmp_path / "x.sepia")
    assert (tmp_path / "x.sepia").read_text() == "mine"


def test_without_room_nothing_is_begun(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(tmp_path)
    full = os.statvfs_result((real.f_bsize, 1, real.f_blocks, 1573, 1573, *tuple(real)[5:]))
    monkeypatch.setattr(os, "statvfs", lambda path: full)
    with pytest.raises(Refused, match="needs 1574 bytes, 1573 are free") as caught:
        unpack(bundle, tmp_path / "folder")
    assert caught.value.kind == "disk" and not (tmp_path / "folder").exists()


@pytest.mark.parametrize("call", range(6))
def test_a_disk_that_fills_up_leaves_nothing(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    real, calls = os.fsync, iter(range(100))

    def fsync(descriptor: int) -> None:
        if next(calls) == call:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(Refused, match="No space left") as caught:
        unpack(bundle, tmp_path / "folder")
    assert caught.value.kind == "disk" and caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["lite0.sepia"]


def test_files_are_durable_before_folders_and_those_before_their_name(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").resolve().relative_to(tmp_path)))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    unpack(bundle, tmp_path / "folder")
    files = [f"folder/{name}" for name in ("manifest.json", *sorted(CONTENTS))]
    assert synced == [*files, "folder/golden", "folder", "."]


# --- unpacked -----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(bundle: Path, tmp_path: Path) -> Path:
    unpack(bundle, tmp_path / "folder")
    return tmp_path / "folder"


def _changes(folder: Path) -> Iterator[tuple[str, object]]:
    yield "is not what its manifest says", lambda: (folder / "labels.txt").write_bytes(b"trout\n")
    yield "has 7 bytes, its manifest says 6", lambda: (folder / "labels.txt").write_bytes(b"tench\n\n")
    yield "'labels.txt' is not there", lambda: (folder / "labels.txt").unlink()
    yield "'more' is not in the manifest", lambda: (folder / "more").write_bytes(b"")
    yield "'golden/.hidden' is not in the manifest", lambda: (folder / "golden/.hidden").write_bytes(b"")
    yield "'empty' is not in the manifest", lambda: (folder / "empty").mkdir()
    yield "'link' is no regular file", lambda: (folder / "link").symlink_to("labels.txt")
    yield "'golden' is no regular file", lambda: _relink(folder / "golden")
    yield "'labels.txt' is no regular file", lambda: _relink(folder / "labels.txt")
    yield "'pipe' is no regular file", lambda: os.mkfifo(folder / "pipe")
    yield "has no manifest.json", lambda: (folder / "manifest.json").unlink()
    yield "is no JSON", lambda: (folder / "manifest.json").write_bytes(b"")


def _relink(path: Path) -> None:
    """The same content, through a symlink."""
    away = path.parent.parent / f"away-{path.name}"
    shutil.move(path, away)
    path.symlink_to(away)


@pytest.mark.parametrize("number", range(12))
def test_an_unpacked_folder_that_was_changed_is_refused(folder: Path, number: int) -> None:
    verify(folder)
    told, change = list(_changes(folder))[number]
    change()  # type: ignore[operator]
    with pytest.raises(Refused) as caught:
        verify(folder)
    assert told in str(caught.value)
    with pytest.raises(Refused):
        digest(folder)


def test_a_program_that_may_not_be_executed_is_refused(tmp_path: Path) -> None:
    unpack(make_small_bundle(tmp_path, "1.0.0").path, tmp_path / "folder")
    (tmp_path / "folder" / "network").chmod(0o644)
    with pytest.raises(Refused, match="the program 'network' may not be executed"):
        verify(tmp_path / "folder")


def test_a_manifest_that_was_changed_is_told_by_the_digest(folder: Path, bundle: Path) -> None:
    before = digest(folder)
    text = (folder / "manifest.json").read_bytes()
    (folder / "manifest.json").write_bytes(text.replace(b'"p50_ms":12.5', b'"p50_ms":99.5'))
    verify(folder)
    assert digest(folder) != before


@pytest.mark.parametrize("data", [b"tench", b"tench\n\n", b"trout\n"])
def test_a_file_that_is_not_the_manifests_is_not_packed(tmp_path: Path, data: bytes) -> None:
    manifest = manifest_for(CONTENTS)
    found = {**CONTENTS, "labels.txt": data}
    with pytest.raises(Refused, match=r"labels\.txt") as caught:
        pack(manifest, lambda name: io.BytesIO(found[name]), tmp_path / "x.sepia")
    assert caught.value.kind == "digest" and list(tmp_path.iterdir()) == []


# --- memory -------------------------------------------------------------------------------------------------------

_LARGE = """
import sys

def peak_kib():
    # Not ru_maxrss: a child begins with its parent's.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

from pathlib import Path
from sepia.ship.agent.archive import check, digest, unpack
before = peak_kib()
unpack(Path(sys.argv[1]), Path(sys.argv[2])); digest(Path(sys.argv[2]))
print(peak_kib() - before)
"""


def test_memory_does_not_grow_with_the_bundle(tmp_path: Path) -> None:
    make_archive(tmp_path / "x.sepia", {NETWORK: random.Random(0).randbytes(24 << 20)})
    words = [sys.executable, "-c", _LARGE, str(tmp_path / "x.sepia"), str(tmp_path / "folder")]
    ran = subprocess.run(words, capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 6 * 1024
