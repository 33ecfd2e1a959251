"""What an attacker does to a repository, or on the way to it: each against a board that has taken version 1.0.0.

`ATTACKS` is the list: a name, what is done, the kind by which the agent refuses it, and words of the line it says.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tuf.api.metadata import MetaFile

from support.attack_server import AttackServer
from support.trusting_board import TrustingBoard
from support.tuf_repository import NOW, TARGET, TufRepository, new_signers

__all__ = ["ATTACKS", "NEW", "OLD", "OTHER", "Attack", "Scene"]

STABLE, BETA, OTHER = "lite0.stable", "lite0.beta", "mobile.stable"
OLD, NEW, EVIL = b"old " * 500, b"new " * 600, b"evil" * 600
_PAST = NOW - timedelta(minutes=1)


@dataclass(frozen=True)
class Scene:
    """folder: for what an attacker has kept."""

    repository: TufRepository
    server: AttackServer
    board: TrustingBoard
    folder: Path

    @property
    def metadata(self) -> Path:
        return self.repository.folder / "metadata"

    def keep(self) -> Path:
        """The repository as it is now, to be served again later."""
        return self.repository.keep(self.folder / "kept")

    def see(self) -> None:
        """The board looks at the repository, as it does every day."""
        from sepia.ship.agent.inbox import Inbox

        self.board.take(Inbox(self.repository.folder))


@dataclass(frozen=True)
class Attack:
    """does: to the scene; what it returns is served in the repository's place. kind, words: of the refusal."""

    name: str
    does: Callable[[Scene], Path | None]
    kind: str
    words: str


ATTACKS: list[Attack] = []


def attack(kind: str, words: str) -> Callable[[Callable[[Scene], Path | None]], Callable[[Scene], Path | None]]:
    def add(does: Callable[[Scene], Path | None]) -> Callable[[Scene], Path | None]:
        ATTACKS.append(Attack(does.__name__, does, kind, words))
        return does

    return add


# --- files that are not what was signed -------------------------------------------------------------------------------


@attack("changed", "1.1.0.sepia: is not the file that was signed for")
def changed_bundle(scene: Scene) -> None:
    scene.repository.offer("1.1.0", NEW)
    scene.repository.served(f"lite0/stable/{TARGET}/1.1.0.sepia").write_bytes(EVIL)


@attack("endless", "1.1.0.sepia: does not end after the 2400 bytes that were signed for")
def longer_bundle(scene: Scene) -> None:
    scene.repository.offer("1.1.0", NEW)
    scene.repository.served(f"lite0/stable/{TARGET}/1.1.0.sepia").write_bytes(NEW + b"!")


@attack("length", "1.1.0.sepia: ends after 2399 of 2400 bytes")
def shorter_bundle(scene: Scene) -> None:
    scene.repository.offer("1.1.0", NEW)
    scene.repository.served(f"lite0/stable/{TARGET}/1.1.0.sepia").write_bytes(NEW[:-1])


@attack("changed", "current.json: is not the file that was signed for")
def changed_pointer(scene: Scene) -> None:
    scene.repository.offer("1.1.0", NEW)
    pointer = scene.repository.served(f"lite0/stable/{TARGET}/current.json")
    pointer.write_bytes(pointer.read_bytes().replace(b"1.1.0.sepia", b"6.6.6.sepia"))


@attack("signature", "timestamp.json: its signature is wrong")
def changed_timestamp(scene: Scene) -> None:
    scene.repository.forger.edit("timestamp", lambda _: None, sign=False)


@attack("signature", "lite0.stable.json: its signature is wrong")
def changed_role(scene: Scene) -> None:
    scene.repository.forger.edit(STABLE, lambda targets: targets.targets.clear(), sign=False)
    scene.repository.forger.seal(STABLE)


