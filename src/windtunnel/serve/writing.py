"""Tokens to the text that a client is told, as they come: whole characters, and nothing of what may become a stop.

A character may be spread over several tokens, and so may a stop. What is told is never taken back, so both wait until
it is known what they are. That is also why a stop is cut where it stands, however tokens lie across it.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Sequence as List
from typing import TYPE_CHECKING, NamedTuple

from windtunnel.serve.tokens import Tokens

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Said(NamedTuple):
    """A token of an answer, and how likely the model had it: natural logarithms, of its own law at temperature 1."""

    token: int
    offset: int
    """The place in the answer's text where it begins."""
    logprob: float
    top: tuple[tuple[int, float], ...]
    """The likeliest tokens there, the likeliest first."""


class Piece(NamedTuple):
    """What is told at once."""

    text: str
    said: tuple[Said, ...] = ()
    finish: str | None = None
    """Why nothing follows: "stop" or "length"; a "fault" of the model, or the server has "ended"."""


class Writer:
    """The text of one answer.

    Args:
        tokens: how the model's texts are cut.
        stop: texts that end the answer and are no part of it. Of several, the one that is complete first.
        top: how many of the likeliest tokens are told with each token; None tells of no likelihoods.

    >>> from windtunnel.serve.tokens import ByteTokens
    >>> writer = Writer(ByteTokens(), stop=("nd",))
    >>> [writer.take(byte).text for byte in b"sand"], writer.finish
    (['s', 'a', '', ''], 'stop')
    """

    def __init__(self, tokens: Tokens, stop: List[str] = (), top: int | None = None) -> None:
        self._tokens, self._stop, self._top = tokens, tuple(stop), top
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._held = ""  # may be the beginning of a stop
        self._told = 0
        self._said: list[Said] = []
        self.count = 0
        """Tokens so far, those of an end or a stop included."""
        self.finish: str | None = None

    def take(self, token: int, logits: NDArray[np.float32] | None = None) -> Piece:
        """What is to be told now that this token has come, of which these were the logits."""
        self.count += 1
        if token in self._tokens.ends:
            return self.close("stop")
        if self._top is not None and logits is not None:
            self._said.append(self._likely(token, logits))
        self._held += self._decoder.decode(self._tokens.bytes_of(token))
        if cut := self._first_stop():
            return self._tell(cut[0], "stop")
        most = max(map(len, self._stop), default=1) - 1
        waits = next((n for n in range(min(most, len(self._held)), 0, -1) if self._may_begin(self._held[-n:])), 0)
        return self._tell(len(self._held) - waits, None)

    def close(self, finish: str) -> Piece:
        """No token follows: what waited is told, a character that lacks its end as one that says so (U+FFFD)."""
        self._held += self._decoder.decode(b"", True)
        cut = self._first_stop()
        return self._tell(cut[0] if cut else len(self._held), "stop" if cut else finish)

    def _tell(self, length: int, finish: str | None) -> Piece:
        text, self._held = self._held[:length], self._held[length:]
        self._told += len(text)
        self.finish = finish
        all_of_it = not self._held
        said = tuple(one for one in self._said if all_of_it or one.offset < self._told)
        self._said = self._said[len(said) :]
        return Piece(text, said, finish)

    def _first_stop(self) -> tuple[int, int] | None:
        """Where the stop that is complete first begins and ends; of several with one end the longest."""
        found = [(self._held.find(stop), len(stop)) for stop in self._stop]
        ends = [(at + length, at) for at, length in found if at >= 0]
        return (min(ends)[1], min(ends)[0]) if ends else None

    def _may_begin(self, text: str) -> bool:
        return any(stop.startswith(text) for stop in self._stop)

    def _likely(self, token: int, logits: NDArray[np.float32]) -> Said:
        import numpy as np

        wide = logits.astype(np.float64)
        law = wide - (wide.max() + np.log(np.exp(wide - wide.max()).sum()))
        best = np.argsort(-law, kind="stable")[: self._top or 0].tolist()
        at = self._told + len(self._held)
        return Said(token, at, float(law[token]), tuple((one, float(law[one])) for one in best))
