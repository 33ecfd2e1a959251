"""A bundle into a channel, and who gets it: roll-outs, promotion, and back to the version before."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ...errors import ConfigError, InputError, TrustError, nearest
from ...files import digest
from ..agent import archive
from ..agent.manifest import Manifest
from ..agent.pointer import Pointer
from ..host_error import host_error
from ..keys import KeyStore
from .channel import Channel, Version, channel_of, refuse_unknown_channel
from .deltas import MOST_BASES, add_deltas
from .edit import Edit, editing
from .names import bundle_path, role_of, stored_at
from .outcome import Outcome
from .pointer import refuse_odd_rollout

__all__ = ["Published", "promote", "publish", "publish_all", "set_rollout", "withdraw"]

DELTAS = 3
"""From how many versions before a board can come with a delta, by default."""


@dataclass(frozen=True)
class Published:
    """What one target's boards are offered now. before: what those outside the roll-out take. deltas: base → bytes.

    changed: False where it was so already. note: a line about that, or "".
    """

    model: str
    channel: str
    target: str
    version: str
    sha256: str
    bytes: int
    rollout: float
    before: str | None
    deltas: dict[str, int]
    changed: bool
    note: str
    outcome: Outcome

    def to_json(self) -> dict[str, Any]:
        told = asdict(self)
        del told["outcome"]
        return told


def publish(
    folder: Path,
    keys: KeyStore,
    bundle: Path,
    channel: str,
    *,
    rollout: float = 1.0,
    deltas: int = DELTAS,
    again: bool = False,
    at: datetime | None = None,
) -> Published:
    """Offer a bundle to the boards that follow the channel; see `publish_all`."""
    return publish_all(folder, keys, [bundle], channel, rollout=rollout, deltas=deltas, again=again, at=at)[0]


def publish_all(
    folder: Path,
    keys: KeyStore,
    bundles: Sequence[Path],
    channel: str,
    *,
    rollout: float = 1.0,
    deltas: int = DELTAS,
    again: bool = False,
    at: datetime | None = None,
    progress: Callable[[str, int, int], object] = lambda what, done, of: None,
) -> tuple[Published, ...]:
    """Offer bundles, of several targets or models, all at once.

    rollout: share of the boards, 0 to 1; the others keep to what was there before. deltas: from how many versions
    before. again: also a version that was offered before and is not any more. The same bundle once more changes
    nothing; its roll-out stays as it is.

    Raises InputError (no whole bundle), ConfigError (no such model or channel; numbers), TrustError (a version that is
    published with other bytes; keys), OutputError (the disk; somebody else is publishing).
    """
    refuse_odd_rollout(rollout)
    if not 0 <= deltas <= MOST_BASES:
        raise ConfigError("deltas", f"are {deltas}", accepted=f"0 to {MOST_BASES}")
    manifests = [_checked(bundle) for bundle in bundles]
    _refuse_two_for_one(bundles, manifests)
    with editing(folder, keys, at) as edit:
        for manifest in manifests:
            refuse_unknown_channel(edit, manifest.model, channel)
        found: list[tuple[Channel, str, bool, str]] = []
        for number, (bundle, manifest) in enumerate(zip(bundles, manifests, strict=True)):
            progress(f"{manifest.model} {manifest.version} for {manifest.target}", number, len(bundles))
            found.append(_offer(edit, bundle, manifest, channel, rollout=rollout, deltas=deltas, again=again))
        return _told(edit, found)


def promote(
    folder: Path,
    keys: KeyStore,
    model: str,
    version: str,
    source: str,
    channel: str,
    *,
    target: str | None = None,
    rollout: float = 1.0,
    deltas: int = DELTAS,
    again: bool = False,
    at: datetime | None = None,
) -> tuple[Published, ...]:
    """Offer in `channel` the very bundles that `source` offers as `version`: of one target or of all that have it."""
    refuse_odd_rollout(rollout)
    if source == channel:
        raise ConfigError("channel", f"'{channel}' is the channel that it comes from", accepted="another one")
    with editing(folder, keys, at) as edit:
        for name in (source, channel):
            refuse_unknown_channel(edit, model, name)
        first = Channel(edit.store, model, source, edit.store.in_force(role_of(model, source)).signed)
        found: list[tuple[Channel, str, bool, str]] = []
        for known in _having(first, version, target):
            path = first.at(first.file(known.path))
            manifest = _checked(path)
            found.append(
                _offer(edit, path, manifest, channel, rollout=rollout, deltas=deltas, again=again, known_in=first)
            )
        return _told(edit, found)


def set_rollout(
    folder: Path,
    keys: KeyStore,
    model: str,
    channel: str,
    rollout: float,
    *,
    version: str | None = None,
    target: str | None = None,
    at: datetime | None = None,
) -> tuple[Published, ...]:
    """Offer what is offered to another share of the boards. Boards that a smaller share leaves out go back."""
    refuse_odd_rollout(rollout)
    with editing(folder, keys, at) as edit:
        chosen = _pointed(edit, model, channel, version, target)
        if all(pointer.rollout == rollout for _, _, pointer in chosen):
            same = f"the roll-out was {rollout:g} already"
            return _told(edit, [(line, one, False, same) for line, one, _ in chosen])
        line = channel_of(edit, model, channel)
        for _, one, pointer in chosen:
            line.point(one, replace(pointer, rollout=rollout))
        return _told(edit, [(line, one, True, "") for _, one, _ in chosen])


def withdraw(
    folder: Path,
    keys: KeyStore,
    model: str,
    channel: str,
    *,
    version: str | None = None,
    target: str | None = None,
    at: datetime | None = None,
) -> tuple[Published, ...]:
    """Offer everybody the version before. The withdrawn one stays published, and is offered again only on demand.

    Raises ConfigError if nothing came before.
    """
    with editing(folder, keys, at) as edit:
        chosen = _pointed(edit, model, channel, version, target)
        line = channel_of(edit, model, channel)
        for _, one, pointer in chosen:
            if pointer.before is None:
                hint = "publish a better version, or stop the roll-out with --rollout 0"
                raise ConfigError(f"{model} {pointer.version}", f"has no version before it for {one}", hint=hint)
            line.mark_withdrawn(one, pointer.version, _time(edit))
            _point(line, one, pointer.before[0], 1.0, _before(line, one, pointer.before[0]))
        return _told(edit, [(line, one, True, "") for _, one, _ in chosen])


# Bundles


def _checked(bundle: Path) -> Manifest:
    with host_error():
        return archive.check(bundle)


def _refuse_two_for_one(bundles: Sequence[Path], manifests: Sequence[Manifest]) -> None:
    first: dict[tuple[str, str], Path] = {}
    for bundle, manifest in zip(bundles, manifests, strict=True):
        other = first.setdefault((manifest.model, manifest.target), bundle)
        if other != bundle:
            what = f"is for the model and the target of {other}"
            raise ConfigError(str(bundle), what, hint="publish one after the other: the last is what boards get")


def _offer(
    edit: Edit,
    bundle: Path,
    manifest: Manifest,
    channel: str,
    *,
    rollout: float,
    deltas: int,
    again: bool,
    known_in: Channel | None = None,
) -> tuple[Channel, str, bool, str]:
    role, target = role_of(manifest.model, channel), manifest.target
    looked_at = Channel(edit.store, manifest.model, channel, edit.newest(role))
    sha256 = digest(bundle)
    known = looked_at.version(target, manifest.version)
    _refuse_other_bytes(looked_at, manifest, sha256, known)
    pointer = looked_at.pointer(target)
    if known is not None and pointer is not None and pointer.version == manifest.version:
        note = f"was offered already, to {pointer.rollout:.0%} of the boards"
        return looked_at, target, role in edit.edited, note
    if not again and (known is not None or looked_at.pruned_sha256(target, manifest.version)):
        hint = "--withdraw goes back to the version before; --again offers this one again"
        what = "was withdrawn" if known is not None and known.withdrawn else "was offered before another"
        raise TrustError(f"{manifest.model} {manifest.version}", f"{what} for {target}", hint=hint)
    line = channel_of(edit, manifest.model, channel)
    _put_bundle(edit, line, bundle, manifest, sha256, pointer)
    add_deltas(line, target, manifest.version, deltas, known_in)
    _point(line, target, manifest.version, rollout, _next_before(line, target, manifest.version, pointer))
    return line, target, True, ""


def _refuse_other_bytes(line: Channel, manifest: Manifest, sha256: str, known: Version | None) -> None:
    published = known.sha256 if known is not None else line.pruned_sha256(manifest.target, manifest.version)
    if published not in (None, sha256):
        raise TrustError(
            f"{manifest.model} {manifest.version}",
            f"is published for {manifest.target} with other bytes ({str(published)[:12]}, these are {sha256[:12]})",
            hint="a published version never changes: give this bundle another version",
        )


def _put_bundle(
    edit: Edit, line: Channel, bundle: Path, manifest: Manifest, sha256: str, pointer: Pointer | None
) -> None:
    path = bundle_path(line.folder(manifest.target), manifest.version)
    where = stored_at(path, [sha256])
    if bundle.resolve().is_relative_to(edit.store.targets.resolve()):
        edit.store.copy_target(bundle, where)
    else:
        with edit.store.new_target(where) as partial:
            if partial is not None:
                shutil.copyfile(bundle, partial)
                if digest(partial) != sha256:
                    raise InputError(str(bundle), "was changed while it was read", hint="run the same command again")
    before = _next_before(line, manifest.target, manifest.version, pointer)
    custom = {"published": _time(edit), "before": before[0] if before else None}
    line.put(path, (edit.store.targets / where).stat().st_size, sha256, custom)


# Pointers


def _point(line: Channel, target: str, version: str, rollout: float, before: tuple[str, str] | None) -> None:
    path = bundle_path(line.folder(target), version)
    line.point(target, Pointer(version, path, rollout, line.deltas(target, version), before))


def _next_before(line: Channel, target: str, version: str, pointer: Pointer | None) -> tuple[str, str] | None:
    """What boards outside the roll-out of a new version take: what everybody was offered last."""
    if pointer is None:
        return None
    before = (pointer.version, pointer.path) if pointer.rollout >= 1 else pointer.before
    return _before(line, target, version) if before is not None and before[0] == version else before


def _before(line: Channel, target: str, version: str) -> tuple[str, str] | None:
    """What was recorded when the version was published, if it is still kept."""
    known = line.version(target, version)
    found = line.version(target, known.before) if known is not None and known.before else None
    return None if found is None else (found.version, found.path)


def _pointed(
    edit: Edit, model: str, channel: str, version: str | None, target: str | None
) -> list[tuple[Channel, str, Pointer]]:
    """Targets whose pointer is meant. Raises ConfigError where that is none, or not clear."""
    role = role_of(model, channel)
    refuse_unknown_channel(edit, model, channel)
    line = Channel(edit.store, model, channel, edit.newest(role))
    known = line.targets()
    if not known or (target is not None and target not in known):
        where = role if target is None else target
        raise ConfigError(where, f"has no bundle in {role}", accepted=nearest(where, known) if known else "")
    pointers = [(line, one, found) for one in known if target in (None, one) and (found := line.pointer(one))]
    offered = sorted({pointer.version for _, _, pointer in pointers})
    if version is None and len(offered) > 1:
        raise ConfigError(
            role, f"offers {', '.join(offered)}, by target", hint="say which --version, or which --target"
        )
    meant = [one for one in pointers if version in (None, one[2].version)]
    if not meant:
        raise ConfigError(f"{model} {version}", f"is not what {role} offers", accepted=", ".join(offered))
    return meant


def _having(line: Channel, version: str, target: str | None) -> list[Version]:
    found = [known for one in line.targets() if target in (None, one) and (known := line.version(one, version))]
    role = role_of(line.model, line.channel)
    if not found:
        known_versions = sorted({one.version for each in line.targets() for one in line.versions(each)})
        told = nearest(version, known_versions) if known_versions else ""
        raise ConfigError(f"{line.model} {version}", f"is not in {role}", accepted=told)
    if any(known.withdrawn for known in found):
        raise TrustError(f"{line.model} {version}", f"was withdrawn from {role}")
    return found


# Results


def _told(edit: Edit, found: list[tuple[Channel, str, bool, str]]) -> tuple[Published, ...]:
    outcome = edit.settle() if edit.edited else edit.unchanged()
    return tuple(_published(line, target, changed, note, outcome) for line, target, changed, note in found)


def _published(line: Channel, target: str, changed: bool, note: str, outcome: Outcome) -> Published:
    pointer = line.pointer(target)
    known = line.version(target, pointer.version) if pointer else None
    if pointer is None or known is None:
        raise TrustError(f"{line.model}.{line.channel}", f"points at what it does not have for {target}")
    return Published(
        line.model,
        line.channel,
        target,
        known.version,
        known.sha256,
        known.bytes,
        pointer.rollout,
        pointer.before[0] if pointer.before else None,
        {delta.base: line.file(delta.path).length for delta in pointer.deltas},
        changed,
        note,
        outcome,
    )


def _time(edit: Edit) -> str:
    return edit.at.isoformat().replace("+00:00", "Z")
