"""The page in a real browser, built and served: every picture is there, nothing sticks out, nobody complains."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.browser import Browser, Scheme, open_browser

from benchmarks.separable.page import PICTURES, pictures
from benchmarks.separable.words import LANGUAGES, Language

HOUSE = Path(__file__).resolve().parents[3]
FOLDERS = {"en": "separable-convolutions", "ru": "separable-convolutions.ru"}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the documentation, built as `make check` builds it. SEPIA_SITE names one that is built already."""
    folder = Path(os.environ.get("SEPIA_SITE") or tmp_path_factory.mktemp("site"))
    if not (folder / "index.html").is_file():
        command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
        subprocess.run(command, cwd=HOUSE, check=True, capture_output=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


SHOWN = f"[...document.querySelectorAll('img[src*=\"{PICTURES.as_posix()}\"]')]"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_every_picture_is_there_and_nothing_sticks_out(
    browser: Browser, site: str, language: Language, width: int, scheme: Scheme
) -> None:
    browser.forget(site)
    browser.log()
    browser.requests()
    browser.visit(f"{site}/{FOLDERS[language]}/", width=width, scheme=scheme)
    wanted = {"light": "default", "dark": "slate"}[scheme]
    assert browser.ask("document.body.dataset.mdColorScheme") == wanted
    browser.wait(f"{SHOWN}.every((picture) => picture.complete)")
    assert browser.ask(f"{SHOWN}.length") == len(pictures(language))
    assert browser.ask(f"{SHOWN}.filter((picture) => !(picture.naturalWidth > 0)).map((picture) => picture.src)") == []
    assert browser.ask(f"{SHOWN}.every((picture) => picture.alt && picture.src.endsWith('.{language}.svg'))")
    assert browser.ask("document.documentElement.scrollWidth <= window.innerWidth")
    # None is wider than its column, or so small that its words can't be read.
    widths = browser.ask(f"{SHOWN}.map((picture) => picture.getBoundingClientRect().width)")
    assert all(300 <= shown <= min(width, 530) for shown in widths), widths
    assert browser.ask("document.documentElement.lang") == language
    assert browser.log() == []
    assert [address for address in browser.requests() if not address.startswith((site, "data:"))] == []


def test_each_page_leads_to_the_other_and_to_its_sections(browser: Browser, site: str) -> None:
    browser.visit(f"{site}/{FOLDERS['en']}/")
    browser.click(f"article a[href*='{FOLDERS['ru']}']")
    browser.wait("document.documentElement.lang === 'ru'")
    assert browser.ask("document.querySelector('h1').textContent").startswith("Разделимые свёртки")
    browser.click("article a[href='#hardware']")
    browser.wait("document.getElementById('hardware').getBoundingClientRect().top < 400")
