"""A repository on a static web server: each request bounded in time, rate, redirects and what it may lead to.

Proxies as the environment says (`http_proxy`, `https_proxy`, `no_proxy`), TLS by the system's own store. The server is
not trusted for anything but to answer: what it sends is verified by TUF, over http:// as well.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from tuf.api.exceptions import DownloadHTTPError
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError, SSLError

from .errors import Refused
from .inbox import Inbox
from .source import Pieces, Source
from .watch import Watch

__all__ = ["Http", "Inbox"]

AGENT = "sepia-agent"
"""User-Agent."""
REDIRECTS = 3
_PIECE = 1 << 16
_MOVED = frozenset({301, 302, 303, 307, 308})
_OBJECT = re.compile(r"^\w+\(host=[^)]*\): ")
"""What urllib3 calls its own connection, before it says what is wrong."""


class Http(Source):
    """url: of the folder with metadata/ and targets/.

    deadline_s: seconds of waiting for everything that is fetched with it. least_bytes_per_s: over each window_s seconds
    of waiting; an answer's head must come within one. connect_s: for the connection.
    """

    def __init__(
        self,
        url: str,
        *,
        deadline_s: float = 3600.0,
        least_bytes_per_s: float = 512.0,
        window_s: float = 20.0,
        connect_s: float = 20.0,
    ) -> None:
        super().__init__(url)
        parts = _split(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise Refused(url[:200], "is no address of a repository", kind="config", hint="http://… or https://…")
        if "@" in parts.netloc:
            raise Refused(parts.hostname, "its address holds a password", kind="config", hint="leave it out")
        self._watch = Watch(deadline_s, least_bytes_per_s, window_s)
        self._timeout = urllib3.Timeout(connect=connect_s, read=2 * window_s)
        self._pools: dict[str, urllib3.PoolManager] = {}

    def close(self) -> None:
        for pool in self._pools.values():
            pool.clear()
        self._pools.clear()
        self._watch.release()

    def open(self, url: str, start: int = 0) -> tuple[int, Pieces]:
        with self._told(url), self._watch.transfer():
            response = self._answer(url, start)
        if response.status >= 400:
            response.close()
            raise DownloadHTTPError(f"answered {response.status} {response.reason or ''}".strip(), response.status)
        return self._began(response, url, start), self._pieces(response, url)

    def _answer(self, url: str, start: int) -> urllib3.BaseHTTPResponse:
        """After redirects, none of which may lead to another host."""
        for _ in range(REDIRECTS + 1):
            response = self._request(url, start)
            if response.status not in _MOVED:
                return response
            to = urljoin(url, response.headers.get("Location", ""))
            response.close()
            _refuse_elsewhere(url, to)
            url = to
        raise Refused(url, f"redirects more than {REDIRECTS} times", kind="not allowed")

    def _request(self, url: str, start: int) -> urllib3.BaseHTTPResponse:
        headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        self.requests += 1
        with self._watch.waiting():
            return self._pool(url).request(
                "GET",
                url,
                headers=headers,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=self._timeout,
            )

    def _pieces(self, response: urllib3.BaseHTTPResponse, url: str) -> Pieces:
        """As they come, and never decompressed."""
        try:
            with self._told(url), self._watch.transfer():
                while piece := self._piece(response):
                    yield piece
        finally:
            response.close()  # read to its end, it has given the connection back before

    def _piece(self, response: urllib3.BaseHTTPResponse) -> bytes:
        with self._watch.waiting():
            piece = response.read1(_PIECE, decode_content=False)
        self._watch.received(len(piece))
        self.bytes += len(piece)
        return piece

    def _began(self, response: urllib3.BaseHTTPResponse, url: str, start: int) -> int:
        coding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if coding not in ("", "identity"):
            response.close()
            raise Refused(url, f"was sent as {coding[:20]!a}, which was not asked for", kind="encoding")
        if response.status != 206:
            return 0
        if start and response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            return start
        response.close()
        raise Refused(url, "another part than the one asked for was sent", kind="unreachable")

    @contextmanager
    def _told(self, url: str) -> Iterator[None]:
        """What the network refuses, in one line."""
        try:
            yield
        except (HTTPError, OSError, ValueError) as error:
            if self._watch.reason:
                raise Refused(url, self._watch.reason, kind="slow", hint="is the link up?") from error
            raise _refused(url, error) from error

    def _pool(self, url: str) -> urllib3.PoolManager:
        scheme, proxy = urlsplit(url).scheme, _proxy(url)
        key = f"{scheme} {proxy}"
        if key not in self._pools:
            options: dict[str, Any] = {"maxsize": 1}
            if scheme == "https":
                options["ssl_context"] = ssl.create_default_context()
            pool = urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
            pool.pool_classes_by_scheme = _watched(self._watch)
            self._pools[key] = pool
        return self._pools[key]


def _watched(watch: Watch) -> dict[str, Any]:
    """urllib3's own pools, whose connections hand their socket to `watch` before a byte is read from it."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> Any:
            connected = super()._new_conn()
            watch.hold(connected)
            return connected

    class Secure(HTTPSConnection):
        def _new_conn(self) -> Any:
            connected = super()._new_conn()
            watch.hold(connected)
            return connected

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _proxy(url: str) -> str | None:
    parts = urlsplit(url)
    if not parts.hostname or proxy_bypass(parts.hostname):
        return None
    found = getproxies()
    return found.get(parts.scheme) or found.get("all")


def _split(url: str) -> Any:
    try:
        parts = urlsplit(url)
        _ = parts.port
        return parts
    except ValueError as error:
        raise Refused(url[:200], f"is no address ({error})", kind="config") from error


def _refuse_elsewhere(url: str, to: str) -> None:
    """Another port, user or host; http:// may lead to https:// of the same host, never back."""
    old, new = _split(url), _split(to)
    same = new.scheme == old.scheme and new.netloc == old.netloc
    safer = (old.scheme, new.scheme) == ("http", "https") and new.hostname == old.hostname
    if not same and not (safer and old.port in (None, 80) and new.port in (None, 443) and "@" not in new.netloc):
        raise Refused(url, f"redirects to {to[:200]!a}, another server", kind="not allowed")


def _refused(url: str, error: Exception) -> Refused:
    reason = _OBJECT.sub("", " ".join(str(getattr(error, "reason", None) or error).split()))[:200]
    if isinstance(error, SSLError):
        hint = "is this board's clock right, and does its store know who signed the certificate?"
        return Refused(url, f"TLS: {reason}", kind="unreachable", hint=hint)
    if isinstance(error, ReadTimeoutError):
        return Refused(url, f"no answer ({reason})", kind="slow", hint="is the link up?")
    hint = "is the address right, and the server up?" if isinstance(error, NewConnectionError) else ""
    return Refused(url, f"cannot be fetched ({reason})", kind="unreachable", hint=hint)