@attack("signature", "lite0.stable.json: its signature is wrong")
def swapped_signature(scene: Scene) -> None:
    """A good signature of the right key, over another file."""
    scene.repository.offer("1.1.0", NEW)
    newest = scene.repository.forger.newest(STABLE)
    told, before = json.loads(newest.read_bytes()), json.loads((scene.metadata / f"1.{STABLE}.json").read_bytes())
    told["signatures"] = before["signatures"]
    newest.write_text(json.dumps(told))


@attack("metadata", "snapshot.json: is not what TUF asks for")
def no_metadata(scene: Scene) -> None:
    scene.repository.offer("1.1.0", NEW)
    scene.repository.forger.newest("snapshot").write_bytes(b"<html>captive portal</html>")


@attack("metadata", "lite0.stable.json: is not what TUF asks for")
def one_signature_twice(scene: Scene) -> None:
    scene.repository.offer("1.1.0", NEW)
    newest = scene.repository.forger.newest(STABLE)
    told = json.loads(newest.read_bytes())
    told["signatures"] *= 2
    newest.write_text(json.dumps(told))


# --- what was there before --------------------------------------------------------------------------------------------


@attack("rollback", "timestamp.json: is older than what this board has seen")
def old_timestamp(scene: Scene) -> Path:
    kept = scene.keep()
    scene.repository.offer("1.1.0", NEW)
    scene.see()
    return kept


@attack("rollback", "timestamp.json: is older than what this board has seen")
def timestamp_of_an_old_snapshot(scene: Scene) -> None:
    """Whoever has the timestamp's key alone."""
    scene.repository.offer("1.1.0", NEW)
    scene.see()
    scene.repository.forger.edit("timestamp", lambda timestamp: setattr(timestamp, "snapshot_meta", MetaFile(2)))


@attack("rollback", "snapshot.json: is older than what this board has seen")
def snapshot_of_old_targets(scene: Scene) -> None:
    """Whoever has the snapshot's key and the timestamp's."""
    scene.repository.renew("targets")
    scene.see()
    _seal(scene, lambda snapshot: snapshot.meta.update({"targets.json": MetaFile(1)}))


@attack("rollback", "snapshot.json: is older than what this board has seen")
def snapshot_of_an_old_role(scene: Scene) -> None:
    scene.repository.offer("1.1.0", NEW)
    scene.see()
    _seal(scene, lambda snapshot: snapshot.meta.update({f"{STABLE}.json": MetaFile(2)}))


@attack("rollback", "snapshot.json: names fewer files than before")
def snapshot_without_a_role(scene: Scene) -> None:
    _seal(scene, lambda snapshot: snapshot.meta.pop(f"{STABLE}.json"))


@attack("rollback", "root.json: version 1 is offered, and this board has seen 2")
def old_root_after_a_dying_disk(scene: Scene) -> Path:
    kept = scene.keep()
    scene.repository.rotate("root", 2)
    scene.see()
    scene.board.lose()
    return kept


@attack("rollback", "timestamp.json: version 2 is offered, and this board has seen 3")
def old_timestamp_after_a_power_cut(scene: Scene) -> Path:
    kept = scene.keep()
    scene.repository.offer("1.1.0", NEW)
    scene.see()
    scene.board.lose("timestamp.json", "snapshot.json", "targets.json", f"{STABLE}.json")
    return kept


@attack("rollback", "snapshot.json: version 2 is offered, and this board has seen 3")
def old_snapshot_after_a_power_cut(scene: Scene) -> None:
    """Whoever has the timestamp's key alone."""
    scene.repository.offer("1.1.0", NEW)
    scene.see()
    scene.board.lose("timestamp.json", "snapshot.json")
    scene.repository.forger.edit("timestamp", lambda timestamp: setattr(timestamp, "snapshot_meta", MetaFile(2)))


