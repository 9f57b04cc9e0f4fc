"""A real browser for tests: Chromium driven by its own protocol, at any width and colour scheme."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tornado.websocket import WebSocketClientConnection, websocket_connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 60.0
MOST_BYTES = 100 * 2**20


class Browser:
    """One page of a browser."""

    def __init__(self, port: int, path: str, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._number = 0
        self.logged: list[str] = []
        root = self._connect(f"ws://127.0.0.1:{port}{path}")
        target = self._ask(root, "Target.createTarget", url="about:blank")["targetId"]
        self._page = self._connect(f"ws://127.0.0.1:{port}/devtools/page/{target}")
        for domain in ("Page", "Runtime", "Log"):
            self._ask(self._page, f"{domain}.enable")

    def _connect(self, address: str) -> WebSocketClientConnection:
        async def opened() -> WebSocketClientConnection:
            return await websocket_connect(address, max_message_size=MOST_BYTES)

        return self._loop.run_until_complete(asyncio.wait_for(opened(), PATIENCE))

    def _ask(self, to: WebSocketClientConnection, method: str, **given: Any) -> dict[str, Any]:
        self._number += 1
        return self._loop.run_until_complete(
            asyncio.wait_for(self._answer(to, self._number, method, given), PATIENCE)
        )

    async def _answer(
        self, to: WebSocketClientConnection, number: int, method: str, given: dict[str, Any]
    ) -> dict[str, Any]:
        await to.write_message(json.dumps({"id": number, "method": method, "params": given}))
        while True:
            said = await to.read_message()
            assert said is not None, "the browser has gone"
            told = json.loads(said)
            if told.get("id") == number:
                assert "error" not in told, told["error"]
                return told["result"]
            if told.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                self.logged.append(json.dumps(told["params"]))

    def open(self, page: Path, width: int, scheme: str = "light") -> None:
        """Show a page."""
        self._ask(
            self._page, "Emulation.setDeviceMetricsOverride",
            width=width, height=900, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        self.emulate("screen", scheme)
        self._ask(self._page, "Page.navigate", url=page.as_uri())
        until = time.monotonic() + PATIENCE
        while self.value("document.readyState + location.href") != f"complete{page.as_uri()}":
            assert time.monotonic() < until, f"{page} does not load"

    def emulate(self, medium: str, scheme: str) -> None:
        """Show pages as on a screen or on paper (`print`), in a colour scheme."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self._ask(self._page, "Emulation.setEmulatedMedia", media=medium, features=[feature])

    def value(self, expression: str) -> Any:
        """What a JavaScript expression comes to."""
        done = self._ask(
            self._page, "Runtime.evaluate",
            expression=expression, returnByValue=True, awaitPromise=True,
        )  # fmt: skip
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def picture(self, whole: bool = True) -> bytes:
        """A PNG of the page."""
        taken = self._ask(
            self._page, "Page.captureScreenshot", format="png", captureBeyondViewport=whole
        )
        return base64.b64decode(taken["data"])

    def printed(self) -> bytes:
        """The page on paper, a PDF."""
        return base64.b64decode(self._ask(self._page, "Page.printToPDF")["data"])


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser of its own, with its files in a folder; ended with the block."""
    assert CHROMIUM is not None
    process = subprocess.Popen(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank",
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    loop = asyncio.new_event_loop()
    try:
        told = profile / "DevToolsActivePort"
        until = time.monotonic() + PATIENCE
        while not (told.is_file() and len(told.read_text().split()) == 2):
            assert process.poll() is None and time.monotonic() < until, "Chromium does not start"
            time.sleep(0.05)
        port, path = told.read_text().split()
        yield Browser(int(port), path, loop)
    finally:
        process.terminate()
        process.wait(PATIENCE)
        loop.close()
