"""Linearizability and sequential consistency, on histories that a person can check."""

from collections.abc import Hashable

import pytest

from helpers.check_script import script
from windtunnel.checkers import (
    CompareAndSet,
    Counter,
    KeyValue,
    Model,
    Queue,
    Register,
    Set,
    check_linearizable,
    check_sequential,
)
from windtunnel.lab.history import Event

VALID = {
    "a register that is read after it was written": (Register(), "a write(1) \n b read() = 1"),
    "a register that is read as it was at first": (Register(), "a read() = None \n b write(1)"),
    "a read beside a write, either way": (
        Register(),
        "a write(1) @ 0 5 \n b read() = None @ 1 2 \n c read() = 1 @ 3 4",
    ),
    "times that touch": (Register(), "a write(1) @ 0 1 \n b read() = None @ 1 2"),
    "a lost write that shows up late": (Register(), "a write(1) unknown \n b read() = None \n b read() = 1"),
    "a write that failed": (Register(), "a write(1) fail \n b read() = None"),
    "a register with a first value": (Register(7), "a read() = 7"),
    "a value that is written again": (Register(), "a write(1) \n a write(2) \n a write(1) \n b read() = 1"),
    "a cas that is refused": (CompareAndSet(), "a write(1) \n b cas(2, 3) = False \n c read() = 1"),
    "a cas whose answer was lost": (CompareAndSet(), "a write(1) \n b cas(1, 3) unknown \n c read() = 3"),
    "two keys": (KeyValue(), "a put('x', 1) \n a put('y', 2) \n b get('x') = 1 \n b get('y') = 2"),
    "a key that was deleted": (KeyValue(), "a put('x', 1) \n a delete('x') \n b get('x') = None"),
    "a queue": (Queue(), "a enqueue(1) \n a enqueue(2) \n b dequeue() = 1 \n b dequeue() = 2 \n b dequeue() = None"),
    "a message that a lost dequeue took": (Queue(), "a enqueue(1) \n b dequeue() unknown \n c dequeue() = None"),
    "a set": (Set(), "a add(1) \n b contains(1) = True \n a remove(1) \n b contains(1) = False"),
    "a set that is read whole": (Set(), "a add(1) \n a add(2) \n b read() = [2, 1]"),
    "a counter": (Counter(), "a increment() \n b add(5) unknown \n c read() = 1 \n c read() = 6 \n c decrement()"),
}

INVALID = {
    "a stale read": (
        Register(),
        "a write(1) \n a write(2) \n b read() = 1",
        {0, 1, 2},
    ),
    "a value that nobody wrote": (Register(), "a write(1) \n b read() = 2", {1}),
    "a read before its write": (Register(), "b read() = 1 \n a write(1)", {0, 1}),
    "a write that failed and is read": (Register(), "a write(1) fail \n b read() = 1", {1}),
    "two readers who disagree on the order": (
        Register(),
        "a write(1) @ 0 9 \n b write(2) @ 0 9 \n c read() = 1 @ 1 2 \n c read() = 2 @ 3 4 \n c read() = 1 @ 5 6",
        {0, 1, 2, 3, 4},
    ),
    "a stale read among others of other values": (
        CompareAndSet(),
        "a write(1) \n a write(2) \n a write(3) \n b read() = 3 \n b cas(3, 4) = True \n b read() = 2 \n b read() = 2",
        {4, 5},
    ),
    "two cas from the same value": (CompareAndSet(), "a write(1) \n b cas(1, 2) = True \n c cas(1, 3) = True", None),
    "a key that is stale while others are fine": (
        KeyValue(),
        "a put('x', 1) \n a put('y', 5) \n a put('x', 2) \n b get('y') = 5 \n b get('x') = 1",
        {0, 2, 4},
    ),
    "a message that is delivered twice": (Queue(), "a enqueue(1) \n b dequeue() = 1 \n c dequeue() = 1", {1, 2}),
    "messages out of order": (
        Queue(),
        "a enqueue(1) \n a enqueue(2) \n a enqueue(3) \n b dequeue() = 2 \n b dequeue() = 1 \n b dequeue() = 3",
        None,
    ),
    "an empty answer from a queue that is not": (Queue(), "a enqueue(1) \n b dequeue() = None", {0, 1}),
    "a member that vanishes": (Set(), "a add(1) \n a add(2) \n b contains(1) = False", {0, 2}),
    "a member that comes from nowhere": (Set(), "a add(1) \n b read() = [1, 2]", {1}),
    "an increment that is lost": (Counter(), "a increment() \n b increment() \n c read() = 1", None),
}


