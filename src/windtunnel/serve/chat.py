"""Messages to a prompt, by the template of a file, or by one of our own where there is none.

What somebody says must not become a token that controls: "<|im_end|>" in a message is ten letters, and ends no turn. So
such texts are taken out of messages before they go through the template, and put in again as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from secrets import token_hex
from typing import Any, Protocol

from windtunnel.serve.refusals import NotServed

ROLES = ("system", "developer", "user", "assistant", "tool")
PARTS = {"role", "content", "name", "refusal"}
Message = dict[str, str]


class Template(Protocol):
    """How a model was taught to read a conversation."""

    def __call__(self, messages: list[Message]) -> str:
        """The prompt. Raises NotServed for a conversation that it was not made for."""


def plain(messages: list[Message]) -> str:
    """For a model without a template: who says what, a line each, and whose turn it is."""
    return "".join(f"{one['role']}: {one['content']}\n" for one in messages) + "assistant: "


def of_a_file(text: str, marks: Mapping[str, str]) -> Template:
    """The template of a file: `marks` are texts of tokens that it asks for, as `bos_token`.

    It is a program of whoever made the file, so it runs where it reaches nothing and changes nothing. Raises ValueError
    where it is none.
    """
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: object) -> None:
        raise NotServed(f"The model's template refuses these messages: {message}.".replace("..", "."), param="messages")

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = refuse
    try:
        template = environment.from_string(text)
    except TemplateError as error:
        raise ValueError(f"The chat template of this file is none: {error}.") from None

    def render(messages: list[Message]) -> str:
        try:
            return template.render(messages=messages, add_generation_prompt=True, tools=None, **marks)
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
    key = token_hex(8)  # nobody can write what nobody knows
    taken = list[str]()

    def take(mark: re.Match[str]) -> str:
        taken.append(mark[0])
        return f"\x1a{key}:{len(taken) - 1}\x1a"

    safe = [{name: told.sub(take, text) for name, text in one.items()} for one in messages]
    parts = re.split(f"\x1a{key}:(\\d+)\x1a", template(safe))
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
