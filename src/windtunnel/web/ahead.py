"""What the first request of a server needs and every other has: made before anybody is told the address.

Modules, templates, patterns and files are loaded and made once. A thread that did it while the first page was asked for
held the interpreter against that page, and made it later on a busy machine.
"""

from __future__ import annotations

from contextlib import suppress

from windtunnel.lab.cards import cards
from windtunnel.web import files, pages, store
from windtunnel.web.asked import Asked, experiment_of

FIRST = ("theme.js", "page.css", "page.js")
"""Files of every experiment's page, which loads them first."""


def ready() -> None:
    """Make the page of the catalogue's first experiment once, and throw it away."""
    with suppress(Exception):  # whoever asks for that page is told what is wrong with it
        one = experiment_of(cards()[0].id)
        pages.experiment(Asked(one), store.committed_result(one), "")
    for address in FIRST:
        files.file(address)
