"""What an interview about it asks."""

from __future__ import annotations

from windtunnel import Ask, Board, Clarify, Estimate, Turn
from windtunnel.catalogue.interview.q04_whatsapp.claims import (
    AGAIN,
    BATCHED,
    BREEZE,
    BUSY,
    CUTS,
    EVEN,
    GHOST,
    GHOSTS,
    GONE,
    KILLS,
    PINGED,
    SPARED,
    STORM,
    STORMY,
)

BOARD = Board(
    clarify=(
        Clarify(
            "What does the first tick promise?",
            "That the message is kept: from then on it is shown on each device, once, whoever dies.",
        ),
        Clarify(
            "Is a phone always there?",
            "No. It vanishes without a word, for seconds or days, while something is on its way to it.",
        ),
        Clarify(
            "How many devices has a user, and where is a message read?",
            "Some have two. Each shows all chats; read means that its owner has looked at one of them.",
        ),
        Clarify(
            "In which order are messages shown?",
            "All devices show a chat in the same order, and what one person typed as he typed it. Between chats there "
            "is no order.",
        ),
        Clarify(
            "Who is online, and is that a promise?",
            "No promise: some seconds late will do, and no more than that where a gateway dies. Who has a chat open is "
            "told of the other.",
        ),
    ),
    estimates=(
        Estimate(
            "A phone asks once a second and gets 40 messages a day. How many questions does a message take?",
            "86400 / 40 / poll_s",
            "questions",
            "As many as there are seconds in a day, for 40 messages.",
        ),
        Estimate(
            "A million of them: how many questions a second?",
            "1000000 / poll_s",
            "questions/s",
            "One each, whatever they talk.",
        ),
        Estimate(
            "And how many messages a second are there to be pushed?",
            "1000000 * 40 / 86400",
            "messages/s",
            "A million times 40, spread over a day; an evening has more.",
        ),
        Estimate(
            "A million lines are held and pinged. How many pings a second?",
            "1000000 / ping_s",
            "pings/s",
            "One each for each time that nothing was said for so long; far more than there are messages.",
        ),
        Estimate(
            "How long does a message wait for who polls, in the mean?",
            "1000 * poll_s / 2",
            "ms",
            "Half of the time between two questions.",
        ),
        Estimate(
            "A gateway dies with 13 phones, each of which takes 400 ms of another one's core to log in. After how many "
            "seconds can the last be back?",
            "13 * 400 / 1000",
            "s",
            "All of the work, one after the other, if none of it is for somebody who has given up.",
        ),
        Estimate(
            "A group has 256 members with one device and a half each. How many rows is a message, if each device has "
            "an inbox?",
            "1 + 256 * 1.5",
            "rows",
            "One for each device, and the message's own, which knows its id again.",
        ),
        Estimate(
            "A million phones come back within ten seconds, each known to 200 people. How many words a second, if all "
            "who know somebody are told that he is online?",
            "1000000 * 200 / 10",
            "words/s",
            "Each by two hundred; and hardly anybody looks.",
        ),
    ),
    failures=(
        Turn(
            "A phone vanishes as a message is on its way to it",
            Ask(
                "Nothing is kept: who is there is told. Twelve messages, eight phones vanish. How many are missing on "
                "screens in the end?",
                "push.lost",
                "messages",
                0,
                60,
            ),
            CUTS,
            GONE,
        ),
        Turn(
            "A gateway dies when it has kept a message, before it says so",
            Ask(
                "The gateway gives a message its id. After six such deaths, how many are on screens a second time?",
                "without_ids.twice",
                "messages",
                0,
                60,
            ),
            KILLS,
            AGAIN,
        ),
        Turn(
            "A gateway dies with all its phones, and logging in is dear",
            Ask(
                "All come back at once to the other one, and again half a second after they gave up. After how many "
                "seconds is the last one back?",
                "at_once.back_s",
                "s",
                1,
                100,
                log=True,
            ),
            STORM,
            STORMY,
        ),
        Turn(
            "The same, and logging in is cheap",
            Ask(
                "They are told to come at a moment of their own within ten seconds. After how many is the last one "
                "back?",
                "store_and_forward.back_s",
                "s",
                1,
                100,
                log=True,
            ),
            BREEZE,
            SPARED,
        ),
        Turn(
            "A gateway dies as some of its phones vanish, for half a minute",
            Ask(
                "Who is online is a flag in the database, set and taken away by the gateway that holds the line. For "
                "how many seconds is one of them shown as online who is not?",
                "forgets_on_send.ghost_s",
                "s",
                1,
                100,
                log=True,
            ),
            GHOST,
            GHOSTS,
        ),
    ),
    scale=(
        Turn(
            "All talk all the time",
            Ask(
                "Twenty messages a second among four. How many requests and answers does who polls need for each "
                "message on a screen?",
                "poll.frames",
                "frames",
                0.1,
                10,
                log=True,
            ),
            BUSY,
            BATCHED,
        ),
        Turn(
            "Nobody talks",
            Ask(
                "A thousand phones hold a line that is pinged every 20 s. How many pings a second?",
                "store_and_forward.pings_a_second",
                "pings/s",
                1,
                1000,
                log=True,
            ),
            EVEN,
            PINGED,
        ),
        Turn(
            "Everybody comes back and all want to know who is online",
            Ask(
                "Sixteen people know each other. How many frames come to phones for each that comes back, if all are "
                "told of all?",
                "without_ids.told",
                "frames",
                1,
                200,
                log=True,
            ),
            GHOST,
            GHOSTS,
        ),
    ),
)
