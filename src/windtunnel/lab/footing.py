"""What the name of a stage says: on what each port stands there.

"sim" puts every port on its model. "machine" takes of every port the real arm that it names first; the name of an
engine does too, but for the ports that this engine can serve; and "database=postgres,cache=valkey" says it port by
port.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from windtunnel.engines.registry import MODEL, missing, ports, prepare
from windtunnel.lab.errors import WrongInput, suggest

MACHINE = "machine"
Named = str | Mapping[str, str]


def name_of(stage: Named) -> str:
    """A stage's name, where it is given as a table of engine by port."""
    return stage if isinstance(stage, str) else ",".join(f"{port}={engine}" for port, engine in sorted(stage.items()))


def told(stage: str) -> dict[str, str]:
    """The ports of which a stage's name speaks, each with its engine. Raises WrongInput."""
    if stage in (MODEL, MACHINE):
        return {}
    if "=" not in stage:
        found = {port.name: stage for port in ports().values() if stage in port.on}
        if not found:
            every = dict.fromkeys([MODEL, MACHINE, *(engine for port in ports().values() for engine in port.on)])
            raise WrongInput(suggest(stage, every, "stage"))
        return found
    found = {}
    for part in stage.split(","):
        name, _, engine = (text.strip() for text in part.partition("="))
        if name not in ports():
            raise WrongInput(suggest(name, ports(), "port"))
        if engine not in ports()[name].on:
            raise WrongInput(suggest(engine, ports()[name].on, f"engine of a {name}"))
        found[name] = engine
    return found


def footing(stage: str) -> dict[str, str]:
    """The engine of every port. Raises WrongInput."""
    if stage == MODEL:
        return dict.fromkeys(ports(), MODEL)
    return {port.name: port.live for port in ports().values()} | told(stage)


def speaks_of(stages: Sequence[Named], stage: str) -> bool:
    """Whether something that is said of these stages is said of this one; of none in particular means of all."""
    return not stages or any(_within(name_of(one), stage) for one in stages)


def choose(who: str, stages: Sequence[Named], stage: Named | None, on: Mapping[str, str] | None) -> str:
    """The stage on which an experiment is to run, with single ports put elsewhere, once everything can be reached.

    Args:
        who: the experiment.
        stages: those that it has been tried on; the first is the default.
        on: engine by port.

    Raises:
        WrongInput: it is none of them, or an engine cannot be reached.
    """
    names = [name_of(one) for one in stages]
    if stage is None and on:  # single ports elsewhere: of the real stages, else of the first
        stage = next((name for name in names if name != MODEL), names[0])
    name = names[0] if stage is None else name_of(stage)
    if on:
        wanted = {**told(name), **told(name_of(on))}
        allowed = [pair for one in names for pair in told(one).items()]
        for pair in wanted.items():
            if pair not in allowed:
                there = ", ".join(dict.fromkeys(f"{port}={engine}" for port, engine in allowed)) or "its models only"
                raise WrongInput(f"{who} was not tried on {'='.join(pair)}; it was on {there}.")
        name = next((one for one in names if told(one) == wanted), name_of(wanted))
    elif name not in names:
        raise WrongInput(f"{who} runs on stage {' or '.join(names)}, not on {name}.")
    for port, engine in told(name).items():
        if why := missing(port, engine):
            raise WrongInput(f"A {port} on {engine} cannot be reached: {why}.")
        prepare(port, engine)
    return name


def _within(wanted: str, stage: str) -> bool:
    if wanted == stage:
        return True
    return wanted not in (MODEL, MACHINE) and told(wanted).items() <= told(stage).items() and bool(told(stage))
