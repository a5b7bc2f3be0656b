"""The loop of exploration: run, choose at every point, record the tape, run again until a failure or the end."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol

from windtunnel.lab.errors import raised

Kind = Literal["read", "write", "acquire", "release"]


Touch = tuple[int, Hashable, bool]
"""(thing, part of it or None for the whole, is it written); the thing EVERYTHING meets every other."""
EVERYTHING: Final = 0


class Access(NamedTuple):
    """What a step touches. Two steps of different actors commute unless they touch one thing and one of them writes.

    Where one name does not say it all there are `touches`; then these are compared, and `target` is for people.
    `foreign` says that a lock is released by another than its holder.
    """

    kind: Kind
    target: str
    touches: tuple[Touch, ...] = ()
    foreign: bool = False

    def conflicts(self, other: Access) -> bool:
        """Whether the order of the two can matter."""
        if not self.touches and not other.touches:
            return self.target == other.target and not (self.kind == "read" and other.kind == "read")
        return any(
            (w or x) and (a == b or EVERYTHING in (a, b)) and (p == q or p is None or q is None)
            for a, p, w in self.touches
            for b, q, x in other.touches
        )

    def may_race(self, earlier: Access) -> bool:
        """Whether there is a state in which both could go on, so that the order could have been the other one.

        A lock is either free or held: its release is never possible where an acquire is, unless somebody releases it
        who does not hold it.
        """
        if not self.conflicts(earlier):
            return False
        if self.foreign and earlier.kind == "acquire":
            return True
        return self.target != earlier.target or {self.kind, earlier.kind} != {"acquire", "release"}

    def __str__(self) -> str:
        return f"{self.kind} {self.target}"


class Execution(Protocol):
    """One run of a program, step by step."""

    def pending(self) -> Mapping[str, Access]:
        """What the next step of every actor that has not ended would touch, in a fixed order of actors."""

    def enabled(self) -> Sequence[str]:
        """The actors that can take their step now, in the same fixed order."""

    def step(self, actor: str) -> None:
        """Let one actor take its step. Whatever the program raises is a failure of the program."""

    def check(self) -> None:
        """All have ended: raise AssertionError where the outcome is wrong."""

    def blocked(self) -> str:
        """Nobody can go on, and some have not ended: who waits for what."""

    def close(self) -> None:
        """Let go of everything; also in the middle of a run."""


Choose = Callable[[Sequence[str], Mapping[str, Access]], str | None]
"""Given who can go on, and what the next step of everybody would touch: who goes on. None gives the run up."""


class Program(Protocol):
    """Something that can be run again and again from the same start.

    One that has an attribute `unsure` that is true may have steps that it did not see: nothing is proved of it.
    """

    def run(self, choose: Choose, max_steps: int) -> tuple[list[Step], Failure | None]:
        """Run it once from the beginning with these choices; the steps taken and what went wrong, if anything."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was taken."""

    actor: str
    access: Access


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that went wrong. `tape` names the actor of each step; `replay` runs it again."""

    kind: Literal["deadlock", "wrong"]
    sentence: str
    steps: tuple[Step, ...]

    @property
    def tape(self) -> tuple[str, ...]:
        """The actor of each step."""
        return tuple(step.actor for step in self.steps)

    @property
    def switches(self) -> int:
        """How often another actor went on than the one before: the measure of how simple a schedule is."""
        return sum(a != b for a, b in zip(self.tape, self.tape[1:], strict=False))


@dataclass(slots=True)
class Exploration:
    """What came out. `complete`: every schedule was covered, so no failure means that there is none."""

    schedules: int = 0
    failure: Failure | None = None
    complete: bool = False
    steps: int = 0


class Strategy(Protocol):
    """Chooses. `begin` comes before each run, `choose` at each point, `end` after the run."""

    def begin(self) -> bool:
        """Prepare another run; False where there is nothing left to try."""

    def choose(self, enabled: Sequence[str], pending: Mapping[str, Access]) -> str | None:
        """The actor that goes on, or None to give this run up (it would repeat what is known)."""

    def end(self) -> None:
        """The run is over."""

    @property
    def exhaustive(self) -> bool:
        """Whether running out of things to try means that everything was tried."""


class OutOfSteps(RuntimeError):
    """A single run did not end within the limit of steps."""


class Stuck(RuntimeError):
    """An actor did not come back from a step; the sentence says where it is and what to do."""


def run_stepwise(execution: Execution, choose: Choose, max_steps: int = 100_000) -> tuple[list[Step], Failure | None]:
    """Run an execution to its end; for programs that are stepped from outside."""
    steps: list[Step] = []
    try:
        while True:
            pending = execution.pending()
            if not pending:
                try:
                    execution.check()
                except AssertionError as wrong:
                    return steps, Failure("wrong", sentence(wrong), tuple(steps))
                return steps, None
            enabled = execution.enabled()
            actor = choose(enabled, pending)
            if not enabled:
                return steps, Failure("deadlock", execution.blocked(), tuple(steps))
            if actor is None:
                return steps, None
            if len(steps) >= max_steps:
                raise OutOfSteps(f"A run took more than {max_steps} steps; bound its loops or raise max_steps.")
            steps.append(Step(actor, pending[actor]))
            try:
                execution.step(actor)
            except Stuck:
                raise
            except Exception as error:
                return steps, Failure("wrong", f"{actor}: {sentence(error)}", tuple(steps))
    finally:
        execution.close()


def sentence(error: Exception) -> str:
    """What an exception says, in one line."""
    if isinstance(error, AssertionError):
        return str(error).partition("\n")[0] or "an assertion does not hold"
    return raised(error)


def runs(
    program: Program, strategy: Strategy, limit: int = 10_000, max_steps: int = 100_000
) -> Iterator[tuple[list[Step], Failure | None]]:
    """Every run that the strategy wants, `limit` at most: its steps, and what went wrong in it, if anything.

    With `DepthFirst` these are all schedules, each once; those given up by a reduction are among them.
    """
    for _ in range(limit):
        if not strategy.begin():
            return
        yield program.run(strategy.choose, max_steps)
        strategy.end()


def explore(program: Program, strategy: Strategy, limit: int = 10_000, max_steps: int = 100_000) -> Exploration:
    """Run the program under the strategy until the first failure, until all is covered, or `limit` schedules."""
    result = Exploration()
    if hasattr(program, "unsure"):
        program.unsure = False  # of this exploration
    while result.schedules < limit:
        if not strategy.begin():
            result.complete = strategy.exhaustive and not getattr(program, "unsure", False)
            break
        steps, failure = program.run(strategy.choose, max_steps)
        strategy.end()
        result.schedules += 1
        result.steps += len(steps)
        if failure is not None:
            result.failure = failure
            break
    return result


def replay(program: Program, tape: Sequence[str], max_steps: int = 100_000) -> Failure | None:
    """Run the program along a tape; where the tape ends or names somebody who cannot go on, the first who can goes.

    Lenient on purpose: a shrinker cuts pieces out of tapes and asks what is left of the failure.
    """
    rest = iter(tape)

    def choose(enabled: Sequence[str], pending: Mapping[str, Access]) -> str | None:
        if not enabled:
            return None
        wanted = next(rest, None)
        return wanted if wanted in enabled else enabled[0]

    return program.run(choose, max_steps)[1]
