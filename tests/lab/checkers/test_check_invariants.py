"""Banks, ids, sets, counters, queues, logs, locks and leaders: each fault is found, each near miss is not."""

import random
from collections.abc import Callable
from functools import partial

import pytest

from helpers.check_oracle import random_history
from helpers.check_script import script
from windtunnel.checkers import (
    Counter,
    Queue,
    Set,
    Verdict,
    check_bank,
    check_counter,
    check_fencing,
    check_leaders,
    check_linearizable,
    check_log,
    check_mutex,
    check_queue,
    check_set,
    check_unique_ids,
)
from windtunnel.lab.history import Event

THREE = "a append('p', 'x') = 0 \n a append('p', 'y') = 1 \n a append('p', 'z') = 2 \n "
bank = partial(check_bank, accounts={"a": 50, "b": 50})

# checker, fault, a history that has it, a near miss
CASES: list[tuple[Callable[[list[Event]], Verdict], str, str, str]] = [
    (
        check_unique_ids,
        "duplicate",
        "a generate() = 7 \n b generate() = 7",
        "a generate() = 7 \n b generate() = 7 fail",
    ),
    (
        check_counter,
        "too small",
        "a increment() \n b add(3) \n c read() = 3",
        "a increment() \n b add(3) unknown \n c read() = 1",
    ),
    (
        check_counter,
        "too great",
        "a increment() \n c read() = 2",
        "a increment() \n b increment() unknown \n c read() = 2",
    ),
    (check_counter, "too small", "a decrement() fail \n c read() = -1", "a decrement() @ 0 5 \n c read() = -1 @ 5 6"),
    (check_set, "lost", "a add(1) \n a add(2) \n b read() = [1]", "a add(1) \n a add(2) unknown \n b read() = [1]"),
    (
        check_set,
        "lost",
        "a add(1) unknown \n b read() = [1] \n b read() = []",
        "a add(1) unknown \n b read() = [] \n b read() = [1]",
    ),
    (check_set, "stale", "a add(1) \n b read() = [] \n b read() = [1]", "a add(1) @ 0 9 \n b read() = [] @ 1 2"),
    (check_set, "unexpected", "a add(1) fail \n b read() = [1]", "a add(1) unknown \n b read() = [1]"),
    (check_set, "unexpected", "b read() = [1] \n a add(1)", "b read() = [1] @ 0 5 \n a add(1) @ 1 2"),
    (check_set, "duplicated", "a add(1) \n b read() = [1, 1]", "a add(1) \n b read() = [1]"),
    (
        check_bank,
        "total changed",
        "c read() = {'a': 50, 'b': 50} \n c read() = {'a': 40, 'b': 50}",
        "c read() = {'a': 50, 'b': 50} \n c read() = {'a': 40, 'b': 60}",
    ),
    (bank, "total changed", "c read() = [['a', 50], ['b', 51]]", "c read() = [['a', 50], ['b', 50]]"),
    (
        bank,
        "overdrawn",
        "c transfer('a', 'b', 60) unknown \n c read() = {'a': -10, 'b': 110}",
        "c transfer('a', 'b', 50) unknown \n c read() = {'a': 0, 'b': 100}",
    ),
    (
        bank,
        "wrong balance",
        "c transfer('a', 'b', 10) \n c read() = {'a': 50, 'b': 50}",
        "c transfer('a', 'b', 10) unknown \n c read() = {'a': 50, 'b': 50}",
    ),
    (
        check_queue,
        "lost",
        "a enqueue(1) \n b dequeue() = None",
        "a enqueue(1) \n b dequeue() = 1 \n b dequeue() = None",
    ),
    (
        partial(check_queue, drained=True),
        "lost",
        "a enqueue(1) \n a enqueue(2) \n b dequeue() = 1",
        "a enqueue(1) \n a enqueue(2) fail \n b dequeue() = 1",
    ),
    (
        check_queue,
        "duplicated",
        "a enqueue(1) \n b dequeue() = 1 \n c dequeue() = 1",
        "a enqueue(1) \n a enqueue(2) \n b dequeue() = 1 \n c dequeue() = 2",
    ),
    (check_queue, "unexpected", "a enqueue(1) fail \n b dequeue() = 1", "a enqueue(1) unknown \n b dequeue() = 1"),
    (check_queue, "unexpected", "b dequeue() = 1 \n a enqueue(1)", "b dequeue() = 1 @ 0 5 \n a enqueue(1) @ 1 2"),
    (
        check_queue,
        "reordered",
        "a enqueue(1) \n a enqueue(2) \n b dequeue() = 2 \n b dequeue() = 1",
        "a enqueue(1) @ 0 5 \n b enqueue(2) @ 1 2 \n b dequeue() = 2 \n b dequeue() = 1",
    ),
    (
        check_queue,
        "hidden",
        "a enqueue(1) \n b dequeue() = None \n b dequeue() = 1",
        "a enqueue(1) @ 0 5 \n b dequeue() = None @ 1 2 \n b dequeue() = 1",
    ),
    (
        check_log,
        "lost",
        THREE + "b poll('p') = [[0, 'x'], [2, 'z']]",
        THREE.replace("= 1", "unknown") + "b poll('p') = [[0, 'x'], [2, 'z']]",
    ),
    (
        check_log,
        "lost",
        THREE + "b poll('p') = [[0, 'x']] \n b poll('p') = [[2, 'z']]",
        THREE + "b poll('p') = [[0, 'x']] \n c poll('p') = [[2, 'z']]",
    ),
    (
        check_log,
        "inconsistent",
        "a append('p', 'x') = 0 \n b append('p', 'y') = 0",
        "a append('p', 'x') = 0 \n b append('q', 'y') = 0",
    ),
    (
        check_log,
        "duplicated",
        "a append('p', 'x') unknown \n b poll('p') = [[0, 'x'], [1, 'x']]",
        "a append('p', 'x') unknown \n b poll('p') = [[0, 'x']]",
    ),
    (
        check_log,
        "unexpected",
        "a append('p', 'x') fail \n b poll('p') = [[0, 'x']]",
        "a append('p', 'x') unknown \n b poll('p') = [[0, 'x']]",
    ),
    (
        check_log,
        "reordered",
        "a append('p', 'x') = 5 \n b append('p', 'y') = 4",
        "a append('p', 'x') = 5 @ 0 5 \n b append('p', 'y') = 4 @ 1 2",
    ),
    (
        check_log,
        "unordered",
        "a append('p', 'x') = 0 @ 0 9 \n b append('p', 'y') = 1 @ 0 9 \n c poll('p') = [[1, 'y'], [0, 'x']]",
        "a append('p', 'x') = 0 @ 0 9 \n b append('p', 'y') = 1 @ 0 9 \n c poll('p') = [[0, 'x'], [1, 'y']]",
    ),
    (
        check_log,
        "backward",
        "a append('p', 'x') = 0 \n b poll('p') = [[0, 'x']] \n b poll('p') = [[0, 'x']]",
        "a append('p', 'x') = 0 \n b poll('p') = [[0, 'x']] \n c poll('p') = [[0, 'x']]",
    ),
    (
        check_mutex,
        "held twice",
        "a acquire('l') = 1 \n b acquire('l') = 2 \n a release('l')",
        "a acquire('l') = 1 \n a release('l') \n b acquire('l') = 2",
    ),
    (
        check_mutex,
        "held twice",
        "a acquire('l') = 0 \n b acquire('l') = 1",
        "a acquire('l') = 0 \n b acquire('l') = None \n b acquire('m') = 1 \n c acquire('l') unknown",
    ),
    (
        partial(check_mutex, lease_s=3),
        "held twice",
        "a acquire('l') = 1 @ 0 1 \n b acquire('l') = 2 @ 1 2",
        "a acquire('l') = 1 @ 0 1 \n b acquire('l') = 2 @ 1 3",
    ),
    (
        check_fencing,
        "stale write",
        "a acquire('l') = 0 \n b acquire('l') = 1 \n b write('l', 1) \n a write('l', 0)",
        "a acquire('l') = 0 \n b acquire('l') = 1 \n b write('l', 1) \n a write('l', 0) fail",
    ),
    (
        check_fencing,
        "duplicate token",
        "a acquire('l') = 1 \n b acquire('l') = 1",
        "a acquire('l') = 1 \n b acquire('m') = 1",
    ),
    (
        check_fencing,
        "falling token",
        "a acquire('l') = 2 \n b acquire('l') = 1",
        "a acquire('l') = 2 @ 0 5 \n b acquire('l') = 1 @ 1 2",
    ),
    (check_leaders, "two leaders", "a lead(1) \n b lead(1)", "a lead(1) \n a lead(1) \n b lead(2) \n c lead(1) fail"),
]


