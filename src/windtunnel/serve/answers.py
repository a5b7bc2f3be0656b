"""What a request is answered: one document, or events, in the shapes of completions and of chats."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from windtunnel.serve.asked import Asked
from windtunnel.serve.tokens import Tokens
from windtunnel.serve.writing import Piece, Said

DONE = b"data: [DONE]\n\n"
LINE_ENDS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}
"""No line ends of an event, though clients cut there what they read (openai-python, issue 1230; httpx-sse, 34)."""


def event(document: object) -> bytes:
    """One of server-sent events."""
    said = json.dumps(document, ensure_ascii=False, separators=(",", ":")).translate(LINE_ENDS)
    return b"data: " + said.encode() + b"\n\n"


def shown(text: bytes) -> str:
    """A token that is no text by itself, as the piece of a character is none, is shown by its bytes."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{one:02x}" for one in text)


@dataclass
class Shape:
    """How answers to one request look.

    `id`, `created` (seconds since 1970) and `model` are the same in each of its pieces.
    """

    chat: bool
    id: str
    created: int
    model: str
    tokens: Tokens
    asked: Asked

    def opening(self, index: int) -> bytes:
        """What an answer's events begin with: a chat says who speaks."""
        choice = self._choice(index, {"delta": {"role": "assistant", "content": ""}}, None, ())
        return self._event([choice]) if self.chat else b""

    def piece(self, index: int, piece: Piece) -> bytes:
        """The event of one piece of an answer."""
        delta: dict[str, Any] = {"content": piece.text} if piece.text or piece.said else {}
        said = {"delta": delta} if self.chat else {"text": piece.text}
        return self._event([self._choice(index, said, piece.finish, piece.said)])

    def closing(self, usage: dict[str, int]) -> bytes:
        """What events end with."""
        used = event({**self._document(True, []), "usage": usage}) if self.asked.usage else b""
        return used + DONE

    def whole(self, pieces: list[list[Piece]], usage: dict[str, int]) -> dict[str, Any]:
        """All answers at once; of each its pieces."""
        choices = []
        for index, parts in enumerate(pieces):
            text = "".join(one.text for one in parts)
            said = tuple(one for part in parts for one in part.said)
            told: dict[str, Any] = {"text": text}
            if self.chat:
                told = {"message": {"role": "assistant", "content": text, "refusal": None}}
            choices.append(self._choice(index, told, parts[-1].finish, said))
        return {**self._document(False, choices), "usage": usage}

    def _event(self, choices: list[dict[str, Any]]) -> bytes:
        return event({**self._document(True, choices), **({"usage": None} if self.asked.usage else {})})

    def _document(self, streamed: bool, choices: list[dict[str, Any]]) -> dict[str, Any]:
        kind = ("chat.completion.chunk" if streamed else "chat.completion") if self.chat else "text_completion"
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model, "choices": choices}

    def _choice(self, index: int, told: dict[str, Any], finish: str | None, said: tuple[Said, ...]) -> dict[str, Any]:
        return {"index": index, **told, "logprobs": self._likely(said), "finish_reason": finish}

    def _likely(self, said: tuple[Said, ...]) -> dict[str, Any] | None:
        if self.asked.top is None:
            return None
        name = self.tokens.bytes_of
        if self.chat:
            return {"content": [{**self._one(s.token, s.logprob), "top_logprobs": [self._one(*t) for t in s.top]}
                                for s in said], "refusal": None}  # fmt: skip
        return {
            "tokens": [shown(name(one.token)) for one in said],
            "token_logprobs": [one.logprob for one in said],
            "top_logprobs": [{shown(name(token)): law for token, law in reversed(one.top)} for one in said],
            "text_offset": [one.offset for one in said],
        }

    def _one(self, token: int, logprob: float) -> dict[str, Any]:
        text = self.tokens.bytes_of(token)
        return {"token": shown(text), "logprob": logprob, "bytes": list(text)}


def used(prompt: int, answer: int) -> dict[str, int]:
    """Tokens that were read and given."""
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}
