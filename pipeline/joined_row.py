"""One row of the results: the bench's, with accuracy and checks of the same file in the same runtime joined on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..check.model_folder import ModelFolder
from ..devices.target import Target
from ..report.results import Conditions, FloatLayer, LayerInstructions, LayerTime, PhaseMemory, Row

__all__ = ["JoinedRow"]

Json = Mapping[str, Any]


class JoinedRow:
    """One row of the bench, with what the check and the accuracy say of the same file in the same runtime.

    Those were made on this machine: they say nothing of a board's kernels, and are joined to its own rows alone.
    """

    def __init__(
        self,
        folder: ModelFolder,
        bench: Json,
        recipe: str | None,
        kinds: Mapping[str, str],
        check: Json,
        accuracy: Json,
    ) -> None:
        self.folder = folder
        self.kinds = kinds
        self.bench = bench
        self.recipe = recipe
        here = Target.parse(bench["target"]).local
        self.check = _same(bench, check.get("whole", [])) if here else {}
        self.accuracy = _same(bench, accuracy.get("rows", [])) if here else {}

    def row(self) -> Row:
        said = self.bench
        known = {
            "model": self.folder.name,
            "format": said["format"],
            "precision": said["precision"],
            "recipe": self.recipe if said["precision"] == "int8" else None,
            "runtime": said["runtime"],
            "target": said["target"],
            "threads": said["threads"],
            "how": said["how"],
            "file": said["file"],
        }
        if said.get("failure"):
            return Row(**known, failure=said["failure"])
        return Row(
            **known,
            **self._outputs(),
            **(_instructions(said) if said["how"] == "emulated" else _latency(said["bench"]) | _memory(said["bench"])),
            **self._layers(),
            file_bytes=said["file_bytes"],
            runtime_version=said["bench"].get("runtime_version"),
        )

    def _outputs(self) -> dict[str, Any]:
        """Wrong wherever anything says so; accuracy then stays unknown."""
        golden = self.bench["bench"].get("golden")
        wrong = self.check.get("wrong") or self.accuracy.get("reason") or self._golden_reason(golden)
        if wrong:
            return {"outputs": "wrong", "reason": wrong}
        outputs = {"outputs": "right"} if golden else {"outputs": "not checked", "reason": "no golden outputs"}
        if self.accuracy.get("outputs") != "right":
            return outputs
        figures = {name: self.accuracy[name] for name in ("images", "top1", "top5", "agreement", "rms")}
        return outputs | figures

    @staticmethod
    def _golden_reason(golden: Json | None) -> str:
        if golden is None or golden["ok"]:
            return ""
        return "; ".join(
            f"{output['output']}: {output['reason'] or 'rms error above the tolerance'}"
            for output in golden["outputs"]
            if not output["ok"]
        )

    def _layers(self) -> dict[str, Any]:
        times = [
            LayerTime(
                layer=layer["name"],
                op=layer["op"],
                time_ms=layer["p50_us"] / 1000,
                # A runtime calls a layer fused with its activation by the activation's name.
                kind=self.kinds.get(layer["name"].removesuffix(".activation") + ".conv", self.kinds.get(layer["name"])),
            )
            for layer in self.bench["bench"]["layers"]
        ]
        found: dict[str, Any] = {"layers": tuple(times) or None}
        floats = self.check.get("float_layers")
        if self.bench["precision"] == "int8" and floats is not None:
            found["float_layers"] = tuple(FloatLayer(**layer) for layer in floats)
            found["int8_layers"] = self.check.get("int8_layers")
        return found


def _same(bench: Json, rows: list[Json]) -> Json:
    """The row of the same file in the same runtime, or an empty one."""
    wanted = (bench["file"], bench["runtime"])
    return next((row for row in rows if (row["file"], row["runtime"]) == wanted), {})


def _latency(bench: Json) -> dict[str, Any]:
    latency = bench["latency"]
    return {
        "disturbed": tuple(bench.get("disturbed", ())),
        "attempts": bench.get("attempts"),
        "latency_ms": latency["p50_ms"],
        "latency_p90_ms": latency["p90_ms"],
        "latency_p99_ms": latency["p99_ms"],
        "latency_min_ms": latency["min_ms"],
        "latency_mean_ms": latency["mean_ms"],
        "runs": latency["count"],
        "load_ms": bench["load_ms"],
        "first_ms": bench["first_ms"],
        "before": _conditions(bench["before"]),
        "after": _conditions(bench["after"]),
    }


def _instructions(said: Json) -> dict[str, Any]:
    """Of one inference, by kind and, where they were counted, by layer."""
    layers = [
        LayerInstructions(
            layer=layer["layer"],
            op=layer["op"],
            kind=layer["kind"],
            instructions=sum(layer["by_kind"].values()),
            by_kind=layer["by_kind"],
        )
        for layer in said.get("layer_instructions", [])
    ]
    return {
        "instructions": sum(said["instructions"].values()) or None,
        "instructions_by_kind": said["instructions"] or None,
        "layer_instructions": tuple(layers) or None,
    }


def _memory(bench: Json) -> dict[str, Any]:
    memory = bench["memory"]
    phases = tuple(PhaseMemory(**phase) for phase in memory["phases"])
    return {
        "memory": phases,
        "peak_rss_bytes": memory["peak_rss_bytes"],
        "arena_bytes": bench["arena_bytes"],
    }


def _conditions(said: Json) -> Conditions:
    frequency: Json = next(iter(said["frequencies"]), {})
    degrees = [zone["celsius"] for zone in said["temperatures"]]
    now = said["throttling"]["now"]
    load = said.get("load_average")
    return Conditions(
        frequency_mhz=frequency.get("now_mhz"),
        governor=frequency.get("governor"),
        temperature_c=max(degrees, default=None),
        throttled=None if now is None else bool(now),
        load_average=load[0] if isinstance(load, list) else load,
    )
