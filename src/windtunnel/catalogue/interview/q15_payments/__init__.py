"""Charge a card once, tell the shop once, and tell the payer the truth, whatever dies on the way.

**Clarify.** What may never happen: charged twice, charged for nothing, told no and charged? Who makes the key of a
payment, and does he keep it until he hears? Does the bank know keys, and for how long? Who goes on for a payer who has
closed the page? Does the shop have to know before the payer does?

**Estimate.** An answer that is lost is no charge undone. With one of twenty lost and three tries more that is
{extra:.2f} charges too many of 100 payments, and {payers:.0f} of 100 payers charged more than once. A server that
charges, books, tells the shop and then the payer passes {acts} places at which it can die. At {twice} of them its death
makes who asks again pay again; at {gone} of them who does not ask again has paid for nothing.

**Design.** Ask again and you pay again; "we never ask twice" does not help where the client library below does. To look
for a key, charge, and then insert it leaves the charge between the two: two clicks come through, and so does who comes
after a death ({checked} of {places} places). That the key is unique is told when the money is gone.

**Deep dive: one key.** Tell the bank the payer's own key and it charges once, whoever asks. With one commit behind it
that is right at every place, and the cheapest that is, if the payer asks until he hears, or comes back with his key. Of
who has gone, bank, shop and books know different things.

**Deep dive: who goes on.** So the key comes first, alone. Then come transactions, each with the point that it reaches,
and between them each foreign call, with a key of its own. Whoever comes next, the payer or a job, goes on at the last
point. A lock on the key makes who asks again after a death wait, and is not what makes this safe: the bank's key is,
and books in which a charge has one row. Answer, two entries whose sum is nothing, and the message to the shop are one
transaction; a relay tells the shop later, so that a shop that is out keeps no payer waiting.

**Deep dive: reconciliation.** A bank forgets keys, and then charges again at {forgot} of {all_} places. Who goes on
with a payment asks the bank first what it has. What stands on its statement, and neither in what is still open nor in
the books, is given back: looked up in this order, since a payment may end between two looks.

**Scale.** A row for each key; what all share is the merchant's balance, which the database adds to: read and written
back, it loses one of two payments at once. Two rows in one commit become six in two: beside what a bank takes, a few
milliseconds.

**Real systems.** Large ones are built without transactions that span two of them (Helland). Leach has keys with
recovery points, a completer, and jobs staged in the transaction. Stripe keeps keys for a day at least and refuses one
with other parameters; its Python library adds a key to what it repeats. bePaid asks whom nobody has answered to look
the payment up, and to repeat it only then, with the same key.

**Left open.** A machine that vanishes with a transaction open. A statement that comes a day later; where it comes at
once and names our key, a job can end payments from it, with one commit and no key first. A bank that holds the money
first, and takes it by the number of the hold. A payer who makes a new key. Refunds, disputes, currencies; a merchant
whom everybody pays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Literal

from windtunnel import Ask, Chart, Experiment, Map, Op, Why, param
from windtunnel.catalogue.interview.q15_payments.board import BOARD
from windtunnel.catalogue.interview.q15_payments.claims import (
    ACTS,
    CALM,
    CHECKED,
    CLAIMS,
    DEMANDS,
    DOUBLE,
    FIGURES,
    FIRST,
    FORGOT,
    FORGOTTEN,
    FOUND,
    GONE,
    KEY,
    LEFT,
    LIBRARY,
    PARTED,
    RACE,
    SOURCES,
    WHOLE,
    extra,
)
from windtunnel.catalogue.interview.q15_payments.designs import (
    BOOKED as BOOKED,
    DECLINED as DECLINED,
    CheckThenInsert,
    PassedOn,
    RetryingLibrary,
    RetryOnTimeout,
    Setting as Setting,
    paid as paid,
)
from windtunnel.catalogue.interview.q15_payments.desk import Desk as Desk, Tables as Tables
from windtunnel.catalogue.interview.q15_payments.episodes import episodes
from windtunnel.catalogue.interview.q15_payments.judging import by_statement, conserved, matrix, measure
from windtunnel.catalogue.interview.q15_payments.keys import LedgerOutbox, Reconciled, RecoveryPoints
from windtunnel.catalogue.interview.q15_payments.rig import Rig
from windtunnel.catalogue.interview.q15_payments.world import REUSED as REUSED, Payment as Payment


@dataclass(frozen=True)
class Params:
    """Which troubles payments meet, and how long they last."""

    places: int = param(26, "places at which the server is killed, as far as a payment has so many", 0, 30)
    seconds: int = param(18, "places at which a second request comes, or the job", 0, 30)
    back: int = param(8, "places of the job, after a death, at which it stands still while the payer comes back", 0, 20)
    messages: int = param(4, "messages, and commits, that something befalls", 0, 10)
    again: int = param(0, "the place at which a server is killed once more, after the first death; 0: none", 0, 20)
    drawn: int = param(0, "payments with several troubles that are drawn by lot", 0, 200)
    payments: int = param(0, "payments with which nothing goes wrong but that chance loses the bank's answers", 0, 1000)
    loss: float = param(0.05, "share of the bank's answers that chance loses", 0.0, 0.5)
    declined: int = param(0, "1: the bank declines each card the first time that it is charged", 0, 1)
    forgets: int = param(0, "1: the bank has forgotten all keys when a server dies", 0, 1)
    bank_s: float = param(0.05, "seconds that the bank takes, in the tunnel", 0.0, 1.0)
    lease_s: float = param(0.5, "seconds for which a key is locked", 0.2, 5.0)
    down_s: float = param(0.3, "seconds until what died runs again", 0.05, 5.0)
    dies: Literal["process", "power"] = param(
        "process",
        "how a server dies: its process; or the power of the room fails, where the other and the database are too",
        choices=("process", "power"),
    )


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`cut(number, trouble, stays)`: a payment, with its trouble; one after the other."""
    for e in episodes(p, luck):
        yield Op(0.0, "who cuts", "cut", (e.number, *e.trouble, e.stays), think_s=0.0)


