"""The system's Chromium, headless, and a server of files on loopback with the page's content policy.

Where no browser is, or no Playwright, tests that need one are skipped with a word; with `CI` set that is a failure.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

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


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser of Playwright's."""
    where = executable()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("Playwright is not installed: what a browser shows was not tested.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=where, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


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
