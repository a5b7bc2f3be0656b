"""What is claimed and demanded, which figures are compared, and where they come from."""

from __future__ import annotations

from math import ceil
from typing import Any

from windtunnel import Claim, Figure, Source
from windtunnel.catalogue.scale.chaos.judging import NONE
from windtunnel.catalogue.scale.chaos.trial import CLIENTS, EVERY_S, FIRST_S, READING_S, REPLICAS, SETTLE_S


def case(
    bug: str, first: str, second: str = NONE, apart: int = 1, later_s: float = 0.0, third: str = NONE
) -> dict[str, Any]:
    """A wrong handler, and the faults that lead into it."""
    return {"bug": bug, "first": first, "second": second, "apart": apart, "later_s": later_s, "third": third}


CASES = {
    one["bug"]: one
    for one in (
        case("swallows", "full", "kill", 0, 3.0),
        case("logs_only", "full"),
        case("over_catches", "cut"),
        case("gives_up", "cut"),
        case("tries_for_ever", "pause"),
        case("keeps_the_link", "pause"),
        case("trusts_its_clock", "skew"),
        case("never_opens_again", "full", "cut", 1, 3.5),
        case("ends_at_the_start", "kill", "pause"),
        case("says_no", "full", "full"),
    )
}
"""Faults that show each bug; the first seven need one, and three of the ten show on some seeds only."""
NOTHING = {"first": NONE, "second": NONE, "third": NONE}
LONG = "for_s >= 1.5"
"""Longer than who asks is patient, and than a killed process is down."""

YUAN = "Simple Testing Yuan 2014"


def share_answered(of: int, for_s: float = 2.0) -> float:
    """What is answered where for so long the clients of so many replicas are not."""
    requests = ceil((FIRST_S + for_s + SETTLE_S) * CLIENTS / EVERY_S) + round(READING_S * CLIENTS / EVERY_S)
    return 1 - for_s * CLIENTS / EVERY_S * of / len(REPLICAS) / requests


SAID_NO = "spare.wrong == 1 and untested.wrong == 1"
ENOUGH = "spare.steady == 1"
ALL = "untested.silent >= 2 * params.for_s"
RIGHT = "tested.steady == 1"
STARTS = "spare.silent >= 4"

CLAIMS = (
    Claim(
        ALL,
        "Where all have to answer, one that is cut off stops the other two.",
        breaks="untested",
        given={"first": "cut", "second": NONE, "third": NONE},
        where=LONG,
    ),
    Claim(
        SAID_NO,
        "Two disks are full, a write is done by halves, and clients are told that it certainly was not done.",
        YUAN,
        breaks="untested",
        given=CASES["says_no"],
        where="for_s >= 1",
    ),
    Claim(
        "untested.steady == 1 and untested.entered == 0",
        "While nothing goes wrong no error handler runs, and the wrong one is as good as a right one.",
        spares="untested",
        given=NOTHING,
    ),
    Claim(
        ENOUGH,
        "One that dies is what a spare is for: the handler that this needs is right.",
        given=case("says_no", "kill"),
    ),
    Claim(
        "1.4 * spare.calls < untested.calls < 2 * spare.calls and tested.calls == spare.calls",
        "All three cost nearly twice the questions of two, whose reads repair; right handlers cost none until needed.",
        given=NOTHING,
    ),
    Claim(RIGHT, "Each handler was made to run, and does what it should."),
    Claim("tested.entered >= 1", "It is not luck: they are entered.", given=CASES["says_no"], where="for_s >= 1"),
    Claim(
        "spare.silent >= 1",
        "A caller goes away, the handler catches everything, and the process that served it ends.",
        YUAN,
        given=CASES["over_catches"],
        where=LONG,
    ),
    Claim(
        "spare.silent >= 1",
        "Who once did not answer is never asked again, and after a cut that is both of the others.",
        YUAN,
        given=CASES["gives_up"],
        where=LONG,
    ),
    Claim(
        "spare.silent >= 1",
        "Asking one that stands still again and again keeps everybody from asking the third.",
        YUAN,
        given=CASES["tries_for_ever"],
        where=LONG,
    ),
    Claim(
        "spare.steady == 0 and tested.steady == 1",
        "A late answer is taken for that to the next question, on a link that nobody has dropped.",
        given=CASES["keeps_the_link"],
        where=LONG,
    ),
    Claim(
        "spare.silent >= 1 and tested.steady == 1",
        "A disk that was full once keeps a replica from writing for good, which shows when another one is away.",
        YUAN,
        given=CASES["never_opens_again"],
        where="1.5 <= for_s <= 2",
    ),
    Claim(
        STARTS,
        "A replica that starts while its neighbour is away ends itself, and stays away.",
        YUAN,
        given=CASES["ends_at_the_start"],
        where=LONG,
    ),
)

DEMANDS = (
    *(
        Claim("yours.steady == 1", because, given={k: v for k, v in CASES[bug].items() if k != "bug"})
        for bug, because in (
            ("says_no", "Two disks are full: nobody is told that it was not done when it was done by halves."),
            ("swallows", "What was acknowledged while a disk was full outlives the process."),
            ("logs_only", "A refusal is no answer."),
            ("over_catches", "A caller that goes away ends its connection and nothing else."),
            ("gives_up", "Who did not answer is asked again."),
            ("tries_for_ever", "Who does not answer is not waited for: there is a third."),
            ("trusts_its_clock", "A clock that is behind loses no write."),
            ("never_opens_again", "When there is room again, there is a log again."),
            ("ends_at_the_start", "Who starts while its neighbour is away serves all the same."),
        )
    ),
    Claim(
        "yours.wrong == 0",
        "What somebody has read outlives the process that told it: nothing is known before it is on the disk.",
        given={k: v for k, v in case("", "full", "full", third="pause").items() if k != "bug"},
    ),
    Claim("yours.wrong == 0", "Whatever goes wrong, answers agree with one store.", always=True),
)

FIGURES = (
    Figure(
        "share answered, all three needed, one cut off",
        share_answered(3),
        "untested.answered_share",
        0.08,
        "D",
        "two seconds of seven and a half, in which nobody is answered",
        given={"first": "cut", "second": NONE},
    ),
    Figure(
        "share answered, two of three needed, one cut off",
        share_answered(1),
        "tested.answered_share",
        0.08,
        "D",
        "two seconds of seven and a half, in which the clients of one of three replicas are not answered",
        given={"first": "cut", "second": NONE},
    ),
)

SOURCES = (
    Source(
        "D. Yuan et al., Simple Testing Can Prevent Most Critical Failures, OSDI",
        2014,
        "https://www.usenix.org/publications/login/feb15/yuan",
    ),
    Source(
        "H. Attiya, A. Bar-Noy, D. Dolev, Sharing Memory Robustly in Message-Passing Systems, JACM",
        1995,
        "https://doi.org/10.1145/200836.200869",
    ),
    Source("A. Basiri et al., Chaos Engineering, IEEE Software", 2016, "https://arxiv.org/abs/1702.05843"),
)
