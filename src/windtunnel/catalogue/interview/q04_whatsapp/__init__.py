"""Show each message on each phone once, in order and soon, whoever dies or vanishes on the way.

**Clarify.** What does the first tick promise? That the message is kept, and will be shown. Is a phone always there? It
vanishes without a word, with something on its way to it. How many devices has a user, and who is to see one order?
Who is online? A hint, some seconds old.

**Estimate.** Who asks once a second and gets 40 messages a day asks {asks:,.0f} times for each: of 100 questions
{useful:.3f} are answered with one, which has waited for {wait:.0f} ms in the mean. A million phones ask a million times
a second, for {pushed:.0f} messages. Lines that are held are no silence either: pinged every 20 s, a million of them
take {pings:,.0f} pings a second. A million that come back in ten seconds, each known to 200, are {words:,.0f} words a
second where all who know somebody are told that he is online.

**Design.** Polling the database is slow and dear, and right: what is kept there is lost by nobody's death. A long poll
has the same store, and an answer that waits for something to say: it comes as soon as a frame, and costs an idle phone
as many words as a line that is pinged as often. A WebSocket that tells whoever is there and keeps nothing is soonest,
in {way:.0f} ms, up and down. Ten gateways die and ten phones vanish behind 60 messages: some were ticked, and are never
on a screen.

**Deep dive: kept until when?** Until it was written to the socket, one would say. But what is written is not there: a
phone that has vanished gets it as little as where nothing is kept. So it is kept in a row for each device, until that
device says that it has it. Then a receipt may say "all up to this number", and is no lie.

**Deep dive: told again.** A gateway keeps a message and dies before it says so. The phone tells it again: under an id
that a gateway gives, it is another message, and is shown twice. Under the phone's own, kept in the same transaction, it
is known. On the way down the number does the same: a phone passes over what is not beyond the last that it has shown.

**Deep dive: one order.** Two gateways that pass on what they hear show two orders, as soon as people type at one
moment. The number of a message in its chat is given under a lock of the chat's row. Who holds the line of a device is
woken; when a gateway has died the other looks again, since its last word may be lost. Where the power fails in the room
of all gateways and the database, nobody says so: what was kept is on the disk, and phones learn of it by their pings.

**Deep dive: a group.** It is a chat of many, with one number and one order, and its message a row for each device of
its members, and one for itself: thirteen rows among eight people with twelve devices. One row for all would go with the
first who says that he has it.

**Deep dive: who is online?** A flag in the database, set when a line opens and taken away when it ends, is as right as
lines are while gateways live: with a ping every 5 s who has vanished is online for up to 20, since the library waits
for the answer, and for a goodbye. A gateway that dies takes no flag away: who vanished with it is online until he is
back. Nothing of this has to last. Each gateway says once a second who holds a line there, and what it has not said for
three is over. Phones are told of those alone whose chats they have open: where sixteen know each other, that is less
than a quarter of the frames for each that comes back.

**Scale.** To keep it takes a few milliseconds, several commits, and twice as many frames. Where all talk all the time
polling asks least: an answer brings many messages, as a frame could that waits for them. When a gateway dies its phones
come to another. Those that take {login:.0f} ms each of its core, and give up after {patience:.0f} s, keep it busy with
those who have given up: all at once they need three times as many tries, and longer, than spread over ten seconds.
Where logging in takes {light:.0f} ms nobody gives up, and to come at once is sooner.

**Real systems.** WhatsApp had 2,277,845 sockets open on one machine in 2012; for several devices its server knows those
of each account, and a message is sent to each. XMPP numbers what goes over a stream, has it acknowledged, and sends the
rest again; it tells all who have subscribed that somebody has logged in, and Slack, since 2018, those alone who have
asked for him. Firebase's clients hold a long poll for 30 s by default.

**Left open.** When somebody was last seen, and whether he types; push notifications, batteries. Phones that lose what
they had kept. Groups of thousands, where a row for each device is dear: a log for each chat with a mark for each device
is right too (a planted design). Gateways of many thousand lines, which would say each second that they live, and who
has come and gone once. A database that is many. Real TLS: what logging in costs here is a number that we chose.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Literal

from windtunnel import Ask, Chart, Experiment, Map, Op, Why, param
from windtunnel.catalogue.interview.q04_whatsapp.board import BOARD
from windtunnel.catalogue.interview.q04_whatsapp.claims import (
    AGAIN,
    BATCHED,
    BREEZE,
    CLAIMS,
    DEAR,
    DEMANDS,
    EXACT,
    FANNED,
    FIGURES,
    GHOSTS,
    GONE,
    HELD,
    LITTLE,
    NOTHING,
    ORDER,
    PINGED,
    SOURCES,
    SPARED,
    STORM,
    STORMY,
)
from windtunnel.catalogue.interview.q04_whatsapp.crowd import DAY_S, MESSAGES_A_DAY
from windtunnel.catalogue.interview.q04_whatsapp.designs import (
    AGAIN_S as AGAIN_S,
    LongPoll,
    Poll,
    Push,
    Setting as Setting,
    Stored as Stored,
    said as said,
)
from windtunnel.catalogue.interview.q04_whatsapp.inboxes import ForgetsOnSend, Inboxes, StoreAndForward, WithoutIds
from windtunnel.catalogue.interview.q04_whatsapp.judging import asked, cdf, measure, offline
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk as Desk, Tables as Tables
from windtunnel.catalogue.interview.q04_whatsapp.phones import AIR_S, PATIENCE_S, Message as Message, Phone as Phone
from windtunnel.catalogue.interview.q04_whatsapp.rig import Rig
from windtunnel.catalogue.interview.q04_whatsapp.talk import talk
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame as Frame, Line as Line


@dataclass(frozen=True)
class Params:
    """Who talks, and what goes wrong."""

    users: int = param(4, "people who talk, in pairs and all in a group; every second has two devices", 2, 8)
    messages: int = param(60, "messages", 1, 60)
    every_s: float = param(0.7, "seconds between two messages, mean", 0.001, 4.0)
    kills: int = param(10, "messages behind which a gateway is killed, before something that it does", 0, 30)
    cuts: int = param(10, "messages behind which a phone vanishes, as something comes to it or leaves it", 0, 40)
    dies: Literal["process", "power"] = param(
        "process",
        "how a gateway is killed: its process; or the power of the room fails, where all and the database are",
        choices=("process", "power"),
    )
    place: int = param(0, "before which effect behind such a message it happens; 0: by lot", 0, 40)
    gateways: int = param(2, "gateways", 1, 4)
    down_s: float = param(1.0, "seconds until a gateway that was killed runs again", 0.1, 10.0)
    away_s: float = param(3.0, "seconds until a phone that has vanished is back", 0.1, 30.0)
    poll_s: float = param(1.0, "seconds from an answer to the next question, of who polls", 0.5, 30.0)
    hold_s: float = param(10.0, "seconds for which an answer is held back, of who polls long", 2.0, 30.0)
    ping_s: float = param(20.0, "seconds between two pings of a line", 1.0, 60.0)
    spread_s: float = param(3.0, "seconds over which phones come back that were cut off", 0.0, 30.0)
    idle: int = param(0, "devices beside, of people who say nothing", 0, 24)
    login_ms: float = param(0.0, "milliseconds of a gateway's core for a connection, in the tunnel", 0.0, 400.0)
    storm: int = param(0, "1: in the middle the first gateway dies with all its lines", 0, 1)
    watch: int = param(1, "1: each phone has a chat open, and shows whether the other is online", 0, 1)
    leave: int = param(0, "phones of the first gateway that vanish as it dies with its lines", 0, 8)
    crowd: int = param(1000, "light phones beside, in the tunnel: the most that are measured", 0, 10_000)
    crowd_s: float = param(21.6, "seconds for which they are", 1.0, 30.0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`say(device, chat, text, how, place)`, at random; `storm()` in the middle; `masses(users)` beside."""
    return talk(p, luck)


