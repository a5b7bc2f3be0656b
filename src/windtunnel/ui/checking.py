"""`windtunnel check`: a history from a file, judged by a model."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from windtunnel.lab.errors import WrongInput


def check_file(file: Path, model: str, json_: bool) -> int:
    """Judge the file and print the verdict; 0 it holds, 1 it does not, 3 it cannot be told."""
    from windtunnel import checkers

    if not file.is_file():
        raise WrongInput(f"There is no file {file}.")
    try:
        verdict = checkers.check_file(file, model)
    except ValueError as error:
        raise WrongInput(str(error)) from error
    except OSError as error:
        raise WrongInput(f"{file} cannot be read: {error.strerror}.") from error
    if json_:
        told = asdict(verdict)
        for part in (told, *told["findings"]):
            part["witness"] = [event._asdict() for event in part["witness"]]
        click.echo(json.dumps(told, default=str, ensure_ascii=False))
    else:
        colour = {"valid": "green", "invalid": "red"}.get(verdict.status, "yellow")
        click.echo(f"{click.style(verdict.status, fg=colour)}: {verdict.sentence}")
        for event in verdict.witness:
            arguments = ", ".join(map(repr, event.args))
            answer = f" = {event.value!r}" if event.outcome == "ok" else f"  {event.outcome}"
            click.echo(f"  {event.start:.6f} to {event.end:.6f} s  {event.client}: {event.name}({arguments}){answer}")
    return {"valid": 0, "invalid": 1}.get(verdict.status, 3)
