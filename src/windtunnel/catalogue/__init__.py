"""Every experiment: a track per folder, an experiment per file."""

import sys
from types import TracebackType

# Python says so while it imports the packages around a program that it is to run; another's program is not our affair.
if sys.argv[:1] == ["-m"] and any(word.startswith(f"{__name__}.") for word in sys.orig_argv):

    def stopped(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Ctrl-C while a program of ours is still being imported is Ctrl-C, and no fault with a traceback."""
        if not issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        sys.stderr.write("Stopped.\n")
        sys.exit(130)

    sys.excepthook = stopped
