"""A bundle comes to this board: room made, fetched whole or as a delta, checked, unpacked, and named in versions/."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .archive import check, digest, pack, unpack, verify
from .durable import free_bytes, make_folder, move, remove
from .errors import Refused
from .layout import ModelFolder, name_of
from .manifest import Manifest
from .prune import SPARE, forget, make_room
from .state import State
from .switch import current_name

if TYPE_CHECKING:
    from .client import Client, Fetched, Offer

__all__ = ["clear", "fetch", "lies_here", "named", "opened", "refuse_other", "room_for"]


def lies_here(folder: ModelFolder, offer: Offer) -> Manifest | None:
    """Of the offered bundle, if it lies in versions/ to the last byte: kept, or tried before a cut."""
    place = folder.version(name_of(offer.version, offer.sha256))
    if not place.is_dir():
        return None
    try:
        return verify(place) if digest(place) == offer.sha256 else None
    except Refused:
        return None


def clear(folder: ModelFolder, state: State, offer: Offer) -> State:
    """The place of the offered version is free, or is that of what is current and has to be mended."""
    name = name_of(offer.version, offer.sha256)
    if folder.version(name).is_dir() and current_name(folder) != name:
        return forget(folder, state, name)
    return state


def room_for(folder: ModelFolder, state: State, offer: Offer) -> State:
    """For the archive and what it unpacks to, both there at once. Raises Refused of kind "disk"."""
    make_folder(folder.incoming)
    return make_room(folder, state, 2 * offer.bytes)


def fetch(folder: ModelFolder, state: State, offer: Offer, client: Client) -> Fetched:
    """The archive, in incoming/; its digest is the signed one."""
    path = folder.incoming / f"{name_of(offer.version, offer.sha256)}.sepia"
    base = folder.incoming / "base.sepia"
    fetched = client.fetch(offer, path, _base(folder, state, offer, base))
    remove(base)
    return fetched


def opened(folder: ModelFolder, offer: Offer, path: Path, target: str) -> tuple[Path, Manifest]:
    """The archive at `path` unpacked in incoming/, durable; the archive is gone then.

    Raises Refused of the archive's kinds, and of kind "manifest" if it is of another model, version or target.
    """
    manifest = check(path)
    refuse_other(folder.model, offer.version, target, manifest)
    unpacked = folder.incoming / name_of(offer.version, offer.sha256)
    unpack(path, unpacked)
    remove(path)
    return unpacked, manifest


def named(folder: ModelFolder, unpacked: Path) -> None:
    """Give what is whole and durable its name in versions/."""
    move(unpacked, folder.version(unpacked.name))


def refuse_other(model: str, version: str, target: str, manifest: Manifest) -> None:
    """The bundle is what its place in the repository says; a signed one in the wrong place is wrong, too."""
    wanted = {"model": model, "version": version, "target": target}
    for what, name in wanted.items():
        found = getattr(manifest, what)
        if found != name:
            raise Refused(f"{model} {version}", f"its manifest says {what} {found!r}, not {name!r}", kind="manifest")


def _base(folder: ModelFolder, state: State, offer: Offer, into: Path) -> Callable[[str], Path | None]:
    """Makes the archive of a kept version again from its folder; None where a whole download is the better way."""

    def base(sha256: str) -> Path | None:
        kept = next((entry for entry in state.kept if entry.sha256 == sha256), None)
        if kept is None or free_bytes(folder.path) < kept.bytes + 2 * offer.bytes + SPARE:
            return None
        remove(into)
        try:
            place = folder.version(kept.name)
            if pack(verify(place), place, into) == sha256:
                return into
        except Refused:
            pass  # spoilt on this disk: nothing to build on
        remove(into)
        return None

    return base
