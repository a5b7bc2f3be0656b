"""The process in which somebody else's design is graded: limits first, then the work, messages as lines of JSON."""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

DENIED = {"subprocess.Popen", "os.system", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.exec"}
DENIED |= {"os.kill", "os.killpg"}


def main() -> None:
    """Read one request from standard input, answer on standard output; die with whoever started us."""
    request = json.loads(sys.stdin.readline())
    _limit(request["limits"])
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the design prints must not come between our lines

    def say(message: dict[str, Any]) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    threading.Thread(target=_die_with_starter, daemon=True).start()
    from windtunnel.lab.errors import DesignError, WrongInput
    from windtunnel.lab.grading.grade import grade_file

    sys.addaudithook(_deny)
    try:
        answer: dict[str, Any] = grade_file(request["file"], request["seeds"], say).to_dict()
    except (WrongInput, DesignError) as error:
        answer = {"wrong": str(error), "kind": type(error).__name__}
    except (RecursionError, MemoryError) as error:
        answer = {"wrong": f"The design went too deep or too wide: {type(error).__name__}.", "kind": "DesignError"}
    except SystemExit:
        answer = {"wrong": "The design called sys.exit; it may raise or return.", "kind": "DesignError"}
    except Exception:
        raise
    except BaseException as error:  # nobody presses Ctrl-C here, it is the design's own
        answer = {"wrong": f"The design raised {type(error).__name__}, which ends programs.", "kind": "DesignError"}
    say({"answer": answer})
    os._exit(0)  # threads that the design left behind do not keep us


def _limit(limits: dict[str, Any]) -> None:
    if os.name != "posix":
        return
    import resource

    seconds = max(1, round(limits["cpu_s"]))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    # Address space is mapped far beyond what is used; only Linux counts it in a way that can be limited.
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (limits["memory_bytes"], limits["memory_bytes"]))


def _deny(event: str, _: object) -> None:
    """A design is judged in this process: what it starts elsewhere would outlive it, and be seen by nobody."""
    if event not in DENIED:
        return
    from windtunnel.sim.sandbox import current_simulator

    # In a request an OSError would be an outcome; libraries that look around while they are imported know it.
    kind = PermissionError if current_simulator() is None else RuntimeError
    raise kind("A design may not start processes, nor send signals to any.")


def _die_with_starter() -> None:
    while sys.stdin.read(4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
