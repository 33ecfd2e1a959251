"""What bsdiff4 makes, the board's own code applies bit for bit; a patch that is spoilt or means harm is refused."""

from __future__ import annotations

import bz2
import random
import struct
import subprocess
import sys
from pathlib import Path

import bsdiff4
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.patch import apply

OLD = random.Random(0).randbytes(200_000)
NEW = OLD[:70_000] + b"inserted" * 20 + bytes((byte + 3) % 256 for byte in OLD[70_000:150_000]) + OLD[:30_000]
PATCH = bsdiff4.diff(OLD, NEW)


def _applied(folder: Path, old: bytes, patch: bytes, most_bytes: int) -> bytes:
    for name, data in (("old", old), ("patch", patch)):
        (folder / name).write_bytes(data)
    apply(folder / "old", folder / "patch", folder / "new", most_bytes=most_bytes)
    return (folder / "new").read_bytes()


def _refused(folder: Path, patch: bytes, *, old: bytes = OLD, most_bytes: int = len(NEW)) -> Refused:
    with pytest.raises(Refused) as caught:
        _applied(folder, old, patch, most_bytes)
    assert not (folder / "new").exists()
    return caught.value


def _made(*triples: tuple[int, int, int], added: bytes = b"", copied: bytes = b"", size: int) -> bytes:
    """A patch by hand. Numbers are sign and magnitude."""

    def number(value: int) -> bytes:
        return struct.pack("<Q", abs(value) | (1 << 63 if value < 0 else 0))

    steps = bz2.compress(b"".join(number(value) for triple in triples for value in triple))
    first, second = bz2.compress(added), bz2.compress(copied)
    return b"BSDIFF40" + number(len(steps)) + number(len(first)) + number(size) + steps + first + second


def test_it_gives_the_new_file(tmp_path: Path) -> None:
    assert _applied(tmp_path, OLD, PATCH, len(NEW)) == NEW


edits = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 300), st.binary(max_size=300)), max_size=6)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=5000), edits, st.integers(0, 255))
def test_it_does_what_bsdiff4_does(
    tmp_path_factory: pytest.TempPathFactory, old: bytes, edits: list[tuple[int, int, bytes]], shift: int
) -> None:
    new = bytes((byte + shift) % 256 for byte in old)
    for at, gone, come in edits:
        new = new[:at] + come + new[at + gone :]
    patch = bsdiff4.diff(old, new)
    assert _applied(tmp_path_factory.mktemp("trip"), old, patch, len(new)) == bsdiff4.patch(old, patch) == new


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 65_537, 131_072])
def test_every_pair_of_bytes_is_added_modulo_256_in_pieces_of_any_size(tmp_path: Path, size: int) -> None:
    every = bytes(range(256)) * 256
    added = b"".join(bytes([byte]) * 256 for byte in range(256))
    old, added = (every + every)[:size], (added + added[::-1])[:size]
    right = bytes((first + second) % 256 for first, second in zip(old, added, strict=True))
    assert _applied(tmp_path, old, _made((size, 0, 0), added=added, size=size), size) == right


def test_it_may_go_back_and_begin_elsewhere(tmp_path: Path) -> None:
    triples = ((0, 0, 4), (2, 1, -6), (4, 0, 0))
    made = _made(*triples, added=bytes(6), copied=b"-", size=7)
    assert _applied(tmp_path, b"abcdef", made, 7) == b"ef-abcd"


# --- refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [0, 7, 31, 32, 60, len(PATCH) // 2, len(PATCH) - 1])
def test_a_patch_that_is_cut_short_is_refused(tmp_path: Path, left: int) -> None:
    assert _refused(tmp_path, PATCH[:left]).kind == "patch"


def test_another_format_is_refused(tmp_path: Path) -> None:
    assert "is no BSDIFF40 file" in _refused(tmp_path, b"BSDIFF41" + PATCH[8:]).what


