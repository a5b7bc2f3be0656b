"""Reads that miss what their client must see: counted one by one, and held to a count by brute force."""

import random

import pytest

from helpers.check_script import script
from helpers.check_sessions_oracle import musts, orders, random_sessions, rank_of
from windtunnel.checkers import GUARANTEES, Register, check_sessions, missed_reads

VERSIONS = {"x": [1, 3], "y": [2, 4]}


def counts(text: str) -> dict[str, tuple[int, int]]:
    return {g: (m.judged, len(m.reads)) for g, m in missed_reads(script(text), VERSIONS).items() if m.judged}


def test_each_guarantee_counts_the_reads_that_miss_and_those_that_could_have() -> None:
    assert counts("a put('x', 1) \n a get('x') = None \n a get('x') = 1 \n b get('x') = None") == {
        "read your writes": (2, 1),
        "monotonic reads": (1, 0),
    }
    assert counts("a put('x', 1) \n b get('x') = 1 \n b get('x') = None \n b get('x') = None") == {
        "monotonic reads": (2, 2)
    }
    assert counts("a put('x', 1) \n a put('y', 2) \n b get('y') = 2 \n b get('x') = None") == {
        "monotonic writes": (1, 1)
    }
    assert counts("a put('x', 1) \n b get('x') = 1 \n b put('y', 2) \n c get('y') = 2 \n c get('x') = None") == {
        "writes follow reads": (1, 1)
    }


def test_a_value_that_stands_in_no_order_is_neither_asked_for_nor_accused() -> None:
    assert counts("a put('x', 9) unknown \n a get('x') = None \n a get('x') = 9 \n a get('x') = 1") == {
        "monotonic reads": (1, 0)
    }
    assert counts("a put('x', 9) \n a get('x') = None") == {}


def test_a_share_of_nothing_is_0_and_a_register_has_one_key() -> None:
    found = missed_reads(script("a write(1) \n b read() = 1 \n b read() = None"), {None: [1]}, model=Register())
    assert found["monotonic reads"].share == 1.0
    assert found["monotonic writes"].share == 0.0


def test_two_operations_at_once_and_other_operations_are_refused() -> None:
    with pytest.raises(ValueError, match="must wait for its answer"):
        missed_reads(script("a put('x', 1) @ 0 4 \n a get('x') = 1 @ 1 2"), VERSIONS)
    with pytest.raises(ValueError, match="plain reads and writes, not on 'cas'"):
        missed_reads(script("a cas('x', 1, 2) = True"), VERSIONS)


def test_who_sees_a_write_that_nobody_answered_sees_what_its_client_had_done_before() -> None:
    seen = "b get('y') = 2 @ 6 7 \n b get('x') = None @ 8 9"
    assert counts(f"a put('x', 1) @ 0 1 \n a put('y', 2) @ 2 3 unknown \n {seen}") == {"monotonic writes": (1, 1)}
    assert counts(f"a put('y', 2) @ 0 3 unknown \n a put('x', 1) @ 4 5 \n {seen}") == {}
    assert counts(f"a get('x') = 1 @ 0 1 \n a put('y', 2) @ 2 3 unknown \n {seen}") == {"writes follow reads": (1, 1)}


def test_a_value_that_names_no_single_write_is_refused() -> None:
    for text in ("a put('x', 1) \n b put('x', 1)", "a put('x', 1) \n b put('x', 1) unknown", "a put('x', None)"):
        with pytest.raises(ValueError, match="each written value to be unique"):
            missed_reads(script(text), VERSIONS)
    for values in ([1, 3, 1], [None, 1]):
        with pytest.raises(ValueError, match="twice, or what was there first"):
            missed_reads(script("a get('x') = None"), {"x": values})


def compare(seeds: range) -> dict[str, int]:
    """How many reads miss something, all together; each is what brute force says."""
    total = dict.fromkeys(GUARANTEES, 0)
    for seed in seeds:
        rng = random.Random(f"missed {seed}")
        history = random_sessions(rng)
        for rank in list(orders(history))[:3]:
            versions: dict[str, list[object]] = {}
            for key, value in sorted((k for k in rank if k[1] is not None), key=lambda k: rank[k]):
                versions.setdefault(key, []).append(value)
            found = missed_reads(history, versions)
            for g in GUARANTEES:
                of = {id(r): musts(history, r, g) for r in history if r.name == "get"}
                wrong = {
                    id(r)
                    for r in history
                    if r.name == "get" and any(rank_of(rank, m) > rank_of(rank, r) for m in of[id(r)])
                }
                assert {id(r) for r in found[g].reads} == wrong, (seed, g)
                assert found[g].judged == sum(map(bool, of.values())), (seed, g)
                total[g] += len(wrong)
                if g in ("read your writes", "monotonic reads"):  # the others ask something of writes too
                    assert bool(wrong) is not check_sessions(history, [g], versions=versions).ok
                elif wrong:
                    assert not check_sessions(history, [g], versions=versions).ok
    return total


def test_every_count_agrees_with_brute_force() -> None:
    assert min(compare(range(300)).values()) > 10


@pytest.mark.soak
def test_every_count_agrees_with_brute_force_on_many_histories() -> None:
    assert min(compare(range(300, 12_300)).values()) > 400
