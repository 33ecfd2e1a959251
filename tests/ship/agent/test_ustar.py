"""The header that we write is one that `tarfile` and tar read, and the only one that we accept."""

from __future__ import annotations

import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.ustar import BLOCK, header, padding, refuse_header

PATH, SIZE, MODE = "golden/inputs.npz", 768, 0o644
GOOD = header(PATH, SIZE, MODE)


def _checksummed(block: bytes) -> bytes:
    blank = block[:148] + b" " * 8 + block[156:]
    return blank[:148] + b"%06o\0 " % sum(blank) + blank[156:]


def _refused(block: bytes) -> str:
    with pytest.raises(Refused) as caught:
        refuse_header("x.sepia", block, PATH, SIZE, MODE)
    assert caught.value.kind == "archive"
    return str(caught.value)


@given(
    st.lists(st.from_regex(r"[a-z][a-z0-9.]{0,59}", fullmatch=True), min_size=1, max_size=4).map("/".join),
    st.integers(0, 8**11 - 1),
    st.sampled_from((0o644, 0o755)),
)
def test_tarfile_reads_it_and_writes_the_same(path: str, size: int, mode: int) -> None:
    try:
        block = header(path, size, mode)
    except Refused:
        assert len(path) > 155
        return
    found = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    assert (found.name, found.size, found.mode, found.mtime, found.uid, found.gid) == (path, size, mode, 0, 0, 0)
    assert found.isreg() and found.uname == "" and found.linkname == ""
    refuse_header("x", block, path, size, mode)


def test_the_longest_names_fit() -> None:
    header("a" * 155 + "/" + "b" * 100, 0, MODE)
    for path in ("b" * 101, "a" * 156 + "/" + "b" * 100):
        with pytest.raises(Refused, match="does not fit"):
            header(path, 0, MODE)


def test_a_size_beyond_the_format_is_refused() -> None:
    with pytest.raises(Refused, match="more than the archive's format can say"):
        header(PATH, 8**11, MODE)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (tarfile.SYMTYPE, "is a symbolic link"),
        (tarfile.LNKTYPE, "is a hard link"),
        (tarfile.CHRTYPE, "is a character device"),
        (tarfile.BLKTYPE, "is a block device"),
        (tarfile.FIFOTYPE, "is a named pipe"),
        (tarfile.DIRTYPE, "is a folder"),
        (tarfile.CONTTYPE, "is a contiguous file"),
        (tarfile.XHDTYPE, "pax"),
        (tarfile.XGLTYPE, "pax"),
        (tarfile.GNUTYPE_LONGNAME, "is a GNU long name"),
        (tarfile.GNUTYPE_LONGLINK, "is a GNU long link"),
        (tarfile.GNUTYPE_SPARSE, "is a sparse file"),
        (b"Z", "is of type"),
        (tarfile.AREGTYPE, "is of type"),
    ],
)
def test_another_kind_of_entry_is_named(kind: bytes, told: str) -> None:
    said = _refused(_checksummed(GOOD[:156] + kind + GOOD[157:]))
    assert told in said and "golden/inputs.npz" in said


@pytest.mark.parametrize(
    ("block", "told"),
    [
        (header("golden/inputs.npy", SIZE, MODE), "entry 'golden/inputs.npy' is in the place of 'golden/inputs.npz'"),
        (header(PATH, SIZE + 1, MODE), "has 769 bytes, its manifest says 768"),
        (header(PATH, SIZE, 0o4755), "has mode 4755, 0644 is accepted"),
        (bytes(BLOCK), "ends before 'golden/inputs.npz'"),
        (GOOD[:100], "ends before 'golden/inputs.npz'"),
        (b"\1" * BLOCK, "no header in the place of 'golden/inputs.npz'"),
        (_checksummed(GOOD[:124] + b"\x80" + bytes(10) + b"\1" + GOOD[136:]), "has its size in base-256"),
        (_checksummed(GOOD[:136] + b"\xff" * 12 + GOOD[148:]), "has its mtime in base-256"),
        (_checksummed(GOOD[:108] + b"\x80" + GOOD[109:]), "has its uid in base-256"),
        (_checksummed(GOOD[:136] + b"00000000001\0" + GOOD[148:]), "says more than name, size and mode"),
        (_checksummed(GOOD[:265] + b"root" + GOOD[269:]), "says more than name, size and mode"),
        (_checksummed(GOOD[:157] + b"/etc/passwd" + GOOD[168:]), "says more than name, size and mode"),
        (_checksummed(GOOD[:257] + b"ustar  \0" + GOOD[265:]), "says more than name, size and mode"),
        (_checksummed(GOOD[:511] + b"\1"), "says more than name, size and mode"),
    ],
    ids=range(14),
)
def test_another_header_is_refused_with_the_difference(block: bytes, told: str) -> None:
    assert told in _refused(block)


@given(st.integers(0, BLOCK - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused(place: int, change: int) -> None:
    _refused(GOOD[:place] + bytes([GOOD[place] ^ change]) + GOOD[place + 1 :])


def test_a_name_that_plays_with_the_terminal_is_told_in_ascii() -> None:
    said = _refused(_checksummed(b"\x1b[2J\xff" + GOOD[5:]))
    assert said.isascii() and said.isprintable()


@pytest.mark.parametrize(("size", "zeros"), [(0, 0), (1, 511), (511, 1), (512, 0), (513, 511)])
def test_padding_fills_a_block(size: int, zeros: int) -> None:
    assert padding(size) == zeros
