"""What is not served, in the shape that clients of this interface know: message, type, param and code."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse

MOST_LETTERS = 500
"""Of a sentence: what is wrong in a request may be as long as the request."""
TYPES = {404: "invalid_request_error", 429: "rate_limit_error", 500: "server_error", 503: "server_error"}


class NotServed(Exception):
    """A request is not served: a status, and why. `param` is what of the request is wrong, `code` a word for it."""

    def __init__(self, message: str, status: int = 400, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message, self.param = legible(message), None if param is None else legible(param)
        self.status, self.code = status, code

    def body(self) -> dict[str, object]:
        """As JSON."""
        kind = TYPES.get(self.status, "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def response(self, headers: Mapping[str, str] | None = None) -> JSONResponse:
        """As an answer; who came when all was full is told when to come again."""
        later = {"retry-after": "1"} if self.status == 429 else {}
        return JSONResponse(self.body(), self.status, {**later, **(headers or {})})


def legible(text: str) -> str:
    """A text that UTF-8 can say, though a request may hold halves of surrogate pairs, and that somebody may read."""
    short = text if len(text) <= MOST_LETTERS else text[:MOST_LETTERS] + "..."
    return short.encode(errors="backslashreplace").decode()


def too_long(context: int, prompt: int, answer: int, param: str) -> NotServed:
    """More tokens than the model reads."""
    return NotServed(
        f"This model's maximum context length is {context} tokens, and {prompt + answer} were asked for:"
        f" {prompt} in the prompt and {answer} for the answer.",
        param=param,
        code="context_length_exceeded",
    )
