"""What is claimed of the designs, what is demanded of a challenger's, and the numbers of others."""

from __future__ import annotations

from typing import Any

from windtunnel import Claim, Figure, Source

MILLIONS = Source("WhatsApp Blog: 1 million is so 2011", 2012, "https://blog.whatsapp.com/1-million-is-so-2011")
DEVICES = Source(
    "Engineering at Meta: How WhatsApp enables multi-device capability",
    2021,
    "https://engineering.fb.com/2021/07/14/security/whatsapp-multi-device/",
)
XMPP = Source("XEP-0198: Stream Management, version 1.6.3", 2025, "https://xmpp.org/extensions/xep-0198.html")
MEMORY = Source(
    "websockets documentation: Memory and buffers",
    2026,
    "https://websockets.readthedocs.io/en/stable/topics/memory.html",
)
FIREBASE = Source(
    "Firebase documentation: ExperimentalLongPollingOptions",
    2026,
    "https://firebase.google.com/docs/reference/js/firestore_.experimentallongpollingoptions",
)
SLACK = Source(
    "Slack API changelog: Batch presence and presence subscriptions",
    2017,
    "https://api.slack.com/changelog/2017-06-batch-presence-and-presence-subscriptions",
)
ROSTER = Source("RFC 6121: XMPP: Instant Messaging and Presence", 2011, "https://www.rfc-editor.org/rfc/rfc6121")
SOURCES = (MILLIONS, DEVICES, XMPP, MEMORY, FIREBASE, ROSTER, SLACK)

SIM = ("sim",)
"""Where a crowd is simulated, and a core is modelled."""

CALM: dict[str, Any] = {
    "users": 4,
    "messages": 12,
    "every_s": 1.0,
    "kills": 0,
    "cuts": 0,
    "gateways": 2,
    "poll_s": 1.0,
    "hold_s": 10.0,
    "ping_s": 20.0,
    "spread_s": 3.0,
    "idle": 0,
    "login_ms": 0.0,
    "storm": 0,
    "watch": 0,
    "crowd": 0,
}
OPEN = {name: value for name, value in CALM.items() if name not in ("poll_s", "hold_s")}
"""Where nobody asks: phones hold lines."""
DEATHS: dict[str, Any] = {**OPEN, "dies": "process", "place": 0, "down_s": 1.0, "away_s": 3.0}
CUTS = {**OPEN, "every_s": 0.7, "cuts": 8, "place": 0, "away_s": 3.0}
KILLS = {**DEATHS, "messages": 10, "every_s": 0.7, "kills": 6, "place": 2}
BUSY = {**CALM, "messages": 24, "every_s": 0.05}
DENSE = {**CALM, "users": 2, "messages": 60, "every_s": 0.001}
STORM = {**OPEN, "messages": 4, "idle": 20, "login_ms": 400.0, "storm": 1, "leave": 0, "down_s": 10.0, "spread_s": 10.0}
BREEZE = {**STORM, "login_ms": 50.0}
GROUP = {**CALM, "users": 8, "messages": 6}
LOOK = {**OPEN, "users": 8, "messages": 6, "cuts": 6, "watch": 1, "ping_s": 5.0, "away_s": 30.0}
GHOST = {**LOOK, "users": 4, "messages": 1, "cuts": 0, "idle": 12, "storm": 1, "leave": 3, "down_s": 10.0}
"""Some phones vanish as their gateway dies, so that nobody is there to see that they have gone."""
CROWD = {**CALM, "messages": 1, "crowd": 1000, "crowd_s": 21.6}
EVEN = {**CROWD, "hold_s": 20.0}
MANY = {name: value for name, value in EVEN.items() if name not in ("poll_s", "ping_s", "crowd_s")}
TROUBLE = {**DEATHS, "messages": 24, "every_s": 0.7, "kills": 8, "cuts": 8}
POWER = {**DEATHS, "every_s": 0.7, "kills": 6, "dies": "power", "ping_s": 5.0}

QUIET = "(idle + 24) * login_ms <= 1000"
"""Where no storm keeps phones out for ever."""
MASSES = "crowd_s >= 10 and poll_s <= 1 and ping_s >= 10 * poll_s"
"""Where those who ask do so often beside those who are held, and for long enough to be counted."""

KEPT = ("poll", "long_poll", "at_once", "store_and_forward")
LINES = ("forgets_on_send", "without_ids", "at_once", "store_and_forward")


def worst(*measures: str, designs: tuple[str, ...] = KEPT) -> str:
    """The most of these measurements among these designs."""
    return f"max({', '.join(f'{design}.{of}' for design in designs for of in measures)})"


