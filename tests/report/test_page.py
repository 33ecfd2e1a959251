"""The page in a real browser: drawn, offline, without complaints, and it does what a click says.

With --regen the picture in the documentation is taken anew, of SEPIA_RESULTS (a real run) if that is set.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sepia.report import Results, load_results, write_report
from support.browser import Browser, Scheme, open_browser
from support.sample_results import make_row, sample

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "report.png"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_report([sample("lite0-host")], folder)
    write_report([sample("lite0-host"), sample("lite0-pi4")], folder / "both")
    write_report([sample("lite0-boards")], folder / "boards")
    write_report([Results(rows=(make_row(),))], folder / "bare")
    write_report([Results()], folder / "empty")
    return folder


@pytest.fixture
def page(browser: Browser, folder: Path) -> Iterator[Browser]:
    """The host's report, freshly opened. After the test: it logged nothing, and asked for itself alone."""
    browser.log()
    browser.requests()
    browser.open(folder / "report.html")
    yield browser
    assert browser.log() == []
    assert [address for address in browser.requests() if not address.startswith("data:")] == [
        (folder / "report.html").as_uri()
    ]


ROWS = "[...document.querySelectorAll('#rows tr.row:not([hidden]) th')].map((cell) => cell.dataset.value)"
BARS = "document.querySelectorAll('[data-chart=latency] .mark-rect.role-mark path').length"


def test_all_charts_are_drawn(page: Browser) -> None:
    assert page.ask("[...document.querySelectorAll('.view svg')].length") == 7
    assert page.ask(BARS) == 8
    assert page.ask("document.querySelectorAll('[data-chart=layers] .mark-rect.role-mark path').length") == 60
    assert page.ask("document.documentElement.scrollWidth <= window.innerWidth")


def test_colours_and_letters_reach_the_charts(page: Browser) -> None:
    fill = "getComputedStyle(document.querySelectorAll('[data-chart=latency] .mark-rect.role-mark path')[{}]).fill"
    assert [page.ask(fill.format(place)) for place in (0, 1)] == ["rgb(95, 125, 153)", "rgb(179, 84, 26)"]


def test_heading_sorts_and_unknown_stays_last(page: Browser) -> None:
    page.click('#rows > thead [data-key="measured.latency_ms"]')
    assert page.ask(ROWS)[:3] == ["openvino · int8", "litert · int8", "onnxruntime · int8"]
    page.click('#rows > thead [data-key="measured.latency_ms"]')
    assert page.ask(ROWS)[:3] == ["tflite-runtime · float", "onnxruntime · float", "litert · float"]
    assert page.ask("document.querySelector('#rows [aria-sort]').getAttribute('aria-sort')") == "descending"
    for _ in range(2):
        page.click('#rows > thead [data-key="measured.agreement"]')
        assert page.ask(ROWS)[-1] == "openvino · int8"


def test_filter_leaves_fitting_rows_in_table_and_charts(page: Browser) -> None:
    page.click('[data-facet="runtime"][data-value="litert"]')
    page.wait(f"{BARS} === 2")
    assert page.ask(ROWS) == ["litert · float", "litert · int8"]
    assert page.ask("document.getElementById('count').textContent") == "2 of 8 rows"
    assert page.ask("document.querySelectorAll('.multiples > div:not([hidden])').length") == 1
    page.click('[data-facet="precision"][data-value="int8"]')
    page.wait(f"{BARS} === 1")
    page.click("#reset")
    page.wait(f"{BARS} === 8")
    assert len(page.ask(ROWS)) == 8


def test_filter_that_leaves_nothing_complains_of_nothing(page: Browser) -> None:
    page.click('[data-facet="runtime"][data-value="litert"]')
    page.click('[data-facet="outputs"][data-value="wrong"]')
    page.wait(f"{BARS} === 0")
    assert page.ask(ROWS) == []


def test_search_finds_words_of_rows(page: Browser) -> None:
    from selenium.webdriver.common.by import By

    page.driver.find_element(By.ID, "find").send_keys("openvino wrong")
    page.wait(f"{BARS} === 1")
    assert page.ask(ROWS) == ["openvino · int8"]


