"""What an interview about it asks."""

from __future__ import annotations

from windtunnel import Ask, Board, Clarify, Estimate, Turn
from windtunnel.catalogue.interview.q11_ad_clicks.claims import (
    CALM,
    DEATHS,
    DROPPED,
    KEPT,
    LONG,
    LOST,
    NOTED,
    POWER,
)

BOARD = Board(
    clarify=(
        Clarify(
            "Is it a bill, or a number on a screen?",
            "A bill. It has to be right to the cent, by ad and minute, once what is late has come.",
        ),
        Clarify(
            "By which clock does a click belong to a minute?",
            "By that of the click. A telephone without a net may tell of it hours later.",
        ),
        Clarify(
            "May the same click come twice, and how is it known again?",
            "Yes: whoever hears no answer tells again. The browser makes an id for each click and keeps it.",
        ),
        Clarify(
            "For how long may clicks be late?",
            "Most come within seconds. Those of a day are billed, however late they come that day.",
        ),
        Clarify(
            "How soon does an advertiser see what he owes?",
            "Within minutes. What he saw may be corrected, and he is told that it may.",
        ),
    ),
    estimates=(
        Estimate(
            "Of a million clicks, how many are billed twice where nobody knows a click again?",
            "1000000 * doubled",
            "clicks",
            "Those that a browser tells of twice.",
        ),
        Estimate(
            "How many clicks of one ad a second does one row bear that is updated for each, where a commit takes 1 ms?",
            "1000",
            "clicks/s",
            "The row is kept from others until the commit, so that one comes after the other.",
        ),
        Estimate(
            "And where a job adds up the clicks of one turn first?",
            "1000 * turn",
            "clicks/s",
            "One update for a turn; the row bears as many updates as before.",
        ),
        Estimate(
            "How many seconds after a minute began is its sum first told, where windows wait for a watermark?",
            "window_s + delay_s",
            "s",
            "Until it is over, and the watermark, which is behind the newest click, has passed its end.",
        ),
        Estimate(
            "For how many seconds of clicks does the job have to know ids, where what comes later is counted again?",
            "window_s + lateness_s",
            "s",
            "Until a click is too late for its window: then it is no longer the job's.",
        ),
    ),
    failures=(
        Turn(
            "A process dies at each of its places",
            Ask(
                "A job adds batches to counters and then notes how far it has come. At how many of 100 places does a "
                "death change the bill?",
                "100 * batches.moved",
                "of 100",
                0,
                100,
            ),
            DEATHS,
            NOTED,
        ),
        Turn(
            "The power fails for all processes and engines",
            Ask(
                "Counters in a cache, copied now and then. At how many of 100 places does it change the bill?",
                "100 * cache_counters.moved",
                "of 100",
                0,
                100,
            ),
            POWER,
            LOST,
        ),
        Turn(
            "The power fails, and the cache writes each change to its disk",
            Ask("And now?", "100 * cache_counters.moved", "of 100", 0, 100),
            KEPT,
        ),
    ),
    scale=(
        Turn(
            "One click of ten is told twice",
            Ask(
                "Of 100 cents that are owed, how many too many does a counter bill?",
                "update_counter.over_of_100",
                "of 100",
                0,
                100,
            ),
            {**LONG, "doubled": 0.1},
        ),
        Turn(
            "One click of ten comes when no window waits for it",
            Ask(
                "Of 100 cents that are owed, how many are not billed where windows drop what is late?",
                "windows.short_of_100",
                "of 100",
                0,
                100,
            ),
            {**LONG, "late": 0.1},
            DROPPED,
        ),
        Turn(
            "Eight times as many clicks on one ad at one moment",
            Ask(
                "How many rows are written for a click, where a job adds up first?",
                "batches.rush_rows",
                "rows",
                0.0001,
                1,
                log=True,
            ),
            {**CALM, "rush": 500},
        ),
    ),
)
