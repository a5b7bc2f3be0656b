"""The menu of a terminal: choose by number, look, run, run again with something changed."""

from __future__ import annotations

from typing import Any

import click

from windtunnel.lab.cards import cards
from windtunnel.lab.discovery import find
from windtunnel.lab.errors import DesignError, WrongInput
from windtunnel.lab.experiment import Experiment

KEYS = "Enter runs · p=v changes a parameter, runs · s lesson · b back · q quits"


def menu() -> int:
    """Until the person quits, which is no failure whatever the runs found."""
    from windtunnel.ui.plain import listing

    experiments = cards()
    while True:
        click.echo(listing(experiments))
        answer = click.prompt("\nNumber, or q to quit", default="q", show_default=False).strip()
        if answer.lower() in ("q", "quit", ""):
            return 0
        if not answer.isdigit() or not 1 <= int(answer) <= len(experiments):
            click.echo(f"There is no {answer}; take a number from 1 to {len(experiments)}.\n")
            continue
        try:
            _one(find(experiments[int(answer) - 1].id))
        except EOFError:
            return 0


def _one(experiment: Experiment[Any]) -> None:
    """One experiment: run it as often as the person likes. Raises EOFError where they quit."""
    from windtunnel.ui import terminal
    from windtunnel.ui.cli import measured, show_result

    click.echo()
    width = terminal.console().width
    terminal.show(terminal.at_a_glance(experiment, width))
    changed: dict[str, str] = {}
    while True:
        click.echo(click.style(f"\n{KEYS}", dim=True))
        answer = click.prompt(experiment.id, default="", show_default=False, prompt_suffix="> ").strip()
        if answer in ("b", "back"):
            click.echo()
            return
        if answer in ("q", "quit"):
            raise EOFError
        try:
            if answer in ("s", "show"):
                terminal.show(terminal.experiment(experiment, hints=True, width=terminal.console().width))
                continue
            if "=" in answer:
                name, _, value = answer.partition("=")
                changed[name.strip()] = value.strip()
            elif answer:
                click.echo(f"{answer!r} means nothing here.")
                continue
            found = measured(experiment, sets=[f"{k}={v}" for k, v in changed.items()])
            show_result(experiment, found)
        except KeyboardInterrupt:
            click.echo("Stopped.")  # the run; at the prompt Ctrl-C leaves
        except (WrongInput, DesignError) as error:
            click.echo(str(error))
            changed.clear()
