"""Pages from templates: the catalogue, an experiment, a result. What they show comes from values, never from a name."""

from __future__ import annotations

import html
import json
import os
import sys
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any

from jinja2 import (
    BytecodeCache,
    Environment,
    FileSystemBytecodeCache,
    FileSystemLoader,
    StrictUndefined,
    select_autoescape,
)
from markupsafe import Markup

from windtunnel.lab import progress
from windtunnel.lab.asks import elsewhere
from windtunnel.lab.cards import cards, doubted
from windtunnel.lab.claims import number
from windtunnel.lab.discovery import TRACKS
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Experiment, idea
from windtunnel.lab.params import settings
from windtunnel.lab.result import Result, plain
from windtunnel.web import prose, store
from windtunnel.web.asked import Asked
from windtunnel.web.maps import drawing
from windtunnel.web.own import Own
from windtunnel.web.recorded import recorded, still
from windtunnel.web.results import view
from windtunnel.web.sliders import sliders
from windtunnel.web.source import side_by_side
from windtunnel.web.surprise import surprise
from windtunnel.web.systems import systems

HERE = Path(__file__).resolve().parent


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates: whatever is put into them is escaped, and what is not there is an error."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_compiled(),
    )
    made.filters["prose"] = lambda text: Markup(prose.html(text))
    made.filters["svg"] = Markup  # of ours: texts in it are escaped where it is made
    made.filters["number"] = number
    made.filters["between"] = lambda text: Markup(html.escape(text, quote=False))  # tags: there quotes may stay
    return made


def _compiled() -> BytecodeCache | None:
    """Where templates stay compiled, as Python's own modules do: a server that starts does not begin anew."""
    folder = HERE / "templates" / "__pycache__"
    try:
        folder.mkdir(exist_ok=True)
    except OSError:
        return None
    usable = os.access(folder, os.W_OK) and not sys.dont_write_bytecode
    return FileSystemBytecodeCache(str(folder)) if usable else None


def render(template: str, **values: Any) -> str:
    """A page."""
    return environment().get_template(template).render(**values)


def as_data(value: Any) -> Markup:
    """JSON that cannot end the element in which it stands."""
    text = json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("&", "\\u0026"))


def done() -> dict[str, progress.Done]:
    """What the learner has done; nothing where the file is damaged."""
    try:
        return progress.read(progress.default_path())
    except (WrongInput, OSError):
        return {}


def catalogue(token: str) -> str:
    """All experiments by track, and by the real systems of which they speak."""
    known = done()
    tracks: dict[str, list[dict[str, Any]]] = {}
    for card in cards():
        mine = known.get(card.id, progress.Done())
        state = "passed" if mine.passed else "begun" if mine.grades else "run" if mine.runs else ""
        doubt = doubted(card.id)
        tracks.setdefault(card.track or "start here", []).append({"card": card, "state": state, "doubt": doubt})
    counts = {track: (sum(bool(one["state"]) for one in entries), len(entries)) for track, entries in tracks.items()}
    return render(
        "catalogue.html",
        token=token,
        tracks=tracks,
        counts=counts,
        systems=systems(),
        empty=_empty(tracks),
    )


def _empty(tracks: Mapping[str, Any]) -> list[str]:
    """Tracks in which nothing stands yet."""
    return [track for track in TRACKS if track not in tracks]


def experiment(found: Asked, result: Result | None, token: str, own: Own | None = None) -> str:
    """Everything about an experiment, with a result where there is one already."""
    mine = own.told() if own is not None and own.name == found.experiment.id else None
    return render("experiment.html", **context(found, result, mine), token=token, offline=False)


