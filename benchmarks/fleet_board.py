"""One simulated board: the agent's own client in a folder of its own; and the plain download beside it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from sepia.ship.agent.client import Client
from sepia.ship.agent.fetch import Http

__all__ = ["CHANNEL", "MODEL", "TARGET", "Order", "Pulled", "download", "pull"]

MODEL, CHANNEL, TARGET = "lite0", "stable", "pi4-bookworm64-litert-t4"


@dataclass(frozen=True)
class Order:
    """folder: of the board, with trust/root.json. url: of the repository; of the file for `download`.

    base, sha256: the bundle that the board has, "" for none.
    """

    number: int
    folder: Path
    url: str
    base: Path | None = None
    sha256: str = ""


@dataclass(frozen=True)
class Pulled:
    """version: that was offered. bytes: of answers' bodies. cpu_seconds: of this thread."""

    version: str
    seconds: float
    cpu_seconds: float
    bytes: int
    requests: int
    fetched: bool
    delta: bool


def pull(order: Order) -> Pulled:
    """Refresh, ask what is offered, fetch it unless it is there; verified as on a board, not unpacked, not tested."""
    start, cpu = time.monotonic(), time.thread_time()
    source = Http(order.url)
    client = Client(order.folder, source)
    client.refresh()
    offer = client.offer(MODEL, CHANNEL, TARGET, f"board-{order.number}")
    if offer is None:
        raise RuntimeError(f"{TARGET}: nothing was offered")
    fetched = None
    if offer.sha256 != order.sha256:
        into = order.folder / "arrived.sepia"
        fetched = client.fetch(offer, into, lambda sha256: order.base if sha256 == order.sha256 else None)
        into.unlink()
    source.close()
    return Pulled(
        offer.version,
        time.monotonic() - start,
        time.thread_time() - cpu,
        source.bytes,
        source.requests,
        fetched is not None,
        fetched is not None and fetched.delta,
    )


def download(order: Order) -> Pulled:
    """The peer: one GET of the file, written down, nothing verified."""
    import urllib3

    start, cpu = time.monotonic(), time.thread_time()
    size = 0
    with urllib3.PoolManager() as pool, (order.folder / "plain").open("wb") as file:
        answer = pool.request("GET", order.url, preload_content=False)
        for piece in answer.stream(1 << 16):
            size += file.write(piece)
        answer.release_conn()
    (order.folder / "plain").unlink()
    return Pulled("", time.monotonic() - start, time.thread_time() - cpu, size, 1, True, False)
