"""A headless Chromium with one page, driven over its pipe.

The Chrome DevTools Protocol needs no further package here: `--remote-debugging-pipe` reads and
writes JSON, ended by a zero byte, at the file descriptors 3 and 4.
https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
#: Seconds after which a browser that says nothing counts as hung.
HUNG = 120
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--remote-debugging-pipe",
)


def browser() -> str | None:
    """Return the path of a Chromium; None if there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Page:
    """One page of a browser.

    Args:
        reader: the descriptor of the messages of the browser.
        writer: the descriptor of the messages to the browser.
    """

    def __init__(self, reader: int, writer: int) -> None:
        self._reader, self._writer = reader, writer
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        #: Texts of errors, of messages on the console, and URLs of all requests.
        self.errors: list[str] = []
        self.requests: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "DOM", "CSS"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return the result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._writer, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result

    def wait_for(self, event: str) -> None:
        """Wait for an event of the browser."""
        while self._next().get("method") != event:
            pass

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            assert select.select([self._reader], [], [], HUNG)[0], "the browser hangs"
            more = os.read(self._reader, 1 << 20)
            assert more, "the browser has ended"
            self._buffer += more
        raw, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(raw)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, event: str | None, found: dict[str, Any]) -> None:
        if event == "Runtime.exceptionThrown":
            details = found["exceptionDetails"]
            self.errors.append(str(details.get("exception", details).get("description", details)))
        elif event == "Runtime.consoleAPICalled":
            self.errors.append(str(found["args"]))
        elif event == "Log.entryAdded":
            self.errors.append(str(found["entry"]["text"]))
        elif event == "Network.requestWillBeSent":
            self.requests.append(found["request"]["url"])

    def open(self, path: Path) -> None:
        """Open a file and wait until it is loaded."""
        self.call("Page.navigate", url=path.absolute().as_uri())
        self.wait_for("Page.loadEventFired")
        self.frame()

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression, or of its promise."""
        found = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def frame(self) -> None:
        """Wait until the page has drawn."""
        self.evaluate(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def press(self, *keys: str) -> None:
        """Press keys, by their names in the DOM."""
        for key in keys:
            text = {"text": key} if len(key) == 1 else {}
            self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key)
        self.frame()

    def pointer(self, kind: str, x: float, y: float, **more: Any) -> None:
        """Send an event at a point of the window: `moved`, `pressed`, `released` or `wheel`."""
        self.call("Input.dispatchMouseEvent", type=f"mouse{kind.title()}", x=x, y=y, **more)

    def resize(self, width: int, height: int, dark: bool = False) -> None:
        """Set the size of the window and the user's colour scheme."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.evaluate(
            "new Promise((done) => { const check = () => matchMedia("
            f"'(prefers-color-scheme: {scheme['value']})').matches ? done() "
            ": requestAnimationFrame(check); check(); })"
        )

    def screenshot(self, path: Path) -> None:
        """Write a picture of the window."""
        found = self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(found["data"]))


@contextmanager
def page(profile: Path) -> Iterator[Page]:
    """Run a browser and yield its page.

    Args:
        profile: an empty directory for the browser's files.
    """
    found = browser()
    assert found is not None
    (to_browser, writer), (reader, from_browser) = os.pipe(), os.pipe()
    ours = os.set_inheritable  # the browser looks for its pipes at 3 and 4
    ours(to_browser, True)
    ours(from_browser, True)
    shell = f'exec 3<&{to_browser} 4>&{from_browser}; exec "$@"'
    process = subprocess.Popen(
        ["bash", "-c", shell, "bash", found, *FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(to_browser, from_browser),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(to_browser)
    os.close(from_browser)
    try:
        yield Page(reader, writer)
    finally:
        os.close(writer)  # at the end of its pipe the browser ends itself and its children
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        os.close(reader)
