"""One row of the results: one file on one runtime of one target, and all its figures."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from .fact import Bytes, Count, Fact, How, Milliseconds, Share

__all__ = [
    "ACCURACY",
    "INSTRUCTION_KINDS",
    "TIMES",
    "Conditions",
    "FloatLayer",
    "InstructionKind",
    "LayerInstructions",
    "LayerTime",
    "PhaseMemory",
    "Row",
    "RowKey",
]

RowKey = tuple[str, str, str, str, str, str]
"""What makes a row itself: model, format, precision, recipe (or ""), runtime, target."""

ACCURACY = ("top1", "top5", "agreement", "rms")
"""Figures that say how good the outputs are; a row with wrong outputs has none."""

TIMES = ("latency_ms", "latency_p90_ms", "latency_p99_ms", "latency_min_ms", "latency_mean_ms", "load_ms", "first_ms")
"""Figures in wall time; an emulated core has none."""

InstructionKind = Literal["dot", "multiply", "load", "store", "vector", "scalar"]
"""Dot products, other vector multiplies, vector loads and stores, other vector instructions, and all the rest."""

INSTRUCTION_KINDS: tuple[InstructionKind, ...] = get_args(InstructionKind)
"""In the order in which tables and charts show them."""

ByKind = dict[InstructionKind, Count]


class PhaseMemory(Fact):
    """The process's memory at the end of one phase. A runtime's libraries count: compare phases, not totals."""

    phase: str
    """Name of the phase, in the order of the list: "start", "import", "load", "first", "steady"."""
    rss_bytes: Bytes | None = None
    """Resident set size, shared pages included."""
    pss_bytes: Bytes | None = None
    """Proportional set size: shared pages divided by who shares them."""
    peak_rss_bytes: Bytes | None = None
    """The greatest resident set size up to the end of this phase."""


class FloatLayer(Fact):
    """A layer of an int8 file that ran in float."""

    layer: str
    op: str
    precision: str = "float32"
    """What it ran in: "float32", "float16" or "bfloat16"."""
    reason: str = ""
    """Why, where it is known."""


class LayerTime(Fact):
    """Time of one layer as the runtime names it, in execution order; a fused layer is one."""

    layer: str
    op: str
    time_ms: Annotated[float, Field(ge=0)]
    """Mean time of one inference spent in it, in ms. A profiler's own cost is inside."""
    kind: str | None = None
    """What the layer is ("depthwise", "pointwise", …), where the runtime's name leads back to the graph."""
    precision: str | None = None
    """What it ran in: "int8", "float32", "float16", "bfloat16", "none" (moves data only), or null: not told."""


class LayerInstructions(Fact):
    """Instructions of one layer, in execution order."""

    layer: str
    op: str
    instructions: Annotated[int, Field(gt=0)]
    """Of one inference, in this layer alone."""
    kind: str | None = None
    """What the layer is ("depthwise", "pointwise", …), where it is known."""
    by_kind: ByKind | None = None
    """Kind of instruction → how many; they add up to `instructions`. Null: not told."""

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        _refuse_other_sum(self.by_kind, self.instructions, "by_kind")
        return self


def _refuse_other_sum(by_kind: ByKind | None, total: int | None, name: str) -> None:
    if by_kind is not None and sum(by_kind.values()) != total:
        raise ValueError(f"{name} adds up to {sum(by_kind.values())}, and instructions are {total}")


class Conditions(Fact):
    """State of the device at one moment. A latency without it means little on a board."""

    frequency_mhz: Annotated[float, Field(gt=0)] | None = None
    governor: str | None = None
    """Frequency governor, as Linux names it."""
    temperature_c: float | None = None
    throttled: bool | None = None
    """Whether the clock was held down by heat or a weak power supply; null where the device cannot tell."""
    load_average: Annotated[float, Field(ge=0)] | None = None
    """One-minute load average."""


