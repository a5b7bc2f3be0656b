"""How the programs beside this experiment end: as `windtunnel` itself does, with one sentence and its status."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from windtunnel import WrongInput

WRONG, INTERRUPTED = 2, 130


def program(main: Callable[[Sequence[str]], int]) -> NoReturn:
    """Do what the command line asks, and leave with its status: 2 for wrong input, 130 after Ctrl-C."""
    # Ctrl-C falls between any two steps of a simulation; Python would tell of each task that it leaves half done.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", "coroutine .* was never awaited")
    try:
        if sys.argv[1:] in (["--help"], ["-h"]):
            print((sys.modules[main.__module__].__doc__ or "").rstrip())
            status = 0
        else:
            status = main(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = complain("Stopped.", INTERRUPTED)
    except WrongInput as error:
        status = complain(str(error), WRONG)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whoever read our output has gone
        status = 0
    except OSError as error:
        status = complain(f"The output cannot be written: {error.strerror or error}.", WRONG)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(status)


def complain(sentence: str, status: int) -> int:
    """Say it where no output is expected; the status."""
    print(sentence, file=sys.stderr, flush=True)
    return status


def check_writable(path: Path) -> None:
    """Before the work, not after it. Raises WrongInput where no file can be written at this name."""
    if path.exists() and not path.is_file():
        raise WrongInput(f"{path} is no regular file, and nothing else is replaced; give another name.")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise WrongInput(f"{path} cannot be written: {folder} is no folder that is there.")
    if not os.access(folder, os.W_OK):
        raise WrongInput(f"{path} cannot be written: Permission denied.")


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there wholly or not at all. Raises WrongInput where it cannot be written."""
    target = path.resolve()
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        try:
            draft.write_text(text, "utf-8")
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise WrongInput(f"{path} cannot be written: {error.strerror}.") from None
