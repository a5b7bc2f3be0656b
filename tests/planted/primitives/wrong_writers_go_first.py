"""A writer who waits keeps new readers out, so that no reader keeps him out; two writers in turn keep a reader out."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.primitives import Fitted, SecondDraft

challenge = "primitives"


class Yours(Fitted):
    page = SecondDraft.page
    begin_read = SecondDraft.begin_read
    begin_write = SecondDraft.begin_write
