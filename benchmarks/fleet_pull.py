"""`python -m benchmarks.fleet_pull`: a thousand simulated boards pull from one static web server (nginx).

Each is the agent's own client with a folder of its own, over HTTP on loopback: first install, nothing new, a version by
delta, a roll-out to a tenth. Beside it, the same boards fetch the plain file. Real bytes and requests; the seconds are
this machine's, with `--at-once` boards sharing its cores, and no board's. Needs nginx (Debian: nginx-light).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles

import numpy as np
from sepia.ship import passphrase, repository
from sepia.ship.agent.archive import pack
from sepia.ship.agent.manifest import Bounds, File, Manifest
from sepia.ship.keys import KeyStore

from .fleet_board import CHANNEL, MODEL, TARGET, Order, Pulled, download, pull
from .machine import describe
from .tables import table
from .web_server import WebServer

__all__ = ["Phase", "main"]

NETWORK = "model.int8.tflite"
CHANGED = 0.1
"""Share of the weights that a new version moves by one step."""


@dataclass(frozen=True)
class Phase:
    """Of all boards. bytes: of bodies, by the clients' count; server_bytes: by nginx, with heads."""

    title: str
    boards: int
    new: int
    deltas: int
    bytes_a_board: float
    requests_a_board: float
    seconds_p50: float
    seconds_p95: float
    cpu_ms_a_board: float
    server_bytes: int
    server_requests: int
    wall_seconds: float


def main() -> int:
    arguments = _arguments()
    out = arguments.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    fleet = _Fleet(out, arguments.boards, arguments.at_once, round(arguments.megabytes * 1e6))
    phases = fleet.run()
    command = " ".join(["python -m benchmarks.fleet_pull", *sys.argv[1:]])
    told = {"command": command, "machine": describe(), "phases": [asdict(phase) for phase in phases]}
    (out / "fleet.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    page = markdown(command, arguments.at_once, phases)
    (out / "fleet.md").write_text(page, encoding="utf-8")
    print(page)
    shutil.rmtree(out / "boards")
    return 0


def _arguments() -> argparse.Namespace:
    build = Path(__file__).resolve().parents[1] / "build"
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet_pull", description=__doc__)
    parser.add_argument("--boards", type=int, default=1000, help="default: %(default)s")
    parser.add_argument("--at-once", type=int, default=8, help="processes (default: %(default)s)")
    parser.add_argument("--megabytes", type=float, default=5.0, help="of the network (default: %(default)s)")
    parser.add_argument("-o", "--out", type=Path, default=build / "benchmarks" / "fleet", help="emptied first")
    return parser.parse_args()


class _Fleet:
    def __init__(self, out: Path, boards: int, at_once: int, size: int) -> None:
        self.out, self.boards, self.at_once = out, boards, at_once
        self.weights = np.random.default_rng(1).normal(0, 30, size).clip(-127, 127).astype(np.int8)
        self.keys = KeyStore(out / "keys", passphrase.none)
        self.folder = out / "repository"
        self.server = WebServer(self.folder, out / "nginx")

    def run(self) -> list[Phase]:
        repository.create(self.folder, self.keys)
        repository.delegate(self.folder, MODEL, CHANNEL, self.keys)
        first = self._publish("1.0.0")
        root = max((self.folder / "metadata").glob("*.root.json")).read_bytes()
        for number in range(self.boards):
            trust = self.out / "boards" / str(number) / "trust"
            trust.mkdir(parents=True)
            (trust / "root.json").write_bytes(root)
        with self.server, ProcessPoolExecutor(self.at_once) as pool:
            url = self.server.url()
            plain = url + str(next(self.folder.glob("targets/**/*.1.0.0.sepia")).relative_to(self.folder))

            def phase(title: str, does: Callable[[Order], Pulled], url: str, base: tuple[Path, str] | None) -> Phase:
                print(title, file=sys.stderr, flush=True)
                return self._phase(title, pool, does, self._orders(url, base))

            phases = [
                phase("plain file, no verification", download, plain, None),
                phase("first install", pull, url, None),
                phase("nothing new", pull, url, first),
            ]
            second = self._publish("1.1.0")
            phases.append(phase("update by delta", pull, url, first))
            self._publish("1.2.0", rollout=0.1)
            phases.append(phase("roll-out to 10 %", pull, url, second))
        return phases

    def _orders(self, url: str, base: tuple[Path, str] | None) -> list[Order]:
        path, sha256 = base or (None, "")
        return [Order(number, self.out / "boards" / str(number), url, path, sha256) for number in range(self.boards)]

    def _phase(
        self, title: str, pool: ProcessPoolExecutor, does: Callable[[Order], Pulled], orders: Sequence[Order]
    ) -> Phase:
        before, start = len(self.server.requests()), time.monotonic()
        pulled = list(pool.map(does, orders, chunksize=4))
        wall = time.monotonic() - start
        served = self.server.requests()[before:]
        seconds = [one.seconds for one in pulled]
        return Phase(
            title=title,
            boards=len(pulled),
            new=sum(one.fetched for one in pulled),
            deltas=sum(one.delta for one in pulled),
            bytes_a_board=sum(one.bytes for one in pulled) / len(pulled),
            requests_a_board=sum(one.requests for one in pulled) / len(pulled),
            seconds_p50=median(seconds),
            seconds_p95=quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0],
            cpu_ms_a_board=1000 * sum(one.cpu_seconds for one in pulled) / len(pulled),
            server_bytes=sum(request.bytes for request in served),
            server_requests=len(served),
            wall_seconds=wall,
        )

    def _publish(self, version: str, *, rollout: float = 1.0) -> tuple[Path, str]:
        """The next version's bundle and its digest."""
        if version != "1.0.0":
            chance = np.random.default_rng(len(version) + int(version[2]))
            moved = chance.random(self.weights.size) < CHANGED
            step = chance.choice(np.array([-1, 1], np.int8), self.weights.size)
            self.weights = np.where(moved, self.weights + step, self.weights).astype(np.int8)
        data = self.weights.tobytes()
        path = self.out / f"{version}.sepia"
        sha256 = pack(_manifest(version, data), lambda name: io.BytesIO(data), path)
        repository.publish(self.folder, self.keys, path, CHANNEL, rollout=rollout)
        return path, sha256


