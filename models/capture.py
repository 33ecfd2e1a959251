"""Runs a user's factory in a process of its own and captures what it returns. Knows torch and nothing of Sepia.

    python -P capture.py FILE FACTORY DIRECTORY DYNAMIC

writes DIRECTORY/capture.pt2 and DIRECTORY/capture.json: {"preparation": …, "labels": …} or {"error": …, "hint": …}.
Whatever the user's code prints goes where the parent process sends it, never into these files. Started by
`source.py`; the user's folder is first on the path, and none of ours is there.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

__all__ = ["main"]

_DEFAULT_SHAPE = (1, 3, 224, 224)


class _Refused(Exception):
    """What is wrong, and what to do next, in one line each."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what, self.hint = what, hint


def main(file: str, factory: str, directory: str, dynamic: str) -> None:
    """Capture `factory` of `file`; every failure is told in capture.json."""
    folder = Path(directory)
    try:
        outcome = _capture(Path(file), factory, folder / "capture.pt2", dynamic == "dynamic")
    except _Refused as refused:
        outcome = {"error": refused.what, "hint": refused.hint}
    (folder / "capture.json").write_text(json.dumps(outcome), encoding="utf-8")


def _capture(file: Path, factory: str, destination: Path, dynamic: bool) -> dict[str, Any]:
    build = _find(_load(file), factory, file)
    returned = _guarded(f"'{factory}' raised", build)
    module, example = returned if isinstance(returned, tuple) and len(returned) == 2 else (returned, None)
    if not isinstance(module, torch.nn.Module):
        raise _Refused(
            f"'{factory}' returned {type(returned).__name__}, not a torch.nn.Module",
            "return the module, or (module, example input)",
        )
    module.eval()
    preparation, labels = _attribute("preparation", module, build), _attribute("labels", module, build)
    inputs = _examples(example, preparation)
    program = _program(module, inputs, dynamic, given=example is not None)
    torch.export.save(program, destination)
    return {"preparation": preparation, "labels": None if labels is None else list(labels)}


def _load(file: Path) -> ModuleType:
    sys.path.insert(0, str(file.resolve().parent))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise _Refused("is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    loader = spec.loader
    _guarded("importing it raised", lambda: loader.exec_module(module))
    return module


def _find(module: ModuleType, factory: str, file: Path) -> Callable[[], Any]:
    found = getattr(module, factory, None)
    if callable(found):
        build: Callable[[], Any] = found
        return build
    own = [name for name, value in vars(module).items() if callable(value) and _belongs(value, module)]
    what = f"has no function '{factory}'" if found is None else f"'{factory}' is {type(found).__name__}, not a function"
    raise _Refused(what, f"it has {', '.join(own) or 'none'}; add one that takes nothing and returns a module")


def _belongs(value: object, module: ModuleType) -> bool:
    return getattr(value, "__module__", None) == module.__name__


def _attribute(name: str, module: torch.nn.Module, build: object) -> Any:
    found = getattr(module, name, None)
    return getattr(build, name, None) if found is None or callable(found) else found


def _examples(example: Any, preparation: Any) -> tuple[torch.Tensor, ...]:
    if example is None:
        shape = _DEFAULT_SHAPE
        if isinstance(preparation, dict):
            channels = 1 if preparation.get("colour") == "GREY" else 3
            shape = (1, channels, int(preparation.get("height", 224)), int(preparation.get("width", 224)))
        return (torch.rand(shape),)
    inputs = tuple(example) if isinstance(example, tuple | list) else (example,)
    strange = [type(value).__name__ for value in inputs if not isinstance(value, torch.Tensor)]
    if strange or not inputs:
        raise _Refused(f"the example input is {', '.join(strange) or 'empty'}", "give a tensor, or a tuple of tensors")
    return inputs


def _program(
    module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], dynamic: bool, *, given: bool
) -> torch.export.ExportedProgram:
    shapes = " and ".join(str(list(value.shape)) for value in inputs)
    hint = "" if given else f"its input was taken to be {shapes}; return (module, example input) for another"
    with torch.no_grad():
        _guarded(f"its forward raised on {shapes}:", lambda: module(*inputs), hint)
        if dynamic:
            inputs = tuple(torch.cat([value[:1], value[:1]]) for value in inputs)
        axes = {0: torch.export.Dim("batch")} if dynamic else None
        exported: torch.export.ExportedProgram = _guarded(
            "torch.export cannot capture it:",
            lambda: torch.export.export(module, inputs, dynamic_shapes=(axes,) * len(inputs) if dynamic else None),
        )
    return exported


def _guarded(says: str, run: Callable[[], Any], hint: str = "") -> Any:
    """`run()`; whatever the user's code raises becomes one line, with the place in the user's own files."""
    try:
        return run()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        traceback.print_exc()
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        text = f"{type(error).__name__}: {first}" if first else type(error).__name__
        raise _Refused(f"{says} {text}{_place(error)}", hint) from error


def _place(error: BaseException) -> str:
    """` (file.py, line 12)`: the innermost frame in the user's folder."""
    folder = sys.path[0]
    frames = traceback.extract_tb(error.__traceback__)
    mine = [frame for frame in frames if frame.filename.startswith(folder) and "site-packages" not in frame.filename]
    return f" ({Path(mine[-1].filename).name}, line {mine[-1].lineno})" if mine else ""


if __name__ == "__main__":
    main(*sys.argv[1:])
