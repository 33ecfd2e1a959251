"""A real web server for a folder: nginx, on an address of this machine, while the block runs.

It ends with the process that started it. Each request is in its log: what was asked, how it was answered, and bytes.
"""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["Request", "WebServer"]

_UP_WITHIN_S = 20.0

_CONFIG = """
daemon off;
master_process off;
worker_rlimit_nofile 8192;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    log_format told '$status $bytes_sent $request_uri';
    access_log {folder}/access.log told;
    default_type application/octet-stream;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {rate}
    server {{ listen {address}:{port} backlog=1024; root {root}; }}
}}
"""


@dataclass(frozen=True)
class Request:
    """One answered: status of HTTP, bytes sent with the head, path."""

    status: int
    bytes: int
    path: str


class WebServer:
    """root: what is served. folder: empty, for its own files. address: "0.0.0.0" where a board is to reach it.

    rate: bytes a second of each connection, None for as fast as it goes.
    """

    def __init__(self, root: Path, folder: Path, *, address: str = "127.0.0.1", rate: int | None = None) -> None:
        self.root, self.folder, self.address = root, folder, address
        self.rate = rate
        self.port = _free_port()
        self._server: subprocess.Popen[bytes] | None = None

    def url(self, host: str = "127.0.0.1") -> str:
        """Its address, seen from where this machine is `host`; ends in /."""
        return f"http://{host}:{self.port}/"

    def requests(self) -> list[Request]:
        """All that it has answered, in that order."""
        lines = (self.folder / "access.log").read_text(encoding="utf-8").splitlines()
        split = (line.split(" ", 2) for line in lines)
        return [Request(int(status), int(size), path) for status, size, path in split]

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        rate = f"limit_rate {self.rate};" if self.rate else ""
        config = self.folder / "nginx.conf"
        text = _CONFIG.format(folder=self.folder, root=self.root, address=self.address, port=self.port, rate=rate)
        config.write_text(text, encoding="utf-8")
        command = ["setpriv", "--pdeathsig", "KILL", "--", "/usr/sbin/nginx", "-c", str(config), "-g", "user root;"]
        with (self.folder / "said.log").open("wb") as said:
            self._server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            self._await_up()
        except OSError:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """No longer there; whoever asks is refused."""
        if self._server is not None:
            server, self._server = self._server, None
            server.kill()
            server.wait()

    def _await_up(self) -> None:
        until = time.monotonic() + _UP_WITHIN_S
        while time.monotonic() < until and self._server is not None and self._server.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=2):
                return
            time.sleep(0.02)
        raise OSError(f"nginx did not start: {(self.folder / 'said.log').read_text(encoding='utf-8')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
