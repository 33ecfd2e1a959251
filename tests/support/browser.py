"""Debian's headless Chromium, driven through its own chromedriver."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

__all__ = ["Browser", "Scheme", "open_browser"]

Scheme = Literal["light", "dark"]

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


class Browser:
    """A page in a browser: what it shows, what it logged, and what it asked the network for."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def open(
        self, page: Path, *, scheme: Literal["light", "dark"] = "light", width: int = 1280, height: int = 1440
    ) -> None:
        """Load a file and wait until its scripts say that all is drawn."""
        self.visit(page.as_uri(), scheme=scheme, width=width, height=height)
        self.wait("document.documentElement.dataset.ready === 'true'")

    def visit(self, address: str, *, scheme: Scheme = "light", width: int = 1280, height: int = 1440) -> None:
        """Load what lies at an address, and wait for its scripts and pictures as the browser itself does."""
        self._command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self._command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        self.driver.get(address)

    def forget(self, origin: str) -> None:
        """Leave the page, and drop what those of `origin` have stored (a colour scheme, say)."""
        self.driver.get("about:blank")
        self._command("Storage.clearDataForOrigin", origin=origin, storageTypes="local_storage")

    def ask(self, expression: str) -> Any:
        """Value of a JavaScript expression in the page."""
        return self.driver.execute_script(f"return {expression}")

    def wait(self, expression: str, seconds: float = 30) -> None:
        """Wait until a JavaScript expression is true; pytest fails the test after `seconds`, with the page's log."""
        from selenium.common.exceptions import TimeoutException
        from selenium.webdriver.support.ui import WebDriverWait

        try:
            WebDriverWait(self.driver, seconds, poll_frequency=0.05).until(lambda _: self.ask(expression))
        except TimeoutException:
            pytest.fail(f"never true: {expression}\nlog: {self.log()}")

    def click(self, selector: str) -> None:
        """Click the first element that fits, as a person would: it must be in view and not covered."""
        from selenium.webdriver.common.by import By

        element = self.driver.find_element(By.CSS_SELECTOR, selector)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
        element.click()

    def click_mark(self, selector: str, place: int = 0) -> None:
        """Move to the middle of a mark of a chart, of those that fit the one at `place`, and click there."""
        from selenium.webdriver import ActionChains
        from selenium.webdriver.common.by import By

        element = self.driver.find_elements(By.CSS_SELECTOR, selector)[place]
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
        ActionChains(self.driver, duration=50).move_to_element(element).click().perform()

    def log(self) -> list[str]:
        """What the console said since the last call, warnings and errors included."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Addresses that were asked for since the last call, the browser's own pages left out."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
        return [address for address in sent if not address.startswith("chrome://")]

    def picture(self) -> bytes:
        """The window as PNG."""
        return base64.b64decode(self._command("Page.captureScreenshot", format="png")["data"])

    def _command(self, name: str, **arguments: Any) -> Any:
        return self.driver.execute_cdp_cmd(name, arguments)


@contextmanager
def open_browser(profile: Path) -> Iterator[Browser]:
    """A browser with an empty profile in `profile`.

    Where Chromium is not installed the test is skipped, but in CI (CI=true) it fails.
    """
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        why = "no chromium or no chromedriver here: apt-get install chromium chromium-driver"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = chromium
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = Chrome(options=options, service=Service(driver))
    try:
        yield Browser(browser)
    finally:
        browser.quit()
