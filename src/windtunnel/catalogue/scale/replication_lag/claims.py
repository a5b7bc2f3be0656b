"""What is claimed of the designs, what is demanded of a challenger's, and the numbers that theory gives."""

from __future__ import annotations

from windtunnel import Claim, Figure
from windtunnel.catalogue.scale.replication_lag.judging import (
    back_at_once,
    missed_at_once,
    written_per_s,
)
from windtunnel.catalogue.scale.replication_lag.sources import DELAY, GEM, JEPSEN, MONGO, RAILS, TERRY

USUAL = {"think_s": 0.3, "writes": 0.3, "near_s": 0.1, "far_s": 1.0, "wait_s": 0.05, "bound_s": 1.5}
CALM = {**USUAL, "trouble": "none"}
HELD = {**USUAL, "trouble": "held"}
CRASH = {**USUAL, "trouble": "crash"}
PROMOTE = {**USUAL, "trouble": "promote"}
LOSES = {**PROMOTE, "users": 24, "trouble_s": 2.0, "calm_s": 1.0}
HEARD = {**PROMOTE, "trouble_s": 0.0, "near_s": 2.0, "far_s": 2.0}
LITTLE_S, HALF_S = 0.002, 0.5
SMALL = {**CALM, "users": 16, "calm_s": 3.0, "near_s": LITTLE_S, "far_s": LITTLE_S, "think_s": HALF_S}
FAILS_OVER = {**CRASH, "users": 16, "think_s": 0.2, "writes": 0.4, "far_s": 3.0, "trouble_s": 2.0, "calm_s": 1.0}
LONG = {"trouble": "none", "near_s": 0.1, "wait_s": 0.05, "bound_s": 1.5}
COMES_BACK = {**LONG, "users": 32, "think_s": 0.2, "writes": 0.1, "far_s": 1.9}
LATER = {**LONG, "users": 32, "calm_s": 5.0, "think_s": 0.5, "writes": 0.1, "far_s": 4.0}
OTHERS = {**LONG, "users": 32, "think_s": 0.2, "writes": 0.1, "far_s": 2.0}
FIRST_ONE = {**LONG, "calm_s": 2.0, "users": 20, "think_s": 0.2, "writes": 0.2, "far_s": 1.0}
SELDOM = {**LONG, "calm_s": 3.0, "users": 16, "think_s": 0.3, "writes": 0.1, "far_s": 1.0}
MANY = {**CALM, "users": 32, "calm_s": 5.0, "think_s": 0.2, "far_s": 1.5}
SAME = {**CALM, "users": 32, "calm_s": 5.0, "near_s": 0.25, "far_s": 0.25, "think_s": 0.25}
DEAF = {**PROMOTE, "users": 32, "think_s": 0.2, "trouble_s": 4.0, "calm_s": 1.0}
EVEN = {**CALM, "near_s": 1.0, "far_s": 1.0, "bound_s": 1.2}
WAITS = {**HELD, "wait_s": 0.04}
AMONG = {**OTHERS, "users": 12, "calm_s": 3.0}
FOR_CHANCE = "calm_s >= 3"
"""What is a matter of chance is claimed of runs in which it is expected ten times."""
SIM = ("sim",)
KEPT_BY = ("own", "back", "order", "reply")


def kept(*designs: str) -> str:
    """No read of theirs misses anything."""
    return f"max({', '.join(f'{one}.{name}' for one in designs for name in KEPT_BY)}) == 0"


NOT_MINE = "any_replica.own > 0.1"
BACK = "any_replica.back > 0 and sticky.back == 0"
STICKS = "sticky.back == 0 and sticky.own > 0.1"
RETURNS = "own_writes.own == 0 and own_writes.back > 0"
APPLIED = "synchronous_apply.own == 0 and synchronous_apply.back > 0"
READ_TOO = "write_token.own == 0 and max(write_token.back, write_token.order, write_token.reply) > 0"
NO_NEWS = "params.users * params.writes / params.think_s * params.trouble_s"
LOST = f"min(any_replica.lost, session_token.lost) > 0.3 * {NO_NEWS}"
ALL_FOUR = kept("session_token", "durable_token")