EXACT = f"{worst('lost', 'twice', 'disorder', 'strange')} == 0"
NOTHING = "poll.useful_of_100 < 0.1 * params.poll_s and poll.crowd_ms > 250 * params.poll_s"
HELD = (
    "long_poll.asks_a_second < 0.2 * poll.asks_a_second and long_poll.crowd_ms < 0.01 * poll.crowd_ms"
    " and store_and_forward.asks_a_message == 2"
)
PINGED = "abs(store_and_forward.pings_a_second / long_poll.asks_a_second - 1) < 0.1"
SOON = (
    "poll.delay_mean_ms > 4 * store_and_forward.delay_mean_ms and long_poll.delay_p50_ms < 200"
    " and long_poll.delay_mean_ms < 250 and long_poll.up_a_second < 20"
    " and max(poll.copies, long_poll.copies, store_and_forward.copies) < 3"
)
LITTLE = "0 < store_and_forward.delay_p50_ms - push.delay_p50_ms < 15 and store_and_forward.sent_p50_ms < 100"
DEAR = (
    "push.commits == 0 and 1.6 * store_and_forward.devices < store_and_forward.commits < 14"
    " and store_and_forward.reads < 30 and 2 * push.frames < store_and_forward.frames < 10"
)
BATCHED = (
    "poll.frames < 0.4 * store_and_forward.frames and poll.bytes < store_and_forward.bytes"
    " and max(poll.lost, poll.twice, poll.disorder) == 0"
)
GONE = "push.lost > 0 and forgets_on_send.lost > 0 and forgets_on_send.commits > 0 and store_and_forward.lost == 0"
AGAIN = (
    "without_ids.twice > 0 and without_ids.lost == 0 and max(push.twice, at_once.twice, store_and_forward.twice) == 0"
)
ORDER = "push.disorder > 0 and push.lost == 0 and poll.disorder == 0"
POWERED = (
    "max(store_and_forward.lost, store_and_forward.twice, store_and_forward.disorder, store_and_forward.unread) == 0"
    " and store_and_forward.killed >= 2 and push.lost > 0"
)
STORMY = "at_once.tries > 3 * store_and_forward.tries and at_once.back_s > store_and_forward.back_s"
SPARED = "at_once.back_s < 2.2 and store_and_forward.back_s > 2 * at_once.back_s and at_once.lost == 0"
FANNED = (
    "abs(store_and_forward.rows - store_and_forward.devices - 1) < 0.01 and poll.rows == store_and_forward.rows"
    " and push.rows == 0"
)
GHOSTS = (
    "forgets_on_send.ghost_s > 20 and max(store_and_forward.ghost_s, without_ids.ghost_s) < 6"
    " and max(store_and_forward.unseen_s, without_ids.unseen_s) < 6"
    " and without_ids.told > 4 * store_and_forward.told and store_and_forward.told < 8"
)
SEEN = "max(forgets_on_send.ghost_s, store_and_forward.ghost_s) < 21.5 and forgets_on_send.unseen_s < 1"
TICKS = f"{worst('lies', 'undelivered', 'unread', designs=('at_once', 'store_and_forward'))} == 0"

