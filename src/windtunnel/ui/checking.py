"""`windtunnel check`: a history from a file, judged by a model."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from windtunnel.lab.errors import WrongInput

if TYPE_CHECKING:
    from windtunnel.lab.checkers.verdict import Verdict

OPTIONS: dict[str, tuple[type, str, str]] = {  # what models take: its type, how a value is shown, what it means
    "level": (str, "NAME", "list-append, read-write: the isolation that is promised; serializable by default."),
    "process": (bool, "", "list-append, read-write: each client's order is kept."),
    "real_time": (bool, "", "list-append, read-write, sessions: what had ended before is older."),
    "client_keys": (bool, "", "read-write: each key by itself is sequentially consistent."),
    "real_time_keys": (bool, "", "read-write: each key by itself is linearizable."),
    "only": (str, "NAME", "sessions: one guarantee, as monotonic-reads."),
    "object": (str, "NAME", "sequential, sessions: register, cas, key-value, queue, set or counter."),
    "budget_steps": (int, "N", "register to sequential: after so many steps the verdict is unknown."),
    "budget_edges": (int, "N", "list-append, read-write: after so many edges the verdict is unknown."),
    "total": (float, "X", "bank: what the balances add up to."),
    "negative_allowed": (bool, "", "bank: balances may fall below nothing."),
    "start": (float, "X", "sum: what it began with; 0 by default."),
    "stale_allowed": (bool, "", "grow-set: a member may come back later."),
    "ordered": (bool, "", "messages: first in, first out; so by default."),
    "at_least_once": (bool, "", "messages: may be delivered twice."),
    "drained": (bool, "", "messages: all that was sent was asked for."),
    "duplicates_allowed": (bool, "", "log: a value may stand at two offsets."),
    "lease_s": (float, "X", "mutex: seconds after which a lock is free again."),
    "name": (str, "NAME", "unique-ids, leaders: the operation that is judged."),
}


class CheckCommand(click.Command):
    """Lists the models in its help, once it is asked for: they are not loaded before."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from windtunnel.checkers import MODELS

        with formatter.section("Models"):
            formatter.write_dl([*MODELS.items(), ("FILE.py:Class", "a model of your own (docs/checking.md)")])


def check_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """An option of the command line for each that a model has."""
    for name, (kind, shown, help_) in reversed(OPTIONS.items()):
        dashed = name.replace("_", "-")
        if kind is bool:
            option = click.option(f"--{dashed}/--no-{dashed}", name, default=None, help=help_)
        else:
            option = click.option(f"--{dashed}", name, type=kind, metavar=shown, help=help_)
        function = option(function)
    return function


def check_file(file: Path, model: str, json_: bool, **options: Any) -> int:
    """Judge the file and print the verdict; 0 it holds, 1 it does not, 3 it cannot be told."""
    from windtunnel import check
    from windtunnel.lab.checkers.files import parse_history, read_history

    try:
        if str(file) == "-":
            history = parse_history(sys.stdin.buffer.read(), "standard input")
        elif not file.exists():
            raise WrongInput(f"There is no file {file}.")
        else:
            history = read_history(file)
        verdict = check(history, model, **{name: value for name, value in options.items() if value is not None})
    except WrongInput:
        raise
    except ValueError as error:
        raise WrongInput(str(error)) from error
    except OSError as error:
        raise WrongInput(f"{file} cannot be read: {error.strerror}.") from error
    _print_json(verdict) if json_ else _print(verdict)
    return {"valid": 0, "invalid": 1}.get(verdict.status, 3)


def _print_json(verdict: Verdict) -> None:
    told = asdict(verdict)
    for part in (told, *told["findings"]):
        part["witness"] = [event._asdict() for event in part["witness"]]
    _echo(json.dumps(told, default=str, ensure_ascii=False))


def _print(verdict: Verdict) -> None:
    from windtunnel.lab.checkers.describe import printable, shown

    colour = {"valid": "green", "invalid": "red"}.get(verdict.status, "yellow")
    _echo(f"{click.style(verdict.status, fg=colour)}: {verdict.sentence}")
    for event in verdict.witness:
        arguments = ", ".join(map(shown, event.args))
        answer = f" = {shown(event.value)}" if event.outcome == "ok" else f"  {event.outcome}"
        called = f"{printable(event.client)}: {printable(event.name)}({arguments})"
        _echo(f"  {event.start:.6f} to {event.end:.6f} s  {called}{answer}")


def _echo(text: str) -> None:
    """Print what may hold characters that the terminal, or no encoding at all, has."""
    encoding = sys.stdout.encoding or "utf-8"
    click.echo(text.encode(encoding, "backslashreplace").decode(encoding))