def _manifest(version: str, data: bytes) -> Manifest:
    return Manifest(
        model=MODEL,
        version=version,
        target=TARGET,
        runtime="litert",
        network=NETWORK,
        threads=4,
        files=(File(NETWORK, len(data), hashlib.sha256(data).hexdigest(), "network"),),
        bounds=Bounds(),
        preparation={},
        provenance={},
    )


def markdown(command: str, at_once: int, phases: Sequence[Phase]) -> str:
    """The table under its command. The first phase is the peer that the others are compared with."""
    plain = phases[0]
    rows = [
        (
            phase.title,
            f"{phase.new} ({phase.deltas} by delta)",
            f"{phase.bytes_a_board / 1000:.1f}",
            f"{phase.bytes_a_board / plain.bytes_a_board:.4f}",
            f"{phase.requests_a_board:.2f}",
            f"{phase.seconds_p50:.2f}",
            f"{phase.seconds_p95:.2f}",
            f"{phase.cpu_ms_a_board:.0f}",
            f"{phase.server_bytes / 1e6:.1f}",
            str(phase.server_requests),
            f"{phase.wall_seconds:.1f}",
        )
        for phase in phases
    ]
    header = ("phase", "boards with a new file", "kB a board", "/ plain file", "requests a board", "s p50", "s p95")
    header = (*header, "CPU ms a board", "server MB", "server requests", "wall s")
    words = (
        f"{plain.boards} simulated boards, {at_once} at once on this machine's cores (measured here; no board's time); "
        f"one nginx on loopback. Averages, unless said. A new version moves {CHANGED:.0%} of the weights by one step."
    )
    return f"## A fleet that pulls\n\n`{command}`\n\n{words}\n\n{table(header, rows)}\n"


if __name__ == "__main__":
    sys.exit(main())
