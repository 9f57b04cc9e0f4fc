"""Chromium by its DevTools protocol over a pipe: open a page, use its controls, read it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
ON_THREE_AND_FOUR = """
import os, sys
reading, writing = (os.dup(os.dup(os.dup(int(one)))) for one in sys.argv[1:3])
os.dup2(reading, 3)
os.dup2(writing, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Starts a program whose pipes are where Chromium looks for them."""
needs_browser = pytest.mark.skipif(PROGRAM is None, reason="needs Chromium")


class Page:
    """A tab of a browser."""

    def __init__(self, reading: int, writing: int, session: str = "") -> None:
        self._in = os.fdopen(reading, "rb", buffering=0)
        self._out = os.fdopen(writing, "wb", buffering=0)
        self._rest = b""
        self._number = 0
        self._session = session
        self.said: list[str] = []
        """Errors of the page's scripts, what its policy refused, and addresses it asked for."""

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = self._in.read(1 << 20)
            if not more:
                raise RuntimeError("the browser has ended")
            self._rest += more
        text, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        method, about = message.get("method", ""), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = about["exceptionDetails"]
            self.said.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Log.entryAdded":
            self.said.append(about["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning"):
            self.said.append(str([one.get("value") for one in about["args"]]))
        elif method == "Network.requestWillBeSent":
            address = about["request"]["url"]
            if not address.startswith(("file:", "data:", "blob:")):
                self.said.append(address)

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """A command's result."""
        self._number += 1
        call: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            call["sessionId"] = self._session
        self._out.write(json.dumps(call).encode() + b"\0")
        while True:
            message = self._message()
            if message.get("id") == self._number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                result: dict[str, Any] = message["result"]
                return result
            self._note(message)

    def attach(self) -> None:
        """Talk to the tab from now on."""
        targets = self.send("Target.getTargets")["targetInfos"]
        target = next(one["targetId"] for one in targets if one["type"] == "page")
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.send(f"{domain}.enable")

    def run(self, script: str) -> Any:
        """The value of an expression, awaited when it is a promise."""
        given = self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in given:
            details = given["exceptionDetails"]
            raise AssertionError(details.get("exception", {}).get("description", details["text"]))
        return given["result"].get("value")

    def open(self, address: str, ready: str = "true") -> None:
        """Open an address and wait until an expression of the page holds."""
        # From a page of its own: to follow a link within a page would load nothing.
        self.send("Page.navigate", url="about:blank")
        self.wait("location.href === 'about:blank'")
        self.send("Page.navigate", url=address)
        self.wait(f"document.readyState === 'complete' && ({ready})")

    def wait(self, condition: str) -> None:
        """Wait until an expression of the page holds."""
        try:
            self.run(
                "new Promise((done, failed) => { const begun = Date.now(); (function look() {"
                f"let holds = false; try {{ holds = {condition}; }} catch {{ holds = false; }}"
                "if (holds) done(); else if (Date.now() - begun > 60000) failed(Error('waited'));"
                "else setTimeout(look, 20); })(); })"
            )
        except (AssertionError, RuntimeError) as error:
            if "waited" in str(error):
                raise
            # The page before went away while it was asked.
            self.wait(condition)

    def frames(self, count: int = 2) -> None:
        """Wait until the page has been drawn so many times."""
        self.run(
            f"new Promise((done) => {{ let left = {count};"
            "(function next() { if (left-- > 0) requestAnimationFrame(next); else done(); })(); })"
        )

    def size(self, width: int, height: int, dark: bool = False) -> None:
        """Give the window a size, and its reader a taste."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        self.show_as("screen", dark=dark)

    def show_as(self, medium: str, *, dark: bool) -> None:
        """Show pages as on a screen or on paper (`print`), in a colour scheme."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", media=medium, features=[scheme])

    def printed(self) -> bytes:
        """The page on paper, a PDF."""
        return base64.b64decode(self.send("Page.printToPDF")["data"])

    def picture(self, path: Path, whole: bool = False) -> None:
        """A PNG of what is seen, or of the whole page."""
        given = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(given["data"]))


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A browser of its own, without a port; `folder` is its profile and where it downloads to."""
    to_browser, from_browser = os.pipe(), os.pipe()
    program = [
        sys.executable, "-c", ON_THREE_AND_FOUR, str(to_browser[0]), str(from_browser[1]),
        str(PROGRAM),
        "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
        "--remote-debugging-pipe", f"--user-data-dir={folder / 'profile'}", "about:blank",
    ]  # fmt: skip
    process = subprocess.Popen(
        program,
        pass_fds=(to_browser[0], from_browser[1]),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_browser[0])
    os.close(from_browser[1])
    page = Page(from_browser[0], to_browser[1])
    try:
        page.attach()
        yield page
    finally:
        process.terminate()
        process.wait(timeout=30)