@pytest.mark.parametrize("name", VALID)
def test_what_one_order_explains_is_valid(name: str) -> None:
    model, text = VALID[name]
    verdict = check_linearizable(script(text), model)
    assert verdict.ok, verdict.sentence
    assert check_sequential(script(text), model).ok


@pytest.mark.parametrize("name", INVALID)
def test_what_no_order_explains_is_invalid_with_a_small_witness(name: str) -> None:
    model, text, places = INVALID[name]
    history = script(text)
    verdict = check_linearizable(history, model)
    assert verdict.status == "invalid", verdict.sentence
    assert not verdict
    assert verdict.sentence.startswith("Not linearizable")
    if places is not None:
        assert {history.index(e) for e in verdict.witness} == places


def test_the_sentence_tells_who_saw_what_and_when() -> None:
    stale = script("a write(1) @ 0 1 \n a write(2) @ 2 3 \n b read() = 1 @ 4 5")
    assert check_linearizable(stale).sentence == (
        "Not linearizable: a write(1) (0 s to 1 s) ended before a write(2) (2 s to 3 s) began, so 1 came before 2; but "
        "a write(2) (2 s to 3 s) ended before b read() = 1 (4 s to 5 s) began, so 2 came before 1."
    )
    twice = script("a enqueue(1) @ 0 1 \n b dequeue() = 1 @ 2 3 \n c dequeue() = 1 @ 4 5")
    assert check_linearizable(twice, Queue()).sentence == (
        "Not linearizable as a queue: no order explains c dequeue() = 1 (4 s to 5 s) together with b dequeue() = 1 "
        "(2 s to 3 s), and no other operation mends that."
    )


def test_a_stale_read_is_sequentially_consistent_but_not_linearizable() -> None:
    history = script("a write(1) \n a write(2) \n b read() = 1")
    assert check_sequential(history).ok
    assert not check_linearizable(history)


def test_keys_that_are_each_in_order_may_together_be_in_none() -> None:
    """Sequential consistency is not a property of each key alone: the classic pair of writers who miss each other."""
    history = script("a put('x', 1) \n a get('y') = None \n b put('y', 1) \n b get('x') = None")
    verdict = check_sequential(history, KeyValue())
    assert verdict.status == "invalid"
    assert set(verdict.witness) == set(history)
    for key in "xy":
        assert check_sequential([e for e in history if e.args[0] == key], KeyValue()).ok


def test_a_client_without_an_order_of_its_own_is_refused() -> None:
    with pytest.raises(ValueError, match="must wait for its answer"):
        check_sequential(script("a write(1) @ 0 5 \n a read() = 1 @ 2 3"))


def test_operations_of_one_client_are_in_order_also_where_their_times_touch() -> None:
    """A client that does not think between two requests must still read what it wrote."""
    for model in Register(), CompareAndSet():
        own = script("a write(1) @ 0 1 \n a read() = None @ 1 2")
        assert check_linearizable(own, model).status == "invalid"
        assert check_linearizable(script("a write(1) @ 0 1 \n b read() = None @ 1 2"), model).ok
        again = script("a write(1) @ 0 1 \n a write(2) @ 1 1 \n a read() = 1 @ 1 2")
        assert check_linearizable(again, model).status == "invalid"


def test_an_operation_on_another_key_between_two_that_touch_leaves_them_in_order() -> None:
    own = script("a put('y', 1) @ 0 1 \n a put('x', 1) @ 1 1 \n a get('y') = None @ 1 2")
    assert check_linearizable(own, KeyValue()).status == "invalid"
    late = script(
        "b put('y', 1) @ 0 1 \n a get('y') = None @ 2 6 \n a put('x', 1) @ 6 6 \n a delete('y') @ 6 9 unknown"
    )
    assert check_linearizable(late, KeyValue()).status == "invalid"


def entangled(writers: int) -> list[Event]:
    """Writes that all overlap, and reads that see some of their values in no order that exists."""
    writes = [Event(f"w{i}", "write", (i % 7,), 0.0, 100.0, "ok") for i in range(writers)]
    cas = [Event(f"c{i}", "cas", (i % 7, (i + 1) % 7), 0.0, 100.0, "ok", True) for i in range(writers)]
    return [*writes, *cas, Event("r", "read", (), 101.0, 102.0, "ok", 99)]


