from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sepia.ship.agent.download import address, download, sha256_of
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.fetch import Http
from support.attack_server import AttackServer, cut_once, length_told, status, truncated
from tuf.api.metadata import TargetFile

DATA = bytes(range(256)) * 400
TARGET = TargetFile.from_data("lite0/stable/x/1.0+a.sepia", DATA, ["sha256"])
NAME = f"lite0/stable/x/{TARGET.hashes['sha256']}.1.0+a.sepia"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AttackServer]:
    file = tmp_path / "www" / "targets" / NAME
    file.parent.mkdir(parents=True)
    file.write_bytes(DATA)
    with AttackServer(tmp_path / "www") as server:
        yield server


def fetch(server: AttackServer, folder: Path) -> Path:
    source = Http(server.url)
    download(source, address(source, TARGET), TARGET, folder / "got", folder / "parts")
    return folder / "got"


def parts(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in (folder / "parts").iterdir()]


def test_a_file_is_whole_and_nothing_else_is_left(server: AttackServer, tmp_path: Path) -> None:
    assert fetch(server, tmp_path).read_bytes() == DATA
    assert parts(tmp_path) == []
    assert server.asked == [("/targets/" + NAME.replace("+", "%2B"), "")]


def test_a_cut_link_is_gone_on_with_where_it_was_cut(server: AttackServer, tmp_path: Path) -> None:
    server.answers["sepia"] = cut_once(70_000)
    assert fetch(server, tmp_path).read_bytes() == DATA
    assert [begun for _, begun in server.asked] == ["", "bytes=70000-"]
    assert server.sent == len(DATA)


def test_a_later_run_goes_on_too(server: AttackServer, tmp_path: Path) -> None:
    server.answers["sepia"] = truncated
    with pytest.raises(Refused, match="ends after 51200 of 102400 bytes"):
        fetch(server, tmp_path)
    assert parts(tmp_path) == [DATA[:51200]]
    assert not (tmp_path / "got").exists()
    server.answers.clear()
    server.asked.clear()
    assert fetch(server, tmp_path).read_bytes() == DATA
    assert [begun for _, begun in server.asked] == ["bytes=51200-"]


def test_what_an_earlier_run_left_and_is_spoilt_costs_one_more_download(server: AttackServer, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / TARGET.hashes["sha256"]).write_bytes(b"spoilt" * 100)
    assert fetch(server, tmp_path).read_bytes() == DATA
    assert [begun for _, begun in server.asked] == ["bytes=600-", ""]


def test_what_is_left_of_another_file_is_removed(server: AttackServer, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / ("0" * 64)).write_bytes(b"of a version that is offered no more")
    fetch(server, tmp_path)
    assert parts(tmp_path) == []


def test_a_server_without_ranges_sends_all_of_it_again(server: AttackServer, tmp_path: Path) -> None:
    server.ranges = False
    server.answers["sepia"] = cut_once(70_000)
    server.answers["never"] = status(500)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / TARGET.hashes["sha256"]).write_bytes(DATA[:600])
    assert fetch(server, tmp_path).read_bytes() == DATA


def test_a_link_that_brings_it_no_further_is_not_tried_for_ever(server: AttackServer, tmp_path: Path) -> None:
    server.answers["sepia"] = status(503)
    with pytest.raises(Refused, match="answered 503"):
        fetch(server, tmp_path)
    assert len(server.asked) == 1


def test_a_wrong_length_told_with_the_right_bytes_does_no_harm(server: AttackServer, tmp_path: Path) -> None:
    server.answers["sepia"] = length_told(10)
    assert fetch(server, tmp_path).read_bytes() == DATA


def test_a_changed_file_leaves_nothing(server: AttackServer, tmp_path: Path) -> None:
    (server.folder / "targets" / NAME).write_bytes(DATA[:-1] + b"!")
    with pytest.raises(Refused) as refused:
        fetch(server, tmp_path)
    assert refused.value.kind == "changed"
    assert (parts(tmp_path), (tmp_path / "got").exists()) == ([], False)


def test_a_bundle_signed_without_a_sha256_is_refused() -> None:
    with pytest.raises(Refused, match="signed without a SHA-256"):
        sha256_of(TargetFile.from_data("a", DATA, ["sha512"]))
