"""The tokens of a request's prompts, and how long each answer may become."""

from __future__ import annotations

from typing import Any

from windtunnel.serve.asked import Asked
from windtunnel.serve.chat import messages_of, segments
from windtunnel.serve.model import Model
from windtunnel.serve.refusals import NotServed, too_long

Tokens = list[int]
UNSAID = 16
"""Tokens of a completion of which nobody said how long it may become. A chat goes on as long as there is room."""


def prompts(model: Model, asked: Asked, chat: bool, places: int) -> list[tuple[Tokens, int]]:
    """Each with the most tokens of its answers. Raises NotServed for what is no prompt, for what is too long, and for
    more answers than there are places: before any of their prompts is cut, which takes its time (vLLM, pull request
    47845)."""
    found = []
    given = [] if chat else _several(asked.what.get("prompt"))
    if (many := max(1, len(given)) * asked.answers) > places:
        raise NotServed(f"{many} answers were asked for, and {places} is the most.", param="n")
    for prompt in _of_chat(model, asked) if chat else (_one(model, one) for one in given):
        room = model.context - len(prompt)
        if (asked.most or 1) > room:
            raise too_long(model.context, len(prompt), asked.most or 1, "messages" if chat else "prompt")
        found.append((prompt, asked.most or (room if chat else min(room, UNSAID))))
    return found


def _several(given: Any) -> list[Any]:
    """A text, tokens, or a list of either."""
    many = given if isinstance(given, list) and not _are_tokens(given) else [given]
    if not many:
        raise NotServed("The prompt is an empty list.", param="prompt")
    return many


def _one(model: Model, given: Any) -> Tokens:
    if isinstance(given, str):
        tokens = model.tokens.begin() + encoded(model, given, marks=True)
    elif isinstance(given, list) and _are_tokens(given):
        most = model.decoder.weights.shape.vocabulary
        tokens = list(given)
        if wrong := [one for one in tokens if not 0 <= one < most]:
            raise NotServed(f"There is no token {wrong[0]}: the model knows {most}, from 0 on.", param="prompt")
    else:
        raise NotServed("The prompt is a text, a list of tokens, or a list of such.", param="prompt")
    if not tokens:
        raise NotServed("The prompt is empty, and this model needs a token to begin with.", param="prompt")
    return tokens


def _are_tokens(given: list[Any]) -> bool:
    return bool(given) and all(isinstance(one, int) and not isinstance(one, bool) for one in given)


def encoded(model: Model, text: str, marks: bool, param: str = "prompt") -> Tokens:
    """The tokens of a text. One that cannot be short enough is refused before it is cut."""
    least = len(text) // model.tokens.longest
    if least >= model.context:
        raise too_long(model.context, least, 1, param)
    try:
        return model.tokens.encode(text, marks)
    except ValueError as error:
        raise NotServed(str(error), param=param) from None


def _of_chat(model: Model, asked: Asked) -> list[Tokens]:
    messages = messages_of(asked.what.get("messages"))
    if model.template is None:
        raise NotServed("This model has no chat template: ask /v1/completions.", param="messages")
    tokens = list[int]()
    for text, marks in segments(model.template, messages, model.marks):
        tokens += encoded(model, text, marks, "messages")
        if len(tokens) > model.context:
            break  # it is too long already
    return [tokens]