def context(found: Asked, result: Result | None, own: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the page of an experiment reads; the offline report reads the same."""
    one = found.experiment
    here = settings(one.params, {**one.quick, **found.params})
    mine, causes = done().get(one.id, progress.Done()), store.causes_of(one)
    said = guessed(found, mine)
    data = {
        "name": one.id,
        "designs": [{"name": name, "idea": idea(make)} for name, make in one.designs.items()],
        "pair": found.pair,
        "params": found.params,
        "sliders": sliders(one),
        "seed": found.seed,
        "at": found.at_s,
        "asks": [
            {"question": a.question, "unit": a.unit, "low": a.low, "high": a.high, "log": a.log} for a in one.asks
        ],
        "answers": answers(result),
        "guessed": said,
        "why": _picture_of(causes, found, here),
        "first": first_slider(found),
        "own": own,
        "sealed": sealed(found),
        "still": still(result),
        "machine": "sim" not in one.stages,
        "recorded": recorded(result, one, found.pair),
    }
    maps = [drawing(document, here) for document in store.maps_of(one.id)]
    names = found.pair
    listings = side_by_side((names[0], one.designs[names[0]]), (names[-1], one.designs[names[-1]]))
    return {
        "experiment": one,
        "asked": found,
        "own": own,
        "elsewhere": elsewhere(one.params, here),
        "open": not one.asks or (said is not None and not said["again"]),
        "data": as_data({**data, "maps": [m.axes for m in maps]}),
        "maps": maps,
        "listings": listings,
        "differing": sum(not same for listing in listings for _, same in listing.lines),
        "ideas": {name: idea(make) for name, make in one.designs.items()},
        "causes": _causes(causes, one),
        "planted": (store.planted_of(one.id) or {}).get("designs", []),
        "state": "passed" if mine.passed else "run" if mine.runs else "",
        "view": view(result, one) if result is not None else None,
        "surprise": surprise(result, names[0]) if result is not None and not found.params else None,
    }


def answers(result: Result | None) -> list[float | None]:
    """What a result answers to the questions that are asked before it."""
    return [] if result is None else [a.mean if isfinite(a.mean) else None for a in result.asks]


def guessed(found: Asked, mine: progress.Done) -> dict[str, Any] | None:
    """What was said to the first question before, here or in the menu; None where it was never asked.

    `again`: it is to be asked again by now.
    """
    asks = found.experiment.asks
    said = [one for one in mine.guesses if asks and one.question == asks[0].question]
    if not said:
        return None
    again = said[0].due is not None and said[0].due <= date.today()
    return {"said": said[0].said, "day": said[0].day, "again": again}


def _picture_of(causes: Mapping[str, Any] | None, found: Asked, here: Mapping[str, Any]) -> dict[str, Any] | None:
    """What `windtunnel why` found of a run that is seen in the picture: the curve of chances and its turning point."""
    if causes is None or causes["design"] not in found.pair or causes["seed"] != found.seed:
        return None
    if plain(dict(here)) != causes["params"] or causes["no_return"]["high_s"] == 0:
        return None
    moment = causes["no_return"]
    curve = sorted((point["at_s"], point["failing"] / point["futures"]) for point in moment["curve"])
    mark = {"t_s": moment["high_s"], "text": f"{causes['design']}: point of no return"}
    return {
        "marks": [mark],
        "chance": [{"design": causes["design"], "t_s": [t for t, _ in curve], "p": [p for _, p in curve]}],
    }


def first_slider(found: Asked) -> str:
    """The parameter to turn first: one that was turned, else of a map, else one of which a claim speaks, or any."""
    one = found.experiment
    names = [*found.params, *(m.x for m in one.maps), *(name for claim in one.claims for name in claim.given)]
    return next(iter(names), next(iter(settings(one.params, {}))))


def sealed(found: Asked) -> dict[str, float] | None:
    """From when on the picture shows what is asked: from the first thing that goes wrong, where something does."""
    one = found.experiment
    if not one.asks:
        return None
    params = one.params(**settings(one.params, {**one.quick, **found.params}))
    moments = [fault.at_s for fault in one.faults_for(params)]
    return {"from_s": min(moments)} if moments else None


def _causes(document: Mapping[str, Any] | None, one: Experiment[Any]) -> dict[str, Any] | None:
    """What `windtunnel why` found, as sentences, and where the run can be seen."""
    if document is None:
        return None
    moment, blame = document["no_return"], document["blame"]
    usual = plain(settings(one.params, one.quick))
    given = {name: value for name, value in document["params"].items() if value != usual[name]}
    return {
        "given": given,
        "link": "&".join([*(f"p.{name}={value}" for name, value in given.items()), f"seed={document['seed']}"]),
        "design": document["design"],
        "seed": document["seed"],
        "claim": document["claim"],
        "low": number(round(moment["low_s"], 3)),
        "high": number(round(moment["high_s"], 3)),
        "never": moment["high_s"] == 0,
        "effects": [{**effect, "what": prose.fault(effect["what"])} for effect in blame["effects"]],
        "enough": [prose.fault(what) for what in blame["enough"]],
        "minimal": blame["minimal"],
    }
