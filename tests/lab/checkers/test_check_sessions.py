"""The four session guarantees: each is broken in one history and kept in a near miss."""

import random

import pytest

from helpers.check_oracle import random_history
from helpers.check_script import script
from windtunnel.checkers import GUARANTEES, Register, Verdict, check_linearizable, check_sessions

OVERLAP = "a put('x', 1) @ 0 9 \n b put('x', 2) @ 0 9 \n "

BROKEN = {
    "read your writes": [
        ("a put('x', 1) \n a get('x') = None", "a put('x', 1) \n b get('x') = None"),
        ("a put('x', 1) \n a put('x', 2) \n a get('x') = 1", "a put('x', 1) \n b put('x', 2) \n a get('x') = 2"),
        ("a put('x', 1) unknown \n a put('x', 2) \n a get('x') = None", "a put('x', 1) unknown \n a get('x') = None"),
    ],
    "monotonic reads": [
        (
            "a put('x', 1) \n b get('x') = 1 \n b get('x') = None",
            "a put('x', 1) \n b get('x') = 1 \n c get('x') = None",
        ),
        (
            "a put('x', 1) \n a put('x', 2) \n b get('x') = 2 \n b get('x') = 1",
            "a put('x', 1) \n a put('x', 2) \n b get('x') = 1",
        ),
        # Of two writes at once nobody knows the order, until one reader sees both orders, or two readers one each.
        (OVERLAP + "c get('x') = 1 \n c get('x') = 2 \n c get('x') = 1", OVERLAP + "c get('x') = 2 \n c get('x') = 1"),
        (
            OVERLAP + "c get('x') = 1 \n c get('x') = 2 \n d get('x') = 2 \n d get('x') = 1",
            OVERLAP + "c get('x') = 1 \n c get('x') = 2 \n d get('x') = 1 \n d get('x') = 2",
        ),
    ],
    "monotonic writes": [
        (
            "a put('x', 1) \n a put('y', 2) \n b get('y') = 2 \n b get('x') = None",
            "a put('x', 1) \n c put('y', 2) \n b get('y') = 2 \n b get('x') = None",
        ),
    ],
    "writes follow reads": [
        (
            "a put('x', 1) \n b get('x') = 1 \n b put('y', 2) \n c get('y') = 2 \n c get('x') = None",
            "a put('x', 1) \n b put('y', 2) \n b get('x') = 1 \n c get('y') = 2 \n c get('x') = None",
        ),
    ],
}
CASES = [(g, *pair) for g, pairs in BROKEN.items() for pair in pairs]


def broken(verdict: Verdict) -> list[str]:
    return [f.name for f in verdict.findings]


@pytest.mark.parametrize(("guarantee", "bad", "near"), CASES)
def test_each_guarantee_is_found_broken_and_its_near_miss_is_not(guarantee: str, bad: str, near: str) -> None:
    verdict = check_sessions(script(bad))
    assert broken(verdict) == [guarantee]
    assert verdict.sentence.startswith(f"'{guarantee}' is broken: ")
    assert verdict.witness
    assert check_sessions(script(near)).ok


def test_only_the_guarantees_that_are_asked_for_are_judged() -> None:
    history = script(BROKEN["read your writes"][0][0])
    assert check_sessions(history, [g for g in GUARANTEES if g != "read your writes"]).ok
    assert not check_sessions(history, ["read your writes"])


def test_without_real_time_a_late_write_may_be_the_older_one() -> None:
    history = script("a put('x', 1) \n b put('x', 2) \n c get('x') = 2 \n c get('x') = 1")
    assert broken(check_sessions(history)) == ["monotonic reads"]
    assert check_sessions(history, real_time=False).ok


def test_without_real_time_readers_tell_that_one_clients_writes_were_swapped() -> None:
    swapped = script("a put('x', 1) \n a put('x', 2) \n c get('x') = 2 \n c get('x') = 1")
    assert broken(check_sessions(swapped, real_time=False)) == ["monotonic writes"]


def test_the_order_that_a_store_reports_is_believed() -> None:
    history = script("a put('x', 1) \n a put('x', 2) \n b get('x') = 2")
    assert check_sessions(history, versions={"x": [1, 2]}).ok
    assert broken(check_sessions(history, versions={"x": [2, 1]})) == ["monotonic writes"]
    followed = script("a put('x', 1) \n b get('x') = 1 \n b put('x', 2)")
    assert broken(check_sessions(followed, versions={"x": [2, 1]})) == ["writes follow reads"]


def test_a_plain_register_is_judged_too() -> None:
    assert broken(check_sessions(script("a write(1) \n a read() = None"), model=Register())) == ["read your writes"]


def test_a_linearizable_history_keeps_every_guarantee() -> None:
    judged = 0
    for seed in range(1_500):
        history = random_history(random.Random(f"sessions {seed}"), "register", unique=True)
        if check_linearizable(history):
            judged += 1
            assert check_sessions(history, model=Register()).ok, seed
    assert judged > 500


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a put('x', 1) \n b put('x', 1)", "each written value to be unique"),
        ("a put('x', 1) \n a cas('x', 1, 2) = True", "plain reads and writes, not on 'cas'"),
        ("a put('x', 1) @ 0 9 \n a get('x') = 1 @ 1 2", "must wait for its answer"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_one_sentence(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        check_sessions(script(text))


def test_a_value_from_nowhere_is_told_as_such() -> None:
    assert broken(check_sessions(script("a get('x') = 3"))) == ["unwritten value"]