__doc__ = (__doc__ or "").format(
    extra=extra(0.05),
    payers=100 * 0.05,
    acts=len(ACTS["retry_on_timeout"]),
    twice=round(DOUBLE * len(ACTS["retry_on_timeout"])),
    gone=round(GONE * len(ACTS["retry_on_timeout"])),
    checked=round(CHECKED * len(ACTS["check_then_insert"])),
    places=len(ACTS["check_then_insert"]),
    forgot=round(FORGOTTEN * len(ACTS["recovery_points"])),
    all_=len(ACTS["recovery_points"]),
)

experiment = Experiment(
    title="Payments",
    question="A server dies between a charge and its note: who pays twice, and who for nothing?",
    params=Params,
    workload=workload,
    designs={
        "retry_on_timeout": RetryOnTimeout,
        "retrying_library": RetryingLibrary,
        "check_then_insert": CheckThenInsert,
        "passed_on": PassedOn,
        "recovery_points": RecoveryPoints,
        "ledger_outbox": LedgerOutbox,
        "reconciled": Reconciled,
    },
    measure=measure,
    rig=Rig,
    board=BOARD,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart(
            "What came of it: 0 right, 1 lost or wrong, 2 charged twice",
            "place at which it happened",
            "0 dies, 1 payer gone, 2 two at once, 3 first stands still, 4 other, 5 back",
            matrix,
            kind="heat",
        ),
        Chart(
            "At what it died: 0 to 2 as above",
            "place",
            "outcome",
            by_statement,
            kind="bars",
        ),
        Chart("Money that no merchant has, or no bank", "payments", "charged and not credited, so far", conserved),
    ),
    asks=(
        Ask(
            "Charge, book, tell the shop, tell the payer, who asks again where he hears nothing. A server dies at each "
            "of its places in turn. After how many of 100 deaths has he paid twice?",
            "100 * retry_on_timeout.double",
            "of 100",
            0,
            100,
        ),
        Ask(
            "The key is looked up first, and inserted at the end, where it is unique. After how many of 100 now?",
            "100 * check_then_insert.double",
            "of 100",
            0,
            100,
        ),
        Ask(
            "The bank is told the payer's own key, and he has gone. After how many of 100 deaths do bank, shop and "
            "books know different things?",
            "100 * passed_on.gone",
            "of 100",
            0,
            100,
        ),
        Ask(
            "How many commits does a payment need with recovery points?",
            "recovery_points.commits",
            "commits",
            0,
            10,
        ),
    ),
    why=(
        Why("What is charged is charged, and nobody knows but the bank.", FIRST),
        Why("A library that asks again is one more who asks again.", LIBRARY),
        Why("A charge lies between the look and the insert.", RACE),
        Why("The bank knows the key, so that anybody may ask.", KEY),
        Why("If somebody asks.", LEFT),
        Why("A key first, a point in each transaction, and somebody who goes on.", WHOLE),
        Why("What the shop is told later keeps nobody waiting.", PARTED),
        Why("A key that is forgotten is none.", FORGOT),
        Why("The bank's own book is the last word.", FOUND),
    ),
    maps=(
        Map(
            "retry_on_timeout.extra > 5",
            "loss",
            x_range=(0.01, 0.3),
            line="loss > 0.05",
            given={**CALM, "payments": 190},
        ),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "The server dies right after the bank has charged. Who knows of the charge, and by which name?",
        "Insert the key before anything else, and note with each transaction how far you have come. Who goes on for a "
        "payer who has closed the page?",
        "The bank forgets keys. Before you charge for a payment that somebody else began, ask what it has by your "
        "reference.",
    ),
    sources=SOURCES,
    stages=("sim", "sqlite", "postgres"),
    seeds=2,
    quick={"places": 13, "seconds": 8, "back": 0, "messages": 2},
)
