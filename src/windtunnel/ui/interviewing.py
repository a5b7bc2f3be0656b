"""`windtunnel interview NAME`: plain questions and answers, in the order in which an interview goes."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import click

from windtunnel.lab.errors import WrongInput
from windtunnel.ui.verdicts import columns

if TYPE_CHECKING:
    from windtunnel.lab.interview import Interview, Step, Told
    from windtunnel.lab.sitting import Sitting

WIDEST = 100
OPENING = "Answer as you would at a whiteboard; Enter alone shows the answer. Ctrl-C keeps what was replied to."


@click.command()
@click.argument("name")
@click.option("--quick", is_flag=True, help="What is run is run in the small setting that the tests use.")
@click.option("--again", is_flag=True, help="Begin anew where one was broken off.")
@click.option("--json", "json_", is_flag=True, help="One JSON document on standard output, when it is over.")
def interview(name: str, quick: bool, again: bool, json_: bool) -> int:
    """An interview about an experiment: clarify, estimate, draw, predict, and see it measured.

    Answers are lines of standard input; where there are no more, the rest is shown as if nothing had been said.
    """
    from windtunnel.lab.discovery import find
    from windtunnel.lab.sitting import Sitting

    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # bytes that are no text can be neither shown nor kept
    experiment = find(name)
    sitting = Sitting(experiment, quick, again)
    one = sitting.interview
    if not json_:
        _say(experiment.question, bold=True)
        _say(OPENING, dim=True)
        if quick:
            _say("Questions speak of the full setting; what is run is run in the small one.", dim=True)
        for before, told in zip([None, *one.told], one.told, strict=False):
            _heading(before, told.step)
            _say(told.noted)
    while one.step is not None:
        _ask(sitting, json_)
    if json_:
        click.echo(json.dumps(_document(one), ensure_ascii=False, indent=1))
    else:
        click.echo()
        for line in one.closing():
            _say(line)
        _say(f"Next: windtunnel new {experiment.id}" if experiment.demands else f"Next: windtunnel run {experiment.id}")
    return 0


def _ask(sitting: Sitting, hidden: bool) -> None:
    """One question, until it has an answer or there is nobody to answer."""
    from windtunnel.ui.progress import bar

    one, before = sitting.interview, len(sitting.interview.told)
    step = one.step
    assert step is not None
    if not hidden:
        _heading(one.told[-1] if one.told else None, step)
        _say(step.question, bold=True)
        for number, choice in enumerate(step.choices, 1):
            _say(f"  {number} {choice}")
    while len(one.told) == before:
        text = _typed(f"{step.unit} > " if step.unit else "> ", hidden)
        try:
            with bar(sitting.experiment.id, hidden=hidden) as told:
                sitting.answer(text, told)
        except WrongInput as wrong:
            if hidden:
                raise
            _say(str(wrong))
    if not hidden:
        _reply(one.told[-1])


def _typed(prompt: str, hidden: bool) -> str:
    """A line; "" where there is nobody any more. Raises Abort for Ctrl-C."""
    if sys.stdin is None:  # closed
        return ""
    try:
        text = input("" if hidden else prompt)
    except EOFError:
        text = ""
    if not hidden and not sys.stdin.isatty():
        click.echo(text)  # as a terminal would show it
    return text


def _heading(before: Told | None, step: Step) -> None:
    """The phase, where it is another than that of the question before."""
    if before is None or before.step.phase != step.phase:
        click.secho(f"\n{step.phase}", dim=True)


def _reply(told: Told) -> None:
    for number, sentence in enumerate(told.sentences):
        _say(f"  {sentence}", bold=number == 0 and told.ours is not None)
    if told.step.phase == "boxes":
        for line in told.noted.splitlines():
            click.echo(f"    {line}")


def _say(text: str, **style: Any) -> None:
    indent = " " * (len(text) - len(text.lstrip()))
    for line in click.wrap_text(text.strip(), min(WIDEST, columns()), indent, indent).splitlines():
        click.secho(line, **style)


def _document(one: Interview) -> dict[str, Any]:
    told = [asdict(reply) | {"answer": text} for reply, text in zip(one.told, one.answers, strict=True)]
    return {"experiment": one.experiment.id, "quick": one.quick, "told": told, "closing": one.closing()}
