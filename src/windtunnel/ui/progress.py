"""A progress bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Told = Callable[[int, int, str, int], object]
_listeners: list[Told] = []


@contextmanager
def heard_by(listener: Told) -> Iterator[None]:
    """While the block runs, no bar is drawn: this is called in its place, also where a bar would be hidden."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@contextmanager
def counted(title: str, hidden: bool = False) -> Iterator[Callable[[int, int], object]]:
    """As `bar`; yields what to call with (done, in all)."""
    with bar(title, hidden) as told:
        yield lambda done, total: told(done, total, "", 0)


@contextmanager
def bar(title: str, hidden: bool = False) -> Iterator[Told]:
    """A bar on standard error while the block runs; yields what to call with (done, in all, design, seed)."""
    if _listeners:
        yield _listeners[-1]
        return
    if hidden or not sys.stderr.isatty():
        yield lambda done, total, design, seed: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(30), TextColumn("{task.fields[what]}"), TimeElapsedColumn())
    console = Console(stderr=True)
    console.width = min(80, console.width)
    with _unheard(), Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=None, what="")

        def told(done: int, total: int, design: str, seed: int) -> None:
            what = f": {design}, seed {seed}" if design else ""
            progress.update(task, completed=done, total=total, what=f"{done} of {total}{what}")

        yield told


@contextmanager
def _unheard() -> Iterator[None]:
    """Keys that are typed meanwhile are neither shown in the bar nor taken for the answer to the next question.

    Ctrl-C is heard. Nothing is done in the background, where a change of the terminal would stop us.
    """
    try:
        import termios
    except ImportError:  # no Unix: keys are not echoed by a terminal that we know of
        yield
        return
    try:
        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)
        ours = os.tcgetpgrp(terminal) == os.getpgrp()
    except (OSError, ValueError, AttributeError, termios.error):  # no terminal, or none that we control
        yield
        return
    if not ours:
        yield
        return
    quiet = [*before]
    quiet[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        with contextlib.suppress(OSError, termios.error):  # the terminal may have been closed meanwhile
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
