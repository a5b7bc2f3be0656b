"""What can be wrong with what we are given. Each is one sentence for a person, and exit status 2."""

from __future__ import annotations

from windtunnel.sim.wrong import WrongInput as WrongInput, suggest as suggest


def raised(error: BaseException) -> str:
    """What was raised, in a few words: its type, and the first line of what it says, if it says anything."""
    try:
        text = str(error).partition("\n")[0].rstrip(".")
    except Exception:
        text = "an exception that cannot say what it is"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def unread(path: object, error: SyntaxError) -> str:
    """The sentence about a file that is no Python."""
    return f"{path} cannot be read: {error.msg}{f' in line {error.lineno}' if error.lineno else ''}."


def unwritten(path: object, error: OSError) -> str:
    """The sentence about a file that could not be written."""
    return f"{path} cannot be written: {error.strerror}."


class DesignError(RuntimeError):
    """A design raised what is no outcome of a request; the sentence names design, operation, exception and line."""
