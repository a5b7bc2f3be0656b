"""Every anomaly has a history in which it is found, and a near miss in which it is not.

A history is written as lines "client outcome: steps": `ax1` appends 1 to x, `rx12` reads x as [1, 2], `rx` reads
it as empty; for registers `wx1` writes 1 and `rx1` reads it. Transactions run at once unless a line starts with
"then", which begins after all before it have ended, except those that are "long".
"""

import re

import pytest

from windtunnel.lab.checkers.transactions.check import LEVELS, check_list_append, check_read_write
from windtunnel.lab.checkers.verdict import Verdict
from windtunnel.lab.history import Event


def history(text: str, lists: bool = True) -> list[Event]:
    events, now = [], 0.0
    for line in filter(None, map(str.strip, text.strip().splitlines())):
        pace, client, outcome, steps = re.fullmatch(r"(then |long )?(\w+)(?: (ok|fail|unknown))?: (.*)", line).groups()
        if pace == "then ":
            now += 10
        asked, told = [], []
        for f, key, values in re.findall(r"([arw])([a-z])(\d*)", steps):
            numbers = [int(v) for v in values]
            if f == "r":
                asked.append(["r", key, None])
                told.append(["r", key, numbers if lists else (numbers or [None])[0]])
            else:
                asked.append([{"a": "append", "w": "w"}[f], key, numbers[0]])
                told.append(asked[-1])
        outcome = outcome or "ok"
        start = now + len(events) / 100
        events.append(
            Event(
                client,
                "txn",
                (asked,),
                start,
                now + (15 if pace == "long " else 5),
                outcome,
                told if outcome == "ok" else None,
            )
        )
    return events


def judge(text: str, lists: bool = True, level: str = "serializable", **options: bool) -> Verdict:
    return (check_list_append if lists else check_read_write)(history(text, lists), level, **options)


def names(verdict: Verdict) -> set[str]:
    return {f.name for f in verdict.findings}


# name: (a history that has it, a near miss)
LISTS = {
    "G0": (
        "a: ax1 ay1 \n b: ax2 ay2 \n c: rx12 ry21",
        "a: ax1 ay1 \n b: ax2 ay2 \n c: rx12 ry12",
    ),
    "G1a": (
        "a fail: ax1 \n b: rx1",
        "a unknown: ax1 \n b: rx1",
    ),
    "G1b": (
        "a: ax1 ax2 \n b: rx1 \n c: rx12",
        "a: ax1 ax2 \n b: rx12 \n c: rx",
    ),
    "G1c": (
        "a: ax1 ry1 \n b: ay1 rx1",
        "a: ax1 ry \n b: ay1 rx1",
    ),
    "G-single": (
        "a: ax1 ay1 \n b: rx1 ry \n c: ry1",
        "a: ax1 ay1 \n b: rx ry \n c: ry1",
    ),
    "G-nonadjacent": (  # two readers see two independent writes in opposite orders
        "a: ax1 \n b: ay1 \n c: rx1 ry \n d: ry1 rx",
        "a: ax1 \n b: ay1 \n c: rx1 ry \n d: ry1 rx1",
    ),
    "G2-item": (  # write skew: two doctors go off call
        "a: rx ay1 \n b: ry ax1",
        "a: rx ay1 \n b: ry1 ax1",
    ),
    "lost-update": (
        "a: rx ax1 \n b: rx ax2 \n c: rx12",
        "a: rx ax1 \n b: rx1 ax2 \n c: rx12",
    ),
    "internal": (
        "a: rx1 ax2 rx1 \n b: ax1",
        "a: rx1 ax2 rx12 \n b: ax1",
    ),
    "future-read": (
        "a: rx1 ax1",
        "a: rx ax1 rx1",
    ),
    "incompatible-order": (
        "a: ax1 \n b: ax2 \n c: rx12 \n d: rx21",
        "a: ax1 \n b: ax2 \n c: rx12 \n d: rx1",
    ),
    "duplicate-elements": (
        "a: ax1 \n b: rx11",
        "a: ax1 \n b: rx1",
    ),
    "unwritten": (
        "a: ax1 \n b: rx17",
        "a: ax1 ay7 \n b: rx1 ry7",
    ),
    "G0-process": (  # b's two transactions are applied the other way round
        "b: ax1 \n then b: ax2 \n c: rx21",
        "b: ax1 \n then d: ax2 \n c: rx21",
    ),
    "G-single-realtime": (  # a stale read
        "a: ax1 \n then b: rx \n then c: rx1",
        "a: ax1 \n b: rx \n then c: rx1",
    ),
    "G1c-realtime": (  # what b wrote is read before b began
        "a: rx1 \n then b: ax1",
        "a: rx \n then b: ax1",
    ),
    "G2-item-realtime": (  # b overlaps both; c had ended before a began
        "long b: ry ax1 \n c: ay1 \n then a: rx",
        "long b: ry ax1 \n c: ay1 \n then a: rx1",
    ),
}

