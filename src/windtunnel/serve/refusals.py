"""What is not served, in the shape that clients of this interface know: message, type, param and code."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse

TYPES = {404: "invalid_request_error", 429: "rate_limit_error", 500: "server_error", 503: "server_error"}


class NotServed(Exception):
    """A request is not served: a status, and why. `param` is what of the request is wrong, `code` a word for it."""

    def __init__(self, message: str, status: int = 400, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message, self.status, self.param, self.code = message, status, param, code

    def body(self) -> dict[str, object]:
        """As JSON."""
        kind = TYPES.get(self.status, "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def response(self, headers: Mapping[str, str] | None = None) -> JSONResponse:
        """As an answer; who came when all was full is told when to come again."""
        later = {"retry-after": "1"} if self.status == 429 else {}
        return JSONResponse(self.body(), self.status, {**later, **(headers or {})})


def too_long(context: int, prompt: int, answer: int, param: str) -> NotServed:
    """More tokens than the model reads."""
    return NotServed(
        f"This model's maximum context length is {context} tokens, and {prompt + answer} were asked for:"
        f" {prompt} in the prompt and {answer} for the answer.",
        param=param,
        code="context_length_exceeded",
    )
