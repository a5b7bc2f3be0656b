"""The system's Chromium, headless, and a server of files on loopback with the page's content policy.

Where no browser is, or no Playwright, tests that need one are skipped with a word; with `CI` set that is a failure.

Some waits of Playwright have no end: a browser that is told to end while it makes a page leaves `new_page` waiting, and
`evaluate` knows no limit. So each browser is watched, and every wait ends where it dies or a test takes far too long.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

LONGEST_S = 300.0
"""No step of a test in a browser takes so long, however busy the machine is; a wait that does has no end."""
PATIENCE_MS = 60_000
"""A browser on a busy machine may be slow; no test is about how slow."""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'"
)
KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".bin": "application/octet-stream"}


def executable() -> str:
    """Where the system's Chromium is. Skips the test, or fails it in CI, where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        missing("There is no Chromium on this machine: what a browser shows was not tested.")
    return found


def missing(word: str) -> Any:
    """Something that a browser test needs is not here."""
    if os.environ.get("CI"):
        pytest.fail(word)
    pytest.skip(word)


class Watch(threading.Thread):
    """Ends the driver where its browser has ended, or one step of a test takes too long: each wait then raises.

    `why` says in a sentence what was wrong.
    """

    STEP_S = 0.25
    GRACE_S = 2.0
    """For so long Playwright may tell by itself that a browser has ended."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.why = ""
        self._closing = threading.Event()
        self._others = set(psutil.Process().children())

    def run(self) -> None:
        """Look, until the browser is to be closed. What closes it may take a while, but not for ever."""
        browser, step, since_s = None, "", time.monotonic()
        while not self._closing.wait(self.STEP_S):
            with suppress(psutil.Error):
                browser = browser or next((c for d in self._drivers() for c in d.children()), None)
            now = os.environ.get("PYTEST_CURRENT_TEST", "")
            if now != step:
                step, since_s = now, time.monotonic()
            if browser is not None and not browser.is_running():
                self.why = "Chromium ended by itself in the middle of a test."
                self._closing.wait(self.GRACE_S)
                break
            if time.monotonic() - since_s > LONGEST_S:
                self.why = f"A test in a browser waited for longer than {LONGEST_S:g} s: {step}."
                break
        if self.why:
            print(self.why, file=sys.stderr)
            self.end()

    def end(self) -> None:
        """End the driver and its browser, and with them all that waits for them."""
        for driver in self._drivers():
            with suppress(psutil.Error):
                for one in (*driver.children(recursive=True), driver):
                    one.kill()

    def close(self) -> None:
        """Look no more."""
        self._closing.set()
        self.join()

    def _drivers(self) -> list[psutil.Process]:
        with suppress(psutil.Error):
            return [c for c in psutil.Process().children() if c not in self._others and c.name().startswith("node")]
        return []


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser of Playwright's. Fails with a sentence where it ends before it is closed, or a test waits for ever."""
    where = executable()
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        missing("Playwright is not installed: what a browser shows was not tested.")
    watch = Watch()
    last = threading.Timer(PATIENCE_MS / 1000, watch.end)
    watch.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=where, args=list(FLAGS), timeout=PATIENCE_MS)
            try:
                yield browser
            finally:
                watch.close()  # a browser that ends from here on ends because it was told to
                last.start()
                with suppress(Error):
                    browser.close()
    finally:
        watch.close()
        last.cancel()
    if watch.why:
        pytest.fail(watch.why)


@contextmanager
def served(folder: Path, made: Mapping[str, bytes]) -> Iterator[str]:
    """The address of a server of a folder's files under /static/, and of what was made here by its path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            file = folder / path.removeprefix("/static/")
            data = made.get(path, file.read_bytes() if path.startswith("/static/") and file.is_file() else None)
            self.send_response(404 if data is None else 200)
            self.send_header("Content-Type", KINDS.get(Path(path).suffix, "text/html"))
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