def test_beyond_the_budget_the_verdict_is_unknown_and_never_valid() -> None:
    hard = entangled(12)
    verdict = check_linearizable(hard, CompareAndSet(), budget_steps=2_000)
    assert verdict.status == "unknown"
    assert not verdict.ok
    assert not verdict
    assert "2,000 steps" in verdict.sentence
    assert verdict.steps >= 2_000
    assert check_sequential(hard, CompareAndSet(), budget_steps=500).status == "unknown"


@pytest.mark.parametrize("budget_steps", [1, 3, 10, 30, 100, 300])
def test_a_smaller_budget_never_changes_a_verdict_into_another(budget_steps: int) -> None:
    for model, text, *_ in [*VALID.values(), *INVALID.values()]:
        for check in check_linearizable, check_sequential:
            full = check(script(text), model)
            assert check(script(text), model, budget_steps=budget_steps).status in ("unknown", full.status)


def test_a_broken_key_is_found_although_another_key_is_too_hard() -> None:
    hard = [
        Event(e.client, {"write": "put", "read": "get"}.get(e.name, e.name), ("hard", *e.args), *e[3:])
        for e in entangled(12)
    ]
    easy = script("p put('easy', 1) \n p cas('easy', 1, 2) = True \n q get('easy') = 1")
    verdict = check_linearizable([*hard, *easy], KeyValue(), budget_steps=100_000)
    assert verdict.status == "invalid"
    assert {e.args[0] for e in verdict.witness} == {"easy"}


class Stack(Model):
    """A user's own model."""

    name = "stack"

    def initial(self) -> Hashable:
        return ()

    def step(self, state: Hashable, op: str, args: tuple[Hashable, ...], value: Hashable) -> tuple[bool, Hashable]:
        assert isinstance(state, tuple)
        if op == "push":
            return True, (*state, args[0])
        return bool(state) and state[-1] == value, state[:-1]


def test_a_model_of_ones_own_is_a_small_class() -> None:
    assert check_linearizable(script("a push(1) \n a push(2) \n b pop() = 2 \n b pop() = 1"), Stack()).ok
    verdict = check_linearizable(script("a push(1) \n a push(2) \n b pop() = 1 \n b pop() = 2"), Stack())
    assert verdict.sentence.startswith("Not linearizable as a stack: no order explains b pop() = 1")


class LyingRegister(Register):
    """Says that writing is pure, since it often changes nothing: the unsound rule that this project once fell for."""

    def pure(self, op: str, args: tuple[Hashable, ...], value: Hashable) -> bool:
        return True


def test_a_model_that_calls_a_change_pure_is_caught() -> None:
    with pytest.raises(ValueError, match="write is pure, but it turned None into 1"):
        check_linearizable(script("a write(1) @ 0 5 \n b write(1) @ 0 5 \n c read() = 1 @ 6 7"), LyingRegister())


@pytest.mark.parametrize(
    ("model", "text", "complaint"),
    [
        (Register(), "a put('x', 1)", "A register knows read, write, not 'put'"),
        (Register(), "a write()", "with 0 arguments"),
        (KeyValue(), "a get()", "with 0 arguments"),
        (Queue(), "a enqueue(None)", "None cannot be enqueued"),
        (Counter(), "a add('x') \n a read() = 1", "A counter adds numbers"),
    ],
)
def test_a_history_that_the_model_does_not_know_is_refused_in_one_sentence(
    model: Model, text: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        check_linearizable(script(text), model)


def test_values_may_be_lists_and_maps() -> None:
    history = script("a write([1, {'x': [2]}]) \n b read() = [1, {'x': [2]}] \n c read() = [1, {'x': [2]}]")
    assert check_linearizable(history).ok


def test_the_same_history_gives_the_same_verdict_and_the_same_steps() -> None:
    runs = [check_linearizable(entangled(5), CompareAndSet(), budget_steps=5_000) for _ in range(3)]
    assert runs[0] == runs[1] == runs[2]


def test_a_cas_whose_answer_was_not_noted_swapped_if_it_could() -> None:
    for expected, read, right in ((1, 2, True), (1, 1, False), (9, 1, True), (9, 2, False)):
        history = script(f"a write(1) \n a cas({expected}, 2) \n b read() = {read}")
        assert check_linearizable(history, CompareAndSet()).ok is right
    with pytest.raises(ValueError, match="cas answers true or false, not 1"):
        check_linearizable(script("a cas(1, 2) = 1"), CompareAndSet())