REGISTERS = {
    "G0": (
        "a: rx1 wx2 wy1 \n b: ry1 wy2 wx1",
        "a: rx1 wx2 wy1 \n b: wy2 wx1",
    ),
    "G1a": ("a fail: wx1 \n b: rx1", "a unknown: wx1 \n b: rx1"),
    "G1b": ("a: wx1 wx2 \n b: rx1", "a: wx1 wx2 \n b: rx2"),
    "G1c": ("a: wx1 ry1 \n b: wy1 rx1", "a: wx1 ry \n b: wy1 rx1"),
    "G-single": ("a: wx1 wy1 \n b: rx1 ry", "a: wx1 wy1 \n b: rx1 ry1"),
    "G-nonadjacent": (
        "a: wx1 \n b: wy1 \n c: rx1 ry \n d: ry1 rx",
        "a: wx1 \n b: wy1 \n c: rx1 ry \n d: ry1 rx1",
    ),
    "G2-item": ("a: rx wy1 \n b: ry wx1", "a: rx wy1 \n b: ry1 wx1"),
    "lost-update": ("a: rx wx1 \n b: rx wx2", "a: rx wx1 \n b: rx1 wx2"),
    "internal": ("a: wx1 rx2 \n b: wx2", "a: wx1 rx1 \n b: wx2"),
    "future-read": ("a: rx1 wx1", "a: rx wx1 rx1"),
    "unwritten": ("a: wx1 \n b: rx7", "a: wx1 \n b: rx1"),
    "cyclic-versions": (
        "a: rx1 wx2 \n b: rx2 wx1",
        "a: rx1 wx2 \n b: wx1",
    ),
    "G-single-realtime": (
        "a: wx1 \n then b: rx",
        "a: wx1 \n b: rx",
    ),
}

CASES = [("list", name, *pair) for name, pair in LISTS.items()] + [
    ("register", name, *pair) for name, pair in REGISTERS.items()
]


@pytest.mark.parametrize(("kind", "name", "bad", "near"), CASES, ids=[f"{c[0]} {c[1]}" for c in CASES])
def test_every_anomaly_is_found_and_its_near_miss_is_not(kind: str, name: str, bad: str, near: str) -> None:
    options = {
        "process": name.endswith(("-process", "-realtime")),
        "real_time": name.endswith("-realtime"),
    }
    found = judge(bad, kind == "list", **options)
    assert name in names(found)
    assert found.status == "invalid"
    wrong = next(f for f in found.findings if f.name == name)
    assert wrong.witness
    assert wrong.sentence.endswith(".")
    assert name not in names(judge(near, kind == "list", **options))


@pytest.mark.parametrize("name", ["G-single-realtime", "G1c-realtime", "G2-item-realtime"])
def test_an_anomaly_of_real_time_is_none_without_it(name: str) -> None:
    assert judge(LISTS[name][0]).ok
    assert judge(LISTS[name][0], level="strict-serializable").status == "invalid"


def test_each_level_allows_what_the_weaker_one_allows_only() -> None:
    lowest = {
        "future-read": "read-uncommitted",
        "G0": "read-uncommitted",
        "G1a": "read-committed",
        "G1b": "read-committed",
        "G1c": "read-committed",
        "G-single": "snapshot-isolation",
        "G-nonadjacent": "snapshot-isolation",
        "lost-update": "snapshot-isolation",
        "internal": "snapshot-isolation",
        "G2-item": "serializable",
    }
    levels = list(LEVELS)
    for name, level in lowest.items():
        for i, tried in enumerate(levels):
            verdict = judge(LISTS[name][0], level=tried)
            assert (verdict.status == "invalid") == (i >= levels.index(level)), (name, tried)
            assert name in names(verdict), "what a level allows is reported all the same"


