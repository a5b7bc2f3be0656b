"""semantic-cache: a text has one meaning, cosines are exact, the bound is a binomial test, and what clients are told is
what is judged."""

from __future__ import annotations

from collections.abc import Coroutine
from math import comb
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from windtunnel import Event, History
from windtunnel.catalogue.ai.semantic_cache import Bound, Desk, Params, Rules
from windtunnel.catalogue.ai.semantic_cache.bound import STEPS, luck_of
from windtunnel.catalogue.ai.semantic_cache.designs import (
    CalibratedWithRules,
    ExactMatch,
    FixedCosine,
    RulesAlone,
    StrictCosine,
)
from windtunnel.catalogue.ai.semantic_cache.embedding import MOST, cosines, counts, plain, weights
from windtunnel.catalogue.ai.semantic_cache.judging import measure, rates
from windtunnel.catalogue.ai.semantic_cache.rig import Rig, Told
from windtunnel.catalogue.ai.semantic_cache.world import world

SMALL = Params(questions=300, sweep=0)


def told(design: Any, p: Params = SMALL, seed: int = 3) -> list[Told]:
    """What a design tells, without a clock."""
    stage: Any = SimpleNamespace(sim=None)
    rig = Rig(design(stage, p), stage, p, waits=False)
    return [done(rig.told(seed, number)) for number in range(p.questions)]


