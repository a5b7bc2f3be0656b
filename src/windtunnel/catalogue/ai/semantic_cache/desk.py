"""What a cache has: the model that answers at a price, and shelves on which the nearest text is found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from windtunnel.catalogue.ai.semantic_cache.embedding import Array, cosines
from windtunnel.catalogue.ai.semantic_cache.world import World


class Desk:
    """Handed to a design with each question. It knows texts, and of what they mean nothing.

    Attributes:
        answer: asks the model the question that is being served, and returns what is right to say. It costs tokens and
            time. Of two answers it can be seen whether they are the same.
        compared: cosines that were measured.
    """

    def __init__(self, world: World, answer: Callable[[], Awaitable[str]]) -> None:
        self.answer = answer
        self.compared = 0
        self._rows, self._near, self._heavy = world.rows, world.near, world.heavy

    def shelf(self) -> Shelf:
        """An empty one."""
        return Shelf(self)

    def cosines(self, text: str, texts: Sequence[str], rows: Array | None = None) -> Array:
        """How near a text is to each of these, 1 where they are alike.

        Args:
            rows: of these texts the rows in the table of all that are asked, where somebody has them already.
        """
        self.compared += len(texts)
        if rows is not None and text in self._rows:
            known: Array = self._near[self._rows[text], rows]
            return known
        new: Array = cosines([text, *texts], self._heavy)[0, 1:]
        return new

    def row(self, text: str) -> int:
        """Its row in the table of all that are asked; -1 for a text that nobody asks."""
        return self._rows.get(text, -1)


class Found(NamedTuple):
    """A text on a shelf, how near it is to what was looked for, and what lies there."""

    cosine: float
    text: str
    answer: str
    at: int


class Shelf:
    """Texts with an answer each, all compared with what is looked for: there are some hundred."""

    def __init__(self, desk: Desk) -> None:
        import numpy as np

        self.texts: list[str] = []
        self.answers: list[str] = []
        self._desk, self._rows, self._known = desk, np.zeros(64, np.int64), True

    def __len__(self) -> int:
        return len(self.texts)

    def put(self, text: str, answer: str) -> int:
        """Lay it there; returns at which place."""
        import numpy as np

        at, row = len(self.texts), self._desk.row(text)
        if at == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros(at, np.int64)])
        self._rows[at] = row
        self._known &= row >= 0
        self.texts.append(text)
        self.answers.append(answer)
        return at

    def nearest(self, text: str, many: int = 1) -> list[Found]:
        """So many of the nearest, nearest first; of equally near ones the older first."""
        import numpy as np

        if not self.texts:
            return []
        rows = self._rows[: len(self.texts)] if self._known else None
        near = self._desk.cosines(text, self.texts, rows)
        places = [int(near.argmax())] if many == 1 else np.argsort(-near, kind="stable")[:many].tolist()
        return [Found(float(near[at]), self.texts[at], self.answers[at], at) for at in places]