@attack("rollback", "lite0.stable.json: version 2 is offered, and this board has seen 3")
def old_role_after_a_power_cut(scene: Scene) -> None:
    scene.repository.offer("1.1.0", NEW)
    scene.see()
    scene.board.lose("timestamp.json", "snapshot.json", f"{STABLE}.json")
    _seal(scene, lambda snapshot: snapshot.meta.update({f"{STABLE}.json": MetaFile(2)}))


@attack("rollback", "targets.json: version 1 is offered, and this board has seen 2")
def old_targets_after_a_power_cut(scene: Scene) -> None:
    scene.repository.renew("targets")
    scene.see()
    scene.board.lose("timestamp.json", "snapshot.json", "targets.json")
    _seal(scene, lambda snapshot: snapshot.meta.update({"targets.json": MetaFile(1)}))


@attack("rollback", "snapshot.json: no longer names lite0.stable.json")
def snapshot_without_a_role_after_a_power_cut(scene: Scene) -> None:
    scene.board.lose("timestamp.json", "snapshot.json", f"{STABLE}.json")
    _seal(scene, lambda snapshot: snapshot.meta.pop(f"{STABLE}.json"))


# --- what is held back ------------------------------------------------------------------------------------------------


@attack("expired", "timestamp.json: has expired (2027-03-31 12:00 UTC); this board's clock says 2027-04-10 12:00 UTC")
def frozen(scene: Scene) -> None:
    """Everything as it was, after its time."""
    scene.repository.renew("root", expires=NOW + timedelta(days=365))
    scene.board.now = NOW + timedelta(days=40)


@attack("expired", "root.json: has expired")
def expired_root(scene: Scene) -> None:
    scene.repository.renew("root", expires=_PAST)


@attack("expired", "timestamp.json: has expired (2027-03-01 11:59 UTC)")
def expired_timestamp(scene: Scene) -> None:
    scene.repository.renew("timestamp", expires=_PAST)


@attack("expired", "snapshot.json: has expired (2027-03-01 11:59 UTC)")
def expired_snapshot(scene: Scene) -> None:
    scene.repository.renew("snapshot", expires=_PAST)


@attack("expired", "targets.json: has expired")
def expired_targets(scene: Scene) -> None:
    scene.repository.renew("targets", expires=_PAST)


@attack("expired", "lite0.stable.json: has expired")
def expired_role(scene: Scene) -> None:
    scene.repository.renew(STABLE, expires=_PAST)


@attack("expired", "this board's clock says 2031-03-01")
def clock_years_ahead(scene: Scene) -> None:
    scene.board.now = NOW.replace(year=2031)


# --- what belongs elsewhere -------------------------------------------------------------------------------------------


@attack("mixed", "snapshot.json: belongs to another state of the repository")
def snapshot_of_another_state(scene: Scene) -> None:
    old = scene.repository.forger.newest("snapshot").read_bytes()
    scene.repository.offer("1.1.0", NEW)
    scene.repository.forger.newest("snapshot").write_bytes(old)


@attack("mixed", "lite0.stable.json: belongs to another state of the repository")
def role_of_another_state(scene: Scene) -> None:
    old = scene.repository.forger.newest(STABLE).read_bytes()
    scene.repository.offer("1.1.0", NEW)
    scene.repository.forger.newest(STABLE).write_bytes(old)


@attack("mixed", "lite0.stable.json: version 3 is not the version 3 that this board has seen")
def another_future_after_a_power_cut(scene: Scene) -> Path:
    """A copy of the repository that went its own way with the same keys."""
    fork = scene.repository.fork(scene.folder / "fork")
    scene.repository.offer("1.1.0", NEW)
    scene.see()
    scene.board.lose("timestamp.json", "snapshot.json", f"{STABLE}.json")
    fork.offer("1.1.0", EVIL)
    return fork.folder


@attack("not allowed", "timestamp.json: is signed by no key that has the right to")
def another_repository(scene: Scene) -> Path:
    other = TufRepository(scene.folder / "other")
    other.offer("6.6.6", EVIL)
    return other.folder


