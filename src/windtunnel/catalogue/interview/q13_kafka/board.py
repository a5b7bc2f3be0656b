"""What an interview about it asks."""

from __future__ import annotations

from windtunnel import Ask, Board, Clarify, Estimate, Turn
from windtunnel.catalogue.interview.q13_kafka.claims import CALM, FEW, LONG, ONE, SYNCED, UNCLEAN, ZOMBIE

POURS = {**CALM, "pours": 1}
BOARD = Board(
    clarify=(
        Clarify(
            "May a record be lost of which the producer was told that it is there?",
            "No: also not when one server is lost for good. Of what it was not told, it sends again.",
        ),
        Clarify(
            "May a record come twice?",
            "Not into the log. A reader that dies may be handed again what it had in hand.",
        ),
        Clarify(
            "Which order do readers need?",
            "That of each producer within a partition; between partitions none.",
        ),
        Clarify(
            "Who reads, and may somebody come later and read everything again?",
            "Several groups, each at its own pace, also one that is added next year.",
        ),
        Clarify(
            "Does the power fail for one machine, or for all of them at once?",
            "The three stand in different rooms. Ask again if they do not.",
        ),
    ),
    estimates=(
        Estimate(
            "How many bytes cross the network between servers for each byte of a producer, with three replicas?",
            "3 - 1",
            "bytes",
            "Each follower asks for all of it.",
        ),
        Estimate(
            "How many ms pass until a producer is told with acks=all, where a message takes half a millisecond?",
            "4 * 0.5",
            "ms",
            "To the leader, to a follower, back with its next question, and back to the producer.",
        ),
        Estimate(
            "How many batches a second can one producer have told so, one after the other?",
            "1000 / (4 * 0.5)",
            "batches/s",
            "One for each time that it waits.",
        ),
        Estimate(
            "And how many records, 16 in a batch?",
            "16 * 1000 / (4 * 0.5)",
            "records/s",
            "A batch waits as long as one record.",
        ),
        Estimate(
            "How many servers may be lost for good while nothing that was told is, where so many have to be in sync?",
            "min_in_sync - 1",
            "servers",
            "What was told stands on all in sync, which are that many at the least.",
        ),
    ),
    failures=(
        Turn(
            "The leader is cut off from the other servers, and not from its clients",
            Ask(
                "A producer waits for the leader alone (acks=1). At how many of 100 places is something lost of which "
                "it was told?",
                "100 * acks_leader.gone_cut",
                "of 100",
                0,
                100,
            ),
            FEW,
            ZOMBIE,
        ),
        Turn(
            "All lose their power at once, and nothing was synced",
            Ask("With acks=all, at how many of 100 places is it lost?", "100 * acks_all.gone_all", "of 100", 0, 100),
            FEW,
        ),
        Turn(
            "All lose their power at once, and each batch was synced",
            Ask("And now?", "100 * acks_all.gone_all", "of 100", 0, 100),
            SYNCED,
        ),
        Turn(
            "One in sync is enough, the others die, and then the leader's disk is gone",
            Ask("With acks=all, at how many of 100 places is it lost?", "100 * acks_all.gone_alone", "of 100", 0, 100),
            ONE,
        ),
        Turn(
            "Any server may lead, also one that was out of sync",
            Ask(
                "With acks=all, at how many of 100 places is something lost?",
                "100 * acks_all.gone_outsider",
                "of 100",
                0,
                100,
            ),
            UNCLEAN,
        ),
    ),
    scale=(
        Turn(
            "Batches of 16 records in the place of one",
            Ask(
                "How many records a second do two producers get told of, with acks=all?",
                "acks_all.never_16",
                "records/s",
                100,
                1_000_000,
                log=True,
            ),
            POURS,
        ),
        Turn(
            "The same, and an fsync for each batch on every server",
            Ask("And now?", "acks_all.each_16", "records/s", 100, 1_000_000, log=True),
            POURS,
        ),
        Turn(
            "Three times as many records",
            Ask("How long does a producer wait until it is told, with acks=all?", "acks_all.told_ms", "ms", 0.1, 100),
            {**LONG, "records": 6},
        ),
    ),
)
