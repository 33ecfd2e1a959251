"""Read a QDQ file, check the whole graph, write a C file and its weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ... import __version__
from ...errors import UnsupportedOps
from ...files import digest, replacing, write_text
from ...graph.load import load_graph
from ...graph.qdq import QuantizedModel, read_qdq
from .arena import plan_arena
from .blob import SLACK_BYTES
from .ends import End
from .listing import Listing
from .lower import Planned, lower, plan
from .rows import support_table

__all__ = ["SOURCE", "WEIGHTS", "Written", "check_c", "support_table", "write_c"]

SOURCE, WEIGHTS = "model.c", "model.weights"
"""What `write_c` writes into a folder; the first includes the second."""

_KERNELS = Path(__file__).parent / "kernels"
_BEFORE = (
    "base", "system", "inner_neon", "inner_armv6", "inner_plain", "dense", "conv", "depthwise", "elementwise", "pool",
    "softmax", "move", "ends",
)  # fmt: skip
_AFTER = ("main",)


@dataclass(frozen=True)
class Written:
    """source, weights: the files. arena_bytes: activations, inputs and outputs at the most. inputs, outputs: float32
    each, in the order in which the program reads and writes them."""

    source: Path
    weights: Path
    arena_bytes: int
    inputs: tuple[End, ...]
    outputs: tuple[End, ...]

    @property
    def input_bytes(self) -> int:
        """Of one sample."""
        return sum(end.bytes for end in self.inputs)

    @property
    def output_bytes(self) -> int:
        return sum(end.bytes for end in self.outputs)


def write_c(source: Path | QuantizedModel, folder: Path) -> Written:
    """Translate a QDQ file (or its view) to `folder`/model.c and model.weights: one program for every architecture.

    Scales, zero points and codes are the file's own. Nothing is written unless every node has a kernel. Raises
    UnsupportedOps with every refusal, OutputError if a file can't be written, and what `load_graph` raises.
    """
    where = str(source) if isinstance(source, Path) else "network"
    quantized = read_qdq(load_graph(source)) if isinstance(source, Path) else source
    planned, refusals = plan(quantized)
    if refusals:
        raise UnsupportedOps(where, "C", refusals, hint="" if quantized.params else "quantise it first")
    origin = f"sha256 {digest(source)}" if isinstance(source, Path) else "a network in memory"
    return _write(quantized, planned, folder, origin)


def check_c(quantized: QuantizedModel) -> tuple[str, ...]:
    """Every refusal, in order, as one line each; empty if the whole graph can be written."""
    return tuple(str(refusal) for refusal in plan(quantized)[1])


def _write(quantized: QuantizedModel, planned: list[Planned], folder: Path, origin: str) -> Written:
    listing, inputs, outputs = lower(quantized, planned)
    places, arena_bytes = plan_arena(listing.buffers)
    written = Written(folder / SOURCE, folder / WEIGHTS, arena_bytes + SLACK_BYTES, inputs, outputs)
    weights = listing.blob.data()
    with replacing(written.weights) as partial:
        partial.write_bytes(weights)
    buffers = [f"static int8_t *const {buffer.name} = arena + {offset};" for buffer, offset in places.items()]
    text = _text(listing, buffers, written, hashlib.sha256(weights).hexdigest(), origin)
    write_text(written.source, text)
    return written


def _text(listing: Listing, buffers: list[str], written: Written, weights: str, origin: str) -> str:
    head = [
        f"/* Auto-generated file. Do not edit! Generator: sepia {__version__}, export/onnx_to_c. Network: {origin}.",
        f"   It includes {WEIGHTS}, sha256 {weights}. */",
    ]
    numbers = [
        f"enum {{ ARENA_BYTES = {written.arena_bytes}, INPUT_BYTES = {written.input_bytes}, "
        f"OUTPUT_BYTES = {written.output_bytes} }};",
        "static int8_t arena[ARENA_BYTES] __attribute__((aligned(16)));",
        f'__asm__(".section .rodata\\n.balign 16\\n.global weights\\nweights:\\n.incbin \\"{WEIGHTS}\\"\\n.text");',
        "extern const int8_t weights[];",
    ]
    steps = ["static void infer(void)", "{", *(f"    {call}" for call in listing.calls), "}"]
    ends = [
        f"#define INPUT {_named(listing, 'input')}",
        f"#define OUTPUT {_named(listing, 'output')}",
        f"static const char DESCRIPTION[] = {_quoted(_description(written))};",
    ]
    return "\n\n".join(
        "\n".join(part)
        for part in (
            head, *(_kernel(name) for name in _BEFORE), numbers, buffers, listing.layers, steps, ends,
            *(_kernel(name) for name in _AFTER),
        )
    )  # fmt: skip


def _kernel(name: str) -> list[str]:
    return [(_KERNELS / f"{name}.c").read_text(encoding="utf-8").rstrip()]


def _named(listing: Listing, name: str) -> str:
    """The buffer of the inputs is the first one made, that of the outputs the last of its name."""
    found = [buffer.name for buffer in listing.buffers if buffer.name.endswith(f"_{name}")]
    return found[0] if name == "input" else found[-1]


def _description(written: Written) -> str:
    ends = {"inputs": written.inputs, "outputs": written.outputs}
    told = {what: [{**asdict(end), "dtype": "float32"} for end in found] for what, found in ends.items()}
    sizes = {"input_bytes": written.input_bytes, "output_bytes": written.output_bytes}
    return json.dumps({**told, **sizes, "arena_bytes": written.arena_bytes}) + "\n"


def _quoted(text: str) -> str:
    """As a C string of ASCII; JSON escapes what is not."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("?", "\\?") + '"'
