"""The page in a real browser: drawn, offline, without complaints; a click leads to a layer's channels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sepia.report.explained.html import to_html
from support.browser import Browser, open_browser
from support.sample_explanation import sample_explanation


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Browser]:
    """Freshly opened. After the test: it logged nothing, and asked for itself alone."""
    path = tmp_path / "explanation.html"
    path.write_text(to_html(sample_explanation()), encoding="utf-8")
    browser.log()
    browser.requests()
    browser.open(path)
    yield browser
    assert browser.log() == []
    assert [address for address in browser.requests() if not address.startswith("data:")] == [path.as_uri()]


def bars(chart: str) -> str:
    """How many bars a picture has, ticks apart."""
    group = ".mark-rect.role-mark" if chart == "parts" else ".layer_0_marks"
    return f"document.querySelectorAll('[data-chart={chart}] {group} path').length"


def test_all_pictures_are_drawn(page: Browser) -> None:
    assert page.ask("document.querySelectorAll('.view svg').length") == 4
    assert page.ask(bars("parts")) == 5
    assert page.ask("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.ask("document.querySelectorAll('#layers tr.row').length") == 3


def test_worst_layer_is_shown_first_with_its_channels(page: Browser) -> None:
    assert page.ask("document.querySelector('#layers .row.is-chosen th').textContent") == "block.dw"
    assert page.ask(bars("weights")) == 2
    assert page.ask(bars("activation")) == 2
    marks = "[...document.querySelectorAll('[data-chart=weights] .layer_0_marks path')]"
    assert len(set(page.ask(f"{marks}.map((mark) => getComputedStyle(mark).fill)"))) == 2


def test_click_on_a_layer_shows_its_channels(page: Browser) -> None:
    page.click('#layers .row[data-index="1"]')
    page.wait(f"{bars('weights')} === 3")
    assert page.ask("document.getElementById('layer-summary').textContent") == "3 channels; adds 4.0 %, 1 never change"
    page.click('#layers .row[data-index="0"]')
    page.wait("document.querySelector('[data-chart=weights]').hidden")
    assert page.ask(bars("activation")) == 1


def test_click_on_a_bar_does_too(page: Browser) -> None:
    page.click_mark("[data-chart=parts] .mark-rect.role-mark path", 0)
    page.wait("document.getElementById('layer').value !== '2'")


def test_measure_is_switched(page: Browser) -> None:
    first = "document.querySelector('[data-chart=parts] .mark-rect.role-mark path').getAttribute('d')"
    before = page.ask(first)
    page.click('[data-measure="spared"]')
    page.wait(f"{first} !== {before!r}")
    assert page.ask("document.querySelector('[data-measure=spared]').getAttribute('aria-pressed')") == "true"


def test_nothing_rounded_is_a_page_too(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "empty.html"
    path.write_text(to_html(sample_explanation(layers=())), encoding="utf-8")
    browser.log()
    browser.open(path)
    assert browser.log() == []


def test_a_name_cannot_become_part_of_the_page() -> None:
    evil = '</script><img src="http://x/y">'
    row = sample_explanation().layers[0].model_copy(update={"layer": evil})
    text = to_html(sample_explanation(file=evil, layers=(row,)))
    assert "<img" not in text.split("<main")[1].split('id="charts"')[0]
    assert text.count("</script>") == to_html(sample_explanation()).count("</script>")
