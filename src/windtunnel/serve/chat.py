"""Messages to a prompt, by the template of a file, or by one of our own where there is none.

What somebody says must not become a token that controls: "<|im_end|>" in a message is ten letters, and ends no turn. So
such texts are taken out of messages before they go through the template, and put in again as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from secrets import randbits
from time import monotonic
from typing import Any, Protocol

from windtunnel.serve.refusals import NotServed

ROLES = ("system", "developer", "user", "assistant", "tool")
PARTS = {"role", "content", "name", "refusal"}
Message = dict[str, str]
MOST_LETTERS, PATIENCE_S = 16 << 20, 10.0
"""Of what a template says, and how long it may say it."""


class Template(Protocol):
    """How a model was taught to read a conversation."""

    def __call__(self, messages: list[Message]) -> str:
        """The prompt. Raises NotServed for a conversation that it was not made for."""


def plain(messages: list[Message]) -> str:
    """For a model without a template: who says what, a line each, and whose turn it is."""
    return "".join(f"{one['role']}: {one['content']}\n" for one in messages) + "assistant: "


def of_a_file(text: str, marks: Mapping[str, str]) -> Template:
    """The template of a file: `marks` are texts of tokens that it asks for, as `bos_token`.

    It is a program of whoever made the file, so it runs where it reaches nothing and changes nothing; one that says
    ever more is stopped. It finds what templates look for that are written for `transformers`: `break` and `continue`,
    `strftime_now`, `raise_exception`, `tojson` as JSON is, and `generation`, which says nothing. Raises ValueError
    where it is none.
    """
    from jinja2 import TemplateError, nodes
    from jinja2.ext import Extension
    from jinja2.parser import Parser
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """Marks what a model said, for who trains it."""

        tags = {"generation"}  # noqa: RUF012 - so it is declared there

        def parse(self, parser: Parser) -> list[nodes.Node]:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    def as_json(value: object, indent: int | None = None, ensure_ascii: bool = False, **others: Any) -> str:
        return json.dumps(value, indent=indent, ensure_ascii=ensure_ascii, **others)

    def refuse(message: object) -> None:
        raise NotServed(f"The model's template refuses these messages: {message}.".replace("..", "."), param="messages")

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", Generation]
    )
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda how: datetime.now().strftime(how)
    environment.filters["tojson"] = as_json
    try:
        template = environment.from_string(text)
    except TemplateError as error:
        raise ValueError(f"The chat template of this file is none: {error}.") from None

    def render(messages: list[Message]) -> str:
        try:
            until_s, told, many = monotonic() + PATIENCE_S, list[str](), 0
            for part in template.generate(messages=messages, add_generation_prompt=True, tools=None, **marks):
                told.append(part)
                many += len(part)
                if many > MOST_LETTERS or monotonic() > until_s:
                    raise NotServed("The model's template finds no end with these messages.", param="messages")
            return "".join(told)
        except NotServed:
            raise
        except Exception as error:  # whatever a program of somebody else's raises
            said = f"The model's template cannot read these messages: {type(error).__name__}: {error}."
            raise NotServed(said, param="messages") from None

    return render


def segments(template: Template, messages: list[Message], marks: Mapping[str, int]) -> list[tuple[str, bool]]:
    """The prompt in pieces: text, and whether what looks like a token that controls is one there."""
    if not marks:
        return [(template(messages), False)]
    told = re.compile("|".join(map(re.escape, sorted(marks, key=len, reverse=True))))
    key = str(randbits(64))  # nobody can write what nobody knows, and no template writes digits otherwise
    taken = list[str]()

    def take(mark: re.Match[str]) -> str:
        taken.append(mark[0])
        return f"{key}:{len(taken) - 1}:"

    safe = [{name: told.sub(take, text) for name, text in one.items()} for one in messages]
    parts = re.split(f"{key}:(\\d+):", template(safe))
    return [(taken[int(part)], False) if i % 2 else (part, True) for i, part in enumerate(parts)]


def messages_of(given: Any) -> list[Message]:
    """The messages of a request, contents as texts. Raises NotServed."""
    if not isinstance(given, list) or not given:
        raise NotServed("The messages are a list of one message at least.", param="messages")
    return [_message(one, f"messages[{i}]") for i, one in enumerate(given)]


def _message(given: Any, where: str) -> Message:
    if not isinstance(given, dict):
        raise NotServed("A message is an object with a role and a content.", param=where)
    if given.get("role") not in ROLES:
        raise NotServed(f"The role of a message is one of {', '.join(ROLES)}.", param=f"{where}.role")
    if strange := [name for name in given if name not in PARTS and given[name] is not None]:
        raise NotServed(f"Messages with {strange[0]!r} are not served here.", param=f"{where}.{strange[0]}")
    content = given.get("content")
    if isinstance(content, list):
        texts = [one.get("text") if isinstance(one, dict) and one.get("type") == "text" else None for one in content]
        content = None if None in texts else "".join(map(str, texts))
    if not isinstance(content, str):
        raise NotServed(
            "The content of a message is a text, or a list of parts of the type text.", param=f"{where}.content"
        )
    role = "system" if given["role"] == "developer" else str(given["role"])
    return {"role": role, "content": content}