@pytest.mark.parametrize(("check", "fault", "bad", "near"), CASES)
def test_every_fault_is_found_and_its_near_miss_is_not(
    check: Callable[[list[Event]], Verdict], fault: str, bad: str, near: str
) -> None:
    history = script(bad)
    verdict = check(history)
    assert fault in [f.name for f in verdict.findings]
    assert verdict.status == "invalid"
    assert verdict.witness
    assert all(e in history for e in verdict.witness)
    fine = check(script(near))
    assert fine.ok, fine.sentence


def test_what_an_unknown_dequeue_may_have_taken_is_not_called_lost() -> None:
    verdict = check_queue(script("a enqueue(1) \n b dequeue() unknown \n c dequeue() = None"))
    assert verdict.status == "unknown"
    assert verdict.sentence == "No verdict: 1 message went missing, but 1 unknown dequeue may have taken them."
    two = script("a enqueue(1) \n a enqueue(2) \n b dequeue() unknown \n c dequeue() = None")
    assert check_queue(two).status == "invalid"


def test_a_set_may_be_stale_where_that_is_allowed_but_never_lose() -> None:
    stale = script("a add(1) \n b read() = [] \n b read() = [1]")
    assert check_set(stale, stale_allowed=True).ok
    lost = script("a add(1) \n b read() = [1] \n b read() = []")
    assert check_set(lost, stale_allowed=True).status == "invalid"


