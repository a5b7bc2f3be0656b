"""What can be asked of the server, as an OpenAPI document: for programs, and for tests that try whatever it allows."""

from __future__ import annotations

from typing import Any

from windtunnel.lab.discovery import modules
from windtunnel.web.asked import MOST_LEFT_OUT, MOST_SEED
from windtunnel.web.guard import TOKEN

Json = dict[str, Any]
ERROR: Json = {
    "type": "object",
    "properties": {"error": {"type": "string", "description": "One sentence."}},
    "required": ["error"],
}
REFUSED = {
    "400": "the request is no JSON",
    "403": "the token is missing or wrong, or another site asked",
    "404": "there is no such thing",
    "413": "the request is too large",
    "421": "another host was meant",
    "422": "something given cannot be used",
    "503": "too many runs wait",
}
NUMBER: Json = {"type": "integer", "minimum": 0, "maximum": MOST_SEED}
PARAMS: Json = {
    "type": "object",
    "additionalProperties": {"type": ["number", "string", "boolean"]},
    "description": "By the parameters' names; each within the bounds of its definition.",
}
NAMES: Json = {"type": "array", "items": {"type": "string"}, "maxItems": 3}


def schema() -> Json:
    """The document."""
    one = "/api/experiments/{name}"
    run = "/api/runs/{id}"
    preview = {"params": PARAMS, "seed": NUMBER, "designs": NAMES}
    preview["without"] = {"type": "array", "items": NUMBER, "maxItems": MOST_LEFT_OUT}
    moved: Json = {
        "type": "array",
        "minItems": 2,
        "maxItems": 2,
        "prefixItems": [NUMBER, {"type": "number", "minimum": 0}],
    }
    preview["moved"] = {"type": "array", "items": moved, "maxItems": MOST_LEFT_OUT}
    preview["yours"] = {"type": "boolean"}
    begin = {"params": PARAMS, "seed": NUMBER, "seeds": {"type": "integer", "minimum": 1, "maximum": 50}}
    begin["quick"] = {"type": "boolean"}
    guess = {"ask": {"type": "integer", "minimum": 0}, "number": {"type": ["number", "null"]}}
    guess["again"] = {"type": "boolean"}
    paths: dict[str, Json] = {
        "/api/experiments": {"get": _answers("every experiment and its question")},
        one: {"get": _answers("an experiment as plain data")},
        f"{one}/result.json": {"get": _answers("its quick result")},
        f"{one}/result.csv": {"get": _answers("its quick result as lines", "text/csv")},
        f"{one}/preview": {"post": _asks("one seed of two or three designs", preview)},
        f"{one}/runs": {"post": _asks("begin a run of all designs", begin, "202")},
        f"{one}/case": {"post": _asks("the smallest case in which the naive design fails", {})},
        f"{one}/grade": {"post": _asks("the verdict on the design that the server was started with", {})},
        f"{one}/guess": {"post": _asks("note a guess", guess, required=["number"])},
        f"{one}/interview": {"post": _asks("begin an interview, where the experiment has a board", {})},
        "/api/interviews/{key}": {
            "post": _asks("answer the question that waits", {"text": {"type": "string"}, "at": {"type": "integer"}})
        },
        run: {"delete": {**_answers("stop a run"), "parameters": [_token()]}},
        f"{run}/events": {"get": _answers("how far it is, as server-sent events", "text/event-stream")},
        f"{run}/result.json": {"get": _answers("a run's result")},
        f"{run}/result.csv": {"get": _answers("a run's result as lines", "text/csv")},
        f"{run}/fragment": {"get": _answers("a run's result as a piece of the page", "text/html")},
        "/api/own": {"get": _answers("the file of one's own design, where the server has one")},
        "/api/traces/{key}/{design}": {"get": _answers("the picture of a run", "application/octet-stream")},
    }
    for path, item in paths.items():
        item["parameters"] = [_in_path(name) for name in ("name", "id", "key", "design") if f"{{{name}}}" in path]
    return {"openapi": "3.1.0", "info": {"title": "Windtunnel", "version": "1"}, "paths": paths}


def _in_path(name: str) -> Json:
    kind: Json = {"type": "string", "enum": list(modules())} if name == "name" else {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "schema": kind}


def _token() -> Json:
    return {"name": TOKEN, "in": "header", "required": True, "schema": {"type": "string"}}


def _answers(summary: str, kind: str = "application/json", status: str = "200") -> Json:
    refused = {
        code: {"description": said, "content": {"application/json": {"schema": ERROR}}}
        for code, said in REFUSED.items()
    }
    return {"summary": summary, "responses": {status: {"description": summary, "content": {kind: {}}}, **refused}}


def _asks(summary: str, fields: Json, status: str = "200", required: list[str] | None = None) -> Json:
    body: Json = {"type": "object", "properties": fields, "additionalProperties": False}
    if required:
        body["required"] = required
    return {
        **_answers(summary, status=status),
        "parameters": [_token()],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
    }
