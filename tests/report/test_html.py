"""The page's text: whole, offline, and honest without a browser too."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from sepia.report import Results
from sepia.report.columns import FIGURES
from sepia.report.html import to_html
from sepia.report.merge import merge
from sepia.report.results import Conditions
from support.sample_results import make_row, sample


class _Page(HTMLParser):
    """Addresses that the page would load, rows of its table, and what is visible before any script runs."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.cells: dict[str, list[str]] = {}
        self.words: list[str] = []
        self._row = ""
        self._hidden = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.addresses += [value for key in ("src", "href", "srcset", "action") if (value := said.get(key))]
        self._hidden += tag in ("script", "style")
        if tag == "tr":
            self._row = said.get("data-id") or ""
        if tag in ("td", "th") and self._row:
            self.cells.setdefault(self._row, []).append(said.get("data-value") or "")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.words.append(" ".join(data.split()))


@pytest.fixture(scope="module")
def host() -> str:
    return to_html(sample("lite0-host"))


def test_page_loads_nothing(host: str) -> None:
    assert [address for address in _Page(host).addresses if not address.startswith("data:")] == []
    assert "default-src 'none'" in host
    assert not re.search(r"@import|url\(\s*['\"]?http", host)


def test_page_is_not_large(host: str) -> None:
    assert len(host.encode()) < 2_000_000


def test_table_holds_every_row_and_figure(host: str) -> None:
    cells = _Page(host).cells
    rows = sample("lite0-host").rows
    assert len(cells) == len(rows)
    for number, row in enumerate(rows):
        for key in ("latency_ms", "top1", "rms", "peak_rss_bytes", "arena_bytes"):
            value = FIGURES[key].value(row)
            assert ("" if value is None else str(value)) in cells[str(number)], (row.name, key)


def test_page_says_what_must_not_be_overlooked(host: str) -> None:
    words = " ".join(_Page(host).words)
    assert "✗ Wrong outputs" in words
    assert "u8×s8 kernels saturate on this processor" in words
    assert "calibrated on the photos in scikit-image, 16 samples: no calibration data was given" in words
    assert "8 rows: 8 measured on that hardware." in words
    assert "a sample, its figures made up for tests" in words
    assert "governor performance, temperature 47–51 °C, not throttled, load average 0.31–0.94" in words


def test_disturbed_times_are_told() -> None:
    text = to_html(Results(rows=(make_row(before=Conditions(load_average=3.4)),)))
    assert "Disturbed host-debian12 was busy with other work" in " ".join(_Page(text).words)


def test_key_of_the_chart_names_only_what_is_in_it(host: str) -> None:
    assert "wrong outputs" in _Page(host).words
    assert "predicted" not in _Page(host).words
    board = _Page(to_html(sample("lite0-pi4"))).words
    assert "wrong outputs" not in board
    assert "predicted" in board


def test_layers_in_float_failures_and_predictions_are_told() -> None:
    words = " ".join(_Page(to_html(sample("lite0-pi4"))).words)
    assert "Gemm, float32: the runtime has no integer kernel for it on this processor" in words
    assert "Did not run tflite-runtime · int8: FULLY_CONNECTED version 12" in words
    assert "≈ 61.2" in words
    assert "2 emulated (real binaries on an emulated core: outputs and instructions, no time)" in words


def _script(text: str, name: str) -> object:
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_data_and_charts_are_json(host: str) -> None:
    data, charts = _script(host, "data"), _script(host, "charts")
    assert isinstance(data, dict)
    assert isinstance(charts, dict)
    assert set(data) == {"rows", "memory", "layers", "errors", "instructions", "layer_instructions"}
    assert set(charts) == {"latency", "memory", "layers", "errors"}
    assert set(charts["memory"]) == {"onnxruntime", "litert", "openvino", "tflite-runtime"}


def test_charts_that_nobody_has_data_for_are_left_out() -> None:
    assert _script(to_html(Results(rows=(make_row(),))), "charts").keys() == {"latency"}  # type: ignore[attr-defined]


def test_a_name_cannot_become_part_of_the_page() -> None:
    evil = '</script><img src="http://x/y">'
    text = to_html(Results(rows=(make_row(model=evil, outputs="wrong", reason=evil),), data=evil, command=evil))
    assert not [address for address in _Page(text).addresses if "x/y" in address]
    assert text.count("</script>") == to_html(Results(rows=(make_row(),))).count("</script>")


def test_facets_divide_rows_and_none_twice(host: str) -> None:
    assert re.findall(r"<fieldset><legend>(\w+)", host) == ["precision", "runtime", "format", "outputs"]
    both = to_html(merge([sample("lite0-host"), sample("lite0-pi4")]))
    assert re.findall(r"<fieldset><legend>(\w+)", both) == [
        "precision",
        "runtime",
        "place",
        "format",
        "how",
        "outputs",
    ]


def test_no_rows_is_a_page_too() -> None:
    assert "There are no rows." in to_html(Results())


@pytest.fixture(scope="module")
def boards() -> str:
    return to_html(sample("lite0-boards"))


def test_what_to_choose_is_said_of_every_device_and_failed_ones_show(boards: str) -> None:
    words = " ".join(_Page(boards).words)
    assert "What to choose" in words
    assert "shed-bookworm64 measured 41.3 ms int8 on shed-bookworm64-litert-t4 48.2 MiB" in words
    assert "pi5.emulator-bookworm64 emulated — — 62.9 M int8 on pi5.emulator-bookworm64-litert-t1" in words
    assert "Board failed attic: its host key has changed" in words
    assert "attic failed attic: its host key has changed" in words


def test_columns_of_the_page_hold_figures_had_in_one_way(boards: str) -> None:
    keys = re.findall(r'data-key="((?:measured|emulated|predicted)\.(?:latency_ms|instructions))"', boards)
    assert keys == ["measured.latency_ms", "predicted.latency_ms", "emulated.instructions"]


def test_a_disturbed_run_is_marked_and_an_emulated_wrong_one_has_no_latency_to_doubt(boards: str) -> None:
    words = " ".join(_Page(boards).words)
    assert "71.8 *" in words
    assert (
        "the clock was held down by heat (82 °C), the clock was at 1200 of 1400 MHz, in the last of 3 attempts" in words
    )
    assert "2; the last, told here, was not disturbed" in words
    assert "logits: rms error above the tolerance. It has no accuracy. Did not run" in words
