"""What is committed of an experiment, read from a checkout: quick results, maps, causes.

Names come from the catalogue's own list and never from a request, so no path of a user reaches the disk.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from windtunnel.lab.doubt.changed import text_digest
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.result import Result, plain, write

KEPT = ("windtunnel", "loop")
"""Of the provenance: what does not change from one machine or commit to the next."""
KEPT_MEASURED = (*KEPT, "python", "machine", "taken")
"""Of that of a measured result: its numbers are those of one machine and day."""
DIGITS = 6


def root() -> Path:
    """Where results are committed."""
    return Path(__file__).resolve().parents[3] / "results"


def committed_file(name: str) -> Path:
    """Where the quick result of an experiment is committed."""
    return root() / "quick" / f"{name}.json"


def commit(result: Result, experiment: Experiment[Any]) -> None:
    """Write a quick result for the page, with the digest of the experiment's text: who changes that measures anew."""
    kept = KEPT_MEASURED if experiment.measured else KEPT
    small = replace(
        result,
        runs=[replace(run, measures=_rounded(run.measures)) for run in result.runs if run.setting == 0],
        settings=result.settings[:1],
        provenance={k: v for k, v in result.provenance.items() if k in kept},
        trace=None,
    )
    document = small.to_dict()
    del document["intervals"]
    for run in document["runs"]:
        run["charts"] = [{name: [_row(row) for row in rows] for name, rows in chart.items()} for chart in run["charts"]]
    found = {**document, "digest": result.digest, "first": digest_of_first(result), "source": text_digest(experiment)}
    lines = ",\n".join(f"{json.dumps(k)}: {_dumped(k, v)}" for k, v in plain(found).items())
    write(committed_file(experiment.id), f"{{\n{lines}\n}}\n")


def digest_of_first(result: Result) -> str:
    """The digest of the runs of the first seed, in all settings: one seed says whether anything has changed."""
    runs = [run for run in result.runs if run.seed == min(result.seeds)]
    return replace(result, runs=sorted(runs, key=lambda run: (run.setting, run.design))).digest


def _dumped(key: str, value: Any) -> str:
    """A line for each run and each claim: a diff says which of them changed."""
    if key in ("runs", "claims", "figures") and value:
        return "[\n" + ",\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in value) + "\n]"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _rounded(measures: Mapping[str, float]) -> dict[str, float]:
    return {name: _short(value) for name, value in measures.items()}


def _row(row: list[Any]) -> list[Any]:
    return [_short(x) if isinstance(x, float) else x for x in row]


def _short(value: float) -> float:
    """With so many digits that nobody sees the difference."""
    if not math.isfinite(value) or isinstance(value, int):
        return value
    found = float(f"{value:.{DIGITS}g}")
    return int(found) if found.is_integer() and abs(found) < 1e15 else found


def committed_result(experiment: Experiment[Any]) -> Result | None:
    """The committed quick result; None where there is none, or the experiment's text has changed since."""
    document = _of_this_text(committed_file(experiment.id), experiment)
    return Result.from_json(json.dumps(document)) if document is not None else None


def committed_digest(name: str) -> str:
    """The digest of what is committed; "" where nothing is."""
    return str((_json(committed_file(name)) or {}).get("digest", ""))


def committed_first(name: str) -> str:
    """The digest of the first seed's runs of what is committed; "" where nothing is."""
    return str((_json(committed_file(name)) or {}).get("first", ""))


def committed_verdicts(name: str) -> list[tuple[str, str]]:
    """Each claim of what is committed with its verdict; empty where nothing is."""
    return [(claim["expression"], claim["verdict"]) for claim in (_json(committed_file(name)) or {}).get("claims", [])]


@lru_cache(maxsize=1)
def _maps() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted((root() / "maps").glob("*.json")):
        document = _json(path)
        if document is not None:
            found.setdefault(str(document.get("experiment")), []).append(document)
    return found


def maps_of(name: str) -> list[dict[str, Any]]:
    """The committed maps of an experiment, maps over two parameters first."""
    return sorted(_maps().get(name, []), key=lambda one: "cells" not in one)


def causes_of(experiment: Experiment[Any]) -> dict[str, Any] | None:
    """The committed document of `windtunnel why`; None where there is none, or the experiment's text has changed."""
    return _of_this_text(root() / "why" / f"{experiment.id}.json", experiment)


def planted_of(name: str) -> dict[str, Any] | None:
    """The committed verdicts on designs with one mistake each."""
    return _json(root() / "planted" / f"{name}.json")


def for_agents() -> str:
    """What a program that reads about us is told first, where we run from a checkout."""
    try:
        return (root().parent / "llms.txt").read_text("utf-8")
    except OSError:
        return "# Windtunnel\n\n`windtunnel --help` says what there is; every command has `--json`.\n"


def _of_this_text(path: Path, experiment: Experiment[Any]) -> dict[str, Any] | None:
    document = _json(path)
    return document if document is not None and document.get("source") == text_digest(experiment) else None


def _json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
