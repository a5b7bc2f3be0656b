"""`windtunnel web` and `windtunnel report`: what the menu shows, in a browser, or as one file."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path

import click

from windtunnel.lab.errors import WrongInput
from windtunnel.ui.options import check_writable, params_of, written

NEEDED = ("starlette", "uvicorn", "jinja2")


def check_installed(needed: tuple[str, ...] = NEEDED, what: str = "The page") -> None:
    """Raises WrongInput where a library that `what` stands on is missing, with the line that installs it."""
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise WrongInput(f"{what} needs {', '.join(missing)}; pip install 'windtunnel[web]' gets it.")


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8642, show_default=True, help="0: any that is free.")
@click.option("--open", "open_", is_flag=True, help="Open it in the browser.")
@click.option("--design", type=click.Path(path_type=Path), metavar="FILE", help="A design of yours beside the others.")
@click.option("--json", "json_", is_flag=True, help="The address as one JSON document, and then serve.")
def web(port: int, open_: bool, design: Path | None, json_: bool) -> int:
    """The catalogue and its experiments as pages, on this machine alone; Ctrl-C ends it.

    With --design the experiment that the file answers shows it as one more pane and line, anew whenever it is saved.
    """
    check_installed()
    from windtunnel.web.own import Own
    from windtunnel.web.serving import listening, prepared

    own = Own.of(design) if design is not None else None
    bound = listening(port)
    serve = prepared(bound, own)  # who is told the address need not wait for what is loaded only once
    address = f"http://127.0.0.1:{bound.getsockname()[1]}/"
    click.echo(json.dumps({"address": address}) if json_ else f"{address}   Ctrl-C ends.")
    if open_:
        click.launch(address)
    serve()
    return 0


@click.command()
@click.argument("name")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE.html", help="Where to write it.")
@click.option("--quick", is_flag=True, help="The small setting that the tests use.")
@click.option("--set", "sets", multiple=True, metavar="p=v", help="A parameter's value; again for more.")
@click.option("--designs", metavar="a,b", help="The designs that are seen in the tunnel; first and last by default.")
@click.option("--json", "json_", is_flag=True, help="What was written, as one JSON document.")
def report(name: str, out: Path, quick: bool, sets: Sequence[str], designs: str | None, json_: bool) -> int:
    """Measure an experiment, and write all that its page shows into one file that needs no server.

    The tunnel is drawn in the small setting, with the first seed; what runs on this machine as it was recorded.
    """
    check_installed(("jinja2", "starlette"))
    from windtunnel.lab.discovery import find
    from windtunnel.lab.result import write
    from windtunnel.ui.cli import measured
    from windtunnel.web.asked import Asked
    from windtunnel.web.report import report as made
    from windtunnel.web.worker import preview

    experiment = find(name)
    check_writable("--out", out)
    chosen = [one.strip() for one in designs.split(",")] if designs else []
    asked = Asked(experiment, params_of(experiment, sets), 0, tuple(experiment.choose(chosen)) if chosen else ())
    found = measured(experiment, quick=quick, sets=sets, hidden=json_)
    task = {"params": asked.params, "seed": 0, "without": [], "moved": []}
    in_tunnel = asked.pair if "sim" in experiment.stages else ()
    previews = {one: preview(experiment, {**task, "design": one}) for one in in_tunnel}
    text = made(asked, found, {name: one["trace"] for name, one in previews.items() if "trace" in one})
    written(out, lambda path: write(path, text))
    size = len(text.encode())
    click.echo(json.dumps({"file": str(out), "bytes": size}) if json_ else f"{out}: {size / 1000:.0f} KB.")
    return found.exit_status


BROWSING = (web, report)
