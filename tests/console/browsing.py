"""Debian's Chromium driven by Playwright, and axe run beside a page so that its Content-Security-Policy stays on."""

import json
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / ".cache" / "clients" / "node_modules" / "axe-core" / "axe.min.js"
SCREENS = ROOT / "out" / "screens"
SIZES = {"wide": (1280, 800), "small": (390, 844)}
_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
_FAULTS = """
axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(found =>
  JSON.stringify(found.violations.map(each => [each.id, each.impact, each.nodes.map(n => n.html.slice(0, 200))])))
"""


@contextmanager
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Person:
    """Somebody at a browser; what the browser complains about is kept in ``complaints``."""

    def __init__(self, browser, base: str, size: str = "wide", **context) -> None:
        width, height = SIZES[size]
        self.size, self.base = size, base
        self.context = browser.new_context(viewport={"width": width, "height": height}, **context)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def go(self, path: str):
        return self.page.goto(self.base + path)

    def sign_in(self, name: str, password: str) -> None:
        self.go("/console")
        self.page.fill("input[name=name]", name)
        self.page.fill("input[name=password]", password)
        self.page.click("button:has-text('Sign in')")

    def faults(self) -> list:
        """What axe finds; it runs in a world of its own, so no script gets into the page's."""
        session = self.context.new_cdp_session(self.page)
        frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        world = session.send("Page.createIsolatedWorld", {"frameId": frame})["executionContextId"]
        session.send("Runtime.evaluate", {"expression": AXE.read_text(), "contextId": world})
        found = session.send(
            "Runtime.evaluate",
            {"expression": _FAULTS, "contextId": world, "awaitPromise": True, "returnByValue": True},
        )
        session.detach()
        return json.loads(found["result"]["value"])

    def overflows(self) -> bool:
        """Whether somebody has to scroll sideways."""
        return self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")

    def keep(self, name: str) -> None:
        """The picture of a page, for people."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(SCREENS / f"{name}-{self.size}.png"), full_page=True)
