"""The four session guarantees: each is broken in one history and kept in a near miss."""

import random

import pytest

from helpers.check_oracle import random_history
from helpers.check_script import script
from helpers.check_sessions_oracle import are_kept, random_sessions
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


def test_what_no_order_of_versions_keeps_together_is_broken_and_the_contradiction_is_named() -> None:
    swapped = script("a put('x', 1) \n a put('x', 2) \n c get('x') = 2 \n c get('x') = 1")
    verdict = check_sessions(swapped, real_time=False)
    assert broken(verdict) == ["monotonic reads and monotonic writes"]
    assert check_sessions(swapped, ["monotonic reads"], real_time=False).ok
    assert check_sessions(swapped, ["monotonic writes"], real_time=False).ok
    flipped = script("c put('y', 1) @ 0 1 \n d put('y', 3) @ 0 1 \n d get('y') = 1 @ 2 3 \n d get('y') = 3 @ 4 5")
    verdict = check_sessions(flipped)
    assert verdict.sentence == (
        "'read your writes' and 'monotonic reads' are broken together: d get('y') = 1 (2 s to 3 s) must see 3, since d "
        "had written it before; but d get('y') = 3 (4 s to 5 s) must see 1, since d had read it before."
    )
    assert [e.client for e in verdict.witness] == ["d", "d", "d"]


def test_a_write_whose_answer_got_lost_follows_what_its_client_had_written() -> None:
    torn = "a put('x', 1) \n a put('y', 2) unknown \n b get('y') = 2 \n b get('x') = {}"
    assert broken(check_sessions(script(torn.format("None")))) == ["monotonic writes"]
    assert check_sessions(script(torn.format("1"))).ok


def test_by_the_clock_nobody_reads_what_is_written_only_later() -> None:
    early = script("b get('x') = 1 \n a put('x', 1)")
    assert broken(check_sessions(early)) == ["unwritten value"]
    assert check_sessions(early, real_time=False).ok


def compare(seeds: range) -> int:
    together = 0
    for seed in seeds:
        rng = random.Random(f"orders {seed}")
        history = random_sessions(rng)
        chosen = GUARANTEES if rng.random() < 0.6 else rng.sample(GUARANTEES, rng.randint(1, 3))
        verdicts = [check_sessions(history, chosen, real_time=real_time) for real_time in (True, False)]
        assert [v.ok for v in verdicts] == [are_kept(history, chosen, real_time) for real_time in (True, False)], seed
        assert verdicts[1].ok or not verdicts[0].ok, "who knows more accepts no more"
        together += any("together" in v.sentence for v in verdicts)
    return together


def test_verdicts_on_sessions_agree_with_a_search_of_all_orders_of_versions() -> None:
    assert compare(range(500)) > 10


@pytest.mark.soak
def test_verdicts_on_sessions_agree_with_a_search_of_all_orders_of_versions_40_000_times() -> None:
    compare(range(500, 40_500))


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
