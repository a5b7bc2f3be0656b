"""Histories written as lines, so that a test can be read: `client name args = answer @ start end outcome`.

Without times each operation starts when the one before it has ended. Values are Python literals.
"""

from __future__ import annotations

import ast
import re

from windtunnel.lab.history import Event

LINE = re.compile(r"(\w+) (\w+)\((.*?)\)(?: = (.+?))?(?: @ ([\d.]+) ([\d.]+))?(?: (fail|unknown))?")


def script(text: str) -> list[Event]:
    events, now = [], 0.0
    for line in filter(None, map(str.strip, text.strip().splitlines())):
        match = LINE.fullmatch(line)
        assert match is not None, line
        client, name, args, answer, start, end, outcome = match.groups()
        begin, finish = (float(start), float(end)) if start else (now + 1, now + 2)
        now = max(now, finish)
        values = ast.literal_eval(f"({args},)") if args else ()
        value = ast.literal_eval(answer) if answer else None
        events.append(Event(client, name, values, begin, finish, outcome or "ok", value))
    return events
