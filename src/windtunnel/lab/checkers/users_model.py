"""A model of the user's own, from a file or a module: whatever goes wrong in it is said of it, in one sentence."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

from windtunnel.lab.checkers.models import Model, Stepped, Values


class ModelError(ValueError):
    """A model that cannot be loaded or used; the sentence says where it fails."""


def load_model(name: str) -> type[Model]:
    """The class behind `FILE.py:Class` or `module:Class`. Runs that file: it must be the user's own.

    Raises ModelError where there is none, and where loading it fails.
    """
    place, _, wanted = name.rpartition(":")
    with _blamed(place, "cannot be loaded"):
        module = _from_file(Path(place)) if place.endswith(".py") else _from_name(place)
    found = getattr(module, wanted, None)
    if not (isinstance(found, type) and issubclass(found, Model)):
        raise ModelError(f"{place} has no class {wanted!r} that is a windtunnel.checkers.Model.")
    with _blamed(name, "cannot be used"):
        return type(found.__name__, (_Judged, found), {"__module__": found.__module__, "told_as": name})


@contextmanager
def blaming(name: str) -> Iterator[None]:
    """Say of a failure of the model, while it judges, that it is one; what it prints goes to standard error."""
    with _blamed(name, "cannot judge this"):
        yield


@contextmanager
def _blamed(place: str, what: str) -> Iterator[None]:
    try:
        with redirect_stdout(sys.stderr):
            yield
    except ModelError:
        raise
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        theirs = [f for f in frames if not f.filename.startswith(("<", str(_OURS))) and "importlib" not in f.filename]
        if isinstance(error, ValueError) and not theirs and what == "cannot judge this":
            raise  # of ours: an operation that the model does not know, say
        line = (
            getattr(error, "lineno", None) if isinstance(error, SyntaxError) else theirs[-1].lineno if theirs else None
        )
        said = " ".join(str(getattr(error, "msg", error)).split()).rstrip(".")
        at = f" (line {line})" if line else ""
        raise ModelError(f"{place} {what}: {type(error).__name__}{f': {said}' if said else ''}{at}.") from error


_OURS = Path(__file__).resolve().parents[2]


class _Judged(Model):
    """Between the search and the user's class: an answer of another form is told as such."""

    told_as = ""

    def step(self, state: Hashable, op: str, args: Values, value: Hashable) -> Stepped:
        answer: Any = super().step(state, op, args, value)
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise ModelError(f"{self.told_as}: step({op!r}) must answer (may it answer this?, the state after it).")
        try:
            hash(answer[1])
        except TypeError:
            raise ModelError(f"{self.told_as} has a state that cannot be hashed after {op!r}; use tuples.") from None
        return answer


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ModelError(f"{path} is no Python file.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _from_name(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise ModelError(f"There is no module {name!r}.") from None
        raise
    except (TypeError, ValueError):
        raise ModelError(
            f"There is no module {name!r}; a model of your own is FILE.py:Class or module:Class."
        ) from None
