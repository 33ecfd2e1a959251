"""What `sepia devices` prints of profiles, boards and probes: plain columns, as wide as what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .columns import columns

if TYPE_CHECKING:
    from ..devices.inventory import Board
    from ..devices.profile import Profile

__all__ = ["listing_text", "probes_text", "profile_text"]


def listing_text(boards: Mapping[str, Board], profiles: Mapping[str, Profile]) -> str:
    rows = [("your board", "destination", "kind")]
    rows += [(name, board.destination, board.profile or "not said") for name, board in boards.items()]
    yours = columns(rows) if boards else ["no board of yours yet; add one: sepia devices add NAME PROFILE@DESTINATION"]
    kinds: list[tuple[str, ...]] = [("kind", "board", "core", "clock", "memory", "systems")]
    kinds += [_kind(profile) for profile in profiles.values()]
    return "\n".join([*yours, "", *columns(kinds)])


def _kind(profile: Profile) -> tuple[str, ...]:
    systems = " ".join(system.name for system in profile.systems)
    clock = f"{profile.clock_mhz} MHz" if profile.clock_mhz else "-"
    core = f"{profile.cores} × {profile.core}" if profile.core else "-"
    return (profile.name, profile.title, core, clock, _sizes(profile) or "-", systems)


def _sizes(profile: Profile) -> str:
    sizes = profile.memory.sizes_mb
    return " ".join(f"{size} MB" if size < 1024 else f"{size // 1024} GB" for size in sizes)


def profile_text(profile: Profile) -> str:
    """All of a profile, each figure with the page it is from."""
    lines = [f"{profile.name}: {profile.title}" + (f" ({profile.chip})" if profile.chip else ""), ""]
    lines += columns([*_facts(profile)])
    lines += ["", *columns([("system", "for", "glibc", "Python", "runtimes"), *_systems(profile)])]
    return "\n".join([*lines, "", *(f"{number} {page}" for page, number in _numbered(profile).items())])


def _numbered(profile: Profile) -> dict[str, str]:
    """Page → its number in brackets."""
    pages = [page for addresses in profile.sources.values() for page in addresses]
    pages += [measured.source for measured in profile.memory.bandwidth]
    return {page: f"[{count}]" for count, page in enumerate(dict.fromkeys(pages), start=1)}


def _facts(profile: Profile) -> Iterator[tuple[str, str, str]]:
    number = _numbered(profile)

    def of(what: str) -> str:
        return " ".join(number[page] for page in profile.sources.get(what, ()))

    if profile.core:
        boost = f", {profile.boost_mhz} MHz where allowed" if profile.boost_mhz else ""
        clock = f" at {profile.clock_mhz} MHz{boost}" if profile.clock_mhz else ""
        yield ("cores", f"{profile.cores} × {profile.core}{clock}", of("clock"))
    for cache in profile.caches:
        shared = f", shared by {cache.cores}" if cache.cores > 1 else ""
        yield (f"L{cache.level} {cache.kind}", f"{cache.kib} KiB{shared}", of("caches"))
    if profile.memory.sizes_mb:
        kind = f" {profile.memory.kind}" if profile.memory.kind else ""
        peak = f", {profile.memory.peak_mb_s} MB/s at most" if profile.memory.peak_mb_s else ""
        yield ("memory", f"{_sizes(profile)}{kind}{peak}", of("memory"))
    for one in profile.memory.bandwidth:
        read = f", read {one.read_mb_s}" if one.read_mb_s else ""
        rates = f"copy {one.copy_mb_s}, fill {one.fill_mb_s}{read} MB/s"
        where = f"one thread, {one.bits} bits, {one.clock_mhz} MHz, {one.memory_mb} MB"
        yield ("measured", f"{rates} ({where})", number[one.source])
    for architecture, flags in profile.features.items():
        yield (architecture, " ".join(flags), of("features"))
    for architecture, cpu in profile.qemu.items():
        yield ("emulated", f"{architecture} on qemu's {cpu}", "")


def _systems(profile: Profile) -> Iterator[tuple[str, ...]]:
    from ..devices.wheels import runs, runtimes_for

    for system in profile.systems:
        runtimes = ", ".join(runtimes_for(system))
        if not runtimes:
            verdict = runs("tflite-runtime", system.architecture, system.glibc, system.python)
            runtimes = f"none: {verdict.reason}; nearest: {verdict.nearest}"
        yield (system.name, system.architecture, system.glibc, system.python, runtimes)


def probes_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """A line a board, then what is to be known of it. A board that failed has its first cause instead."""
    heading = ("board", "model", "system", "Python", "glibc", "core", "memory", "free disk", "runtimes", "transfer")
    found = [_probed(row) for row in rows if "facts" in row]
    lines = columns([heading, *found]) if found else []
    lines += [f"{row['board']}: {note}" for row in rows for note in row.get("notes", ())]
    lines += [f"failed: {row['failure']}" for row in rows if "failure" in row]
    return "\n".join(lines)


def _probed(row: Mapping[str, Any]) -> tuple[str, ...]:
    facts, sent = row["facts"], row.get("transfer")
    return (
        row["board"],
        facts["model"] or "-",
        facts["system"],
        facts["python"],
        facts["libc"] or "none",
        f"{facts['cores']} × {facts['core'] or facts['machine']}",
        f"{facts['memory_bytes'] / 2**20:.0f} MB",
        f"{facts['disk_free_bytes'] / 1e9:.1f} GB",
        ", ".join(row["runtimes"]) or "none",
        _sent(sent) if sent else "-",
    )


def _sent(transfer: Mapping[str, Any]) -> str:
    rate = transfer["mb_per_s"]
    return f"{transfer['bytes'] / 1e6:g} MB right" + (f", {rate:.1f} MB/s" if rate else "")
