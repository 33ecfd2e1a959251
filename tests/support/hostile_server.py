"""A web server that means harm, or a link that does: it serves a folder, and some paths in its own way.

"endless"   bytes without end, with no length told
"slow"      a byte a second
"cut"       half of the file, then silence with the connection open
"garbage"   something that is no answer of HTTP
"loop"      moved, to itself
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["HostileServer"]

_PIECE = bytes(1 << 16)


class HostileServer:
    """root: what is served. ways: part of a path → how it is answered. `sent` counts the bytes of bodies."""

    def __init__(self, root: Path, ways: Mapping[str, str]) -> None:
        self.root, self.ways = root, dict(ways)
        self.sent = 0
        self.asked = threading.Event()
        """Set once a path with a way of its own was asked for."""
        self.over = threading.Event()

        class Handler(_Handler):
            hostile = self

        self._server = ThreadingHTTPServer(("0.0.0.0", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

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


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hostile: HostileServer

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, directory=str(self.hostile.root), **options)

    def do_GET(self) -> None:
        way = next((way for part, way in self.hostile.ways.items() if part in self.path), None)
        if way is None:
            super().do_GET()
            return
        self.hostile.asked.set()
        self.close_connection = True
        with suppress(BrokenPipeError, ConnectionResetError):
            getattr(self, f"_{way}")()

    def _endless(self) -> None:
        self._begin()
        while not self.hostile.over.is_set():
            self._send(_PIECE)

    def _slow(self) -> None:
        data = self._file()
        self._begin(len(data))
        for number in range(len(data)):
            self._send(data[number : number + 1])
            if self.hostile.over.wait(1.0):
                return

    def _cut(self) -> None:
        data = self._file()
        self._begin(len(data))
        self._send(data[: len(data) // 2])
        self.hostile.over.wait()

    def _garbage(self) -> None:
        self._send(b"\x16\x03\x01 this is no answer\r\n\r\n" * 10)

    def _loop(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _file(self) -> bytes:
        return Path(self.translate_path(self.path)).read_bytes()

    def _begin(self, length: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()
        self.hostile.sent += len(data)

    def log_message(self, *arguments: Any) -> None:
        """Nothing."""
