"""`windtunnel serve`: a language model for any client that speaks to OpenAI's addresses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from windtunnel.lab.errors import WrongInput
from windtunnel.ui.browsing import check_installed

if TYPE_CHECKING:
    from windtunnel.serve.model import Model


@click.command()
@click.option("--weights", metavar="FILE.gguf", help="A model; smollm2: the one that `make setup-ai` installs.")
@click.option("--port", type=click.IntRange(0, 65535), default=8643, show_default=True, help="0: any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Another address lets other machines in.")
@click.option("--policy", type=click.Choice(["static", "continuous", "chunked"]), default="continuous",
              show_default=True, help="Who may join the batch, and when.")  # fmt: skip
@click.option("--at-once", type=click.IntRange(1, 512), default=32, show_default=True, help="Answers in the batch.")
@click.option("--waiting", type=click.IntRange(0), default=64, show_default=True, help="Who may wait; then it is 429.")
@click.option("--memory", type=click.IntRange(16), default=8192, show_default=True,
              help="Tokens whose keys and values are kept.")  # fmt: skip
@click.option("--json", "json_", is_flag=True, help="The address as one JSON document, and then serve.")
def serve(
    weights: str | None, port: int, host: str, policy: str, at_once: int, waiting: int, memory: int, json_: bool
) -> int:
    """A language model behind OpenAI's addresses, on this machine alone; Ctrl-C ends it.

    Without --weights the model has made ones: it has learnt nothing, and computes what a real one computes.
    """
    check_installed(what="The server")
    from windtunnel.web.serving import listening

    bound = listening(port, host)
    with bound:
        from windtunnel.serve.serving import prepared

        model = _model(weights, memory)
        run = prepared(bound, model, policy, at_once, waiting)  # type: ignore[arg-type]
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{bound.getsockname()[1]}/v1"
        if json_:
            click.echo(json.dumps({"address": address, "model": model.name, "about": model.about}))
        else:
            click.echo(f"{address}   model {model.name}   Ctrl-C ends.\n{model.about}")
        run()
    return 0


def _model(weights: str | None, memory: int) -> Model:
    from windtunnel.blocks.serving import smollm
    from windtunnel.serve.model import gguf_model, made_model

    if weights is None:
        return made_model(memory)
    try:
        return gguf_model(smollm() if weights == "smollm2" else weights, memory)
    except ModuleNotFoundError as error:
        raise WrongInput(str(error)) from None
    except FileNotFoundError as error:
        raise WrongInput(str(error) if weights == "smollm2" else f"There is no file {weights}.") from None
    except ValueError as error:
        raise WrongInput(str(error)) from None
