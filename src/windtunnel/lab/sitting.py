"""An interview that was broken off, and goes on where it was: a small file beside the learner's progress."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from windtunnel.lab import progress
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.interview import Interview, Progress, found
from windtunnel.lab.result import plain, write


class Sitting:
    """An interview, each answer of which is kept at once; what was measured is kept with it.

    Args:
        again: begin anew, whatever is kept.

    Raises:
        WrongInput: the experiment has no board, or the file is damaged.
    """

    def __init__(self, experiment: Experiment[Any], quick: bool = False, again: bool = False) -> None:
        self.interview = Interview(experiment, quick)
        self.experiment = experiment
        kept = {} if again else self._all().get(experiment.id, {})
        if kept and kept["script"] == self._script() and kept["quick"] == quick:
            self.interview.known = dict(kept["found"])
            try:
                for text in kept["answers"]:
                    self.interview.answer(text, self._found(text))
            except (WrongInput, IndexError, TypeError, ValueError):
                raise _damaged() from None

    def answer(self, text: str, progress: Progress | None = None) -> None:
        """Take an answer, measure what it needs, and keep both. Raises WrongInput where it is none."""
        self.interview.answer(text, self._found(text, progress))
        self._keep(self.interview.step is not None)

    def _found(self, text: str, progress: Progress | None = None) -> list[Any] | None:
        need = self.interview.need(text)
        return None if need is None else found(self.experiment, need, self.interview.quick, progress)

    def _script(self) -> str:
        """A digest of the questions: another board is another interview."""
        steps = [(one.phase, one.question) for one in Interview(self.experiment, self.interview.quick).steps]
        return blake2b(json.dumps(steps).encode(), digest_size=16).hexdigest()

    def _all(self) -> dict[str, Any]:
        try:
            said = json.loads(kept_at().read_text("utf-8"))
            if not all(_is_kept(one) for one in said.values()):
                raise ValueError
        except (ValueError, TypeError, KeyError, AttributeError):
            raise _damaged() from None
        except OSError:  # there is none, or none for us
            return {}
        return dict(said)

    def _keep(self, going_on: bool) -> None:
        """What stands in the file; an interview that is over stands in it no more. None is kept where none can be."""
        with progress.alone(kept_at()):
            kept = self._all()
            kept.pop(self.experiment.id, None)
            if going_on:
                kept[self.experiment.id] = plain(self._state())
            try:
                kept_at().parent.mkdir(parents=True, exist_ok=True)
                write(kept_at(), json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
            except OSError:
                return

    def _state(self) -> Mapping[str, Any]:
        quick, answers = self.interview.quick, self.interview.answers
        return {"script": self._script(), "quick": quick, "answers": answers, "found": self.interview.known}


def kept_at() -> Path:
    """Where interviews that are not over are kept."""
    return progress.default_path().with_name("interviews.json")


def _is_kept(one: Mapping[str, Any]) -> bool:
    """Whether an entry has the form that `Sitting` gives it."""
    texts = [one["script"], *one["answers"]]
    lists = [one["answers"], *one["found"].values()]
    return (
        isinstance(one["quick"], bool)
        and all(isinstance(text, str) for text in texts)
        and all(isinstance(found, list) for found in lists)
    )


def _damaged() -> WrongInput:
    return WrongInput(f"{kept_at()} keeps no interviews; move it away, and a new one is begun.")
