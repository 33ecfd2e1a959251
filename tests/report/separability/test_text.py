"""What the terminal says of a network's separability."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from sepia.report.separability import KindRow, LayerRow, Pair, Possible, Saving, Separability, to_text


def row(
    layer: str, kind: str, macs: int, *, possible: tuple[Possible, ...] = (), kernel: tuple[int, ...] = (3, 3)
) -> LayerRow:
    return LayerRow(
        layer=layer, kind=kind, separable=kind in ("depthwise", "pointwise"), kernel=kernel, strides=(2,) * len(kernel),
        groups=1, channels_in=64, channels_out=128, size_out=(7, 7) if kernel else (), params=73_728, macs=macs,
        possible=possible, why_none=None if possible else f"{kind} already",
    )  # fmt: skip


PAIR = Possible(
    technique="depthwise + pointwise", rank=1, exact_rank=9, saves_to_rank=8, params=8_768, macs=500_000,
    macs_ratio=0.125, formula="1/128 + 1/9", formula_ratio=0.119,
)  # fmt: skip
SPLIT = PAIR.model_copy(update={"technique": "spatially separable", "rank": 64, "macs": 2_000_000, "macs_ratio": 0.5})


def sample(**changed: object) -> Separability:
    layers = (
        row("stem", "standard", 4_000_000, possible=(PAIR, SPLIT)),
        row("dw", "depthwise", 1_000_000),
        row("pw", "pointwise", 5_000_000, kernel=(1, 1), possible=(PAIR,)),
    )
    settings: dict[str, object] = {
        "source": "net.onnx",
        "params": 250_000,
        "macs": 10_000_000,
        "separable_share": 0.6,
        "kinds": tuple(KindRow(kind=one.kind, layers=1, params=one.params, macs=one.macs) for one in layers),
        "pairs": (Pair(kind="depthwise + pointwise", first="dw", second="pw"),),
        "layers": layers,
        "savings": (Saving(technique=None, layers=2, params=120_000, macs=2_000_000, separable_share=1.0),),
    }
    return Separability.model_validate(settings | changed)


def test_text() -> None:
    lines = to_text(sample()).splitlines()
    assert lines[0] == "net.onnx: 0.25 M parameters, 10 M MACs, 60.0% of them in separable layers"
    assert "1 depthwise + pointwise pair of layers: 60.0% of the MACs" in lines
    head = next(index for index, line in enumerate(lines) if line.startswith("layer"))
    # What could become separable first, though the pointwise layer could save more.
    assert " ".join(lines[head + 1].split()) == (
        "stem standard 3×3/2 64→128 7×7 73.73 4 depthwise + pointwise 8.768 0.5 12.5% 1/128 + 1/9 = 11.9%"
    )
    assert lines[head + 2].split()[:4] == ["spatially", "separable,", "64", "between"]
    assert lines[head + 3].startswith("pw ") and lines[head + 4].startswith("dw ")
    assert (
        "the least of these in each layer, in 2 layers: MACs 10 → 2 M (20.0%), parameters 0.25 → 0.12 M, "
        "100.0% of MACs separable"
    ) in lines
    assert "nothing to gain in 1 (depthwise already)" in lines
    assert "Fewer MACs say nothing about accuracy" in lines[-1]


def test_few_rows_count_the_rest() -> None:
    assert "and 2 more layers, which could save 4.5 M MACs (--rows 3)" in to_text(sample(), rows=1).splitlines()
    assert "and 1 more layer, of which none could save MACs (--rows 3)" in to_text(sample(), rows=2).splitlines()


def test_a_network_without_a_convolution() -> None:
    gemm = row("fc", "fully connected", 10_000_000, kernel=())
    said = to_text(sample(layers=(gemm,), pairs=(), savings=(), separable_share=0.0))
    assert "it has no convolution: there is nothing that could be separable" in said
    assert "Fewer MACs" not in said and "layer " not in said


def test_a_network_of_standard_layers_says_so() -> None:
    standard = row("stem", "standard", 10_000_000, possible=(PAIR,))
    assert "none of its layers is separable" in to_text(sample(layers=(standard,), pairs=()))


def test_a_network_without_macs() -> None:
    said = to_text(sample(macs=0, separable_share=0.0, layers=(), pairs=(), kinds=(), savings=()))
    assert said.splitlines()[1] == "it has no convolution: there is nothing that could be separable"


def test_the_record_is_read_back_and_refuses_what_it_does_not_know() -> None:
    found = sample()
    assert Separability.model_validate_json(found.model_dump_json(by_alias=True)) == found
    with pytest.raises(ValidationError, match="maks"):
        sample(maks=1)
