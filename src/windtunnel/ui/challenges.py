"""The commands of a learner and of a teacher: new, watch, grade, progress."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from windtunnel.lab.errors import WrongInput
from windtunnel.ui.options import Seconds, check_writable, written
from windtunnel.ui.verdicts import columns, verdict

if TYPE_CHECKING:
    from windtunnel.lab.grading.limits import Spare

LOOK_EVERY_S = 0.05
GONE_LOOKS = 20
"""After so many looks a file that is not there is gone, and not being saved."""


SECONDS = Seconds(1, 86_400)
Heard = Callable[[dict[str, Any]], object]


@click.command()
@click.argument("name")
@click.option("--to", type=click.Path(path_type=Path), metavar="FILE", help="The file; NAME.py by default.")
@click.option("--hints", is_flag=True, help="With the whole lesson, which tells how it is done, and the hints.")
@click.option("--json", "json_", is_flag=True, help="One JSON document on standard output.")
def new(name: str, to: Path | None, hints: bool, json_: bool) -> int:
    """Write a challenge: the lesson, what is asked, and a naive design to start from."""
    from windtunnel.lab.discovery import find
    from windtunnel.lab.grading.challenge import write_stub

    experiment = find(name)
    file = write_stub(experiment, to or Path(experiment.id.replace("-", "_") + ".py"), hints)
    if json_:
        click.echo(json.dumps({"file": str(file), "experiment": experiment.id}))
    else:
        click.echo(f"{file} is yours. Open it, and in another terminal: windtunnel watch {file}")
    return 0


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--planted", metavar="NAME", help="Judge the wrong and right designs planted for an experiment instead.")
@click.option("--fresh", is_flag=True, help="With --planted: on seeds nobody has seen, which are printed.")
@click.option("--with", "one_more", type=click.Path(path_type=Path), metavar="FILE", help="With --planted: one more.")
@click.option("--seeds", type=click.IntRange(1), default=10, show_default=True, help="How many hidden seeds.")
@click.option("--cpu", "cpu_s", type=SECONDS, default=60.0, show_default=True, help="Seconds of CPU a trial.")
@click.option("--memory", "memory_mb", type=click.IntRange(256), default=2048, show_default=True, help="Megabytes.")
@click.option("--hint", is_flag=True, help="Show the next hint as well.")
@click.option("--svg", type=click.Path(path_type=Path), metavar="FILE", help="Write the failing case there as SVG.")
@click.option("--json", "json_", is_flag=True, help="One JSON document on standard output.")
def grade(
    file: Path | None,
    planted: str | None,
    fresh: bool,
    one_more: Path | None,
    seeds: int,
    cpu_s: float,
    memory_mb: int,
    hint: bool,
    svg: Path | None,
    json_: bool,
) -> int:
    """Judge your design: hidden seeds, faults, par, and the smallest case that fails."""
    if (file is None) == (planted is None):
        raise WrongInput("Give a file with a design, or --planted with the name of an experiment.")
    if planted is not None:
        if hint or svg is not None:
            raise WrongInput("--hint and --svg go with a file of yours, not with --planted.")
        from windtunnel.ui.planted import judge_planted

        return judge_planted(planted, fresh, one_more, seeds, cpu_s, memory_mb, json_)
    if fresh or one_more is not None:
        raise WrongInput("--fresh and --with go with --planted.")
    assert file is not None
    from windtunnel.lab import progress
    from windtunnel.lab.grading.challenge import challenge_of
    from windtunnel.ui.progress import bar

    experiment = challenge_of(file)
    check_writable("--svg", svg)
    progress.read(progress.default_path())  # a damaged file is told before the work, not after it
    with bar(experiment.id, hidden=json_) as told:
        found = judged(
            file, seeds, cpu_s, memory_mb, lambda m: told(m["done"], m["of"], "yours", 0) if "done" in m else 0
        )
    status = _status(found)
    done = progress.note(experiment.id, graded=True, passed=status == 0, hint=hint)
    if hint and experiment.hints:
        number = min(done.hints, len(experiment.hints))
        found |= {"hint": experiment.hints[number - 1], "hint_number": number, "hints": len(experiment.hints)}
    if json_:
        click.echo(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        verdict(found, file)
    if svg is not None and found.get("case"):
        from windtunnel.lab.result import write

        written(svg, lambda path: write(path, found["case"]["svg"]))
    return status


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True, help="How many hidden seeds.")
@click.option("--once", is_flag=True, help="Judge once and leave, as for a test of your editor's set-up.")
@click.option("--json", "json_", is_flag=True, help="A line of JSON for all that is told.")
def watch(file: Path, seeds: int, once: bool, json_: bool) -> int:
    """Judge your design whenever you save the file; Ctrl-C ends it."""
    from windtunnel.lab.grading.challenge import challenge_of
    from windtunnel.lab.grading.limits import Spare

    if once or not json_:  # who hears lines hears in one of them what is wrong with the file, and when it is mended
        challenge_of(file)
    if not json_:
        click.echo(f"Watching {file}; save it and look here. Ctrl-C ends.")
    with Spare(os.fspath(file.resolve())) as spare:
        return _watch(file, seeds, once, spare, _in_lines if json_ else partial(_in_words, file))


def _in_lines(message: dict[str, Any]) -> None:
    click.echo(json.dumps(message, ensure_ascii=False))


def _in_words(file: Path, message: dict[str, Any]) -> None:
    match message:
        case {"gone": _}:
            click.secho(f"{file} is gone; it is judged again once it is back.", dim=True)
        case {"judging": _}:
            click.secho(f"Judging {file} ...", dim=True)
        case {"failing": demand, "shown": shown, "after_s": after}:
            click.secho(f"✘ {demand}   {shown}   ({after:.1f} s)", fg="red")
        case {"wrong": sentence}:
            click.secho(sentence, fg="red")
        case {"grade": found}:
            verdict(found, file, brief=True)


def _watch(file: Path, seeds: int, once: bool, spare: Spare, tell: Heard) -> int:
    seen: int | None = None
    status = gone = 0

    def stamp() -> int | None:
        try:
            return file.stat().st_mtime_ns
        except FileNotFoundError:
            return None

    while True:
        changed = stamp()
        # Editors take the file away for a moment when they save.
        gone = gone + 1 if changed is None else 0
        if gone == GONE_LOOKS:
            tell({"gone": str(file)})
        if changed is not None and changed != seen:
            seen = changed
            start = time.monotonic()
            tell({"judging": str(file)})

            def heard(message: dict[str, Any], start: float = start) -> None:
                if "failing" in message:
                    tell({**message, "after_s": time.monotonic() - start})

            def saved_again(judged: int = seen) -> bool:
                return stamp() not in (None, judged)

            try:
                found = judged(file, seeds, 30.0, 2048, heard, saved_again, spare=spare)
                if not found:
                    continue  # saved again meanwhile
                status = _status(found)
                tell({"grade": found})
            except WrongInput as error:
                status = 2
                tell({"wrong": str(error)})
        if once:
            return status
        spare.start()
        time.sleep(LOOK_EVERY_S)  # a person at a keyboard, on a real clock


@click.command("progress")
@click.option("--merge", type=click.Path(path_type=Path, exists=True), metavar="FILE", help="Take in another file.")
@click.option("--json", "json_", is_flag=True, help="One JSON document on standard output.")
def progress_(merge: Path | None, json_: bool) -> int:
    """What you have done so far; the file is yours to copy and merge."""
    from windtunnel.lab import progress

    path = progress.default_path()
    known = progress.read(path) if merge is None else progress.merge_in(path, progress.read(merge))
    if json_:
        click.echo(progress.text_of(known), nl=False)
        return 0
    click.echo(f"{path}")
    for name, done in known.items():
        sign = click.style("✔", fg="green") if done.passed else "·"
        click.echo(f"{sign} {name:<28} graded {done.grades} times, {done.hints} hints")
    if not known:
        click.echo("Nothing yet; begin with: windtunnel new q10-ticketmaster")
    return 0


COMMANDS = (new, watch, grade, progress_)


def judged(
    file: Path,
    seeds: int | Sequence[int],
    cpu_s: float,
    memory_mb: int,
    heard: Heard = lambda message: None,
    unwanted: Callable[[], bool] = lambda: False,
    brief: bool = False,
    spare: Spare | None = None,
) -> dict[str, Any]:
    """The grade as plain data; {"sentence": ...} where the design did not live to be graded. Raises WrongInput.

    Nothing once it is `unwanted`.
    """
    from windtunnel.lab.grading.limits import Limits, limited

    limits = Limits(cpu_s, wall_s=2 * cpu_s, memory_bytes=memory_mb << 20)
    asked = {"file": os.fspath(file.resolve()), "seeds": seeds, "brief": brief, "width": columns()}
    ended = limited(asked, limits, heard, unwanted, spare)
    if ended.given_up:
        return {}
    if ended.sentence:
        return {"passed": False, "sentence": ended.sentence, "printed": ended.printed}
    found: dict[str, Any] = ended.answer | {"printed": ended.printed}
    if found.get("kind") == "WrongInput":
        raise WrongInput(found["wrong"])
    if "wrong" in found:
        return {"passed": False, "sentence": found["wrong"], "printed": ended.printed}
    return found


def _status(found: Mapping[str, Any]) -> int:
    return 0 if found["passed"] else 1
