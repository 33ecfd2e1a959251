"""The table of the how-to page, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..tables import table
from .carried import Carried
from .tools import TOOLS

__all__ = ["page"]

_LONGEST = 260


def page(rows: Iterable[Carried], command: str) -> str:
    """command: what made it."""
    header = (
        "tool", "method", "network", "result",
        "equal codes by layer: LiteRT, OpenVINO", "rms against its own ONNX",
        "rms against float: own, LiteRT, OpenVINO",
    )  # fmt: skip
    rows = list(rows)
    told = [f"- {_who(row)}, {row.network}: {line}" for row in rows for line in row.told]
    refused = [f"- {_who(row)}, {row.network}: `{_short(row.refused)}`" for row in rows if row.refused]
    parts = [f"`{command}`", table(header, [tuple(_cells(row)) for row in rows])]
    parts += ["What was changed or is no int8:\n\n" + "\n".join(told)] if told else []
    parts += ["What was refused:\n\n" + "\n".join(refused)] if refused else []
    return "\n\n".join(parts) + "\n"


def _who(row: Carried) -> str:
    return f"{TOOLS[row.tool].title} {row.version}, {row.method}"


def _cells(row: Carried) -> Iterator[str]:
    yield f"{TOOLS[row.tool].title} {row.version}"
    yield row.method
    yield row.network
    if row.refused:
        yield from ("refused, see below", "", "", "")
        return
    yield "TFLite and IR"
    yield ", ".join(_layers(row, engine) for engine in ("litert", "openvino"))
    yield ", ".join(f"{row.rms[engine]:.4f}" for engine in ("litert", "openvino"))
    yield ", ".join(f"{row.float_rms[name]:.4f}" for name in ("own", "litert", "openvino") if name in row.float_rms)


def _layers(row: Carried, engine: str) -> str:
    layers, share, lsb, passed = row.layers[engine]
    return f"{share:.3%} of {layers} (max {lsb}{'' if passed else ', DIFFERS'})"


def _short(reason: str) -> str:
    return (
        reason
        if len(reason) <= _LONGEST
        else reason[:_LONGEST].rsplit(" ", 1)[0] + f" … ({reason.count(' | ') + 1} nodes)"
    )
