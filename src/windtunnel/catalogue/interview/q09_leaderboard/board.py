"""What an interview about it asks."""

from __future__ import annotations

from windtunnel import Ask, Board, Clarify, Estimate, Turn
from windtunnel.catalogue.interview.q09_leaderboard.claims import ALONE, CALM, SELDOM, STALE

BOARD = Board(
    clarify=(
        Clarify(
            "Does everybody see his own rank, or only the first ten?",
            "Everybody, at each visit, and the page around him; his rank is to be exact.",
        ),
        Clarify(
            "What are the ranks of two who have as many points?",
            "The same: one more than how many have more. On a page the one with the greater number comes first.",
        ),
        Clarify(
            "For how long does a board stand?",
            "For a day. At midnight a new one begins; yesterday's can be looked at until it is thrown away.",
        ),
        Clarify(
            "How many play, and what do they ask?",
            "A million at last. A rank is asked for more often than points are given.",
        ),
        Clarify(
            "Is the board the only place where points are kept?",
            "No: matches are on record elsewhere, so that a board can be made again. It is not to be wrong until then.",
        ),
    ),
    estimates=(
        Estimate(
            "How many entries of an index does COUNT go through for the rank of one member, on average?",
            "members / 2",
            "entries",
            "Those of all who have more: nobody for the first, all others for the last.",
        ),
        Estimate(
            "How many milliseconds is that, at the time that this database looks at one?",
            "members / 2 * row_us / 1000",
            "ms",
            "It goes through them one by one.",
        ),
        Estimate(
            "And among a million?",
            "1000000 / 2 * row_us / 1000",
            "ms",
            "The same; about what PostgreSQL took in a trial.",
        ),
        Estimate(
            "How many such ranks a second does one core give, among a million?",
            "1000000 / (1000000 / 2 * row_us)",
            "ranks/s",
            "A core does nothing else meanwhile: with more than these, whoever asks waits without end.",
        ),
        Estimate(
            "Where members are counted by steps of points, how many steps are there?",
            "most / width",
            "steps",
            "A rank adds up those above, and counts within one.",
        ),
        Estimate(
            "How many bytes are a million entries of a sorted set, at about a hundred each?",
            "1000000 * 100",
            "bytes",
            "It fits into the memory of one server many times; members alone are no reason to share it out.",
        ),
    ),
    failures=(
        Turn(
            "A job fills a column of ranks, after every thirty requests",
            Ask("Of 100 answers, how many are wrong?", "rank_column.wrong_of_100", "of 100", 0, 100),
            SELDOM,
            STALE,
        ),
        Turn(
            "A server dies at each of its places, where boards are shared out by points",
            Ask(
                "At how many of 100 places is somebody missing afterwards?",
                "by_points.lost_of_100",
                "of 100",
                0,
                100,
            ),
            {**CALM, "members": 100, "places": 8},
        ),
        Turn(
            "Two ask at once, where boards are shared out by members",
            Ask("In how many of 100 cases is an answer true at no moment?", "sharded.torn_of_100", "of 100", 0, 100),
            {**CALM, "members": 100, "places": 8},
        ),
        Turn(
            "There is only one server, and the board is in its memory",
            Ask("How many answers are wrong?", "skip_list.wrong", "answers", 0, 100),
            ALONE,
        ),
    ),
    scale=(
        Turn(
            "Four times as many members",
            Ask(
                "At how many entries does COUNT look for a rank now?", "index.rank_looked", "entries", 1, 1e6, log=True
            ),
            {**CALM, "members": 20_000},
        ),
        Turn(
            "The same for a skip list",
            Ask("And how often does it compare?", "skip_list.rank_looked", "comparisons", 1, 1e6, log=True),
            {**CALM, "members": 20_000},
        ),
        Turn(
            "The same where members are counted by steps",
            Ask("And there, how many rows?", "counts.rank_looked", "rows", 1, 1e6, log=True),
            {**CALM, "members": 20_000},
        ),
    ),
)