def test_a_queue_that_delivers_at_least_once_may_repeat_itself() -> None:
    assert check_queue(script("a enqueue(1) \n b dequeue() = 1 \n c dequeue() = 1"), at_least_once=True).ok


def test_all_cases_of_a_fault_are_counted_and_the_first_is_told() -> None:
    verdict = check_unique_ids(script("a generate() = 1 \n a generate() = 1 \n a generate() = 1"))
    assert [f.count for f in verdict.findings] == [2]
    assert verdict.sentence == (
        "1 was given out twice: by a generate() = 1 (1 s to 2 s) and by a generate() = 1 (3 s to 4 s)."
    )


def test_the_fast_queue_check_never_accuses_a_linearizable_queue() -> None:
    accused = 0
    for seed in range(2_000):
        history = random_history(random.Random(f"fast queue {seed}"), "queue", unique=True)
        verdict = check_queue(history)
        if verdict.status == "invalid":
            accused += 1
            assert check_linearizable(history, Queue()).status == "invalid", f"{seed}: {verdict.sentence}"
    assert accused > 100


def random_sums(rng: random.Random, read: Callable[[list[int]], object]) -> list[Event]:
    """Additions and reads by three clients, some crashed, some answers spoilt."""
    now = [0, 0, 0]
    drafts = []
    for i in range(rng.randint(2, 7)):
        c = rng.randrange(3)
        start = now[c] + rng.randint(0, 2)
        now[c] = end = start + rng.randint(0, 4)
        drafts.append((start + rng.random() * (end - start), c, rng.random() < 0.5, i + 1, start, end, rng.random()))
    added: list[int] = []
    events = []
    for _, c, is_read, n, start, end, luck in sorted(drafts):
        outcome = "unknown" if luck < 0.2 else "ok"
        if is_read:
            known = list(added)
            if rng.random() < 0.3 and known:
                known.remove(rng.choice(known))
            events.append(Event(f"c{c}", "read", (), start, end, outcome, read(known)))
        else:
            if luck > 0.1:
                added.append(n)
            events.append(Event(f"c{c}", "add", (n,), start, end, outcome))
    return sorted(events, key=lambda e: e.end)


@pytest.mark.parametrize(
    ("check", "model", "read"),
    [(check_counter, Counter, sum), (check_set, Set, list)],
)
def test_the_fast_checks_of_sums_and_sets_never_accuse_a_linearizable_history(
    check: Callable[[list[Event]], Verdict], model: type[Counter] | type[Set], read: Callable[[list[int]], object]
) -> None:
    accused = 0
    for seed in range(1_500):
        history = random_sums(random.Random(seed), read)
        verdict = check(history)
        if verdict.status == "invalid":
            accused += 1
            assert check_linearizable(history, model()).status == "invalid", f"{seed}: {verdict.sentence}"
    assert accused > 50


@pytest.mark.parametrize(
    ("check", "text", "complaint"),
    [
        (check_queue, "a push(1)", "A queue knows enqueue, dequeue, not 'push'"),
        (check_queue, "a enqueue(1) \n a enqueue(1)", "unique values"),
        (check_bank, "a transfer('x', 'y')", "with 2 arguments, but a bank needs 3"),
        (check_bank, "a read() = 5", "answers with its balances"),
        (check_set, "a read() = 5", "answers with its members"),
        (check_log, "a append('p', 1) = 'x'", "whole numbers as offsets"),
        (check_log, "a append('p', 1) = 0 \n b poll('p') = [3]", "pairs of offset and value"),
        (check_fencing, "a acquire('l') = 'x'", "A fencing token is a number"),
        (check_leaders, "a lead()", "needs a term"),
    ],
)
def test_a_history_that_a_checker_does_not_know_is_refused_in_one_sentence(
    check: Callable[[list[Event]], Verdict], text: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        check(script(text))
