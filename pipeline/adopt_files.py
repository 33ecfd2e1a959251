"""`sepia export` of a QDQ file that some other tool wrote: taken over, and translated like one of ours."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..check.model_folder import Format, ModelFolder
from ..errors import Refusal, UnsupportedOps, UnsupportedQuantization
from .all_or_none import all_or_none
from .progress import Report, silent
from .translate_files import translate_files

if TYPE_CHECKING:
    import onnx_ir as ir

    from ..graph.qdq import QuantizedModel

__all__ = ["AdoptedFiles", "adopt_files", "is_quantized_file"]


@dataclass(frozen=True)
class AdoptedFiles:
    """files: format → path. told: what was changed to bring the file into a form that is read, and what is no int8."""

    files: dict[Format, Path]
    told: tuple[str, ...]


def is_quantized_file(path: Path) -> bool:
    """Whether an ONNX file holds quantised values. Raises as `graph.load_graph` does."""
    from ..graph.adopt import is_quantized
    from ..graph.load import load_graph

    return is_quantized(load_graph(path))


def adopt_files(
    source: Path,
    folder: ModelFolder,
    formats: Sequence[Format],
    *,
    io: Literal["float", "int8"] = "float",
    progress: Report = silent,
) -> AdoptedFiles:
    """Write `model.int8.onnx` and its translations into `folder`, all of them or none.

    The ONNX file is the source itself, byte for byte, where nothing in it had to be changed. Raises
    UnsupportedQuantization and UnsupportedOps, with every node and its reason, before anything is written; GraphError
    where OpenVINO refuses the file; OutputError.
    """
    from ..graph.adopt import adopt
    from ..graph.load import has_external_data, load_graph, save_graph

    model = load_graph(source)
    try:
        adopted = adopt(model)
    except UnsupportedQuantization as error:
        raise UnsupportedQuantization(error.refusals, where=str(source)) from error
    told = [*adopted.told, *_of_tflite(source, adopted.model, formats)]
    with all_or_none(folder) as made:
        onnx = made.artifact("onnx", "int8").path
        if adopted.model is model and not has_external_data(source):
            shutil.copyfile(source, onnx)
        else:
            save_graph(adopted.model, onnx)
        progress(f"{folder.name}: int8 ONNX → {', '.join(formats)}", 0, 0)
        translate_files(made, "int8", formats, io=io)
    files = {format_: folder.artifact(format_, "int8").path for format_ in dict.fromkeys(("onnx", *formats))}
    # What Sepia's own quantiser said is not about this file.
    folder.quantization.unlink(missing_ok=True)
    return AdoptedFiles(files, tuple(told))


def _of_tflite(source: Path, model: ir.Model, formats: Sequence[Format]) -> list[str]:
    """What TFLite makes of it. Raises UnsupportedOps with every refusal."""
    if "tflite" not in formats:
        return []
    from ..export.onnx_to_tflite import check_tflite, tflite_in_float
    from ..graph.qdq import read_qdq

    view = read_qdq(model)
    refusals = check_tflite(view)
    if refusals:
        others = ",".join(format_ for format_ in formats if format_ != "tflite")
        hint = f"the other formats take it: --formats {others}" if others else ""
        raise UnsupportedOps(str(source), "TFLite", refusals, hint=hint)
    return [*_biases(view), *_grouped(tflite_in_float(view))]


def _biases(view: QuantizedModel) -> list[str]:
    if not view.rounded:
        return []
    most = max(view.rounded.values())
    return [
        f"TFLite: {len(view.rounded)} biases rounded to int32 codes of scale s_in · s_w, as every integer kernel has "
        f"them; that moves what a layer makes by {most:.2g} steps of its scale at most"
    ]


def _grouped(refusals: Sequence[Refusal]) -> list[str]:
    counted = Counter(refusal.reason for refusal in refusals)
    first = {refusal.reason: refusal.node for refusal in reversed(refusals)}
    return [
        f"TFLite: '{first[reason]}'" + (f" and {count - 1} more" if count > 1 else "") + f" in float: {reason}"
        for reason, count in counted.items()
    ]