__doc__ = (__doc__ or "").format(
    asks=DAY_S / MESSAGES_A_DAY,
    useful=100 * MESSAGES_A_DAY / DAY_S,
    wait=1000 * 1.0 / 2,
    pushed=1e6 * MESSAGES_A_DAY / DAY_S,
    pings=1e6 / 20.0,
    words=1e6 * 200 / 10,
    way=2000 * AIR_S,
    login=STORM["login_ms"],
    patience=PATIENCE_S,
    light=BREEZE["login_ms"],
)

experiment = Experiment(
    title="Chat",
    question="A gateway dies, a phone vanishes: who is told of a message, how soon, how often, at what price?",
    params=Params,
    workload=workload,
    designs={
        "poll": Poll,
        "long_poll": LongPoll,
        "push": Push,
        "forgets_on_send": ForgetsOnSend,
        "without_ids": WithoutIds,
        "at_once": Inboxes,
        "store_and_forward": StoreAndForward,
    },
    measure=measure,
    rig=Rig,
    board=BOARD,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("Of 100 messages, shown within", "seconds since it was typed", "of 100", cdf),
        Chart("What gateways are asked", "users", "questions, frames and acknowledgements a second", asked, log="xy"),
        Chart("From where a message was typed to where it was shown", "second", "phones", offline, kind="space-time"),
    ),
    asks=(
        Ask(
            "A phone asks once a second, and 40 messages a day come for it. How many questions does it ask for each?",
            "poll.asks_a_message",
            "questions",
            1,
            100_000,
            log=True,
        ),
        Ask(
            "Gateways push what they hear to who is there, and keep nothing; ten of them die, ten phones vanish, and "
            "60 messages are typed. How many are missing on screens, of those whose sender saw a tick?",
            "push.lost",
            "messages",
            0,
            200,
        ),
        Ask(
            "Each message is kept for a device until it was written to its socket. How many are missing now?",
            "forgets_on_send.lost",
            "messages",
            0,
            200,
        ),
        Ask(
            "It is kept until the device says that it has it, and told again where the tick is lost; a gateway makes "
            "the ids. How many are on screens a second time?",
            "without_ids.twice",
            "messages",
            0,
            200,
        ),
    ),
    why=(
        Why("Who asks is mostly told nothing.", NOTHING),
        Why("An answer can be held back.", HELD),
        Why("A line that is held is pinged.", PINGED),
        Why("What is written to a socket is not there yet.", GONE),
        Why("Who is not told that it is kept tells it again.", AGAIN),
        Why("Two gateways are two orders.", ORDER),
        Why("One transaction, an id, a number, and a word from the device.", EXACT),
        Why("To keep it takes little time.", LITTLE),
        Why("And many words.", DEAR),
        Why("Who has given up is worked for all the same.", STORMY),
        Why("If anybody gives up.", SPARED),
        Why("A group is as many rows as its members have devices.", FANNED),
        Why("A gateway that dies takes no flag away, and few look.", GHOSTS),
        Why("Many messages in one answer are cheap.", BATCHED),
    ),
    maps=(
        Map(
            "at_once.back_s > store_and_forward.back_s",
            "login_ms",
            x_range=(50.0, 400.0),
            given={**STORM},
        ),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "The phone vanishes as the frame is on its way. Who still has the message, and who knows that it did not come?",
        "Keep it in one transaction with its id, the phone's own, and the next number of its chat, before you say that "
        "it is sent. A phone that hears nothing tells it again.",
        "A row for each device, deleted when that device says that it has it; wake whoever serves it, at the other "
        "gateway too, and look again when that gateway has died.",
        "A phone has chats of some people open (`me.open`), and shows who of them is online (`me.see`). Who says that "
        "somebody has gone, where the gateway that knew it has died?",
    ),
    sources=SOURCES,
    stages=("sim", "sqlite", "postgres"),
    seeds=2,
    quick={"messages": 12, "kills": 6, "cuts": 6, "crowd": 100},
)
