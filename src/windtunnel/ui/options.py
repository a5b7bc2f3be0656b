"""Options of a run that need reading: which seeds, and the command that says them again."""

from __future__ import annotations

import math
import os
import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from windtunnel.lab.errors import WrongInput, suggest, unwritten

if TYPE_CHECKING:
    from windtunnel.lab.experiment import Claim, Experiment

SEEDS = "a count (20: seeds 0 to 19), seeds (3,5,7) or a range of them (100-119)"


def seeds_of(text: str) -> int | list[int]:
    """A count, or the seeds themselves. Raises WrongInput."""
    from windtunnel.lab.run import MOST_SEEDS

    wrong = WrongInput(f"--seeds is {text}; it takes {SEEDS}, and {MOST_SEEDS:,} seeds at most.")
    parts = [part.strip() for part in text.split(",")]
    found: list[int] = []
    for part in parts:
        read = re.fullmatch(r"(\d{1,18})(?:-(\d{1,18}))?", part)
        if read is None:
            raise wrong
        first = int(read[1])
        if len(parts) == 1 and read[2] is None:
            if not 1 <= first <= MOST_SEEDS:
                raise wrong
            return first
        last = int(read[2] or first)
        if not 0 <= last - first < MOST_SEEDS:
            raise wrong
        found += range(first, last + 1)
    if len(found) > MOST_SEEDS:
        raise wrong
    return found


def more_seeds(
    experiment: str,
    seeds: int,
    *,
    stage: str | None = None,
    quick: bool = False,
    sets: Sequence[str] = (),
    designs: str | None = None,
    on: Sequence[str] = (),
    with_file: str = "",
) -> str:
    """The command that runs the same with more seeds."""
    words = ["windtunnel", "run", experiment, "--seeds", str(seeds)]
    words += ["--quick"] if quick else []
    for option, value in (("--stage", stage), ("--designs", designs), ("--with", with_file)):
        words += [option, value] if value else []
    for option, several in (("--set", sets), ("--on", on)):
        words += [word for one in several for word in (option, one)]
    return shlex.join(words)


class Seconds(click.FloatRange):
    """Numbers alone: of nan every comparison is false, so a range lets it in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if math.isnan(found):
            upwards = "on" if self.max is None else f"to {self.max}"
            self.fail(f"{value} is no number of seconds; give one from {self.min} {upwards}.", param, ctx)
        return found


def check_writable(option: str, path: Path | None) -> None:
    """Before the work, not after it. Raises WrongInput where no file can be written at this name."""
    from windtunnel.lab.result import is_other

    if path is None:
        return
    if is_other(path) and not path.is_dir():
        raise WrongInput(f"{path} is no regular file, and {option} replaces nothing else; give another name.")
    if path.is_dir() or not Path(os.path.realpath(path)).parent.is_dir():
        raise WrongInput(f"{path} cannot be written: {option} takes the name of a file in a folder that is there.")


def written(path: Path | None, save: Callable[[Path], object]) -> None:
    """Save where a file was asked for. Raises WrongInput where it cannot be written."""
    if path is None:
        return
    try:
        save(path)
    except OSError as error:
        raise WrongInput(unwritten(path, error)) from error


def once_each(option: str, given: Sequence[str], example: str) -> dict[str, str]:
    """Texts of the form name=value, by name. Raises WrongInput for another form, and where a name comes twice."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name:
            raise WrongInput(f"{option} is {text}; it takes {example}.")
        if name in found:
            raise WrongInput(f"{option} gives {name} twice, {found[name]} and {value}; give it once.")
        found[name] = value
    return found


def params_of(experiment: Experiment[Any], sets: Sequence[str]) -> dict[str, object]:
    """What `--set` says, by name. Raises WrongInput, also where the name is that of another argument of a run."""
    from windtunnel.lab.params import describe

    found: dict[str, object] = {**once_each("--set", sets, "a parameter and its value, as in --set load=0.9")}
    known = [one.name for one in describe(experiment.params)]
    for name in found:
        if name not in known:
            raise WrongInput(suggest(name, known, "parameter"))
    return found


def claim_of(experiment: Experiment[Any], text: str, among: Sequence[Claim]) -> Claim:
    """The claim of this expression; else the only one that has the text in what it says; else a condition of the
    user's own. Raises WrongInput."""
    from windtunnel.lab.claims import ClaimError, parse
    from windtunnel.lab.experiment import Claim

    like = [claim for claim in among if claim.expression == text]
    like = like or [c for c in among if text in c.expression or text.lower() in c.because.lower()]
    if len(like) == 1 or (like and like[0].expression == text):
        return like[0]
    try:
        parse(text)
    except ClaimError as error:
        if like:
            raise WrongInput(f"{len(like)} claims of {experiment.id} have {text!r} in them; say more of one.") from None
        raise WrongInput(f"No claim of {experiment.id} has that in it. {error}") from None
    return Claim(text, "Asked on the command line.")


def sentence_of(error: OSError) -> str:
    """What the system has refused, and of which file."""
    said = f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
    return f"{said[:1].upper()}{said[1:].rstrip('.')}."
