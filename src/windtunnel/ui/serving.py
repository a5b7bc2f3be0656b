"""`windtunnel serve`: a language model for any client that speaks to OpenAI's addresses."""

from __future__ import annotations

import json

import click

from windtunnel.ui.browsing import check_installed


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8643, show_default=True, help="0: any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Another address lets other machines in.")
@click.option("--policy", type=click.Choice(["static", "continuous", "chunked"]), default="continuous",
              show_default=True, help="Who may join the batch, and when.")  # fmt: skip
@click.option("--at-once", type=click.IntRange(1, 512), default=32, show_default=True, help="Answers in the batch.")
@click.option("--waiting", type=click.IntRange(0), default=64, show_default=True, help="Who may wait; then it is 429.")
@click.option("--memory", type=click.IntRange(16), default=8192, show_default=True,
              help="Tokens whose keys and values are kept.")  # fmt: skip
@click.option("--json", "json_", is_flag=True, help="The address as one JSON document, and then serve.")
def serve(port: int, host: str, policy: str, at_once: int, waiting: int, memory: int, json_: bool) -> int:
    """A language model behind OpenAI's addresses, on this machine alone; Ctrl-C ends it.

    The model has made weights, has learnt nothing, and computes what a real one computes.
    """
    check_installed(("starlette", "uvicorn"), "The server")
    from windtunnel.web.serving import listening

    bound = listening(port, host)
    from windtunnel.serve.model import made_model
    from windtunnel.serve.serving import prepared

    model = made_model(memory)
    run = prepared(bound, model, policy, at_once, waiting)  # type: ignore[arg-type]
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{bound.getsockname()[1]}/v1"
    if json_:
        click.echo(json.dumps({"address": address, "model": model.name, "about": model.about}))
    else:
        click.echo(f"{address}   model {model.name}   Ctrl-C ends.\n{model.about}")
    run()
    return 0
