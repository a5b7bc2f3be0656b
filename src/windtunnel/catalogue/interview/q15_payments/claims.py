"""What is claimed of the designs, what is demanded of a challenger's, and the numbers that counting gives."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source
from windtunnel.catalogue.interview.q15_payments.world import ASKS

LEACH = Source(
    "B. Leach, Implementing Stripe-like Idempotency Keys in Postgres", 2017, "https://brandur.org/idempotency-keys"
)
STRIPE = Source("Stripe API reference: Idempotent requests", 2026, "https://docs.stripe.com/api/idempotent_requests")
PYTHON = Source("Stripe Python Library: Configuring Automatic Retries", 2026, "https://github.com/stripe/stripe-python")
BEETLE = Source(
    "TigerBeetle documentation: Reliable Transaction Submission",
    2026,
    "https://docs.tigerbeetle.com/coding/reliable-transaction-submission/",
)
TRANSFER = Source("TigerBeetle documentation: Transfer", 2026, "https://docs.tigerbeetle.com/reference/transfer/")
BEPAID = Source(
    "bePaid documentation: Error handling and retry requests",
    2026,
    "https://docs.bepaid.by/en/using_api/error_handling/",
)

HELLAND = Source(
    "P. Helland, Life beyond Distributed Transactions: an Apostate's Opinion (CIDR)",
    2007,
    "https://www.cidrdb.org/cidr2007/papers/cidr07p15.pdf",
)
SOURCES = (LEACH, STRIPE, PYTHON, BEETLE, TRANSFER, BEPAID, HELLAND)

SIM = ("sim",)
"""Where nothing else takes time."""
ACTS = {
    "retry_on_timeout": ("charge", "sent", "insert", "update", "commit", "tell shop", "sent", "tell payer"),
    "check_then_insert": (
        *("look", "charge", "sent", "tell shop", "sent"),
        *("insert key", "insert", "update", "commit", "tell payer"),
    ),
    "recovery_points": (
        *("insert key", "charge", "sent", "update key", "insert", "update", "commit"),
        *("tell shop", "sent", "update key", "tell payer", "look for open keys", "look for open keys"),
    ),
}
"""What a server does to the world, from the first to the last, with the job of every minute, which runs twice."""


def after(design: str, first: str, last: str) -> float:
    """The share of its acts before which a death leaves it behind the one and not yet behind the other."""
    acts = ACTS[design]
    return (acts.index(last) - acts.index(first)) / len(acts)


WAIT_MS = "1000 * (max(1.5 * {lease}, {bank}) + 2 * {bank} + 0.05)"
"""Until a lock has ended and its payer asks the next time, or the bank has answered; then the bank is asked twice."""
DOUBLE = after("retry_on_timeout", "charge", "tell payer")
"""Once the charge is sent until the payer is told, who asks again is charged again."""
GONE = after("retry_on_timeout", "charge", "tell shop")
"""And who does not ask again has paid for nothing until the shop is told."""
CHECKED = after("check_then_insert", "charge", "commit")
FORGOTTEN = (ACTS["recovery_points"].index("commit") - ACTS["recovery_points"].index("sent")) / len(
    ACTS["recovery_points"]
)
"""The bank has charged, and nobody has noted it; a charge that is only just sent is made with the key as new."""


def extra(loss: float, retries: int = ASKS - 1) -> float:
    """Charges beyond one a payment, of 100 payments, where each answer is lost with this chance."""
    return 100 * sum(loss**k for k in range(1, retries + 1))


CALM = {
    "places": 0,
    "seconds": 0,
    "back": 0,
    "messages": 0,
    "again": 0,
    "drawn": 0,
    "payments": 0,
    "declined": 0,
    "forgets": 0,
}
CHANCE = {**CALM, "payments": 95, "loss": 0.05}
MANY = {**CALM, "payments": 380, "loss": 0.05}
DEATHS = {**CALM, "places": 13, "dies": "process"}
POWER = {**DEATHS, "dies": "power"}
TWO = {**DEATHS, "places": 8, "again": 4}
FORGETS = {**DEATHS, "messages": 1, "forgets": 1}
DECLINED = {**CALM, "places": 8, "seconds": 4, "declined": 1}
HASTY = {**CALM, "places": 4, "seconds": 5, "lease_s": 0.2, "bank_s": 0.6}
DRAWN = {**CALM, "drawn": 16}
BACK = {**CALM, "back": 14, "lease_s": 1.0, "down_s": 0.3, "dies": "process"}

EVERY = "places >= 13 and again + declined + drawn == 0"
"""As far as the worst of it goes, and half of the longest."""
ALL = f"{EVERY} and seconds >= 8"
KNOWN = "places >= 13 and again + declined + drawn + forgets == 0"
KEPT = f"{KNOWN} and seconds >= 8"

FIRST = f"abs(retry_on_timeout.double - {DOUBLE:.6f}) < 0.001"
LIBRARY = "retrying_library.double == 0 and retrying_library.doubles >= 2"
RACE = f"abs(check_then_insert.double - {CHECKED:.6f}) < 0.001 and check_then_insert.twins > 0.6"
KEY = "passed_on.broken == passed_on.twins == passed_on.reused == 0 and passed_on.killed >= 20"
LEFT = f"abs(passed_on.gone - {CHECKED:.6f}) < 0.001"
RIGHT = ("recovery_points", "ledger_outbox", "reconciled")


def worst(of: str, designs: tuple[str, ...] = RIGHT) -> str:
    """The most of one measurement among these designs."""
    return f"max({', '.join(f'{design}.{of}' for design in designs)})"


WHOLE = f"{worst('wrong')} == 0 and min(recovery_points.killed, ledger_outbox.killed, reconciled.killed) >= 26"
FORGOT = (
    f"abs(recovery_points.double - {FORGOTTEN:.6f}) < 0.001 and ledger_outbox.double > 0.25 and passed_on.double > 0.5"
)
FOUND = "reconciled.wrong == 0 and reconciled.gross == 1 and ledger_outbox.gross > 5"
PARTED = "recovery_points.unheard == 1 and ledger_outbox.unheard <= 0.5"

CLAIMS = (
    Claim(
        FIRST,
        "From the moment the charge is sent until the payer is told, a death makes who asks again pay again.",
        breaks="retry_on_timeout",
        where=EVERY,
    ),
    Claim(
        f"abs(retry_on_timeout.gone - {GONE:.6f}) < 0.001",
        "Who does not ask again has paid for what nobody ships, until the shop is told.",
        where=EVERY,
    ),
    Claim(
        "retry_on_timeout.twins == 1 and retry_on_timeout.reused == 1",
        "Without a key two clicks are two payments, wherever the first one is.",
        where=ALL,
    ),
    Claim(
        LIBRARY,
        "Who never asks twice is charged twice where his library does: an answer that is lost is no charge undone.",
        PYTHON.title,
        given={**DEATHS, "messages": 2},
    ),
    Claim(
        "retrying_library.broken > 0.5 and retrying_library.stuck > 0",
        "And a key that was begun and has no end is an answer to nobody.",
        where=ALL,
    ),
    Claim(
        f"abs(retry_on_timeout.extra - {extra(0.05):.4f}) < 1.1 and retrying_library.extra == retry_on_timeout.extra",
        "Each answer that is lost is one more charge, whoever asks again.",
        given=CHANCE,
    ),
    Claim(
        RACE,
        "Between the look and the insert there is a charge: two come through, and a death makes it happen again.",
        LEACH.title,
        where=ALL,
    ),
    Claim(
        "check_then_insert.reused > 0.6 and retrying_library.reused == retrying_library.twins == 0",
        "So do two different payments with one key, though it is unique in the end: where it comes first they do not.",
        where=ALL,
    ),
    Claim(
        KEY,
        "A key that the bank is told is enough, while the payer asks until he hears: it needs no recovery points.",
        BEETLE.title,
        where=KEPT,
    ),
    Claim(
        LEFT,
        "But somebody has to ask: of who has gone, bank, shop and books know different things.",
        LEACH.title,
        where=KNOWN,
    ),
    Claim(
        f"{worst('later')} == 0 and passed_on.later == 0",
        "Who has gone and comes back with his key when the job has run is told what came of it, and pays no more.",
        where=KEPT,
    ),
    Claim(
        "retry_on_timeout.beside == check_then_insert.beside == passed_on.beside == 0",
        "Two payments to one merchant at once are two, where the database adds to what he has.",
        where=KEPT,
        spares="retry_on_timeout",
    ),
    Claim(
        "passed_on.commits == 1 and recovery_points.commits == 3 and ledger_outbox.commits == 2",
        "An account of how far it has come costs commits.",
        given=CALM,
    ),
    Claim(
        WHOLE,
        "With the key first, a point in each transaction and a key for each foreign call there is no place at which "
        "anything is charged twice, lost, or told wrongly.",
        LEACH.title,
        where=KNOWN,
    ),
    Claim(
        f"{worst('wrong')} == 0",
        "Also where the power fails in the room of both servers and the database.",
        given=POWER,
    ),
    Claim(f"{worst('wrong')} == 0", "Also where a server dies again.", given=TWO),
    Claim(f"{worst('wrong')} == 0", "Also where several of it come together, by lot.", given=DRAWN),
    Claim(
        "reconciled.wrong == 0 and reconciled.tried == 15",
        "Also where the payer comes back while the job looks at his payment: what ends between two looks "
        "is no stray charge.",
        given=BACK,
    ),
    Claim(
        f"{worst('wrong')} == 0 and recovery_points.tried > 10",
        "Also where the lock on a key lasts for less than the bank takes: who was slower takes the other's answer.",
        given=HASTY,
    ),
    Claim(
        f"{worst('lies')} == {worst('wrong')} == retry_on_timeout.writes == 0 and retry_on_timeout.lies > 0"
        " and reconciled.tried == 41",
        "A no is an answer too, and has to be the same again.",
        STRIPE.title,
        given=DECLINED,
    ),
    Claim(
        f"{worst('bank_findings')} == 0 and {worst('shop_findings')} == 0 and retry_on_timeout.bank_findings > 5",
        "As the checker of messages has it: what was acknowledged was charged and shipped, once.",
        where=KNOWN,
    ),
    Claim(
        FOUND,
        "Who asks the bank what it has before he charges again needs no key that is kept for ever; a charge that "
        "comes when all is over is given back.",
        BEPAID.title,
        given=FORGETS,
    ),
    Claim(
        FORGOT,
        "A bank that has forgotten the key charges again, between its charge and our note of it.",
        STRIPE.title,
        given=FORGETS,
    ),
    Claim(
        "max(ledger_outbox.unbalanced, reconciled.unbalanced) == 0 and ledger_outbox.killed >= 26",
        "At the moment of each death the entries cancel out, and the balance follows from them.",
        TRANSFER.title,
        where=EVERY,
        stages=SIM,
    ),
    Claim(
        f"{worst('money')} == {worst('gross')} == 0",
        "What the bank has charged is what merchants have, and nothing has to be given back.",
        where=KNOWN,
    ),
    Claim(
        PARTED,
        "A shop that is out keeps the payer of recovery points waiting, and not that of an outbox.",
        LEACH.title,
        where=f"{EVERY} and messages >= 2",
    ),
    Claim(
        "recovery_points.again_ms > 1000 * params.lease_s and passed_on.again_ms < 1000 * params.lease_s",
        "The lock on a key makes who asks again after a death wait for its end; who has none is told sooner.",
        where=f"{KNOWN} and dies == 'process' and bank_s <= 0.1 and lease_s >= 0.3",
        stages=SIM,
    ),
    Claim(
        f"{worst('again_ms')} < {WAIT_MS.format(lease='params.lease_s', bank='params.bank_s')}",
        "And no longer than until then, the next time that he asks, and what the bank takes.",
        where=f"{KNOWN} and dies == 'process' and down_s <= max(1.5 * lease_s, bank_s)",
        stages=SIM,
    ),
    Claim(
        "max(retry_on_timeout.wrong, retrying_library.wrong, check_then_insert.wrong) == 0",
        "While nobody dies and every answer comes, asking and booking is enough.",
        given={**CHANCE, "payments": 60, "loss": 0.0},
        spares="retry_on_timeout",
    ),
    Claim(
        "retry_on_timeout.writes == 2 and retry_on_timeout.commits == 1 and reconciled.writes == 6"
        " and 0 < reconciled.pay_ms - retry_on_timeout.pay_ms < 10",
        "It writes a third, and saves a few milliseconds.",
        given={**CALM, "bank_s": 0.05},
        stages=SIM,
        spares="retry_on_timeout",
    ),
)

SOME = {**CALM, "places": 6, "seconds": 3, "messages": 2}
BOTH = {**CALM, "places": 26, "seconds": 14, "messages": 4}
DEMANDS = (
    Claim("yours.doubles == 0", "No card is charged twice, at whatever place a server dies.", given=BOTH),
    Claim("yours.gross == 0", "Nor charged twice and given back, while the bank knows its keys.", given=BOTH),
    Claim("yours.doubles == 0", "Whatever else fails.", given=SOME, always=True),
    Claim("yours.doubles == 0", "Also where a server dies again.", given=TWO),
    Claim("yours.doubles == 0", "Also where the bank has forgotten the key.", given=FORGETS),
    Claim("yours.lies == 0", "Nor is anybody told of a charge then that was given back.", given=FORGETS),
    Claim(
        "yours.lies == 0", "Nobody is told no and charged, or two things, or of a charge that is not his.", given=BOTH
    ),
    Claim("yours.lies == 0", "Also where the card is declined.", given=DECLINED),
    Claim("yours.lies == 0", "Whatever else fails.", given=SOME, always=True),
    Claim("yours.mixed == 0", "A key belongs to one payment.", given=BOTH),
    Claim("yours.given == 0", "Nothing is shipped that nobody has paid for.", given=DECLINED),
    Claim("yours.lost == 0", "Who has paid gets what he paid for.", given=BOTH),
    Claim("yours.lost == 0", "Also where the power fails.", given=POWER),
    Claim("yours.shipped_twice == 0", "And gets it once.", given=BOTH),
    Claim("yours.money == 0", "What the bank has charged is what merchants have.", given=BOTH),
    Claim("yours.unserved == 0", "Who can pay, pays.", given=BOTH),
    Claim("yours.stuck == 0", "Who goes on asking is told.", given=BOTH),
    Claim("yours.stuck == 0", "Also where the bank takes longer than a lock on a key lasts.", given=HASTY),
    Claim("yours.wrong == 0", "Nor is anything else wrong where the payer comes back while the job looks.", given=BACK),
    Claim("yours.wrong == 0", "Nor where the bank has forgotten the key.", given=FORGETS),
    Claim("yours.wrong == 0", "Nor where the power fails.", given=POWER),
    Claim("yours.wrong == 0", "Nor where a server dies again.", given=TWO),
    Claim("yours.wrong == 0", "Nor where the card is declined.", given=DECLINED),
    Claim("yours.wrong == 0", "Nor where several troubles come together.", given=DRAWN),
    Claim(
        "yours.pay_ms < 100", "A payment takes what the bank takes, and little more.", given={**CALM, "bank_s": 0.05}
    ),
    Claim("yours.calls <= 3", "The bank is not asked more often than it has to be.", given=CALM),
)

COUNTED = "counted by hand: before each statement, commit and message, when a message is out, before the payer is told"
FIGURES = (
    Figure(
        "charges of a key at the most, at every place",
        1,
        "reconciled.most",
        0.0,
        "V",
        "idempotency keys with recovery points, atomic phases and a key for the foreign call; a crash at each "
        "statement",
        source=LEACH.title,
        given=DEATHS,
    ),
    Figure(
        "extra charges of 100 payments, the payer asks again",
        extra(0.05),
        "retry_on_timeout.extra",
        0.03,
        "D",
        "one answer of twenty is lost, three retries: .05 + .05² + .05³",
        given=MANY,
    ),
    Figure(
        "extra charges of 100 payments, the library asks again",
        5.27,
        "retrying_library.extra",
        0.03,
        "R",
        "one answer of twenty is lost, three retries",
        given=MANY,
    ),
    Figure(
        "payers charged more than once, of 100",
        5.0,
        "retry_on_timeout.payers",
        0.06,
        "D",
        "whose first answer is lost",
        given=MANY,
    ),
    Figure(
        "places at which who asks again pays again",
        DOUBLE,
        "retry_on_timeout.double",
        0.001,
        "D",
        COUNTED,
        given=DEATHS,
    ),
    Figure(
        "the same, where the key is looked up first",
        CHECKED,
        "check_then_insert.double",
        0.001,
        "D",
        COUNTED,
        given=DEATHS,
    ),
    Figure(
        "places between a charge and its note",
        FORGOTTEN,
        "recovery_points.double",
        0.001,
        "D",
        f"{COUNTED}; a bank that has forgotten the key charges again there",
        given=FORGETS,
    ),
)
