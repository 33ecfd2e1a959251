"""Who stands in the tables: each quantiser with its road, its method and the file that it makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sepia.quantize.recipes import LADDER, RECIPES

from ..environments import PINS

__all__ = ["FLOAT", "HEAVY", "PER_TENSOR", "QUANTIZERS", "Row", "by_photos", "left_out"]

HEAVY = 64
"""Photos for the calibrators that keep every activation: some 63 MiB a photo."""


@dataclass(frozen=True)
class Row:
    """name: of its folder. environment: in `peers/`, or "" for this Python. method: in the road's own words.

    suffix, runtime: of the file that is judged. photos: at most so many, evenly over all; None: all. built_in: the
    photos in scikit-image's wheel instead. quantising: the road's steps that are quantisation, and not what was before
    or comes after. but: what a recipe of ours has otherwise, as (key, value).
    """

    name: str
    title: str
    environment: str
    script: str
    method: str
    suffix: str = ".onnx"
    photos: int | None = None
    built_in: bool = False
    quantising: tuple[str, ...] = ("done",)
    but: tuple[tuple[str, str], ...] = ()

    @property
    def runtime(self) -> str:
        return {".onnx": "onnxruntime", ".tflite": "litert", ".xml": "openvino"}[self.suffix]

    @property
    def installable(self) -> bool:
        """Its environment has pins."""
        return not self.environment or (PINS / f"{self.environment}.txt").is_file()

    def arguments(self, calibration: Path, out: Path, float_onnx: Path | None) -> list[str]:
        """For the road's command line. float_onnx: where it begins at that file, without torch."""
        told = ["--calibration", "built-in" if self.built_in else str(calibration), "--out", str(out)]
        told += ["--method", str(self._recipe_file(out)) if self.but else self.method]
        if self.photos is not None:
            told += ["--limit", str(self.photos)]
        return told if float_onnx is None else [*told, "--float-onnx", str(float_onnx)]

    def _recipe_file(self, out: Path) -> Path:
        """A built-in recipe of ours with what it has otherwise."""
        import tomlkit

        settings = RECIPES[self.method].model_dump(exclude={"name"}) | dict(self.but)
        path = out.with_name(f"{out.name}.toml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(tomlkit.dumps(settings), encoding="utf-8")
        return path


FLOAT = Row("float", "float", "", "float_road.py", "float")


def _static(method: str, words: str, photos: int | None = None) -> Row:
    title = f"ONNX Runtime `quantize_static`: {words}"
    return Row(f"quantize_static-{method}", title, "onnxruntime", "quantize_static_road.py", method, photos=photos)


def _nncf(method: str, words: str) -> Row:
    return Row(f"nncf-{method}", f"NNCF: {words}", "nncf", "nncf_road.py", method, ".xml", quantising=("quantized",))


def _litert(method: str, words: str) -> Row:
    title, steps = f"ai-edge-quantizer: {words}", ("calibrated", "done")
    return Row(f"litert-{method}", title, "litert", "litert_quantizer_road.py", method, ".tflite", quantising=steps)


def _olive(method: str, words: str) -> Row:
    return Row(f"olive-{method}", f"Olive `OnnxStaticQuantization`: {words}", "olive", "olive_road.py", method)


def _sepia(recipe: str, **but: str) -> Row:
    changes = "".join(f', `{key} = "{value}"`' for key, value in but.items())
    name = "-".join(("sepia", recipe, *but.values()))
    return Row(
        name, f"Sepia: `{recipe}`{changes}", "", "sepia_road.py", recipe,
        quantising=("quantized",), but=tuple(but.items()),
    )  # fmt: skip


_PEERS = (
    _static("default", "defaults (weights per tensor)"),
    _static("per-channel", "per channel, min-max"),
    _static("entropy", f"per channel, entropy, {HEAVY} photos", HEAVY),
    _static("percentile", f"per channel, percentile, {HEAVY} photos", HEAVY),
    _nncf("performance", "defaults (preset performance, fast bias correction)"),
    _nncf("mixed", "preset mixed"),
    _nncf("mixed-bias", "preset mixed, `fast_bias_correction=False`"),
    _nncf("accuracy-control", "`quantize_with_accuracy_control`, labels of the calibration photos"),
    _litert("static", "`static_wi8_ai8`"),
    _olive("default", "defaults (weights per tensor)"),
    _olive("per-channel", "per channel, min-max"),
)

QUANTIZERS = (
    FLOAT,
    *(row for row in _PEERS if row.installable),
    _sepia("minmax"),
    *(_sepia(recipe) for recipe in LADDER),
    _sepia("default", rounding="adaround"),
)
"""The first table. A peer whose environment has no pins in `peers/` is left out."""

PER_TENSOR = (
    _static("default", "defaults (weights per tensor)"),
    _static("per-tensor", "per tensor, uint8 activations"),
    _nncf("per-tensor", "preset mixed, per tensor"),
    _litert("per-tensor", "`static_wi8_ai8`, `TENSORWISE`"),
    *(_sepia(recipe, weights="per-tensor") for recipe in ("minmax", *LADDER) if recipe != "best"),
)
"""The third, without `best`, which is `default` and a quarter of an hour more."""


def left_out() -> tuple[str, ...]:
    """Titles of the peers whose environments have no pins."""
    return tuple(row.title for row in _PEERS if not row.installable)


def by_photos() -> list[tuple[str, list[Row]]]:
    """The second: recipes of ours, calibrated on ever more photos, from the float ONNX file."""
    counts = (("scikit-image's", None, True), ("16", 16, False), ("48", 48, False), ("200", 200, False))
    return [
        (
            recipe,
            [
                Row(
                    f"sepia-{recipe}-{words.replace(chr(39), '')}",
                    words,
                    "",
                    "sepia_quantize.py",
                    recipe,
                    photos=photos,
                    built_in=built_in,
                )
                for words, photos, built_in in counts
            ],
        )
        for recipe in ("fast", "default")
    ]
