"""`windtunnel web` and `windtunnel report`: what the menu shows, in a browser, or as one file."""

from __future__ import annotations

import importlib.util
import json

import click

from windtunnel.lab.errors import WrongInput

NEEDED = ("starlette", "uvicorn", "jinja2")


def check_installed(needed: tuple[str, ...] = NEEDED) -> None:
    """Raises WrongInput where a library of the page is missing, with the line that installs it."""
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise WrongInput(f"The page needs {', '.join(missing)}; pip install 'windtunnel[web]' gets it.")


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8642, show_default=True, help="0: any that is free.")
@click.option("--open", "open_", is_flag=True, help="Open it in the browser.")
@click.option("--json", "json_", is_flag=True, help="The address as one JSON document, and then serve.")
def web(port: int, open_: bool, json_: bool) -> int:
    """The catalogue and its experiments as pages, on this machine alone; Ctrl-C ends it."""
    check_installed()
    from windtunnel.web.serving import listening, serve

    bound = listening(port)
    address = f"http://127.0.0.1:{bound.getsockname()[1]}/"
    click.echo(json.dumps({"address": address}) if json_ else f"{address}   Ctrl-C ends.")
    if open_:
        click.launch(address)
    serve(bound)
    return 0


BROWSING = (web,)