def test_row_opens_and_its_layers_are_shown(page: Browser) -> None:
    summary = "document.getElementById('layer-summary').textContent"
    assert page.ask(summary).startswith("60 layers, 6.96 ms: pointwise")
    page.click('#rows tr.row[data-id="0"] .open')
    assert page.ask("document.querySelector('tr.detail:not([hidden])').dataset.of") == "0"
    assert "host-debian12-onnxruntime-t1" in page.ask("document.querySelector('tr.detail:not([hidden])').innerText")
    page.wait(f"{summary}.startsWith('60 layers, 13.9 ms')")
    page.click('#rows tr.row[data-id="0"] .open')
    assert page.ask("document.querySelector('tr.detail:not([hidden])')") is None


def test_bar_leads_to_its_row_and_hovering_shows_figures(page: Browser) -> None:
    page.click_mark("[data-chart=latency] .mark-rect.role-mark path", 3)
    page.wait("document.querySelector('#vg-tooltip-element.visible')")
    shown = page.ask("document.getElementById('vg-tooltip-element').innerText")
    assert "litert · int8" in shown
    assert "7.18 ms" in shown
    page.wait("document.querySelector('tr.detail:not([hidden])')?.dataset.of === '3'")


def test_legend_singles_a_kind_out(page: Browser) -> None:
    bars = "[...document.querySelectorAll('[data-chart=layers] .mark-rect.role-mark path')]"
    faded = f"{bars}.filter((bar) => bar.getAttribute('opacity') < 1).length"
    assert page.ask(faded) == 0
    page.click_mark("[data-chart=layers] .role-legend-symbol path")
    page.wait(f"{faded} > 0")
    assert 0 < page.ask(faded) < 60


def test_measure_of_error_changes_the_chart(page: Browser) -> None:
    line = "document.querySelector('[data-chart=errors] .mark-line path').getAttribute('d')"
    before = page.ask(line)
    page.click('[data-metric="rms_lsb"]')
    page.wait(f"{line} !== {before!r}")


@pytest.mark.parametrize("name", ["both", "boards", "bare", "empty"])
@pytest.mark.parametrize("width", [1280, 600, 390])
def test_other_reports_and_narrow_windows_open_without_complaint(
    browser: Browser, folder: Path, name: str, width: int
) -> None:
    browser.log()
    browser.open(folder / name / "report.html", width=width, scheme="dark")
    assert browser.log() == []
    assert browser.ask("document.documentElement.scrollWidth <= window.innerWidth")


def test_instructions_by_kind_are_drawn_filtered_and_lead_to_their_row(browser: Browser, folder: Path) -> None:
    browser.open(folder / "boards" / "report.html")
    bars = "document.querySelectorAll('[data-chart=instructions] .mark-rect.role-mark path').length"
    assert browser.ask(bars) == 6 * 6
    assert "pi5.emulator-bookworm64" in browser.ask("document.querySelector('[data-chart=instructions]').textContent")
    browser.click_mark("[data-chart=instructions] .mark-rect.role-mark path", 1)
    browser.wait("document.querySelector('tr.detail:not([hidden])') !== null")
    detail = browser.ask("document.querySelector('tr.detail:not([hidden])').innerText")
    assert "emulated" in detail
    assert "multiply" in detail
    browser.click('[data-facet="place"][data-value="pi5.emulator-bookworm64"]')
    browser.wait(f"{bars} === 12")


def test_instructions_by_layer_follow_the_row_that_is_opened(browser: Browser, folder: Path) -> None:
    browser.open(folder / "boards" / "report.html")
    summary = "document.getElementById('counted-summary').textContent"
    assert browser.ask(summary).startswith("60 layers, 137.8 M: pointwise 69 %")
    browser.click('#rows tr.row[data-id="13"] .open')
    browser.wait(f"{summary}.startsWith('60 layers, 62.0 M')")


def test_dark_page_is_dark(browser: Browser, folder: Path) -> None:
    def brightness(scheme: Scheme) -> float:
        browser.open(folder / "report.html", scheme=scheme)
        colour = browser.ask("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
        return sum(colour) / 3

    assert brightness("dark") < 60 < 200 < brightness("light")


def test_picture(browser: Browser, folder: Path, request: pytest.FixtureRequest) -> None:
    """SEPIA_RESULTS names the results.json of a real run, for --regen; without it the picture is of the sample."""
    if real := os.environ.get("SEPIA_RESULTS"):
        write_report([load_results(Path(real))], folder / "real")
    browser.open(folder / ("real" if real else "") / "report.html", width=1280, height=1400)
    taken = browser.picture()
    assert taken.startswith(b"\x89PNG")
    assert 40_000 < len(taken) < 400_000
    if request.config.getoption("--regen"):
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        PICTURE.write_bytes(taken)
    assert PICTURE.is_file(), "run pytest --regen and look at it"
