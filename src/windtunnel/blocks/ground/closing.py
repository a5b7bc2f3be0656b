"""What holds files gives them back at the end of a `with`."""

from __future__ import annotations

from abc import abstractmethod
from types import TracebackType
from typing import Self

from windtunnel.blocks.ground.block import Live


class Closing(Live):
    """`with thing: ...` closes it, however the block ends. Each class says what threads and tasks may do with it.

    There is no copy of it: two would write to the same files.
    """

    _tie = "the files that it holds open here"

    @abstractmethod
    def close(self) -> None:
        """Give back what is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