CLAIMS = (
    Claim(
        NOTHING,
        "Nearly all that a phone asks is answered with nothing, and what is new has waited for half a period.",
        breaks="poll",
        given=MANY,
        where=MASSES,
        stages=SIM,
    ),
    Claim(
        HELD,
        "An answer that is held back comes at once, and is asked for once in a while; a frame comes when there is one.",
        FIREBASE.title,
        given=MANY,
        where=MASSES,
        stages=SIM,
    ),
    Claim(
        PINGED,
        "A line that is held is not free: where it is pinged as often as a held answer ends, both cost as many words.",
        given=EVEN,
        stages=SIM,
    ),
    Claim(
        SOON,
        "Who polls waits for half a period more than who is told; a held answer is as soon as a frame; and none brings "
        "again what a device has.",
        given=CALM,
    ),
    Claim(
        LITTLE,
        "To keep a message before it is ticked takes a few milliseconds.",
        given=CALM,
        stages=SIM,
    ),
    Claim(
        DEAR,
        "And commits, and frames: what is kept is acknowledged by each device, and the sender is told.",
        given=CALM,
    ),
    Claim(
        BATCHED,
        "Where all talk all the time an answer brings many messages: who polls asks least, and loses nothing.",
        given=BUSY,
        spares="poll",
    ),
    Claim(
        EXACT,
        "What is kept in one transaction under its id and the next number of its chat, until a device says that it has "
        "it, is shown once on each device, in one order, whoever dies or vanishes; how it gets there is no matter.",
        XMPP.title,
        where=QUIET,
    ),
    Claim(
        f"{worst('findings')} == 0 and {TICKS}",
        "As the checker of messages has it too; and no tick says more than is so, and all are told in the end.",
        where=QUIET,
    ),
    Claim(
        "store_and_forward.killed >= 1 and store_and_forward.killed + store_and_forward.vanished >= 4",
        "While gateways died and phones vanished, in the midst of it.",
        where=f"kills >= 6 and cuts >= 6 and messages >= 12 and place == 0 and gateways >= 2 and every_s >= 0.5"
        f" and down_s <= 2 and away_s <= 5 and spread_s <= 5 and {QUIET}",
    ),
    Claim(
        GONE,
        "A frame that was written to a socket is not there yet: a phone that has vanished gets neither what nobody "
        "keeps nor what is kept until it is sent.",
        XMPP.title,
        given=CUTS,
    ),
    Claim(
        "forgets_on_send.lost == 0",
        "Where nobody vanishes and no gateway dies it is enough to keep a message until it is sent.",
        given=CALM,
        spares="forgets_on_send",
    ),
    Claim(
        AGAIN,
        "A message whose tick is lost is told again; without an id of the phone's own it is another one. A phone that "
        "knows ids shows it once, though nobody else keeps anything.",
        XMPP.title,
        given=KILLS,
    ),
    Claim(
        POWERED,
        "The power fails in the room of all gateways and the database: what was kept is on its disk, and phones learn "
        "by their pings that they have to come again.",
        given=POWER,
        stages=SIM,
    ),
    Claim(
        ORDER,
        "Each gateway passes on what it hears first: without a number from one place two phones show two orders.",
        given=DENSE,
        stages=SIM,
    ),
    Claim(
        STORMY,
        "Phones that come back at once keep a gateway busy with those who have given up; those that come one after the "
        "other get in.",
        given=STORM,
        stages=SIM,
    ),
    Claim(
        SPARED,
        "Where a gateway has let all in before any of them gives up, to come back at once is sooner.",
        given=BREEZE,
        stages=SIM,
        spares="at_once",
    ),
    Claim(
        FANNED,
        "A message to a group is a row for each device of its members, and one for itself.",
        given=GROUP,
    ),
    Claim(
        GHOSTS,
        "A gateway that dies with phones that have vanished takes no flag away: they are online until they are back. "
        "What is said again and again is over when nobody says it. Many are told where all who know somebody are, and "
        "few where those who look.",
        SLACK.title,
        given=GHOST,
    ),
    Claim(
        SEEN,
        "Where all gateways live a flag is right as soon, and the line of a phone that has vanished is over when its "
        "ping was not answered, nor the goodbye.",
        given=LOOK,
        spares="forgets_on_send",
    ),
)

