"""`sepia ship keys` and `publish`: what is printed, what is JSON, and the exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sepia.cli import main as front
from support.followed_repository import TARGET, bundle
from support.small_bundles import MODEL

Said = tuple[int, str, str]
Sepia = Callable[..., Said]


@pytest.fixture
def sepia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Sepia:
    """`sepia(*words)`: exit code, stdout and stderr of `sepia ship`, in a folder of the test's own."""
    monkeypatch.setenv("SEPIA_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("SEPIA_REPOSITORY", "repo")
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    monkeypatch.setattr("sepia.ship.keys.ROUNDS", 1)
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Said:
        with pytest.raises(SystemExit) as left:
            front(["ship", *words])
        said = capfd.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run


@pytest.fixture
def repository(sepia: Sepia) -> Sepia:
    assert sepia("keys", "init", "repo", "--no-passphrase")[0] == 0
    for channel in ("stable", "beta"):
        assert sepia("keys", "delegate", "repo", MODEL, channel, "--no-passphrase")[0] == 0
    return sepia


def result(said: Said, code: int = 0) -> Any:
    assert said[0] == code, said[2]
    return json.loads(said[1])


def test_a_repository_is_made_and_listed(sepia: Sepia, tmp_path: Path) -> None:
    code, out, err = sepia("keys", "init", "repo", "--no-passphrase")
    assert (code, out) == (
        0,
        f"repo is a repository, with its keys in {tmp_path}/config/keys; "
        "in force: root 1, targets 1, snapshot 1, timestamp 1\n",
    )
    assert "sepia: the key 'root-1' has no passphrase: whoever reads its file can sign\n" in err
    names = [one["name"] for one in result(sepia("keys", "list", "--json"))["keys"]]
    assert names == ["root-1", "root-2", "root-3", "snapshot", "targets", "timestamp"]
    out = sepia("keys", "list", "repo")[1]
    assert out.startswith("every board accepts it\n\nrole ")
    assert "2 of root-1, root-2, root-3" in out


def test_the_whole_way_of_a_version(repository: Sepia, tmp_path: Path) -> None:
    first, second = (str(bundle(tmp_path, version)) for version in ("1.0.0", "1.1.0"))
    where = f"for {TARGET}"
    assert repository("publish", first)[1] == f"{MODEL} 1.0.0 in stable {where}: 0.01 MB to every board\n"
    assert repository("publish", second, "--channel", "beta")[0] == 0
    told = repository("publish", "--model", MODEL, "--promote", "1.1.0", "--rollout", "0.1")[1]
    assert told.startswith(
        f"{MODEL} 1.1.0 in stable {where}: 0.01 MB to 10.0% of the boards, the others take 1.0.0; deltas"
    )
    found = result(repository("publish", "--model", MODEL, "--rollout", "0.5", "--json"))
    assert (found["published"][0]["rollout"], found["versions"][f"{MODEL}.stable"]) == (0.5, 4)
    assert repository("publish", second)[1].endswith(": was offered already, to 50% of the boards; nothing changed\n")
    assert "1.0.0" in repository("publish", "--model", MODEL, "--withdraw")[1]
    assert "0 versions are offered no longer" in repository("publish", "--prune")[1]
    found = result(repository("publish", "--check", "--json"))
    assert {(one["channel"], one["version"]) for one in found["offered"]} == {("stable", "1.0.0"), ("beta", "1.1.0")}
    out = repository("publish", "--check")[1]
    assert f"{MODEL}  stable   {TARGET}  1.0.0    100%" in out


def test_signing_on_two_machines(repository: Sepia, tmp_path: Path) -> None:
    keys, away = tmp_path / "config" / "keys", tmp_path / "away"
    away.mkdir()
    for name in ("root-1", "root-2"):
        (keys / name).rename(away / name)
        (away / f"{name}.pub").write_bytes((keys / f"{name}.pub").read_bytes())
    out = repository("keys", "rotate", "repo", "timestamp", "timestamp", "timestamp-2", "--no-passphrase")[1]
    assert out == (
        "timestamp-2 signs for timestamp in the place of timestamp, once it is signed\n"
        "waits: root 2 waits for 1 of the signatures of root-1, root-2; sign repo/waiting/root.json\n"
    )
    assert "waits: root 2" in repository("keys", "list", "repo")[1]
    out = repository("keys", "sign", "repo/waiting/root.json", "--key", "root-1", "--keys", str(away))[1]
    assert out == "root 2 is signed by root-1; bring back repo/waiting/root.json\n"
    assert repository("keys", "sign", "repo")[1] == "in force: root 2, timestamp 4\n"
    assert repository("keys", "renew", "repo")[1] == "in force: timestamp 5\n"
    code, _, err = repository("keys", "sign", "repo")
    assert (code, err) == (1, "sepia: repo: has nothing that waits for signatures\n")


def test_a_change_is_given_up(repository: Sepia, tmp_path: Path) -> None:
    (tmp_path / "config" / "keys" / "targets").unlink()
    assert repository("keys", "threshold", "repo", f"{MODEL}.beta", "1")[1].startswith(
        f"{MODEL}.beta takes 1 signatures"
    )
    assert (
        repository("keys", "sign", "repo", "--drop", "targets")[1]
        == "what waited in targets is given up; nothing had to change\n"
    )


def test_a_passphrase_of_a_file_guards_and_opens(sepia: Sepia, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n")
    monkeypatch.setenv("SEPIA_SHIP_PASSPHRASE_FILE", str(secret))
    assert sepia("keys", "init", "repo", "--root", "only")[0] == 0
    assert sepia("keys", "renew", "repo")[0] == 0
    secret.write_text("wrong horse\n")
    code, _, err = sepia("keys", "renew", "repo")
    assert code == 1
    assert err.startswith(f"sepia: {tmp_path}/config/keys/timestamp: cannot be opened: a wrong passphrase")


def test_a_bare_key_is_made_with_one_that_is_guarded(
    sepia: Sepia, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n")
    monkeypatch.setenv("SEPIA_SHIP_PASSPHRASE_FILE", str(secret))
    assert sepia("keys", "init", "repo", "--root", "only")[0] == 0
    code, _, err = sepia("keys", "delegate", "repo", MODEL, "stable", "--no-passphrase")
    told = f"sepia: the key '{MODEL}.stable' has no passphrase: whoever reads its file can sign\n"
    assert (code, err) == (0, told)


def test_nobody_is_asked_where_nobody_is(sepia: Sepia, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    code, _, err = sepia("keys", "new", "alice")
    assert code == 1
    assert "its passphrase is needed, and there is nobody to ask; next: run it at a terminal" in err


def test_others_public_keys(sepia: Sepia, tmp_path: Path) -> None:
    assert sepia("keys", "new", "alice", "--keys", "theirs", "--no-passphrase")[0] == 0
    keyid = result(sepia("keys", "import", "theirs/alice.pub", "--json"))["keys"][0]["keyid"]
    assert sepia("keys", "list")[1] == f"alice  {keyid[:12]}  public half alone\n"


def test_keys_are_added_and_revoked(repository: Sepia) -> None:
    out = repository("keys", "add", "repo", f"{MODEL}.stable", "ci", "--no-passphrase")[1]
    assert out.startswith(f"ci may sign for {MODEL}.stable; in force: targets 4")
    assert repository("keys", "revoke", "repo", "ci")[1].startswith("ci counts no more; in force: targets 5")
    code, _, err = repository("keys", "revoke", "repo", f"{MODEL}.stable")
    assert (code, "at least one key" in err) == (1, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("publish",), "nothing to do: name BUNDLEs, or one of --promote"),
        (("publish", "--withdraw", "--prune"), "--withdraw and --prune do not go together"),
        (("publish", "--withdraw"), "--model is missing"),
        (("publish", "--model", MODEL, "--rollout", "7"), "rollout: is 7.0; accepted: a share of the boards, 0 to 1"),
        (("keys", "sign", "repo/metadata/1.root.json"), "a file is signed with one --key"),
        (("keys", "init", "other", "--days", "root"), "--days takes ROLE=N, as root=365, and not 'root'"),
        (("publish", "gone.sepia"), "gone.sepia"),
        (("keys", "list", "elsewhere"), "elsewhere: is no repository"),
    ],
)
def test_what_is_refused_is_told_in_one_line(repository: Sepia, words: tuple[str, ...], told: str) -> None:
    code, out, err = repository(*words)
    assert (code, out) == (1, "")
    assert err.splitlines()[-1].startswith("sepia: ")
    assert told in err