CLAIMS = (
    Claim(
        NOT_MINE,
        "A standby shows a write when it has applied it, and most come back to look before that.",
        TERRY,
        breaks="any_replica",
        where="far_s >= 3 * think_s and users * calm_s >= 12 * think_s / writes and trouble != 'promote'",
    ),
    Claim(
        "any_replica.own < 0.1",
        "Where standbys are two thousandths of a second behind and people think for half a second, any will do.",
        given=SMALL,
        spares="any_replica",
    ),
    Claim(
        BACK,
        "Who reads at two standbys goes back in time; who keeps to one does not.",
        TERRY,
        given={**CALM, "users": 12, "calm_s": 3.0},
    ),
    Claim(
        STICKS,
        "But he misses his own writes as before.",
        TERRY,
        given=CALM,
        where="users * calm_s >= 12",
    ),
    Claim("sticky.back > 0", "And when the own standby dies the next one is older.", given=FAILS_OVER),
    Claim(
        "own_writes.own == 0 and 0.3 < own_writes.primary <= 1 and session_token.primary < 0.25",
        "Where people write often, two seconds after each write are much of the time.",
        given=CALM,
        where="users * calm_s >= 12",
    ),
    Claim(
        RETURNS,
        "Back from the primary one finds a standby that has not come so far.",
        RAILS,
        given=COMES_BACK,
        where=FOR_CHANCE,
    ),
    Claim(
        "own_writes.own > 0",
        "And two seconds are a guess: a standby that is four behind does not show the own write after them.",
        RAILS,
        given=LATER,
    ),
    Claim(
        "bounded.stale_s < params.bound_s + 0.3",
        "A bound says how old a read may be, also where a standby applies nothing for seconds.",
        given=HELD,
    ),
    Claim(
        "any_replica.stale_s > params.bound_s",
        "Which is older without one.",
        given=HELD,
        where="trouble_s >= 1.8 * bound_s and users >= 8",
    ),
    Claim(
        "bounded.own > 0.15",
        "A bound does not say that one sees one's own write.",
        given=CALM,
        where="users * calm_s >= 12",
    ),
    Claim(
        "bounded.primary < 0.1",
        "It costs the primary few reads, as long as a standby is fresher than that.",
        given=CALM,
    ),
    Claim(
        "bounded.primary < 0.1 and 5 < bounded.beats_per_s < 15",
        "Ten beats a second tell ages closely enough for a bound that is a fifth above the lag.",
        given=EVEN,
        stages=SIM,
    ),
    Claim(
        APPLIED,
        "When both have applied a write all see it; while one has and the other has not a reader still goes back.",
        given=FIRST_ONE,
    ),
    Claim(
        "synchronous_apply.write_ms > 1000 * params.far_s > 5 * session_token.write_ms",
        "Every commit waits as long as the slowest standby is behind.",
        DELAY,
        given=CALM,
    ),
    Claim(
        "synchronous_apply.longest_s > max(0.5 * params.trouble_s, 2 * durable_token.longest_s)",
        "And while one is dead nobody's write is answered; where any one of two is enough that does not matter.",
        given=CRASH,
        where="trouble_s >= 2 and users >= 8",
    ),
    Claim(
        READ_TOO,
        "A token of writes alone shows the own ones, and lets what others wrote come and go.",
        GEM,
        given=OTHERS,
        where=FOR_CHANCE,
    ),
    Claim(
        "write_token.own == 0 and write_token.write_ms < 100 and write_token.asked < session_token.asked - 0.5",
        "It makes no write wait, and asks the standbys less often than a token of what was read as well.",
        given=CALM,
        stages=SIM,
        where="users * calm_s >= 12",
    ),
    Claim(ALL_FOUR, "A token of what was written and read keeps all four.", TERRY, given=CALM),
    Claim(kept("session_token"), "Also where many read what others write.", TERRY, given=AMONG),
    Claim(ALL_FOUR, "Also while a standby applies nothing.", TERRY, given=HELD),
    Claim(ALL_FOUR, "Also where a standby dies and comes back.", TERRY, given=CRASH),
    Claim(
        "session_token.read_ms > any_replica.read_ms + 0.3 and 1 < session_token.asked < 4",
        "The price: two questions or so for each read, and sometimes a wait.",
        given=CALM,
        stages=SIM,
        where="users * calm_s >= 12",
    ),
    Claim(
        "write_token.longest_read_ms < 1000 * params.wait_s + 15",
        "Nor is the wait longer than it may be: then the primary answers.",
        given=WAITS,
        stages=SIM,
    ),
    Claim(
        "write_token.primary < 0.5",
        "Most reads find a standby that has come so far.",
        given=CALM,
        where="users * calm_s >= 12",
    ),
    Claim(
        "max(any_replica.unanswered, sticky.unanswered, session_token.unanswered) == 0",
        "And everybody is answered, whatever stands still.",
        given=HELD,
    ),
    Claim(
        LOST,
        "A promotion loses what no standby had heard of: writes a second times the seconds without news.",
        given=LOSES,
    ),
    Claim(
        "max(any_replica.lost, session_token.lost) == 0",
        "Two seconds of lag lose nothing, where all was heard: it is applied before the standby takes over.",
        DELAY,
        given=HEARD,
    ),
    Claim(
        "session_token.own > 0",
        "No token brings back what is lost.",
        given=LOSES,
    ),
    Claim(
        f"{kept('durable_token')} and max(durable_token.lost, synchronous_apply.lost) == 0",
        "What is answered when a standby has it is never lost, and the token holds on.",
        MONGO,
        given=PROMOTE,
    ),
    Claim(
        "durable_token.longest_s > 0.5 * params.trouble_s",
        "The price: while no standby hears, no write is answered.",
        given=PROMOTE,
        stages=SIM,
        where="trouble_s >= 2 and users >= 8",
    ),
)

