"""What a verdict is, and what many are together."""

import pytest

from helpers.check_script import script
from windtunnel import check
from windtunnel.checkers import Finding, Verdict, check_linearizable, merge_verdicts
from windtunnel.lab.checkers.graphs import components, shortest_way
from windtunnel.lab.checkers.order import real_time_pairs
from windtunnel.lab.checkers.values import freeze
from windtunnel.lab.history import History

VALID = Verdict("valid", "Fine.", steps=1)
UNKNOWN = Verdict("unknown", "No verdict.", steps=2)
INVALID = Verdict("invalid", "Wrong.", findings=(Finding("lost", "Wrong."),), steps=4)


def test_only_a_valid_verdict_is_true() -> None:
    assert VALID
    assert not UNKNOWN
    assert not INVALID


def test_one_wrong_verdict_makes_all_wrong_and_one_unknown_leaves_doubt() -> None:
    assert merge_verdicts([VALID, UNKNOWN, INVALID]) == Verdict("invalid", "Wrong.", (), INVALID.findings, 7)
    assert merge_verdicts([VALID, UNKNOWN]).status == "unknown"
    assert merge_verdicts([VALID, VALID]).ok
    assert merge_verdicts([]).ok


def test_components_are_found_without_recursion() -> None:
    ring = [[(i + 1) % 50_000] for i in range(50_000)]
    assert [len(c) for c in components(ring)] == [50_000]
    line = [[i + 1] for i in range(50_000)] + [[]]
    assert components(line) == []
    assert sorted(map(sorted, components([[1], [0, 2], [3], [4], [2]]))) == [[0, 1], [2, 3, 4]]


def test_a_shortest_way_is_the_shortest() -> None:
    out = {0: [(1, "a"), (2, "b")], 1: [(3, "c")], 2: [(4, "d")], 3: [(5, "e")], 4: [(5, "f")], 5: []}
    assert shortest_way(0, lambda n: n == 5, out.__getitem__)[0] in (["a", "c", "e"], ["b", "d", "f"])
    assert shortest_way(0, lambda n: n == 5, out.__getitem__, longest=2)[0] is None
    assert shortest_way(5, lambda n: n == 0, out.__getitem__)[0] is None


def test_few_pairs_imply_the_whole_order_of_real_time() -> None:
    spans = [(0, 1), (0, 4), (2, 3), (5, 6), (5, 9), (7, 8), (1, 1)]
    after = {i: set[int]() for i in range(len(spans))}
    for a, b in real_time_pairs(spans):
        after[a].add(b)
    for _ in spans:
        for later in after.values():
            for b in list(later):
                later |= after[b]
    assert after == {i: {j for j, (start, _) in enumerate(spans) if end < start} for i, (_, end) in enumerate(spans)}


def test_true_is_not_1_and_1_is_1_point_0_however_deep_they_lie() -> None:
    assert freeze(True) == freeze(True) == True  # noqa: E712
    assert freeze(True) != freeze(1)
    assert freeze(False) != freeze(0.0)
    assert freeze({"a": [1, {"b": True}]}) != freeze({"a": [1, {"b": 1}]})
    assert freeze([1, {"b": 2}]) == freeze([1.0, {"b": 2.0}])
    assert len({freeze(v) for v in (True, 1, False, 0, "1", None)}) == 6
    assert repr(freeze([True])) == "(True,)"
    assert not freeze(False)


def test_a_register_that_was_given_true_and_1_is_read_as_the_last() -> None:
    for text, right in (("True", False), ("1", True), ("[1, [True]]", False)):
        verdict = check_linearizable(script(f"a write(True) \n a write(1) \n a read() = {text}"))
        assert verdict.ok is right, text


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("sessions", "a put('x', 1) \n b get('x') = True"),
        ("unique-ids", "a generate() = 1 \n b generate() = True"),
        ("grow-set", "a add(1) \n b read() = [True]"),
        ("sum", "a add(1) \n b read() = True"),
        ("messages", "a enqueue(1) \n b dequeue() = True"),
        ("set", "a add(1) \n b read() = [True]"),
        ("queue", "a enqueue(1) \n b dequeue() = True"),
        ("counter", "a add(1) \n b read() = True"),
    ],
)
def test_no_checker_takes_true_for_1(model: str, text: str) -> None:
    verdict = check(History(script(text)), model)
    assert verdict.ok is (model == "unique-ids")
    assert check(History(script(text.replace("True", "1"))), model).ok is (model != "unique-ids")
