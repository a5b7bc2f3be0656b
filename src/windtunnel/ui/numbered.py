"""The menu of numbers: choose by number or name, look, run, run again with something changed, take the challenge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from windtunnel.lab.cards import Card, cards
from windtunnel.lab.discovery import find
from windtunnel.lab.errors import DesignError, WrongInput, suggest
from windtunnel.lab.experiment import Experiment
from windtunnel.ui.verdicts import columns

KEYS = "Enter runs · p=v changes a parameter, runs · s lesson · n new challenge · b back · ? help · q quits"
HELP = """\
In the list, a number or a name opens an experiment.

In an experiment
  Enter          runs it: every design, every claim
  rate=500       gives a parameter another value and runs; several may stand in one line, and they stay changed
  rate=          gives it its own value back
  s              the lesson, with hints
  n              a file with the naive design for you to mend; windtunnel watch judges it whenever you save it,
                 windtunnel grade judges all of it
  b              back to the list
  Ctrl-C         stops a run, and leaves the menu where nothing runs

Everywhere       ? this page   q quit, as Ctrl-D does"""
WIDEST = 100
QUIT, ASK = ("q", "quit", "exit"), ("?", "h", "help")


class _Left(Exception):
    """The person has left the menu."""


def menu() -> int:
    """Until the person quits, which is no failure whatever the runs found."""
    from windtunnel.ui.plain import listing

    experiments = cards()
    shown = False
    try:
        while True:
            if not shown:
                click.echo(listing(experiments))
            shown = True
            answer = _asked("\nNumber or name, ? for help, q to quit", ": ")
            if answer.lower() in ASK:
                _help()
            elif answer:
                try:
                    found = find(_chosen(answer, experiments))
                except WrongInput as wrong:
                    click.echo(str(wrong))
                    continue
                _one(found)
                shown = False
    except _Left:
        return 0


def _asked(text: str, suffix: str) -> str:
    """What was answered. Raises _Left where the person quits, in words or by Ctrl-C or Ctrl-D."""
    try:
        answer = str(click.prompt(text, default="", show_default=False, prompt_suffix=suffix)).strip()
    except click.Abort:
        click.echo()
        raise _Left from None
    if answer.lower() in QUIT:
        raise _Left
    return answer


def _help() -> None:
    click.echo()
    for line in HELP.splitlines():
        indent = " " * (17 if line.startswith("  ") else 0)
        click.echo(click.wrap_text(line, min(WIDEST, columns()), "", indent) if line.strip() else "")


def _dim(text: str) -> None:
    click.secho(click.wrap_text(text, min(WIDEST, columns())), dim=True)


def _chosen(answer: str, experiments: Sequence[Card]) -> str:
    """The name of the experiment that is meant: by number, name, or how its name begins. Raises WrongInput."""
    if answer.isdecimal():
        if not 1 <= int(answer) <= len(experiments):
            raise WrongInput(f"There is no {answer}; take a number from 1 to {len(experiments)}, or a name.")
        return experiments[int(answer) - 1].id
    names = [one.id for one in experiments]
    key = answer.lower().replace("_", "-").replace(" ", "-")
    begun = [name for name in names if name.startswith(key)]
    if key in names or len(begun) == 1:
        return key if key in names else begun[0]
    raise WrongInput(suggest(answer, names, "experiment"))


def _one(experiment: Experiment[Any]) -> None:
    """One experiment: run it as often as the person likes. Raises _Left."""
    from windtunnel.ui import terminal

    click.echo()
    terminal.show(terminal.at_a_glance(experiment, terminal.console().width))
    changed: dict[str, str] = {}
    while True:
        click.echo()
        _dim(KEYS)
        if changed:
            _dim(f"changed: {_said(changed)}")
        answer = _asked(experiment.id, "> ")
        word = answer.lower()
        if word in ("b", "back"):
            click.echo()
            return
        try:
            if word in ASK:
                _help()
            elif word in ("s", "show"):
                terminal.show(terminal.experiment(experiment, hints=True, width=terminal.console().width))
            elif word in ("n", "new"):
                _begin(experiment)
            elif answer and "=" not in answer:
                click.echo(f"{answer!r} means nothing here; ? says what does.")
            else:
                changed = _changes(experiment, changed, answer)
                _run(experiment, changed)
        except (WrongInput, DesignError) as error:
            click.echo(str(error))


def _run(experiment: Experiment[Any], changed: dict[str, str]) -> None:
    from windtunnel.ui.cli import measured, show_result

    try:
        show_result(experiment, measured(experiment, sets=[f"{k}={v}" for k, v in changed.items()]))
    except KeyboardInterrupt:
        click.echo("Stopped.")  # the run; at the prompt Ctrl-C leaves


def _changes(experiment: Experiment[Any], changed: dict[str, str], answer: str) -> dict[str, str]:
    """What is changed now, with what was asked for in addition. Raises WrongInput, and what was changed stays."""
    from windtunnel.lab.params import describe

    known = {one.name: one for one in describe(experiment.params)}
    found = dict(changed)
    for text in answer.replace(" =", "=").replace("= ", "=").split():
        name, equals, value = text.partition("=")
        if not equals or name not in known:
            raise WrongInput(suggest(name, known, "parameter"))
        if value:
            found[name] = str(known[name].take(value.rstrip(",")))
        else:
            found.pop(name, None)
    return found


def _said(changed: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in changed.items())


def _begin(experiment: Experiment[Any]) -> None:
    """Write the challenge beside the person, and say what to do with it."""
    from windtunnel.lab.grading.challenge import write_stub

    file = write_stub(experiment, Path(experiment.id.replace("-", "_") + ".py"))
    click.echo(f"{file} is yours. Open it, and in another terminal: windtunnel watch {file}")
