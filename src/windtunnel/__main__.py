"""`python -m windtunnel` is the command `windtunnel`, which begins here: Ctrl-C while it is still being imported is
Ctrl-C, and no fault with a traceback."""

import sys
from typing import NoReturn

from windtunnel.collecting import collect_rarely, leave_all


def main() -> NoReturn:
    """Import the command line and run it."""
    collect_rarely()
    try:
        from windtunnel.ui.cli import main as begin
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(130)
    try:
        begin()
    finally:
        leave_all()


if __name__ == "__main__":
    main()