def test_a_cycle_is_told_edge_by_edge() -> None:
    verdict = judge(LISTS["G-single"][0])
    assert verdict.sentence == (
        "Not serializable, G-single: T2 read 'y' as [], before T1 appended 1; T2 read 1 from 'x', which T1 appended; "
        "so T2 would have to come before itself."
    )
    assert [e.client for e in verdict.witness] == ["b", "a"]


def test_the_shortest_cycle_is_told() -> None:
    text = """
        a: rx ay1
        b: ry az1
        c: rz ax1
        d: rp aq1
        e: rq ap1
    """
    verdict = judge(text)
    assert [e.client for e in verdict.witness] == ["d", "e"]


def test_an_unknown_transaction_counts_only_if_it_was_seen() -> None:
    assert judge("a unknown: rx ay1 \n b: ry ax1").ok
    assert judge("a unknown: ax1 ay1 \n b: rx1 ry \n c: ry1").status == "invalid"


@pytest.mark.parametrize("lists", [True, False])
def test_one_without_an_answer_that_was_seen_in_half_has_its_other_half_too(lists: bool) -> None:
    write = "ax1 ay2" if lists else "wx1 wy2"
    torn = judge(f"a unknown: {write} \n then b: rx1 ry", lists)
    assert names(torn) == {"G-single"}
    assert judge(f"a unknown: {write} \n then b: rx1 ry2", lists).ok
    assert judge(f"a unknown: {write} \n then b: rx ry", lists).ok


@pytest.mark.parametrize("shown", ["rx21", "rx2", "rx213"])
def test_appends_of_one_transaction_stand_in_its_order_and_none_is_left_out(shown: str) -> None:
    assert names(judge(f"a: ax1 ax2 \n b: ax3 \n c: {shown}")) >= {"incompatible-order"}
    assert judge("a: ax1 ax2 \n b: ax3 \n c: rx123").ok


def test_a_list_that_holds_true_does_not_hold_1() -> None:
    asked, told = ([["r", "x", None]],), [["r", "x", [True]]]
    write = Event("a", "txn", ([["append", "x", 1]],), 0, 1, "ok")
    assert "unwritten" in names(check_list_append([write, Event("b", "txn", asked, 2, 3, "ok", told)]))


def test_an_answer_that_was_lost_on_the_way_still_has_its_writes() -> None:
    seen = history("a: ax1 ay1 \n b: rx1 ry \n c: ry1")
    first = seen[0]
    silent = [Event(first.client, first.name, first.args, first.start, first.end, "ok"), *seen[1:]]
    assert names(check_list_append(silent)) == {"G-single"}


def test_appends_that_no_read_shows_come_after_those_that_are_shown() -> None:
    assert "G2-item" in names(judge("a: ax1 \n b: rx1 ay1 \n c: ry ax2"))
    assert names(judge("a: ax1 \n b: rx1 ay1 \n c: ry1 ax2")) == set()


@pytest.mark.parametrize(
    ("events", "complaint"),
    [
        (
            [
                Event("a", "txn", ([["append", "x", 1]],), 0, 1, "ok"),
                Event("b", "txn", ([["append", "x", 1]],), 0, 1, "ok"),
            ],
            "Appended values must be unique",
        ),
        ([Event("a", "read", (), 0, 1, "ok")], "an operation named 'txn', not 'read'"),
        ([Event("a", "txn", ([["push", "x", 1]],), 0, 1, "ok")], "A step is"),
        (
            [Event("a", "txn", ([["r", "x", None]],), 0, 1, "ok", [["r", "x", 3]])],
            "A read of a list answers with a list",
        ),
    ],
)
def test_a_history_of_another_form_is_refused_in_one_sentence(events: list[Event], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        check_list_append(events)


def test_an_unknown_level_is_refused_with_the_levels_that_there_are() -> None:
    with pytest.raises(ValueError, match="read-committed"):
        check_list_append([], "snapshot")


def test_beyond_the_budget_the_verdict_is_unknown_and_never_valid() -> None:
    # Write skew is allowed under snapshot isolation, but a search that gave up cannot say that nothing else is wrong.
    skew = history(LISTS["G2-item"][0])
    assert check_list_append(skew, "snapshot-isolation").status == "valid"
    assert check_list_append(skew, "snapshot-isolation", budget_edges=1).status == "unknown"
    assert check_list_append(skew, "serializable", budget_edges=1).status == "invalid"
