"""The reference's tables are the code's rows: every layer, its formulas, what it cannot do, and right figures."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from sepia.errors import ModelError
from sepia.models import layers
from sepia.models.layers import ConvNorm, Depthwise, DepthwiseSeparable, DepthwiseTransposed, InvertedResidual, Layer
from sepia.models.layers.table import LAYERS, cost_table
from support.count import count

from docs.printed_from_code import on_page_markdown

_PAGE = Path(__file__).parents[3] / "docs/reference/layers.md"


@pytest.fixture(scope="module")
def page() -> str:
    return on_page_markdown(_PAGE.read_text())


def test_every_layer_is_in_the_table() -> None:
    found = [getattr(layers, name) for name in layers.__all__]
    kinds = {each for each in found if isinstance(each, type) and issubclass(each, Layer) and each is not Layer}
    assert kinds == set(LAYERS)


@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
def test_a_layer_exists_in_the_dimensions_that_are_told_and_no_others(kind: type[Layer]) -> None:
    counts = {InvertedResidual: (2, 2, 4), Depthwise: (2,), DepthwiseTransposed: (2,)}.get(kind, (2, 2))
    for dimensions in range(5):
        if dimensions in LAYERS[kind]:
            layer = kind(*counts, dimensions=dimensions)
            assert len(layer.output_size((9,) * dimensions)) == dimensions
        else:
            with pytest.raises(ModelError, match=f"dimensions is {dimensions}"):
                kind(*counts, dimensions=dimensions)


@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
def test_the_page_says_what_the_docstring_says(kind: type[Layer], page: str) -> None:
    dimensions = ", ".join(map(str, LAYERS[kind]))
    assert f"| `{kind.__name__}` | {dimensions} | `{kind.facts.parameters}` | `{kind.facts.macs}` |" in page
    assert f"| `{kind.__name__}` | {kind.facts.cannot} | {kind.facts.source} |" in page
    for text in (kind.facts.parameters, kind.facts.macs, kind.facts.cannot, kind.facts.source):
        assert text in (kind.__doc__ or "")


def test_nothing_is_left_to_print(page: str) -> None:
    assert "<!--" not in page


def test_figures_on_the_page_are_counted() -> None:
    text = _PAGE.read_text()
    for kind in (DepthwiseSeparable, ConvNorm):
        layer = kind(64, 128)
        found = count(layer, (64, 56, 56))
        assert f"{kind.__name__}(64, 128).cost((56, 56))" in text
        assert f"# Cost(parameters={found.parameters}, macs={found.macs})" in text
        assert repr(layer.cost((56, 56))) == f"Cost(parameters={found.parameters}, macs={found.macs})"


def test_a_separable_step_costs_what_the_papers_say() -> None:
    """1/C_out + 1/k of the standard one; k×1 and 1×k 2/k of it: Howard et al. 2017, Szegedy et al. 2016."""
    shares = {(row["layer"], row["input"]): row["of the standard layer's"] for row in cost_table()}
    assert shares["DepthwiseSeparable", "28×28"] == f"{100 * (1 / 128 + 1 / 9):.1f} %"
    assert shares["SpatiallySeparable", "28×28"] == f"{100 * 2 / 3:.1f} %"
    assert shares["SpatiallySeparable", "8×28×28"] == f"{100 * (9 + 3) / 27:.1f} %"
    assert shares["SpatiallySeparable, each direction", "8×28×28"] == f"{100 * 9 / 27:.1f} %"


def test_lines_of_errors_on_the_page_are_real() -> None:
    lines = []
    for make in (
        lambda: ConvNorm(8, 6, groups=3),
        lambda: ConvNorm(1, 1, padding=(0, 4), padding_mode="reflect")(torch.zeros(1, 1, 6, 4)),
    ):
        with pytest.raises(ModelError) as caught:
            make()
        lines.append(str(caught.value))
    assert "\n".join(lines) in _PAGE.read_text()
