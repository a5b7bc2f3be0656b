"""A history of another system, checked: what it did is a file, one operation a line, and a model says what it promised.

On the command line: `windtunnel check history.jsonl --model key-value`.
"""

import json
import tempfile
from pathlib import Path

from windtunnel.checkers import KeyValue, check_linearizable, read_history

SEEN = [
    {"client": "ann", "name": "put", "args": ["stock", 5], "start": 0.00, "end": 0.10},
    {"client": "bob", "name": "put", "args": ["stock", 4], "start": 0.20, "outcome": "unknown"},  # it timed out
    {"client": "cyd", "name": "get", "args": ["stock"], "start": 0.50, "end": 0.60, "value": 4},  # so it happened
    {"client": "ann", "name": "get", "args": ["price"], "start": 0.50, "end": 0.70, "value": None},
    {"client": "ann", "name": "get", "args": ["stock"], "start": 0.80, "end": 0.90, "value": 5},  # from a stale copy
]
"""As your own system's clients would write it down: who asked what, when, and what came back."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "history.jsonl"
        file.write_text("\n".join(map(json.dumps, SEEN)) + "\n", "utf-8")
        history = read_history(file)
    verdict = check_linearizable(history, KeyValue())
    print(f"{verdict.status}: {verdict.sentence}")
    for event in verdict.witness:
        print(f"  {event.client} {event.name}{event.args} -> {event.value}, {event.start} s to {event.end} s")


if __name__ == "__main__":
    main()