class Row(Fact):
    """One file (model, format, precision, recipe) on one runtime of one target.

    Null means unknown. What a row may not say is refused: accuracy of wrong outputs, time of an emulated core, a
    predicted latency without its bound, accuracy without the number of images, figures of a run that failed.
    """

    model: str
    """Name of the network, as in the zoo or of the user's file."""
    format: Literal["onnx", "tflite", "openvino", "c"]
    precision: Literal["float", "int8"]
    recipe: str | None = None
    """Quantisation recipe; null for float and for a file that somebody else quantised."""
    runtime: str
    """onnxruntime, litert, tflite-runtime, openvino or c."""
    runtime_version: str | None = None
    target: str
    """board-os-runtime-threads, such as host-debian12-litert-t1."""
    threads: Annotated[int, Field(ge=1)]
    how: How
    file: str | None = None
    """Name of the file that ran; its digest is in `files`."""
    failure: str | None = None
    """Why it did not run; such a row has no figures."""

    outputs: Literal["right", "wrong", "not checked"] = "not checked"
    """Whether the outputs match the golden ones."""
    reason: str | None = None
    """Why the outputs are wrong or were not checked."""
    images: Annotated[int, Field(gt=0)] | None = None
    """How many images top1, top5, agreement and rms are over."""
    top1: Share | None = None
    top5: Share | None = None
    agreement: Share | None = None
    """Share of images whose first class is the float model's."""
    rms: Annotated[float, Field(ge=0)] | None = None
    """Root mean square error of the logits against the float model."""

    latency_ms: Milliseconds | None = None
    """Median (p50) of one inference, after warm-up."""
    latency_p90_ms: Milliseconds | None = None
    latency_p99_ms: Milliseconds | None = None
    latency_min_ms: Milliseconds | None = None
    latency_mean_ms: Milliseconds | None = None
    latency_bound: Annotated[float, Field(gt=0)] | None = None
    """Of a predicted latency: its error bound, relative; 0.1 is ±10 %."""
    runs: Annotated[int, Field(gt=0)] | None = None
    """How many inferences were timed."""
    disturbed: tuple[str, ...] = ()
    """What disturbed the run that is told here (heat, swapping, others' work); empty: nothing that was seen."""
    attempts: Annotated[int, Field(gt=0)] | None = None
    """How often it was measured: a disturbed run is repeated, and only the last is told here. Null: not told."""
    load_ms: Milliseconds | None = None
    """Opening the file until ready to run."""
    first_ms: Milliseconds | None = None
    """The first inference after loading."""
    instructions: Annotated[int, Field(gt=0)] | None = None
    """Instructions of one inference, counted on an emulated core or by the processor."""
    instructions_by_kind: ByKind | None = None
    """Kind of instruction → how many; they add up to `instructions`. Null: not told."""
    layer_instructions: tuple[LayerInstructions, ...] | None = None
    """Instructions by layer; null: not counted."""

    peak_rss_bytes: Bytes | None = None
    memory: tuple[PhaseMemory, ...] = ()
    """Memory by phase, in order."""
    arena_bytes: Bytes | None = None
    """The runtime's own buffer for activations, where it tells."""
    file_bytes: Bytes | None = None
    """Size of the file on disk (of .xml and .bin together)."""

    float_layers: tuple[FloatLayer, ...] | None = None
    """Layers that ran in float, of an int8 file; empty: none; null: the runtime does not tell."""
    int8_layers: Count | None = None
    """How many layers ran in int8."""
    layers: tuple[LayerTime, ...] | None = None
    """Time by layer; null: not measured."""

    before: Conditions | None = None
    after: Conditions | None = None

    @property
    def key(self) -> RowKey:
        return (self.model, self.format, self.precision, self.recipe or "", self.runtime, self.target)

    @property
    def name(self) -> str:
        """The key in one word, for messages: model.format.precision[.recipe] on target."""
        file = ".".join(part for part in self.key[:4] if part)
        return f"{file} on {self.target}"

    @property
    def ran_in_int8(self) -> bool:
        """Whether an int8 file was really run, on hardware or an emulated core: such a row can tell its layers."""
        return self.precision == "int8" and self.failure is None and self.how != "predicted"

    @model_validator(mode="after")
    def _is_honest(self) -> Self:
        given = {figure for figure in (*ACCURACY, *TIMES) if getattr(self, figure) is not None}
        accuracy = [figure for figure in ACCURACY if figure in given]
        if self.outputs == "wrong" and accuracy:
            raise ValueError(f"outputs are wrong, so {', '.join(accuracy)} must be null")
        if self.outputs == "wrong" and not self.reason:
            raise ValueError("outputs are wrong, so reason must say how")
        if accuracy and self.images is None:
            raise ValueError(f"{', '.join(accuracy)} needs images, the number they are over")
        times = [figure for figure in TIMES if figure in given]
        if self.how == "emulated" and (times or self.layers):
            raise ValueError(f"an emulated core has no time, so {', '.join(times) or 'layers'} must be null")
        if self.how == "emulated" and (self.peak_rss_bytes or self.memory):
            raise ValueError("memory of an emulated core is the emulator's, so peak_rss_bytes and memory must be null")
        if self.how != "measured" and self.disturbed:
            raise ValueError("only a measured run can be disturbed")
        if self.how == "predicted" and self.latency_ms is not None and self.latency_bound is None:
            raise ValueError("a predicted latency_ms needs latency_bound")
        if self.how != "predicted" and self.latency_bound is not None:
            raise ValueError("latency_bound belongs to a predicted latency_ms only")
        counted = self.instructions or self.instructions_by_kind or self.layer_instructions
        other = counted or self.peak_rss_bytes or self.layers or self.outputs != "not checked"
        if self.failure is not None and (given or other):
            raise ValueError("a run that failed has no figures")
        return self

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        _refuse_other_sum(self.instructions_by_kind, self.instructions, "instructions_by_kind")
        found = re.search(r"-t(\d+)$", self.target)
        if found and int(found[1]) != self.threads:
            raise ValueError(f"target {self.target} and threads {self.threads} disagree")
        if self.precision == "float" and self.recipe is not None:
            raise ValueError("a float row has no recipe")
        if self.top1 is not None and self.top5 is not None and self.top5 < self.top1:
            raise ValueError(f"top5 {self.top5} is below top1 {self.top1}")
        ordered = [
            time for time in (self.latency_min_ms, self.latency_ms, self.latency_p90_ms, self.latency_p99_ms) if time
        ]
        if ordered != sorted(ordered):
            raise ValueError("latency min, p50, p90 and p99 are not in order")
        return self
