"""The schema of a result as JSON, made from its types: what `windtunnel run --json` writes, for programs that read it.

`python -m windtunnel.lab.schema` writes it as JSON Schema, with `--page` as `docs/json.md`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from windtunnel.lab.asks import Answered, Explained
from windtunnel.lab.charts import Drawn
from windtunnel.lab.result import FORMAT, JudgedClaim, JudgedFigure, Result, Run
from windtunnel.lab.statistics import Interval

Json = dict[str, Any]
PARTS: Final = (Run, JudgedClaim, JudgedFigure, Drawn, Answered, Explained, Interval)
"""What stands in a result, each described once."""
FLOAT: Final[Json] = {"type": ["number", "null", "string"]}
"""null is no number; infinities are the texts "inf" and "-inf"."""
SIMPLE: Final[Mapping[Any, Json]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: FLOAT,
    NoneType: {"type": "null"},
    Any: {},
}
ADDED: Final[Mapping[str, Any]] = {"format": int, "verdict": str, "digest": str}
"""What a result says besides its fields."""
ABOUT: Final[Mapping[str, str]] = {
    "format": f"the format of the document: {FORMAT}",
    "verdict": "the worst of all: holds, fails, unknown, not claimed",
    "digest": "one digest over those of all runs: equal ones did the same",
    "intervals": "of each design and measure the mean over the seeds with its 95 % interval",
    "provenance": "everything that may differ between two runs of the same commit and seeds",
    "stage": 'where it ran: "sim" is the tunnel',
    "designs": "naive first, best last",
    "seeds": "in the order in which they were run",
    "settings": "parameters; the first are the run's, the others those of claims that speak of others",
    "charts": "what is drawn",
    "asks": "questions that are asked before a result is shown, with what was measured",
    "why": "the sentences of the explanation, each held by a claim",
    "shows": "which of the measurements that come for free are shown",
}
ABOUT_PARTS: Final[Mapping[str, str]] = {
    "setting": "an index into the settings",
    "measures": "what was measured, by name, units last",
    "charts": "rows of each of the result's charts, by the name in its key; of the first seed alone",
    "seeds": "what came of it with each seed; null where it cannot be told",
    "digest": "equal ones did the same at the same moments",
    "expression": "what is claimed, as it was checked",
    "because": "why, in one sentence",
    "shown": "the expression with numbers in place of names",
    "given": "parameters of its own",
    "over": "whether it is judged on each seed or on the mean",
    "breaks": "the design whose failure it tells",
    "shaded": "when something went wrong: from, to, what",
    "source_value": "what the source says",
    "ours": "what was measured here",
    "tolerance": "by which part of the source's number ours may differ",
    "mean": "over the seeds",
}


def schema() -> Json:
    """The JSON Schema of a result."""
    properties = {name: _of(kind) for name, kind in ADDED.items()}
    properties |= {name: one for name, one in _properties(Result).items() if name != "trace"}
    properties["intervals"] = {
        "type": "object",
        "additionalProperties": {"type": "object", "additionalProperties": _of(Interval)},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The result of `windtunnel run --json`",
        **_object(properties, ABOUT),
        "$defs": {one.__name__: _object(_properties(one), ABOUT_PARTS) for one in PARTS},
    }


def _object(properties: Json, about: Mapping[str, str]) -> Json:
    return {
        "type": "object",
        "properties": {
            name: {**one, **({"description": about[name]} if name in about else {})} for name, one in properties.items()
        },
        "required": list(properties),
        "additionalProperties": False,
    }


def _properties(kind: type) -> Json:
    hints = get_type_hints(kind, localns={"Trace": Any})
    return {one.name: _of(hints[one.name]) for one in fields(kind)}


def _of(kind: Any) -> Json:
    """What stands in JSON for a value of this type."""
    if kind in SIMPLE:
        return dict(SIMPLE[kind])
    if isinstance(kind, type) and is_dataclass(kind):
        return {"$ref": f"#/$defs/{kind.__name__}"}
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(inner)}
    if origin in (Union, UnionType):
        return {"anyOf": [_of(one) for one in inner]}
    if origin is tuple and inner[-1:] != (...,):
        return {"type": "array", "minItems": len(inner), "maxItems": len(inner), "prefixItems": [_of(i) for i in inner]}
    if origin in (list, tuple, Sequence):
        return {"type": "array", "items": _of(inner[0])}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": _of(inner[1])}
    if isinstance(kind, TypeVar):
        return {}
    raise TypeError(f"{kind!r} has no place in a schema; say here what stands for it in JSON.")


# --- for people ----------------------------------------------------------------------------------------------------
def page() -> str:
    """The page of the docs."""
    found = schema()
    parts = ["# The JSON of a result", HEAD, "## The result", *_table(found)]
    for one in PARTS:
        doc = inspect.cleandoc(one.__doc__ or "").partition("\n\n")[0]
        parts += [f"## {one.__name__}", re.sub(r"\s+", " ", doc), *_table(found["$defs"][one.__name__])]
    return "\n\n".join(parts) + "\n"


HEAD: Final = """\
`windtunnel run NAME --json` writes one document; `GET /api/experiments/NAME/result.json` of the page is the same. This
page is made from the types (`python -m windtunnel.lab.schema --page`), and a test holds a real document to the schema
(`python -m windtunnel.lab.schema` writes it). A number that is none is `null`; infinities are `"inf"` and `"-inf"`.
Other commands' `--json` are objects of their own; one that fails is `{"error": "One sentence.", "status": 2}`."""


def _table(one: Json) -> list[str]:
    rows = [
        f"| `{name}` | {_words(kind)} | {kind.get('description', '')} |" for name, kind in one["properties"].items()
    ]
    return ["\n".join(["| field | is | what |", "|---|---|---|", *rows])]


def _words(kind: Json) -> str:
    if "$ref" in kind:
        name = kind["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in kind:
        return ", ".join(f'"{one}"' for one in kind["enum"])
    if "anyOf" in kind:
        return " or ".join(_words(one) for one in kind["anyOf"])
    if "prefixItems" in kind:
        return f"list of {', '.join(_words(one) for one in kind['prefixItems'])}"
    match kind.get("type"):
        case "array":
            return f"list of {_words(kind['items'])}"
        case "object":
            return f"object: a name to {_words(kind['additionalProperties'])}"
        case ["number", "null", "string"]:
            return "number"
        case "integer":
            return "whole number"
        case "string":
            return "text"
        case "boolean":
            return "true or false"
        case "null":
            return "null"
        case _:
            return "anything"


if __name__ == "__main__":
    import json
    import sys

    print(page() if "--page" in sys.argv else json.dumps(schema(), indent=1), end="")
