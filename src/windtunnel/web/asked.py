"""What a request asks for, taken from its address or its JSON: names of the catalogue, bounded parameters, seeds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from windtunnel.lab.discovery import load, modules
from windtunnel.lab.errors import WrongInput, suggest
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.params import settings

MOST_SEED = 2**32 - 1
MOST_SEEDS = 50
PARAM = "p."
"""Before the names of parameters in an address."""
MOST_LEFT_OUT = 100


@dataclass(frozen=True)
class Asked:
    """A setting of an experiment that somebody looks at."""

    experiment: Experiment[Any]
    params: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    designs: tuple[str, ...] = ()
    at_s: float | None = None

    @property
    def pair(self) -> list[str]:
        """The two designs to be seen: those that were asked for, else the first and the last."""
        names = list(self.experiment.designs)
        return list(self.designs or (names[0], names[-1]))


def experiment_of(name: str) -> Experiment[Any]:
    """The experiment of this name: one of the catalogue, never a file. Raises HTTPException."""
    known = modules()
    key = name.lower().replace("_", "-")
    if key not in known:
        raise HTTPException(404, suggest(name[:80], known, "experiment"))
    return load(known[key])


def of_address(request: Request) -> Asked:
    """What a permalink says. Raises HTTPException."""
    experiment = experiment_of(request.path_params["name"])
    query = request.query_params
    given = {key.removeprefix(PARAM): value for key, value in query.items() if key.startswith(PARAM)}
    designs = [one for one in query.get("designs", "").split(",") if one]
    at = query.get("at")
    try:
        at_s = None if at is None else float(at)
    except ValueError:
        raise HTTPException(422, "The moment `at` is a number of seconds.") from None
    if at_s is not None and not 0 <= at_s < 1e9:
        raise HTTPException(422, "The moment `at` is a number of seconds from 0 on.")
    return asked(experiment, given, query.get("seed", "0"), designs, at_s)


def asked(
    experiment: Experiment[Any], params: Mapping[str, Any], seed: Any, designs: Sequence[str], at_s: float | None = None
) -> Asked:
    """What was asked for, checked. Raises HTTPException with one sentence."""
    try:
        all_of_them = settings(experiment.params, params)
        chosen = tuple(experiment.choose(designs)) if designs else ()
    except WrongInput as wrong:
        raise HTTPException(422, str(wrong)) from None
    for name in params:
        if isinstance(all_of_them[name], float) and not isfinite(all_of_them[name]):
            raise HTTPException(422, f"{name} is {all_of_them[name]}; it must be a finite number.")
    if len(chosen) > 3:
        raise HTTPException(422, "Three designs at most are seen side by side.")
    return Asked(experiment, {name: all_of_them[name] for name in params}, whole(seed, "seed"), chosen, at_s)


def whole(value: Any, what: str, most: int = MOST_SEED) -> int:
    """A whole number from 0 to `most`. Raises HTTPException."""
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdecimal() or len(text) > 10 or int(text) > most:
        raise HTTPException(422, f"A {what} is a whole number from 0 to {most}.")
    return int(text)


async def body_of(request: Request, known: Sequence[str]) -> dict[str, Any]:
    """The JSON object of a request, with no other keys than the known ones. Raises HTTPException."""
    try:
        found = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError):
        raise HTTPException(400, "The request is no JSON.") from None
    if not isinstance(found, dict):
        raise HTTPException(400, "The request has to be a JSON object.")
    for key in found:
        if key not in known:
            raise HTTPException(422, suggest(key[:80], known, "field"))
    return found


def of_body(experiment: Experiment[Any], body: Mapping[str, Any]) -> Asked:
    """What a request to run asks for. Raises HTTPException."""
    params, designs = body.get("params", {}), body.get("designs", [])
    if not isinstance(params, dict) or not all(isinstance(v, str | int | float | bool) for v in params.values()):
        raise HTTPException(422, "`params` is an object of numbers, words and true or false by the parameters' names.")
    if not isinstance(designs, list) or not all(isinstance(one, str) for one in designs):
        raise HTTPException(422, "`designs` is a list of designs' names.")
    return asked(experiment, params, body.get("seed", 0), designs)


def moved(body: Mapping[str, Any]) -> list[tuple[int, float]]:
    """Faults by their place, and the second at which each shall begin. Raises HTTPException."""
    found = body.get("moved", [])
    if not isinstance(found, list) or len(found) > MOST_LEFT_OUT or not all(map(_is_move, found)):
        raise HTTPException(422, "`moved` is a list of pairs: a fault's place, and the second at which it begins.")
    return [(place, float(at_s)) for place, at_s in found]


def _is_move(one: Any) -> bool:
    if not isinstance(one, list) or len(one) != 2 or any(isinstance(part, bool) for part in one):
        return False
    place, at_s = one
    return isinstance(place, int) and 0 <= place < 1e6 and isinstance(at_s, int | float) and 0 <= at_s < 1e9


def left_out(body: Mapping[str, Any]) -> list[int]:
    """The numbers of the requests that shall not come. Raises HTTPException."""
    found = body.get("without", [])
    if not isinstance(found, list) or len(found) > MOST_LEFT_OUT:
        raise HTTPException(422, f"`without` is a list of at most {MOST_LEFT_OUT} numbers of requests.")
    return [whole(one, "request's number") for one in found]
