from __future__ import annotations

import os
from pathlib import Path

import pytest
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.fetch import Inbox
from tuf.api.exceptions import DownloadHTTPError, DownloadLengthMismatchError


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    for name in ("metadata", "targets/lite0/stable"):
        (tmp_path / "inbox" / name).mkdir(parents=True)
    (tmp_path / "inbox/metadata/timestamp.json").write_bytes(b"0123456789")
    (tmp_path / "secret").write_bytes(b"of another folder")
    return Inbox(tmp_path / "inbox")


def test_what_was_pushed_is_read_and_counted(inbox: Inbox) -> None:
    assert inbox.download_bytes(f"{inbox.metadata}timestamp.json", 10) == b"0123456789"
    start, pieces = inbox.open(f"{inbox.metadata}timestamp.json", 4)
    assert (start, b"".join(pieces)) == (4, b"456789")
    assert (inbox.requests, inbox.bytes) == (2, 16)


def test_no_more_is_read_than_is_accepted(inbox: Inbox) -> None:
    with pytest.raises(DownloadLengthMismatchError, match="more than the 9 bytes"):
        inbox.download_bytes(f"{inbox.metadata}timestamp.json", 9)


def test_what_was_not_pushed_is_missing_as_on_a_server(inbox: Inbox) -> None:
    with pytest.raises(DownloadHTTPError) as error:
        inbox.open(f"{inbox.metadata}2.root.json")
    assert error.value.status_code == 404


@pytest.mark.parametrize(
    "path", ["../secret", "metadata/../../secret", "%2e%2e/secret", "metadata//x", "", "a%00b", "/x"]
)
def test_nothing_outside_the_folder_is_read(inbox: Inbox, path: str) -> None:
    with pytest.raises(Refused, match="leads outside the folder") as refused:
        inbox.open(f"{inbox.base}/{path}")
    assert refused.value.kind == "not allowed"


@pytest.mark.parametrize("link", ["metadata/timestamp.json", "targets/lite0", "metadata", ""])
def test_a_symlink_anywhere_is_refused(inbox: Inbox, tmp_path: Path, link: str) -> None:
    """Though what it leads to is right: who can change the target later could change what was verified."""
    place = inbox.folder / link if link else inbox.folder
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    file = "targets/lite0/stable/x" if "targets" in link else "metadata/timestamp.json"
    with pytest.raises(Refused, match="is a symlink, or lies behind one") as refused:
        inbox.open(f"{inbox.base}/{file}")
    assert refused.value.kind == "not allowed"


def test_a_pipe_is_refused_and_not_waited_for(inbox: Inbox) -> None:
    os.mkfifo(inbox.folder / "metadata" / "pipe")
    with pytest.raises(Refused, match="no regular file"):
        inbox.open(f"{inbox.metadata}pipe")


def test_refusals_leave_no_file_open(inbox: Inbox) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in ("metadata", "targets/lite0", "metadata/none", "none/none"):
        with pytest.raises((Refused, DownloadHTTPError)):
            inbox.open(f"{inbox.base}/{path}")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