@attack("not allowed", "snapshot.json: is signed by no key that has the right to")
def two_repositories_mixed(scene: Scene) -> None:
    other = TufRepository(scene.folder / "other")
    other.offer("6.6.6", EVIL)
    other.offer("6.6.7", EVIL)
    scene.repository.offer("1.1.0", NEW)
    (scene.metadata / "3.snapshot.json").write_bytes((other.folder / "metadata" / "3.snapshot.json").read_bytes())


# --- keys without the right -------------------------------------------------------------------------------------------


@attack("not allowed", "lite0.stable.json: is signed by no key that has the right to")
def beta_key_for_stable(scene: Scene) -> None:
    _sign_by(scene, STABLE, scene.repository.signers[BETA])


@attack("not allowed", "lite0.stable.json: is signed by no key that has the right to")
def key_of_another_model(scene: Scene) -> None:
    _sign_by(scene, STABLE, scene.repository.signers[OTHER])


@attack("not allowed", "targets.json: is signed by no key that has the right to")
def role_key_for_targets(scene: Scene) -> None:
    _sign_by(scene, "targets", scene.repository.signers[STABLE])


@attack("not allowed", "which is not a file of lite0/stable/")
def stable_points_to_beta(scene: Scene) -> None:
    scene.repository.offer("1.1.0", NEW, bundle=f"lite0/beta/{TARGET}/1.1.0.sepia")


@attack("missing", "1.1.0.sepia: is named, and signed for by nobody who may")
def bundle_that_nobody_signed(scene: Scene) -> None:
    scene.repository.offer("1.0.1", NEW, bundle=f"lite0/stable/{TARGET}/1.1.0.sepia")


@attack("not allowed", "lite0.stable.json: is signed by no key that has the right to")
def revoked_role_key(scene: Scene) -> None:
    stolen = scene.repository.signers[STABLE]
    scene.repository.rotate(STABLE)
    scene.see()
    _sign_by(scene, STABLE, stolen)


@attack("not allowed", "timestamp.json: is signed by no key that has the right to")
def revoked_timestamp_key(scene: Scene) -> None:
    stolen = scene.repository.signers["timestamp"]
    scene.repository.rotate("timestamp")
    scene.see()
    scene.repository.forger.edit("timestamp", lambda _: None, signers=stolen)


@attack("not allowed", "root.json: is signed by no key that has the right to")
def revoked_root_keys(scene: Scene) -> None:
    stolen = scene.repository.signers["root"]
    scene.repository.rotate("root", 2)
    scene.see()
    scene.repository.forger.edit("root", lambda _: None, signers=stolen)


@attack("threshold", "root.json: has 1 of the 2 signatures that it needs")
def root_by_one_of_two(scene: Scene) -> None:
    stolen = scene.repository.signers["root"][:1]
    scene.repository.forger.edit("root", lambda root: root.add_key(new_signers()[0].public_key, "root"), signers=stolen)


@attack("threshold", "mobile.stable.json: has 1 of the 2 signatures that it needs")
def role_by_one_of_two(scene: Scene) -> None:
    """The model whose role needs two; the board asks for it by `OTHER`."""
    _sign_by(scene, OTHER, scene.repository.signers[OTHER][:1])


def _seal(scene: Scene, change: Callable[[Any], object]) -> None:
    """The next snapshot after `change`, and the timestamp that names it: both with their own keys."""
    forger = scene.repository.forger
    forger.edit("snapshot", change)
    version = int(forger.newest("snapshot").name.split(".", 1)[0])
    forger.edit("timestamp", lambda timestamp: setattr(timestamp, "snapshot_meta", MetaFile(version)))


def _sign_by(scene: Scene, role: str, signers: Any) -> None:
    """The next version of a role, signed by others."""
    scene.repository.forger.edit(role, lambda _: None, signers=signers)
    scene.repository.forger.seal(role)
