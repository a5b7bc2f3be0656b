"""The engine in a thread of its own: requests go in, pieces of text come out on the loop of who asked.

The thread alone touches the engine. Whoever asks or hangs up leaves a note, which is read between two steps; so a
client that is gone has its blocks back in the memory before the next step begins.
"""

from __future__ import annotations

import logging
from asyncio import AbstractEventLoop, Queue
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from threading import Condition, Thread
from time import monotonic

from windtunnel.blocks.serving import LLMEngine, Sampling, Sequence
from windtunnel.serve.refusals import NotServed
from windtunnel.serve.writing import Piece, Writer

STOPS_WITHIN_S = 30.0
"""A step of a large prompt takes seconds, and is not broken off."""
Told = tuple[int, Piece]
"""Which of the answers of a request, and what is told of it."""


@dataclass(eq=False)
class Ticket:
    """One answer that is asked for: the sequence, who writes its text, and where to."""

    sequence: Sequence
    sampling: Sampling
    writer: Writer
    index: int
    queue: Queue[Told]
    loop: AbstractEventLoop
    asked_at: float = field(default_factory=monotonic)
    read: int = 0
    """Tokens that the writer has taken."""
    over: bool = False


class Runner:
    """An engine, and who waits for it.

    Args:
        engine: nobody else may step it. Raises ValueError for one that guesses: what is handed on is one token a step.
        places: how many answers are under way at once, those that wait included; who comes then is refused.
    """

    def __init__(self, engine: LLMEngine, places: int = 96) -> None:
        if engine.speculation is not None:
            raise ValueError(
                "An engine that guesses tells several tokens a step, and one is handed on: leave them out."
            )
        self.engine, self.places = engine, places
        self.counts: Counter[str] = Counter()
        """What happened so far, by names that `/metrics` shows."""
        self.seconds_to_first = 0.0
        """Of all answers together, from asking to the first token."""
        self.broken = ""
        """Why nothing is served any more."""
        self._open = 0
        self._numbers = count()
        self._changed = Condition()
        self._notes: list[tuple[str, Ticket]] = []
        self._stopping = False
        self._live: dict[int, Ticket] = {}
        self._thread = Thread(target=self._serve, name="engine", daemon=True)

    @property
    def open(self) -> int:
        """Answers under way, those that wait included."""
        return self._open

    @property
    def alive(self) -> bool:
        """Whether it serves."""
        return self._thread.is_alive() and not self.broken and not self._stopping

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()

    def end(self) -> None:
        """Serve nobody after the step under way; who still waits is told so. Does not wait for it."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def stop(self) -> None:
        """End, and wait until it has."""
        self.end()
        if self._thread.is_alive():
            self._thread.join(STOPS_WITHIN_S)

    def name(self) -> int:
        """A name that no sequence has had."""
        return next(self._numbers)

    def submit(self, tickets: list[Ticket]) -> None:
        """Let all of these be answered. Raises NotServed where there is no place for them, or nobody to serve."""
        with self._changed:
            if not self.alive:
                raise NotServed(f"The engine serves no more. {self.broken}".rstrip(), 503)
            if self._open + len(tickets) > self.places:
                self.counts["refused"] += 1
                raise NotServed("All places are taken: come again later.", 429, code="rate_limit_exceeded")
            self._open += len(tickets)
            self._notes += [("add", one) for one in tickets]
            self._changed.notify()

    def abort(self, tickets: list[Ticket]) -> None:
        """Nobody listens to these any more. Those that are over stay so."""
        left = [one for one in tickets if not one.over]
        if left:
            with self._changed:
                self._notes += [("abort", one) for one in left]
                self._changed.notify()

    def _serve(self) -> None:
        busy = self.engine.scheduler
        while True:
            with self._changed:
                while not (self._notes or self._stopping or busy.busy):
                    self._changed.wait()
                notes, self._notes = self._notes, []
            if self._stopping:
                self._send(self._all(notes, "ended"))
                return
            told = list[tuple[Ticket, Piece]]()
            try:
                for what, ticket in notes:
                    self._note(what, ticket, told)
                if busy.busy:
                    self.engine.step()
                    self._read(told)
            except Exception as error:
                logging.getLogger("windtunnel").exception("The engine failed.")
                self.broken = f"{type(error).__name__}: {error}"
                told += self._all(notes, "fault")
            self._send(told)
            if self.broken:
                return

    def _all(self, notes: list[tuple[str, Ticket]], finish: str) -> list[tuple[Ticket, Piece]]:
        """The end of everybody who waits, those of the notes included."""
        with self._changed:  # whoever comes now finds nobody alive
            waiting = [*self._live.values(), *(one for _, one in notes + self._notes)]
            self._notes = []
        return [(one, Piece("", finish=finish)) for one in dict.fromkeys(waiting) if not one.over]

    def _note(self, what: str, ticket: Ticket, told: list[tuple[Ticket, Piece]]) -> None:
        if what == "add":
            try:
                self.engine.add(ticket.sequence, ticket.sampling)
            except ValueError:  # it was checked when it was asked for
                logging.getLogger("windtunnel").exception("A request was let through that cannot be served.")
                told.append((ticket, Piece("", finish="fault")))
                return
            self._live[ticket.sequence.name] = ticket  # type: ignore[index]
            self.counts["prompt_tokens"] += ticket.sequence.prompt_length
        elif ticket.sequence.name in self._live:
            self.engine.abort(ticket.sequence)
            self.counts["hung_up"] += 1
            self._over(ticket)

    def _read(self, told: list[tuple[Ticket, Piece]]) -> None:
        """What the last step gave, as texts."""
        for name in self.engine.logits:
            ticket = self._live.get(name)  # type: ignore[call-overload]
            if ticket is None:
                continue
            sequence, writer = ticket.sequence, ticket.writer
            if not ticket.read:
                self.seconds_to_first += monotonic() - ticket.asked_at
                self.counts["first_tokens"] += 1
            ticket.read += 1
            self.counts["answer_tokens"] += 1
            piece = writer.take(sequence.tokens[-1], self.engine.logits[name])
            if writer.finish:
                self.engine.abort(sequence)
            elif sequence.state == "finished":
                rest = writer.close("length")
                piece = Piece(piece.text + rest.text, piece.said + rest.said, rest.finish)
            if piece.text or piece.said or piece.finish:
                told.append((ticket, piece))
        told += [(one, Piece("", finish="fault")) for one in self._live.values() if one.sequence.fault]

    def _over(self, ticket: Ticket) -> None:
        ticket.over = True
        self._live.pop(ticket.sequence.name, None)  # type: ignore[call-overload]
        with self._changed:
            self._open -= 1

    def _send(self, told: list[tuple[Ticket, Piece]]) -> None:
        """Hand pieces over to the loops that wait for them, all of one loop at once."""
        by_loop = dict[AbstractEventLoop, list[tuple[Ticket, Piece]]]()
        for ticket, piece in told:
            by_loop.setdefault(ticket.loop, []).append((ticket, piece))
            if piece.finish:
                self.counts[f"finished_{piece.finish}"] += 1
                self._over(ticket)
        for loop, pieces in by_loop.items():
            try:
                loop.call_soon_threadsafe(_hand_over, pieces)
            except RuntimeError:  # that loop is closed, and nobody is there
                self.abort([ticket for ticket, _ in pieces])


def _hand_over(pieces: list[tuple[Ticket, Piece]]) -> None:
    for ticket, piece in pieces:
        ticket.queue.put_nowait((ticket.index, piece))