@settings(max_examples=80, deadline=None)
@given(st.integers(0, len(PATCH) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_gives_the_same(
    tmp_path_factory: pytest.TempPathFactory, place: int, change: int
) -> None:
    """Each stream has a checksum of its own; whatever else happened, the caller's digest would tell."""
    spoilt = PATCH[:place] + bytes([PATCH[place] ^ change]) + PATCH[place + 1 :]
    folder = tmp_path_factory.mktemp("spoilt")
    try:
        assert len(_applied(folder, OLD, spoilt, len(NEW))) <= len(NEW)
    except Refused as refused:
        assert refused.kind in ("patch", "limit")
        assert not (folder / "new").exists()


def test_bytes_after_the_last_stream_are_refused(tmp_path: Path) -> None:
    assert "belong to nothing" in _refused(tmp_path, PATCH + b"x").what
    assert "belong to nothing" in _refused(tmp_path, PATCH + bz2.compress(b"x")).what


@pytest.mark.parametrize(
    ("patch", "told"),
    [
        (_made((9, 0, 0), added=bytes(9), size=8), "makes more bytes than it says"),
        (_made((4, 9, 0), added=bytes(4), copied=bytes(9), size=8), "makes more bytes than it says"),
        (_made((-4, 12, 0), copied=bytes(12), size=8), "makes more bytes than it says"),
        (_made((12, -4, 0), added=bytes(12), size=8), "makes more bytes than it says"),
        (_made((1 << 62, 0, 0), size=8), "makes more bytes than it says"),
        (_made((8, 0, 0), added=bytes(8), size=-8), "is cut short"),
        (_made((0, 0, 0), (0, 0, 0), (8, 0, 0), added=bytes(8), size=8), "goes on without writing anything"),
        (_made(*[(0, 0, 1)] * 90_000, size=8), "goes on without writing anything"),
        (_made((4, 0, 0), added=bytes(4), size=8), "is cut short"),
        (_made((8, 0, 0), added=bytes(4), size=8), "is cut short"),
        (_made((0, 8, 0), copied=bytes(4), size=8), "is cut short"),
        (_made((8, 0, 0), added=bytes(9), size=8), "has more than its result needs"),
        (_made((0, 8, 0), copied=bytes(9), size=8), "has more than its result needs"),
        (_made((8, 0, 0), (0, 0, 0), added=bytes(8), size=8), "has more than its result needs"),
        (_made((0, 0, -1), (8, 0, 0), added=bytes(8), size=8), "is not for this base"),
        (_made((0, 0, len(OLD) - 7), (8, 0, 0), added=bytes(8), size=8), "is not for this base"),
        (_made((0, 0, 1 << 62), (8, 0, 0), added=bytes(8), size=8), "is not for this base"),
    ],
    ids=range(17),
)
def test_a_patch_that_means_harm_is_refused(tmp_path: Path, patch: bytes, told: str) -> None:
    refused = _refused(tmp_path, patch)
    assert told in refused.what and refused.kind == "patch"


def test_a_base_that_is_too_short_is_refused(tmp_path: Path) -> None:
    assert "is not for this base" in _refused(tmp_path, PATCH, old=OLD[:1000]).what


def test_a_result_that_is_larger_than_allowed_is_refused_unwritten(tmp_path: Path) -> None:
    refused = _refused(tmp_path, PATCH, most_bytes=len(NEW) - 1)
    assert refused.kind == "limit" and f"makes {len(NEW)} bytes" in refused.what
    bomb = _made((0, 10 << 30, 0), copied=bytes(1 << 20), size=10 << 30)
    assert _refused(tmp_path, bomb).kind == "limit"


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("mine")
    with pytest.raises(Refused, match="File exists") as caught:
        _applied(tmp_path, OLD, PATCH, len(NEW))
    assert caught.value.kind == "disk" and (tmp_path / "new").read_text() == "mine"


def test_a_base_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "patch").write_bytes(PATCH)
    with pytest.raises(Refused, match="old: No such file"):
        apply(tmp_path / "old", tmp_path / "patch", tmp_path / "new", most_bytes=len(NEW))


# --- memory -------------------------------------------------------------------------------------------------------

_LARGE = """
import sys

def peak_kib():
    # Not ru_maxrss: a child begins with its parent's.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

from pathlib import Path
from sepia.ship.agent.patch import apply
folder = Path(sys.argv[1])
before = peak_kib()
apply(folder / "old", folder / "patch", folder / "new", most_bytes=1 << 30)
print(peak_kib() - before)
"""


def test_memory_does_not_grow_with_the_files(tmp_path: Path) -> None:
    """A result of 48 MB, of zeros: three decompressors of 4 MB at most, and pieces."""
    size = 24 << 20
    (tmp_path / "old").write_bytes(bytes(size))
    (tmp_path / "patch").write_bytes(_made((size, size, 0), added=b"\1" * size, copied=bytes(size), size=2 * size))
    words = [sys.executable, "-c", _LARGE, str(tmp_path)]
    ran = subprocess.run(words, capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 18 * 1024
    assert (tmp_path / "new").stat().st_size == 2 * size
