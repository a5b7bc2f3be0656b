"""An experiment as one file: opened from a disk, without a server or a network, it shows what the page shows."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from markupsafe import Markup

from windtunnel.lab.result import Result
from windtunnel.web.asked import Asked
from windtunnel.web.files import files
from windtunnel.web.joining import joined
from windtunnel.web.pages import as_data, context, render

STYLES = ("page.css", "tunnel/tunnel.css")


def report(found: Asked, result: Result, pictures: Mapping[str, str]) -> str:
    """The file. `pictures` are the documents of the designs that are seen, in base 64."""
    known = files()
    style = "\n".join(known[path].data.decode() for path in STYLES)
    theme, script = known["theme.js"].data.decode(), joined("report.js")
    if re.search(r"</(script|style)|<!--", theme + script + style, re.IGNORECASE):
        raise ValueError("A script or a style ends the element in which it is to stand.")
    policy = (
        f"default-src 'none'; script-src {_hash(theme)} {_hash(script)}; style-src {_hash(style)}; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    inlined: dict[str, Any] = {"style": Markup(style), "theme": Markup(theme), "script": Markup(script)}
    return render(
        "report.html", **context(found, result), **inlined, policy=policy, pictures=as_data(pictures), offline=True
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