LONG = {**CALM, "messages": 16}
CRUSH = {**DEATHS, "messages": 30, "every_s": 0.002}
RUSH = {**DEATHS, "messages": 40, "every_s": 0.02, "cuts": 40, "place": 2, "away_s": 1.0, "spread_s": 1.0}
FEW = {**CALM, "every_s": 4.0, "gateways": 1}
LATE = {**DEATHS, "messages": 8, "every_s": 4.0, "kills": 8, "place": 3, "down_s": 0.5, "spread_s": 2.0}
"""A gateway has kept a message, has told who typed it, and dies before it tells the other gateway."""
AWAY = {**LOOK, "messages": 12}
ALONE = {**AWAY, "messages": 16, "every_s": 2.0, "gateways": 1}
"""Phones vanish while their gateway lives, and their owners' other devices are still there."""
OFTEN = {**DEATHS, "messages": 20, "every_s": 0.7, "kills": 20, "spread_s": 0.5}
MIDST = {**OFTEN, "every_s": 0.3, "place": 3}
DEMANDS = (
    Claim("yours.lost == 0", "What was ticked as sent is shown on each device.", given=TROUBLE),
    Claim("yours.lost == 0", "Also where a phone vanishes as a message is on its way to it.", given=CUTS),
    Claim("yours.lost == 0", "Also where a gateway dies between what it keeps and what it says.", given=KILLS),
    Claim("yours.lost == 0", "Also where all type at once.", given=CRUSH),
    Claim("yours.lost == 0", "Also where the power of all gateways and the database fails.", given=POWER),
    Claim("yours.twice == 0", "And is shown once.", given=TROUBLE),
    Claim("yours.twice == 0", "Also where a gateway dies before it can say that it has it.", given=KILLS),
    Claim("yours.twice == 0", "Also where phones vanish that have typed several.", given=RUSH),
    Claim("yours.twice == 0", "Whatever else fails.", given={**CALM, "messages": 8}, always=True),
    Claim("yours.disorder == 0", "All devices show a chat in one order, and who typed in his.", given=TROUBLE),
    Claim("yours.disorder == 0", "Also where all type at once.", given=CRUSH),
    Claim("yours.disorder == 0", "Also where a gateway dies between two inboxes of a group.", given=MIDST),
    Claim("yours.strange == 0", "Nobody is shown what is not for him, or not so.", given=TROUBLE),
    Claim("yours.leaked == 0", "Nor does it come to his phone, shown or not.", given=TROUBLE),
    Claim("yours.sent == yours.typed", "Who types is told in the end that it is sent.", given=TROUBLE),
    Claim("yours.lies == 0", "No tick says more than is so.", given=TROUBLE),
    Claim("yours.undelivered == 0", "Who has typed what all have is told.", given=TROUBLE),
    Claim("yours.unread == 0", "And who has been read by all is told.", given=TROUBLE),
    Claim("yours.sent_p50_ms < 130", "Who types is told at once that it is kept, whoever has it.", given=LONG),
    Claim("yours.delay_p50_ms < 200", "A message is there at once.", given=LONG),
    Claim("yours.delay_mean_ms < 250", "On each device, also where there is one gateway.", given=FEW),
    Claim("yours.delay_mean_ms < 1500", "Nobody waits for the next message to see the last.", given=LATE),
    Claim("yours.copies < 4", "Who comes back is not told all that he has.", given=OFTEN),
    Claim("yours.up_a_second < 3", "And phones that have nothing to say say little.", given=FEW),
    Claim("yours.reads < 80", "Nor is the database asked over and over.", given=FEW),
    Claim("yours.ghost_s < 8", "Nobody is said to be online for long who has gone.", given=GHOST),
    Claim("yours.unseen_s < 6", "And who is there is said to be.", given=GHOST),
    Claim("yours.ghost_s < 24", "Nor where his gateway lives, and nobody answers its pings.", given=AWAY),
    Claim("yours.unseen_s < 6", "At whatever device, and gateway.", given=AWAY),
    Claim("yours.unseen_s < 6", "Also where his other device has gone from there.", given=ALONE),
    Claim("yours.told < 14", "But only to those who look.", given=GHOST),
    Claim("yours.tries < 80", "Those that were cut off do not come all at once, again and again.", given=STORM),
    Claim("yours.back_s < 28", "And all are back in half a minute.", given=STORM),
)

FIGURES = (
    Figure(
        "sockets at once on one machine",
        2_277_845,
        "store_and_forward.held",
        0.01,
        "V",
        "FreeBSD 8.2, Erlang, 24 logical CPUs, 103,062,118,400 bytes of memory, 42 % idle",
        source="WhatsApp Blog",
    ),
    Figure(
        "questions for each message, of phones that poll each second",
        2160.0,
        "poll.asks_a_message",
        0.02,
        "D",
        "40 messages a day: 86,400 / 40",
        given={**CROWD, "crowd": 10_000},
        stages=SIM,
    ),
    Figure(
        "of 100 questions, those that are answered with a message",
        100 / 2160,
        "poll.useful_of_100",
        0.02,
        "D",
        "the same",
        given={**CROWD, "crowd": 10_000},
        stages=SIM,
    ),
    Figure(
        "ms that a message waits for the next question, mean",
        500.0,
        "poll.crowd_ms",
        0.1,
        "D",
        "half a period; questions evenly spread over it, 100 messages",
        given={**CROWD, "crowd": 10_000},
        stages=SIM,
    ),
    Figure(
        "questions a second of 10,000 phones that poll each second",
        10_000.0,
        "poll.asks_a_second",
        0.01,
        "D",
        "one each; of a million, a million",
        given={**CROWD, "crowd": 10_000},
        stages=SIM,
    ),
    Figure(
        "frames and acknowledgements for each message of phones that hold a line",
        2.0,
        "store_and_forward.asks_a_message",
        0.001,
        "D",
        "one each; of a million with 40 a day, 463 messages a second",
        given={**CROWD, "crowd": 10_000},
        stages=SIM,
    ),
)
