"""What a request asks for, read from its JSON: every wrong value is a sentence that names its parameter.

What would change the answer and is not served here is refused, and not passed over in silence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from secrets import randbits
from typing import Any

from windtunnel.blocks.serving import Sampling
from windtunnel.serve.refusals import NotServed

LEAST_SHARE = 5e-324
"""A share of probability of which the likeliest token alone is taken: what `top_p` 0 means."""
COMMON = {"model", "n", "seed", "stop", "stream", "stream_options", "temperature", "top_p", "max_tokens"}
OF_TEXT = COMMON | {"prompt", "logprobs"}
OF_CHAT = COMMON | {"messages", "logprobs", "top_logprobs", "max_completion_tokens"}
OF_STREAMS = {"include_usage", "include_obfuscation"}
"""The second, which pads events elsewhere, has no effect."""
WITHOUT_EFFECT = {"metadata", "prompt_cache_key", "safety_identifier", "service_tier", "store", "user"}
"""Taken, and not looked at: no answer depends on them."""
AS_IT_IS: dict[str, object] = {
    "best_of": 1,
    "echo": False,
    "frequency_penalty": 0,
    "logit_bias": {},
    "presence_penalty": 0,
    "response_format": {"type": "text"},
    "suffix": "",
    "tools": [],
}
"""Known elsewhere, and taken here only with this value, which changes nothing."""
MOST_ANSWERS = 128


@dataclass(frozen=True)
class Asked:
    """One request."""

    what: Mapping[str, Any]
    """`prompt` or `messages`, as they came."""
    answers: int
    sampling: Sampling
    most: int | None
    """Tokens of each answer; None: nothing was said."""
    stop: tuple[str, ...]
    top: int | None
    """How many of the likeliest tokens are told beside each; None: nothing is told of likelihoods."""
    stream: bool
    usage: bool
    """Whether the stream ends with what was used."""

    def sampling_of(self, index: int) -> Sampling:
        """Answers to one prompt differ by their seeds."""
        return Sampling(self.sampling.temperature, self.sampling.top_p, _wrapped(self.sampling.seed + index))


def decoded(body: bytes) -> dict[str, Any]:
    """The JSON of a request. Raises NotServed for what is no JSON object."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise NotServed("The body of the request is no JSON.") from None
    if not isinstance(found, dict):
        raise NotServed("The body of the request is no JSON object.")
    return found


def read(found: dict[str, Any], model: str, chat: bool) -> Asked:
    """What is asked of this model. Raises NotServed with the parameter that is wrong."""
    _known(found, OF_CHAT if chat else OF_TEXT)
    asked = found.get("model", model)
    if asked != model:
        raise NotServed(
            f"The model {asked!r} does not exist; this server has {model!r}.", 404, "model", "model_not_found"
        )
    seed = _whole(found, "seed", -(1 << 63), (1 << 63) - 1)
    temperature = _number(found, "temperature", 2.0, 1.0)
    share = _number(found, "top_p", 1.0, 1.0)
    most = [_whole(found, name, 1, 1 << 40) for name in ("max_completion_tokens", "max_tokens")]
    options = _object(found, "stream_options")
    if strange := [name for name in options if name not in OF_STREAMS and options[name] is not None]:
        raise NotServed(f"There is no option {strange[0]!r} of a stream here.", param="stream_options")
    stream = _yes(found, "stream")
    if options and not stream:
        raise NotServed("There is no stream that stream_options could be for.", param="stream_options")
    return Asked(
        found,
        answers=_whole(found, "n", 1, MOST_ANSWERS) or 1,
        sampling=Sampling(temperature, share or LEAST_SHARE, randbits(62) if seed is None else seed),
        most=most[0] or most[1],
        stop=_stop(found.get("stop")),
        top=_top_of_chat(found) if chat else _whole(found, "logprobs", 0, 5),
        stream=stream,
        usage=_yes(options, "include_usage"),
    )


def _known(found: Mapping[str, Any], names: set[str]) -> None:
    for name, value in found.items():
        if name in names or name in WITHOUT_EFFECT or value is None:
            continue
        if name not in AS_IT_IS:
            raise NotServed(f"There is no parameter {name!r} here.", param=name)
        if value != AS_IT_IS[name] or isinstance(value, bool) != isinstance(AS_IT_IS[name], bool):
            raise NotServed(f"{name} is served with the value {json.dumps(AS_IT_IS[name])} alone.", param=name)


def _whole(found: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = found.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise NotServed(f"{name} is a whole number from {least} to {most}, not {value!r}.", param=name)
    return value


def _number(found: Mapping[str, Any], name: str, most: float, default: float) -> float:
    value = found.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise NotServed(f"{name} is a number from 0 to {most:g}, not {value!r}.", param=name)
    return float(value)


def _yes(found: Mapping[str, Any], name: str) -> bool:
    value = found.get(name)
    if value is not None and not isinstance(value, bool):
        raise NotServed(f"{name} is true or false, not {value!r}.", param=name)
    return bool(value)


def _object(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = found.get(name)
    if value is not None and not isinstance(value, dict):
        raise NotServed(f"{name} is an object, not {value!r}.", param=name)
    return value or {}


def _stop(value: Any) -> tuple[str, ...]:
    texts = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or len(texts) > 4 or not all(isinstance(one, str) and one for one in texts):
        raise NotServed("A stop is a text, or up to four of them, and none of them empty.", param="stop")
    return tuple(texts)


def _top_of_chat(found: Mapping[str, Any]) -> int | None:
    top = _whole(found, "top_logprobs", 0, 20)
    if not _yes(found, "logprobs"):
        if top:
            raise NotServed("There is no logprobs: true that top_logprobs could be for.", param="top_logprobs")
        return None
    return top or 0


def _wrapped(seed: int) -> int:
    """As a signed number of 64 bits."""
    return (seed + (1 << 63)) % (1 << 64) - (1 << 63)
