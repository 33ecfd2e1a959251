"""A real web server on loopback that serves a folder, and answers some paths as an attacker or a bad link would.

    with AttackServer(repository) as server:
        server.answers["timestamp.json"] = endless
        Http(server.url)

A key of `answers` is a part of the path; the first that fits is called with the request and writes what it likes.
"""

from __future__ import annotations

import gzip
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

__all__ = [
    "Answer",
    "AttackServer",
    "compressed",
    "cut_once",
    "endless",
    "endless_head",
    "length_told",
    "redirected",
    "silent",
    "slow",
    "stalled",
    "status",
    "truncated",
]

_PIECE = bytes(1 << 16)
_BOMB = gzip.compress(bytes(16 << 20), 1)
_DRIP_S = 0.05
_LONGEST_S = 30.0
"""No answer goes on for longer, whatever the client does."""


class AttackServer:
    """folder: what is served; ranges are. asked: the path of each request, with its range; headers: of it.

    address: "0.0.0.0" where an emulated board is to reach it. connections: that were made. sent: bytes of bodies.
    """

    def __init__(self, folder: Path, *, ranges: bool = True, address: str = "127.0.0.1") -> None:
        self.folder, self.ranges = folder, ranges
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.sent = 0
        self.connections = 0
        self.over = threading.Event()
        self._scheme_and_host = "http://127.0.0.1"

        class Handler(_Handler):
            attack = self

        self._server = _Server((address, 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"{self._scheme_and_host}:{self.port}"

    def secure(self, context: ssl.SSLContext) -> None:
        """From now on by TLS, as https://localhost."""
        self._scheme_and_host = "https://localhost"
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is what is tried here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    attack: AttackServer

    def setup(self) -> None:
        super().setup()
        self.attack.connections += 1

    def do_GET(self) -> None:
        self.attack.asked.append((self.path, self.headers.get("Range", "")))
        self.attack.headers.append(dict(self.headers))
        answer = next((answer for part, answer in self.attack.answers.items() if part in self.path), serve)
        with suppress(BrokenPipeError, ConnectionResetError):
            answer(self)

    def file(self) -> Path | None:
        path = self.attack.folder / unquote(urlsplit(self.path).path).lstrip("/")
        return path if path.is_file() else None

    def data(self) -> bytes:
        path = self.file()
        return path.read_bytes() if path else b""

    def begin(self, code: int = 200, **headers: object) -> None:
        """headers: with _ for -."""
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()
        self.attack.sent += len(data)

    def drip(self, data: bytes) -> None:
        for number in range(len(data)):
            self.send(data[number : number + 1])
            if self.attack.over.wait(_DRIP_S):
                return

    def log_message(self, *arguments: Any) -> None:
        """Nothing."""


Answer = Callable[[_Handler], None]


def serve(to: _Handler) -> None:
    """As it should be."""
    path = to.file()
    if path is None:
        return status(404)(to)
    data, begun = path.read_bytes(), to.headers.get("Range", "")
    if begun and to.attack.ranges:
        start = int(begun.removeprefix("bytes=").removesuffix("-"))
        told = f"bytes {start}-{len(data) - 1}/{len(data)}"
        to.begin(206, Content_Length=len(data) - start, Content_Range=told)
        return to.send(data[start:])
    to.begin(200, Content_Length=len(data))
    return to.send(data)


def endless(to: _Handler) -> None:
    """Bytes without end, and no length told."""
    to.close_connection = True
    to.begin(200)
    to.send(to.data())
    while not to.attack.over.is_set() and to.attack.sent < 1 << 30:
        to.send(_PIECE)


def endless_head(to: _Handler) -> None:
    """A head that never ends, a byte at a time: no single read of the client takes long."""
    to.close_connection = True
    to.drip(b"HTTP/1.1 200 OK\r\nX-Filler: " + b"a" * int(_LONGEST_S / _DRIP_S))


def slow(to: _Handler) -> None:
    """The right bytes, 20 a second."""
    to.close_connection = True
    to.begin(200, Content_Length=len(to.data()))
    to.drip(to.data())


def silent(to: _Handler) -> None:
    """No answer, and the connection stays."""
    to.close_connection = True
    to.attack.over.wait(_LONGEST_S)


def stalled(to: _Handler) -> None:
    """Half of the file, then nothing, and the connection stays: a link that was cut."""
    to.close_connection = True
    to.begin(200, Content_Length=len(to.data()))
    to.send(to.data()[: len(to.data()) // 2])
    to.attack.over.wait(4 * _LONGEST_S)  # it is the client that must end it


def truncated(to: _Handler) -> None:
    """Half of the file, told as the whole: the client sees a clean end."""
    data = to.data()
    to.begin(200, Content_Length=len(data) // 2)
    to.send(data[: len(data) // 2])


def cut_once(at: int) -> Answer:
    """The connection ends after `at` bytes, the first time it is asked for from the beginning."""
    left = [1]

    def answer(to: _Handler) -> None:
        if not left or to.headers.get("Range"):
            return serve(to)
        left.pop()
        to.close_connection = True
        to.begin(200, Content_Length=len(to.data()))
        return to.send(to.data()[:at])

    return answer


def length_told(more: int) -> Answer:
    """A length that is not the body's, by `more` bytes."""

    def answer(to: _Handler) -> None:
        to.close_connection = True
        to.begin(200, Content_Length=len(to.data()) + more)
        to.send(to.data())

    return answer


def redirected(to_url: str) -> Answer:
    """%s in it is the path that was asked for."""

    def answer(to: _Handler) -> None:
        to.begin(302, Location=to_url.replace("%s", to.path), Content_Length=0)

    return answer


def status(code: int) -> Answer:
    def answer(to: _Handler) -> None:
        to.begin(code, Content_Length=0)

    return answer


def compressed(to: _Handler) -> None:
    """A gzip bomb of 16 MiB, though nobody asked for gzip."""
    to.begin(200, Content_Length=len(_BOMB), Content_Encoding="gzip")
    to.send(_BOMB)
