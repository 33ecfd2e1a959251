"""Where a repository is read from: a web server (`fetch.Http`) or a folder that was pushed (`inbox.Inbox`).

Neither is trusted: what comes is bounded here and verified by TUF.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import TypeAlias

from tuf.api.exceptions import DownloadLengthMismatchError
from tuf.ngclient import FetcherInterface

__all__ = ["Pieces", "Source"]

Pieces: TypeAlias = Generator[bytes, None, None]
"""To be closed by whoever does not read to the end: a connection and its watch hang on it."""


class Source(FetcherInterface):
    """base: what the addresses of metadata/ and targets/ begin with. where: how people call it.

    requests, bytes: so far.
    """

    def __init__(self, base: str, where: str = "") -> None:
        self.base = base.rstrip("/")
        self.where = where or self.base
        self.requests = 0
        self.bytes = 0

    @property
    def metadata(self) -> str:
        return f"{self.base}/metadata/"

    @property
    def targets(self) -> str:
        return f"{self.base}/targets/"

    @abstractmethod
    def open(self, url: str, start: int = 0) -> tuple[int, Pieces]:
        """Where the pieces begin (`start`, or 0 where the source cannot go on from there), and the pieces.

        Raises tuf's DownloadHTTPError for what the server answers with an error (404 for what is not there), and
        Refused, here or while the pieces are read: "unreachable", "slow", "not allowed", "encoding".
        """

    def _fetch(self, url: str) -> Iterator[bytes]:
        return self.open(url)[1]

    def fetch(self, url: str) -> Iterator[bytes]:
        """Unlike the interface's own, it lets Refused through as it is."""
        return self._fetch(url)

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """In memory, and no byte more than max_length: tuf's own goes through a file in the system's temporary folder.

        Raises as `open`, and tuf's DownloadLengthMismatchError.
        """
        got = bytearray()
        with closing(self.open(url)[1]) as pieces:
            for piece in pieces:
                got += piece
                if len(got) > max_length:
                    raise DownloadLengthMismatchError(f"more than the {max_length} bytes that are accepted")
        return bytes(got)