def done(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of what never waits."""
    with pytest.raises(StopIteration) as end:
        work.send(None)
    return end.value.value


@pytest.mark.parametrize("given", [{}, {"words": "invented"}, {"unlisted": 1.0, "variants": 6}, {"phrasings": 1}])
def test_a_text_has_one_meaning(given: dict[str, Any]) -> None:
    made = world(5, Params(questions=600, **given))
    meant: dict[str, object] = {}
    assert all(meant.setdefault(one.text, one.meaning) == one.meaning for one in made.questions)


def test_answers_are_equal_for_equal_meaning_and_tenant_alone() -> None:
    made = world(5, SMALL)
    pairs = {(one.tenant, one.meaning): made.answer(one) for one in made.questions}
    assert len(set(pairs.values())) == len(pairs)
    assert len({one.tenant for one in made.questions}) == SMALL.tenants


def test_without_variants_no_two_meanings_share_a_topic() -> None:
    made = world(5, Params(questions=300, variants=1))
    assert {one.meaning.variant for one in made.questions} == {0}


def test_a_quarter_of_the_topics_comes_from_the_middle_on() -> None:
    made = world(5, Params(questions=2000))
    early = {one.meaning.topic for one in made.questions[:1000]}
    late = {one.meaning.topic for one in made.questions[1000:]}
    assert max(early) < 30
    assert len(late - early) == 10


def test_runs_are_counted_as_one_would_by_hand() -> None:
    apart = counts(["linux", "windows"])
    both = counts(["Linux!", "linux"])
    assert (both[0] == both[1]).all()
    assert (apart[0] == both[0]).all()
    assert np.abs(counts(["a a a a a a a a a"])).max() <= MOST
    assert plain("Can't I, in 2024?") == " can t i in 2024 "
    text = plain("linux")
    runs = {text[at : at + many] for many in (3, 4, 5) for at in range(len(text) - many + 1)}
    assert np.abs(apart[0]).sum() == len(runs)


def test_cosines_are_of_whole_numbers_that_float32_holds_in_any_order() -> None:
    made = world(2, SMALL)
    texts = list(made.rows)
    rows = counts(texts) * made.heavy
    assert (rows == np.rint(rows)).all()
    assert float((rows**2).sum(axis=1).max()) < 2**24
    exact = rows.astype(np.int64) @ rows.astype(np.int64).T
    long = np.sqrt(np.diagonal(exact).astype(float))
    assert np.allclose(made.near, exact / long[:, None] / long[None, :], atol=1e-6)
    assert made.near.diagonal() == pytest.approx(1.0)


def test_a_word_that_all_have_weighs_nothing() -> None:
    assert set(weights(["how do i", "how do i"])[counts(["how do i"])[0] != 0]) == {0.0}
    near = cosines(["how do i sort", "how do i sing"], np.ones(1024))
    assert near[0, 1] < 0.8


def test_texts_that_nobody_asks_are_compared_as_well() -> None:
    made = world(2, SMALL)
    first, second = list(made.rows)[:2]
    desk = Desk(made, lambda: pytest.fail("nobody asks the model here"))
    shelf = desk.shelf()
    shelf.put(first, "a")
    known = shelf.nearest(second)[0].cosine
    shelf.put("what nobody asks", "b")
    assert [found.answer for found in shelf.nearest("What nobody asks?", 2)] == ["b", "a"]
    assert shelf.nearest(second, 2)[0].cosine == pytest.approx(max(known, shelf.nearest(second)[0].cosine))
    assert desk.compared == 1 + 2 * 3
    assert not desk.shelf().nearest(first)


@pytest.mark.parametrize(("wrong", "of"), [(0, 1), (0, 90), (3, 90), (20, 400), (7, 7)])
@pytest.mark.parametrize("delta", [0.01, 0.05, 0.2])
def test_the_luck_of_few_is_the_binomial_tail(wrong: int, of: int, delta: float) -> None:
    tail = sum(comb(of, k) * delta**k * (1 - delta) ** (of - k) for k in range(wrong + 1))
    assert luck_of(wrong, of, delta) == pytest.approx(tail, rel=1e-9)


def test_nothing_is_told_before_enough_was_compared_and_then_all_that_is_right() -> None:
    bound = Bound(0.05)
    for _ in range(80):
        bound.learn(0.7, True)
    assert bound.least == 2.0
    for _ in range(10):
        bound.learn(0.7, True)
    assert bound.least == pytest.approx(STEPS[-1])


def test_a_bound_stops_above_what_is_wrong() -> None:
    bound = Bound(0.05)
    for _ in range(100):
        bound.learn(0.91, True)
        bound.learn(0.61, False)
    assert 0.61 < bound.least <= 0.91
    for _ in range(100):
        bound.learn(0.91, False)
    assert bound.least == 2.0


def test_rules_know_numbers_nots_and_names_however_they_are_written() -> None:
    rules = Rules()

    def alike(one: str, other: str) -> bool:
        rules.read(one)
        rules.read(other)
        return rules.of(one) == rules.of(other)

    assert alike("How do I pay on Linux?", "please how to pay on linux")
    assert not alike("how do i pay on Linux", "how do i pay on Windows")
    assert not alike("from Linux to Windows", "From windows to linux")
    assert not alike("pay in 2023", "pay in 2024")
    assert not alike("when can i pay", "when can't i pay")
    assert not alike("when can i pay", "when can i not pay")
    assert alike("when can i not pay", "when is it not possible to pay")
    assert alike("how do i enable it", "how do i disable it"), "what no rule knows"


def test_the_same_text_of_another_company_is_another_question() -> None:
    p = Params(questions=300, phrasings=1, sweep=0)
    assert sum(one.foreign for one in told(FixedCosine, p)) > 20
    for design in (ExactMatch, StrictCosine, RulesAlone, CalibratedWithRules):
        assert not any(one.foreign for one in told(design, p))
    assert all(one.right for one in told(ExactMatch, p))
    assert all(one.hit == one.known for one in told(ExactMatch, p))


def test_who_asks_pays_and_who_tells_something_else_is_wrong() -> None:
    class Liar:
        def __init__(self, stage: Any, p: Params) -> None:
            pass

        async def ask(self, desk: Desk, text: str, tenant: str) -> str:
            await desk.answer()
            await desk.answer()
            return "42"

    all_of_them = told(Liar)
    assert not any(one.right or one.hit or one.foreign for one in all_of_them)
    assert all(one.tokens == 2 * one.spared > 0 for one in all_of_them)
    assert rates(all_of_them, 1.0)["false"] == 1.0


def test_a_desk_tells_texts_and_nothing_of_what_they_mean() -> None:
    made = world(2, SMALL)
    desk = Desk(made, lambda: pytest.fail("nobody asks the model here"))
    seen = [value for value in vars(desk).values() if not callable(value)]
    assert not any(made.questions[0].meaning in value for value in seen if isinstance(value, list | tuple | set))
    assert made.answer(made.questions[0]) not in repr(vars(desk))


def event(number: int, **of: Any) -> Event:
    one = {"hit": False, "right": True, "foreign": False, "known": False, "tokens": 100, "spared": 100, "compared": 5}
    return Event(
        "client", "ask", (1, number), float(number), number + 0.5, "ok", Told(**{**one, **of}), float(number), number
    )


def test_hits_and_lies_are_of_the_second_half_and_tokens_of_all() -> None:
    p = Params(questions=20, wrong_cost=2.0, sweep=0)
    early = [event(number, hit=True, right=False, tokens=0) for number in range(10)]
    late = [event(number, hit=number < 14, right=number != 10, tokens=100 * (number >= 14)) for number in range(10, 20)]
    found = measure(History([*early, *late], facts={}), p)
    assert (found["hits"], found["false"], found["early_hits"], found["early_false"]) == (0.4, 0.25, 1.0, 1.0)
    assert found["utility"] == pytest.approx((4 - 2) / 10)
    assert found["tokens_saved"] == pytest.approx(14 / 20)