ALL = f"max({', '.join(f'yours.{kind}' for kind in KEPT_BY)}) == 0"
PLAIN = {**CALM, "users": 12, "calm_s": 3.0}
STANDS = {**HELD, "users": 16, "think_s": 0.2, "writes": 0.2, "calm_s": 1.0, "trouble_s": 2.0}
DIES = {**CRASH, "users": 12, "calm_s": 1.5, "trouble_s": 3.0}
IDLE = {**HELD, "users": 32, "think_s": 2.5, "calm_s": 3.0, "trouble_s": 10.0}
TAKES_OVER = {**PROMOTE, "users": 12, "calm_s": 1.5, "trouble_s": 2.0}

DEMANDS = (
    Claim("yours.own == 0", "Who has written sees it.", given=PLAIN, always=True),
    Claim("yours.back == 0", "Nobody goes back in time.", given=PLAIN, always=True),
    Claim("yours.order == 0", "Who sees a later write sees the earlier one.", TERRY, given=PLAIN, always=True),
    Claim("yours.reply == 0", "Who sees a write sees what its author had read.", JEPSEN, given=PLAIN, always=True),
    Claim(ALL, "Also where many read what others write.", given={**OTHERS, "calm_s": 3.0}),
    Claim(ALL, "Also while a standby stands still.", given=STANDS),
    Claim(ALL, "Also for who comes back after seconds, and it still does.", given=IDLE),
    Claim(ALL, "Also when a standby dies.", given=FAILS_OVER),
    Claim(ALL, "Also when the primary does.", given=TAKES_OVER),
    Claim("yours.lost == 0", "And what was answered is not lost then.", given=TAKES_OVER),
    Claim("yours.at_primary < 0.6", "Most reads are for standbys.", given=SELDOM),
    Claim("yours.read_ms < 30", "A read waits for no standby that stands still.", given=STANDS),
    Claim("yours.write_ms < 20", "Nor does a write wait until it is applied.", given=PLAIN),
    Claim("yours.write_ms < 50", "Nor for a standby that is dead.", given=DIES),
    Claim("yours.unanswered == 0", "Everybody is answered, whichever standby is dead.", given=DIES),
    Claim("yours.lost == 0", "What was answered stands in the log of changes.", given=PLAIN, always=True),
    Claim("yours.other == 0", "And on the page, unless somebody wrote there later.", given=PLAIN, always=True),
    Claim("yours.made_up == 0", "What is read was written, to that page, and before.", given=PLAIN, always=True),
    Claim("yours.unasked == 0", "A database is asked for each read.", given=PLAIN, always=True),
)

FIGURES = (
    Figure(
        "reads right after a write that miss it",
        missed_at_once((0.25, 0.25), 0.25),
        "any_replica.reload",
        0.2,
        "D",
        "1 - exp(-lag / think): both standbys 0.25 s behind, think times exponential with mean 0.25 s",
        given=SAME,
    ),
    Figure(
        "second looks that show an older page",
        back_at_once(0.1, 1.5, 0.2, 1.5),
        "any_replica.look",
        0.4,
        "D",
        "(1/4) E[1 - exp(-w (d - g))]: near one first, then the far one, d = 1.4 s further behind; w = 1.5 writes a "
        "second to a page, taken as a Poisson process; the gap g exponential with mean 0.2 s",
        given=MANY,
    ),
    Figure(
        "a commit that waits until it is applied, ms",
        1000.0,
        "synchronous_apply.write_ms",
        0.02,
        "D",
        "the lag of the slowest standby: 1 s",
        given=CALM,
    ),
    Figure(
        "acknowledged writes that a promotion loses",
        written_per_s(32, 0.3, 0.2) * 4.0,
        "any_replica.lost",
        0.25,
        "D",
        "users x writes / think x seconds without news: 32 people, 0.3 of what they ask, 0.2 s, 4 s",
        given=DEAF,
    ),
)
