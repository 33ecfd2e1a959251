"""A real web server on loopback; what attackers answer is in test_refusals.py."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.fetch import Http
from support.attack_server import AttackServer, redirected, slow
from support.certificates import write_certificate
from tuf.api.exceptions import DownloadHTTPError

DATA = bytes(range(256)) * 400


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AttackServer]:
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "file").write_bytes(DATA)
    with AttackServer(tmp_path) as server:
        yield server


def read(source: Http, path: str = "targets/file", start: int = 0) -> tuple[int, bytes]:
    began, pieces = source.open(f"{source.base}/{path}", start)
    return began, b"".join(pieces)


def test_a_file_comes_as_it_is_and_is_counted(server: AttackServer) -> None:
    source = Http(f"{server.url}/")
    assert read(source) == (0, DATA)
    assert (source.requests, source.bytes) == (1, len(DATA))
    assert server.asked == [("/targets/file", "")]
    assert server.headers[0]["User-Agent"] == "sepia-agent"
    assert server.headers[0]["Accept-Encoding"] == "identity"


def test_one_connection_serves_a_whole_look(server: AttackServer) -> None:
    source = Http(server.url)
    for _ in range(3):
        read(source)
    assert server.connections == 1


def test_it_goes_on_from_where_it_was(server: AttackServer) -> None:
    assert read(Http(server.url), start=1000) == (1000, DATA[1000:])
    assert server.asked == [("/targets/file", "bytes=1000-")]


def test_a_server_that_knows_no_ranges_begins_again(server: AttackServer) -> None:
    server.ranges = False
    assert read(Http(server.url), start=1000) == (0, DATA)


def test_a_redirect_within_the_server_is_followed(server: AttackServer) -> None:
    server.answers["moved"] = redirected("/targets/file")
    assert read(Http(server.url), "moved") == (0, DATA)


def test_what_is_not_there_is_tufs_own_error_since_a_newer_root_seldom_is(server: AttackServer) -> None:
    with pytest.raises(DownloadHTTPError, match="answered 404") as error:
        read(Http(server.url), "none")
    assert error.value.status_code == 404


def test_the_deadline_is_for_everything_together(server: AttackServer) -> None:
    server.answers["file"] = slow
    source = Http(server.url, deadline_s=0.5, least_bytes_per_s=1.0)
    with pytest.raises(Refused, match=r"not done within 0\.5 s") as refused:
        read(source)
    assert refused.value.kind == "slow"
    server.answers.clear()
    with pytest.raises(Refused, match=r"not done within 0\.5 s"):
        read(source)


def test_time_that_the_board_needs_for_itself_is_not_the_links(server: AttackServer) -> None:
    data = bytes(24 << 20)  # more than both kernels keep for a connection
    (server.folder / "targets" / "file").write_bytes(data)
    source = Http(server.url, window_s=0.2)
    _, pieces = source.open(f"{server.url}/targets/file")
    got = next(pieces)
    threading.Event().wait(0.6)  # a card that is slow to write
    assert len(got) + sum(map(len, pieces)) == len(data)


def test_nobody_there_is_told_with_the_address() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Refused, match=f"http://127.0.0.1:{port}/x: cannot be fetched .*refused") as refused:
        read(Http(f"http://127.0.0.1:{port}"), "x")
    assert refused.value.kind == "unreachable"
    assert "object at" not in str(refused.value)


def test_the_environments_proxy_is_asked(server: AttackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("no_proxy", "")
    assert read(Http("http://models.example.org")) == (0, DATA)
    assert server.asked == [("http://models.example.org/targets/file", "")]
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert read(Http(server.url)) == (0, DATA)
    assert server.asked[1:] == [("/targets/file", "")]


@pytest.mark.parametrize(
    "url", ["ftp://x/", "models.example.org", "http://", "http://x/?a", "http://[x/", "file:///etc"]
)
def test_what_is_no_address_is_refused_before_anything_is_asked(url: str) -> None:
    with pytest.raises(Refused) as refused:
        Http(url)
    assert refused.value.kind == "config"


def test_a_password_in_an_address_is_refused_and_not_told() -> None:
    with pytest.raises(Refused, match="holds a password") as refused:
        Http("https://me:hunter2@models.example.org")
    assert "hunter2" not in str(refused.value)


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def secure(server: AttackServer, tmp_path: Path) -> Path:
    """The server speaks TLS; its certificate, which no system knows."""
    certificate, key = write_certificate(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.secure(context)
    return certificate


def test_a_certificate_that_the_system_knows_is_taken(
    server: AttackServer, secure: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(secure))
    assert read(Http(server.url)) == (0, DATA)


def test_one_that_it_does_not_know_is_refused(server: AttackServer, secure: Path) -> None:
    with pytest.raises(Refused, match=r"TLS: .*certificate verify failed.*is this board's clock right") as refused:
        read(Http(server.url))
    assert refused.value.kind == "unreachable"


def test_one_of_another_name_is_refused(server: AttackServer, secure: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(secure))
    with pytest.raises(Refused, match="TLS: "):
        read(Http(server.url.replace("localhost", "127.0.0.1")))


def test_a_redirect_out_of_tls_is_refused(server: AttackServer, secure: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(secure))
    server.answers["file"] = redirected(server.url.replace("https", "http") + "/targets/other")
    with pytest.raises(Refused, match="another server") as refused:
        read(Http(server.url))
    assert refused.value.kind == "not allowed"
