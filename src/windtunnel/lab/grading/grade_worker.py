"""The process in which somebody else's design runs: limits first, then trials, as lines of JSON.

It is asked for histories, and sends them. It judges nothing, and does not know what is demanded of them. A token that
it reads before the design's code is loaded stands in every answer.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import queue
import sys
import threading
from typing import Any

from windtunnel.collecting import collect_rarely
from windtunnel.lab.grading.confined import allow, confine, limit


def main() -> None:
    """Read the file's name, then a trial a line, from standard input; die with whoever started us.

    With a file as argument the process was started before it is needed: it makes itself ready for that one's trials.
    """
    collect_rarely()
    asked = os.fdopen(os.dup(0), "r", encoding="utf-8")
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the design prints must not come between our lines
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    sys.stdin = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    for file in sys.argv[1:]:
        _make_ready(file)
    first = asked.readline()
    if not first:  # it was not needed
        return
    request = json.loads(first)
    limit(**request["limits"])
    token = request["token"]

    def say(message: dict[str, Any]) -> None:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        out.write(json.dumps({"token": token, **message}) + "\n")
        out.flush()

    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(asked, lines), daemon=True).start()
    from windtunnel.lab.grading.loaded import Loaded

    confine()
    loaded = None
    while True:
        line = lines.get()
        allow(request["limits"]["cpu_s"])
        try:
            if loaded is None:
                loaded = Loaded(request["file"])
            say(loaded.do(json.loads(line)))
        except Exception as error:
            from windtunnel.lab.errors import DesignError, WrongInput

            if isinstance(error, RecursionError | MemoryError):
                say(_wrong(f"The design went too deep or too wide: {type(error).__name__}."))
            elif isinstance(error, WrongInput | DesignError):
                say({"wrong": str(error), "kind": type(error).__name__})
            else:
                raise
        except SystemExit:
            say(_wrong("The design called sys.exit; it may raise or return."))
        except BaseException as error:  # nobody presses Ctrl-C here, it is the design's own
            say(_wrong(f"The design raised {type(error).__name__}, which ends programs."))


def _make_ready(file: str) -> None:
    from windtunnel.lab.grading.loaded import make_ready

    with contextlib.suppress(Exception):  # what is wrong is said when a trial is asked for
        make_ready(file)


def _wrong(sentence: str) -> dict[str, Any]:
    return {"wrong": sentence, "kind": "DesignError"}


def _read(asked: io.TextIOBase, lines: queue.SimpleQueue[str]) -> None:
    for line in asked:
        lines.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
