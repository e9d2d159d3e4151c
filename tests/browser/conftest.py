"""A real browser, what it must never say or do, and pictures of every page."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    sync_playwright,
)

ROOT = Path(__file__).parent.parent.parent
ARTEFACTS = ROOT / "artefacts"
AXE = ROOT / ".cache" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = "/usr/bin/chromium"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDTHS = (1280, 375, 320)
STANDARDS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield chromium
        chromium.close()


class Faults:
    """What a page must not do: complain, break its policy, or ask another host."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.expected: tuple[str, ...] = ()
        """Words of complaints that the test means to cause."""

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", lambda error: self.found.append(str(error.error)))
        context.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.found.append(message.text)

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).hostname not in ("127.0.0.1", None):
            self.found.append(f"asked another host: {request.url}")

    def left(self) -> list[str]:
        return [fault for fault in self.found if not any(word in fault for word in self.expected)]


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def open_browser(browser: Browser, faults: Faults) -> Iterator[Callable[..., BrowserContext]]:
    """Makes a browser of its own (cookies, tabs), watched; options as Playwright's new_context."""
    contexts: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        context = browser.new_context(
            **{
                "viewport": {"width": 1280, "height": 900},
                "locale": "en-GB",
                "reduced_motion": "reduce",
                **options,
            }
        )
        context.set_default_timeout(10_000)
        faults.watch(context)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert faults.left() == []


def check_page(page: Page) -> None:
    """No violation of WCAG 2.2 AA that axe sees, and nothing that only a look would show."""
    if not AXE.exists():
        pytest.fail("axe-core is not in the cache: run deploy/test_assets.sh")
    page.locator("main").wait_for()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "standards => axe.run({runOnly: {type: 'tag', values: standards}})", list(STANDARDS)
    )
    violations = [
        {"rule": each["id"], "where": [node["target"] for node in each["nodes"]]}
        for each in found["violations"]
    ]
    assert violations == [], json.dumps(violations, indent=2)
    words = page.locator("body").inner_text()
    assert "<" not in words
    assert "&lt;" not in words
    assert "…" not in words, "a text has a value that nobody gave"
    width, content = page.evaluate("[innerWidth, document.documentElement.scrollWidth]")
    assert content <= width, f"the page is {content - width} px too wide"


def take_pictures(page: Page, name: str, widths: Sequence[int] = WIDTHS) -> None:
    """The whole page at each width, checked, into artefacts/."""
    ARTEFACTS.mkdir(exist_ok=True)
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        check_page(page)
        page.screenshot(path=ARTEFACTS / f"{name}-{width}.png", full_page=True)


@pytest.fixture
def pictures() -> Callable[..., None]:
    return take_pictures


@pytest.fixture
def checked() -> Callable[[Page], None]:
    return check_page
