"""ONNX, float or QDQ, to OpenVINO IR: an .xml with its .bin beside it.

A QDQ file is translated and not quantised again: codes, scales and zero points stay as they are, and the plugin makes
int8 layers of them when it compiles. `openvino.convert_model` is not used: it joins each Q/DQ pair into a FakeQuantize,
whose sums round otherwise, so that the IR's outputs would no longer be those of the ONNX file, bit for bit.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...errors import GraphError, InputError, OutputError, RuntimeUnavailable
from ...files import replacing
from .spelt_out import spell_out

__all__ = ["onnx_to_openvino", "read_metadata"]

_SECTION = "sepia"
_PREFIX = "sepia."
_A_BLOCK = 65536


def onnx_to_openvino(source: Path, destination: Path) -> None:
    """Write `source` (.onnx) as `destination` (.xml) and its weights as the same name with .bin.

    Weights keep their width: float32 is not pressed into float16. A dynamic batch stays dynamic. ONNX metadata whose
    key starts with "sepia." goes to rt_info under ["sepia", key]. The same source gives the same bytes. The .bin is in
    place before the .xml, so an .xml that is there can be read. Raises InputError, GraphError with the ops that
    OpenVINO cannot carry, OutputError, RuntimeUnavailable.
    """
    if destination.suffix != ".xml":
        raise OutputError(str(destination), "OpenVINO IR is an .xml file", accepted="a name ending in .xml")
    if not source.is_file():
        raise InputError(str(source), "no such file")
    openvino = _library()
    proto = _decoded(source)
    with _spelt_out(source, proto) as readable, _told(source, openvino):
        model = openvino.Core().read_model(str(readable))
    _name_by_place(model)
    for key, value in _metadata(proto).items():
        model.set_rt_info(value, [_SECTION, key])
    with replacing(destination) as xml, replacing(destination.with_suffix(".bin")) as weights:
        written = xml.with_suffix(".bin")
        try:
            with _told(destination, openvino, error=OutputError), _disk_errors(xml):
                openvino.save_model(model, str(xml), compress_to_fp16=False)
            written.replace(weights)
        finally:
            written.unlink(missing_ok=True)


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """OpenVINO writes through a C++ stream, whose failure does not say why: ask the disk."""
    try:
        yield
    except RuntimeError as failure:
        if shutil.disk_usage(path.parent).free < _A_BLOCK:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from failure
        raise


def read_metadata(path: Path) -> dict[str, str]:
    """What `onnx_to_openvino` wrote into an .xml: keys that start with "sepia."."""
    import xml.etree.ElementTree as ElementTree

    try:
        section = ElementTree.parse(path).getroot().find(f"rt_info/{_SECTION}")
    except (OSError, ElementTree.ParseError) as error:
        raise InputError(str(path), f"cannot be read as OpenVINO IR ({error})") from error
    return {} if section is None else {item.tag: item.get("value", "") for item in section}


def _library() -> Any:
    # Merely imported, it would send usage figures over the network from threads of its own.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError as error:
        raise RuntimeUnavailable("openvino", "is not installed", hint="pip install openvino") from error
    return openvino


@contextmanager
def _told(path: Path, openvino: Any, *, error: type[GraphError] | type[OutputError] = GraphError) -> Iterator[None]:
    """Translate OpenVINO's errors, leaving out the lines that say where in its own source they were raised."""
    from openvino.frontend import GeneralFailure, OpConversionFailure, OpValidationFailure

    try:
        yield
    except (RuntimeError, GeneralFailure, OpConversionFailure, OpValidationFailure) as failure:
        lines = [line.strip() for line in str(failure).splitlines()]
        said = [line for line in lines if line and not line.startswith(("Exception from", "Check '", "FrontEnd API"))]
        reason = " ".join(said or lines)[:600]
        raise error(str(path), f"OpenVINO cannot carry it ({reason})") from failure


def _decoded(source: Path) -> Any:
    """The onnx.ModelProto, weights in files of their own left there; None of a file that OpenVINO is to refuse."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        return onnx.load(str(source), load_external_data=False)
    except DecodeError:
        return None


@contextmanager
def _spelt_out(source: Path, proto: Any) -> Iterator[Path]:
    """`source`, or a copy that says what OpenVINO reads wrongly in other words. A copy on disk: of one in memory
    OpenVINO drops the inputs that nobody reads."""
    if proto is None or not spell_out(proto):
        yield source
        return
    import onnx

    onnx.load_external_data_for_model(proto, str(source.parent))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / source.name
        onnx.save(proto, str(copy))
        yield copy


def _metadata(proto: Any) -> dict[str, str]:
    properties = () if proto is None else proto.metadata_props
    return {item.key: item.value for item in properties if item.key.startswith(_PREFIX)}


def _name_by_place(model: Any) -> None:
    """Rename what the file leaves unnamed: OpenVINO calls it by its type and a count of all that this process made."""
    ops = model.get_ordered_ops()
    given = {op.get_friendly_name() for op in ops if op.get_friendly_name() != op.get_name()}
    for place, op in enumerate(ops):
        if op.get_friendly_name() in given:
            continue
        name = f"{op.get_type_name()}_{place}"
        while name in given:
            name += "_"
        op.set_friendly_name(name)
