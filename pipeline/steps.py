"""The steps of one model and recipe: what each reads, writes, and depends on."""

from __future__ import annotations

from pathlib import Path

from ..check.model_folder import ModelFolder, Precision
from .accuracy_files import accuracy_files
from .bench_files import BenchOptions, bench_files
from .check_files import check_files
from .config import ModelConfig, RunConfig
from .export_files import export_files, formats_of
from .progress import Report
from .quantize_files import AUTO, QuantizeOptions, quantize_files
from .report_files import report_files
from .step import Step
from .versions import versions_of

__all__ = ["steps_of"]


def steps_of(
    model: ModelConfig, recipe: str, config: RunConfig, folder: ModelFolder, progress: Report
) -> tuple[Step, ...]:
    """In order. A step's inputs are made by the steps before it."""
    plan = _Plan(model, recipe, config, folder, progress)
    steps = [plan.export(), plan.quantize(), plan.check()]
    if config.accuracy.data is not None:
        steps.append(plan.accuracy())
    return (*steps, plan.bench(), plan.report())


class _Plan:
    """One model and recipe; each method is one step."""

    def __init__(
        self, model: ModelConfig, recipe: str, config: RunConfig, folder: ModelFolder, progress: Report
    ) -> None:
        self.model = model
        self.recipe = recipe
        self.config = config
        self.folder = folder
        self.progress = progress
        self.base = ModelFolder(folder.float_path or folder.path)
        self.formats = formats_of(config.export.formats)

    def _files(self, precision: Precision) -> tuple[Path, ...]:
        return tuple(file for format_ in self.formats for file in self.folder.artifact(format_, precision).files)

    def export(self) -> Step:
        source = self.model.source
        path = Path(source.rpartition(":")[0] or source)
        # Beside a user's factory lie the modules that it imports: all of that folder's Python counts.
        inputs = (path,) if path.suffix in (".onnx", ".pt2") else tuple(sorted(path.parent.rglob("*.py")))
        return Step(
            "export",
            self.base.path,
            lambda: export_files(
                source,
                self.base,
                formats=self.formats,
                dynamic_batch=self.config.export.dynamic_batch,
                progress=self.progress,
            ),
            inputs=inputs if path.suffix else (),
            outputs=self._files("float"),
            settings={"source": source} | self.config.export.model_dump(),
            versions=versions_of(
                ("models", "export", "graph", "inputs"), ("torch", "onnx", "onnxscript", "openvino", "ai-edge-litert")
            ),
        )

    def quantize(self) -> Step:
        said = self.config.quantize
        auto = self.recipe == AUTO
        options = QuantizeOptions(
            self.recipe,
            said.calibrate,
            said.images,
            said.activations,
            said.saturation_safe,
            said.io,
            said.max_loss if auto else None,
            said.labels and auto,
        )
        recipe_file = (Path(self.recipe),) if self.recipe.endswith(".toml") else ()
        data = (said.calibrate,) if said.calibrate is not None else ()
        return Step(
            "quantize",
            self.folder.path,
            lambda: quantize_files(self.base, self.folder, options, formats=self.formats, progress=self.progress),
            inputs=(self.base.artifact("onnx", "float").path, *data, *recipe_file),
            outputs=(*self._files("int8"), self.folder.quantization),
            settings={"options": vars(options), "formats": self.formats},
            versions=versions_of(
                ("quantize", "export", "graph", "inputs"), ("onnxruntime", "numpy", "openvino", "pillow")
            ),
        )

    def check(self) -> Step:
        said = self.config.check
        data = self.config.quantize.calibrate
        return Step(
            "check",
            self.folder.path,
            lambda: check_files(
                self.folder,
                runtimes=said.runtimes,
                calibrate=data,
                samples=said.samples,
                images=said.images,
                progress=self.progress,
            ),
            inputs=(*self._files("float"), *self._files("int8"), *((data,) if data is not None else ())),
            outputs=(self.folder.check,),
            settings=said.model_dump(),
            versions=versions_of(("check", "runtime", "export", "graph"), _RUNTIMES),
        )

    def accuracy(self) -> Step:
        said = self.config.accuracy
        data = said.data
        if data is None:
            raise ValueError("no labelled data: no step")
        return Step(
            "accuracy",
            self.folder.path,
            lambda: accuracy_files(
                self.folder,
                data=data,
                images=said.images,
                runtimes=self.config.check.runtimes,
                progress=self.progress,
            ),
            inputs=(*self._files("float"), *self._files("int8"), data),
            outputs=(self.folder.accuracy,),
            settings=said.model_dump() | {"runtimes": self.config.check.runtimes},
            versions=versions_of(("check", "runtime", "inputs", "graph"), _RUNTIMES),
        )

    def bench(self) -> Step:
        said = self.config.bench
        options = BenchOptions(said.targets, said.threads, said.seconds, said.repeats)
        return Step(
            "bench",
            self.folder.path,
            lambda: bench_files(self.folder, options, progress=self.progress),
            inputs=(*self._files("float"), *self._files("int8")),
            outputs=(self.folder.bench,),
            settings=said.model_dump(),
            versions=versions_of(("check", "devices", "runtime"), _RUNTIMES),
        )

    def report(self) -> Step:
        accuracy = (self.folder.accuracy,) if self.config.accuracy.data is not None else ()
        outputs = tuple(self.folder.path / f"report.{ending}" for ending in ("html", "md", "csv", "json"))
        return Step(
            "report",
            self.folder.path,
            lambda: report_files(self.folder, source=self.model.source, progress=self.progress),
            inputs=(self.folder.quantization, self.folder.check, self.folder.bench, *accuracy),
            outputs=(self.folder.results, *outputs),
            settings={"source": self.model.source},
            versions=versions_of(("report", "pipeline", "graph")),
        )


_RUNTIMES = ("onnxruntime", "ai-edge-litert", "openvino")
