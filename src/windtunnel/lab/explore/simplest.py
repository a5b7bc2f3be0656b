"""From a schedule that fails to the simplest one that fails alike, and its picture."""

from __future__ import annotations

from windtunnel.lab.diagram import Diagram, Mark
from windtunnel.lab.explore.core import Failure, Program, replay
from windtunnel.lab.grading.minimise import minimise


def simplest(program: Program, failure: Failure, tries: int = 500) -> Failure:
    """A failure of the same kind with fewer switches between actors, and as few steps as it needs.

    Pieces of the tape are left out: where a tape ends, or names somebody who cannot go on, `replay` lets the first who
    can go on do so, which is the schedule with the fewest switches. What is left of the tape is what matters.

    Raises:
        ValueError: the tape of this failure does not fail in this program.
    """
    best = failure

    def fails(tape: list[str]) -> bool:
        nonlocal best
        found = replay(program, tape)
        if found is None or found.kind != failure.kind:
            return False
        if (found.switches, len(found.steps)) < (best.switches, len(best.steps)):
            best = found
        return True

    minimise(failure.tape, fails, tries)
    return best


def picture(failure: Failure) -> Diagram:
    """The schedule as a space-time diagram: a lane an actor, a row a step, the failure's last step standing out."""
    last = len(failure.steps) - 1
    marks = [Mark(float(i), step.actor, str(step.access), bad=i == last) for i, step in enumerate(failure.steps)]
    lanes = dict.fromkeys(step.actor for step in failure.steps)
    return Diagram(tuple(lanes), tuple(marks), clock="steps")
