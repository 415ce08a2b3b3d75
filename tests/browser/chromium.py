"""A headless Chromium that a test drives: pages from disk, and what it heard of them."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
DESKTOP, PHONE = (1280, 900), (390, 844)
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
)  # fmt: skip


class Browser:
    """One window; every page is opened afresh, with the logs of the last one forgotten."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.color_scheme("light")

    def open(self, page: Path, view: str = "", size: tuple[int, int] = DESKTOP) -> None:
        """Open a page from disk and wait until its articles can be used."""
        assert page.is_file(), page
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.get("about:blank")
        self.errors(), self.requests()
        self.driver.get(f"{page.resolve().as_uri()}{view}")
        self.wait("globalThis.evalharnessReady")

    def visit(self, address: str, size: tuple[int, int] = DESKTOP) -> None:
        """Open an address of a server of ours."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.get("about:blank")
        self.errors(), self.requests()
        self.driver.get(address)

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """Let pages that are opened meanwhile do in a twentieth of the time what they do later."""
        source = """const later = globalThis.setTimeout;
            globalThis.setTimeout = (act, wait = 0, ...rest) => later(act, wait / 20, ...rest);"""
        command = "Page.{}ScriptToEvaluateOnNewDocument".format
        added = self.driver.execute_cdp_cmd(command("add"), {"source": source})
        try:
            yield
        finally:
            self.driver.execute_cdp_cmd(command("remove"), added)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page and return what it returns."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition: str, seconds: float = 20) -> None:
        """Wait until an expression is true in the page."""
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.driver, seconds, poll_frequency=0.02).until(
            lambda driver: driver.execute_script(f"return Boolean({condition})"), condition
        )

    def one(self, selector: str) -> Any:
        """Return the first element that matches."""
        return self.driver.find_element("css selector", selector)

    def all(self, selector: str) -> list[Any]:
        """Return all elements that match."""
        found: list[Any] = self.driver.find_elements("css selector", selector)
        return found

    def text(self, selector: str) -> str:
        """Return the text of an element, seen or not."""
        return str(self.run("return document.querySelector(arguments[0]).textContent", selector))

    def article(self, place: int) -> None:
        """Open the article at a place of the page, counted from 0, and wait until it is shown."""
        self.run("location.hash = `n=${arguments[0]}`", place)
        self.wait(f"document.querySelector('#explorer-opened[data-at=\"{place}\"]')")

    def choose(self, name: str, value: str) -> None:
        """Choose a value of a list of the explorer, or type it into its search."""
        script = """const control = document.getElementById(`explorer-${arguments[0]}`);
            control.value = arguments[1];
            for (const event of ["input", "change"])
              control.dispatchEvent(new Event(event, {bubbles: true}));"""
        self.run(script, name, value)

    def press(self, *keys: str) -> None:
        """Press keys where the focus is."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver, duration=0).send_keys(*keys).perform()

    def point(self, element: Any) -> None:
        """Move the pointer onto an element."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver, duration=0).move_to_element(element).perform()

    def moves(self, wanted: bool) -> None:
        """Let the page scroll smoothly, as it does unless the system is averse to motion."""
        features = [
            {"name": "prefers-reduced-motion", "value": "no-preference" if wanted else "reduce"}
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def color_scheme(self, name: str) -> None:
        """Make the system light or dark, and averse to motion: a click finds its place."""
        wanted = {"prefers-color-scheme": name, "prefers-reduced-motion": "reduce"}
        features = [{"name": key, "value": value} for key, value in wanted.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def errors(self) -> list[str]:
        """Return what the console said since this was last asked: nothing, it should be."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Return the addresses that were asked for since this was last asked."""
        events = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
        return [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]

    def accessibility(self) -> list[str]:
        """Return the serious and critical problems that axe-core finds in the page."""
        import selenium_axe_python

        # The package is only the place of the script; axe.min.js runs in the page as a debugger's.
        source = Path(selenium_axe_python.__file__).with_name("axe-core") / "axe.min.js"
        self.run(source.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1]; axe.run({resultTypes: ['violations']})"
            ".then((result) => done(result.violations), (error) => done(String(error)));"
        )
        assert isinstance(found, list), found
        return [
            f"{each['id']}: {each['help']}: {[node['html'][:200] for node in each['nodes']][:3]}"
            for each in found
            if each["impact"] in ("serious", "critical")
        ]


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Start a browser with a new profile. Skips where there is none, unless CI=true."""
    if not (CHROMIUM.exists() and DRIVER.exists()):
        if os.environ.get("CI") == "true":
            pytest.fail(f"{CHROMIUM} or {DRIVER} is missing: apt-get install chromium-driver")
        pytest.skip(f"no {CHROMIUM}")
    webdriver = pytest.importorskip("selenium.webdriver")
    service = webdriver.ChromeService(str(DRIVER))
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield Browser(driver)
    finally:
        driver.quit()
