"""embeddings: queries whose answers are known, what is told is held against them, and nobody knows their class."""

from __future__ import annotations

from math import sqrt
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from windtunnel import Event, History
from windtunnel.catalogue.ai.embeddings import Params
from windtunnel.catalogue.ai.embeddings.chain import Chain
from windtunnel.catalogue.ai.embeddings.designs import Keywords, Pieces, Reranked, Routed
from windtunnel.catalogue.ai.embeddings.judging import asked, failed, interval, measure
from windtunnel.catalogue.ai.embeddings.rig import Answer, Cost, Rig, tokenizer
from windtunnel.catalogue.ai.embeddings.world import CLASSES, IDENTIFIER, NEGATION, PARAPHRASE, TYPO, world

SMALL = Params(passages=120, queries=20, older=100, concepts=60)


def served(design: Any, p: Params = SMALL, seed: int = 1) -> tuple[Rig, list[Answer]]:
    """All queries, each once."""
    rig = Rig(design, SimpleNamespace(sim=None), p)  # type: ignore[arg-type]

    def run(what: Any) -> Any:
        with pytest.raises(StopIteration) as end:
            what.send(None)
        return end.value.value

    run(rig.index(seed).__await__())
    return rig, [run(rig.search(seed, number).__await__()) for number in range(asked(p))]


class Oracle:
    """Knows what is right."""

    def __init__(self, p: Params = SMALL, seed: int = 1) -> None:
        self.right = {query.text: sorted(query.right) for query in world(seed, p).queries}

    def index(self, library: Any) -> None:
        pass

    def search(self, query: str, k: int) -> list[int]:
        return self.right[query][:k]


def test_a_paraphrase_has_other_nouns_and_a_mistyped_word_is_one_letter_off() -> None:
    p = Params(passages=120, queries=20, others=1.0, typos=1.0)
    made = world(3, p)
    words = tokenizer()
    for query in made.queries:
        own = set(words.tokens(query.text))
        target = [set(words.tokens(made.passages[one])) for one in query.right]
        if query.kind == IDENTIFIER:
            assert all(own <= text for text in target)
        elif query.kind == TYPO:
            assert not any(own <= text for text in target)
        elif query.kind == PARAPHRASE:
            assert all(len(own & text) == 0 for text in target[:1]) or len(target) > 1
    kinds = [query.kind for query in made.queries]
    assert {kind: kinds.count(kind) for kind in CLASSES} == dict.fromkeys(CLASSES, 20)
    assert kinds != sorted(kinds)


def test_twins_differ_in_what_one_denies() -> None:
    made = world(4, SMALL)
    for query in made.queries:
        if query.kind == NEGATION:
            (right,), (opposite,) = query.right, query.opposite
            one, other = ({*made.passages[at].split(".")} for at in (right, opposite))
            assert len(one ^ other) == 4  # the sentence that differs, and that with the name


def test_what_is_right_is_told_as_right_and_an_oracle_loses_nothing() -> None:
    _, answers = served(Oracle())
    assert not any(failed(one, SMALL.k) for one in answers)
    assert all(one.gain == 1 and one.foreign == 0 for one in answers)


def test_what_is_no_answer_is_counted() -> None:
    class Wild(Oracle):
        def search(self, query: str, k: int) -> list[int]:
            return [*self.right[query][:1], *self.right[query][:1], -1, 10**6, *range(k)]

    _, answers = served(Wild())
    assert all(one.foreign >= 7 for one in answers)

    class Names(Oracle):
        def search(self, query: str, k: int) -> Any:
            return ["kx1000"]

    with pytest.raises(TypeError, match="numbers of passages"):
        served(Names())


def test_nobody_but_the_rig_knows_of_which_class_a_query_is() -> None:
    heard: list[str] = []

    class Hears(Oracle):
        def search(self, query: str, k: int) -> list[int]:
            heard.append(query)
            return []

    rig, _ = served(Hears())
    made = rig.world(1)
    assert heard == [query.text for query in made.queries]
    assert not any(kind in text for text in heard for kind in CLASSES)


def test_an_interval_is_what_draws_from_the_same_queries_give() -> None:
    low, high = interval(12, 40)
    luck = Random(5)
    drawn = sorted(sum(luck.random() < 0.3 for _ in range(40)) / 40 for _ in range(4000))
    assert low == pytest.approx(drawn[100], abs=0.026)
    assert high == pytest.approx(drawn[3899], abs=0.026)
    assert high - low == pytest.approx(2 * 1.96 * sqrt(0.3 * 0.7 / 40), abs=0.03)
    assert interval(0, 40) == (0, 0)
    assert interval(40, 40) == (1, 1)


def test_an_opposite_that_is_told_first_is_a_failure() -> None:
    def one(right: int, opposite: int) -> Answer:
        return Answer(NEGATION, right, opposite, 0.5, 0, ())

    assert [failed(one(*places), 5) for places in ((1, 2), (2, 1), (6, 0), (0, 0), (5, 0))] == [
        False,
        True,
        True,
        True,
        False,
    ]


def test_measures_are_of_the_first_time_that_a_query_is_asked() -> None:
    def event(number: int, answer: Answer) -> Event:
        return Event("client", "search", (1, number), 0.0, 0.0, "ok", answer, 0.0, number)

    history = History(
        [
            event(0, Answer(IDENTIFIER, 1, 0, 1.0, 0, (3,))),
            event(1, Answer(PARAPHRASE, 9, 0, 0.3, 1, (4,))),
            event(2, Answer(TYPO, 0, 0, 0.0, 0, (5,))),
            event(3, Answer(NEGATION, 2, 1, 0.6, 0, (6, 7))),
            event(1, Answer(PARAPHRASE, 1, 0, 1.0, 0, (8,))),
            Event("client", "weigh", (1,), 0.0, 0.0, "ok", Cost(500, 12_000), 0.0, 9),
        ]
    )
    found = measure(history, SMALL)
    assert found["failure"] == 0.75
    assert found["failure_paraphrase"] == found["failure_typo"] == found["opposite"] == 1
    assert found["fickle"] == found["foreign"] == 1
    assert found["unfound"] == 0
    assert found["products"] == 100


def test_a_chain_says_of_a_word_what_was_said_and_nothing_of_another() -> None:
    write = Chain(["the cat is black when old", "the cat is black with dogs"]).writer(tokenizer())
    assert set(write("how is the cat")) <= {"is black when old", "is black with dogs"}
    assert write("how is the cta") == []
    assert write("cat") == write("cat")


def test_keywords_pieces_and_switches_do_what_they_say() -> None:
    p = SMALL
    made = world(1, p)
    library = SimpleNamespace(passages=("kx1000: the bela is red", "the bela is tall", "kx1001: a rod"))
    words = Keywords(SimpleNamespace(), p)  # type: ignore[arg-type]
    words.index(library)  # type: ignore[arg-type]
    assert words.search("what is kx1000 with bela", 5) == [0]
    assert words.search("how is the", 5) == []
    pieces = Pieces(SimpleNamespace(), p)  # type: ignore[arg-type]
    pieces.index(library)  # type: ignore[arg-type]
    assert pieces.search("kx100", 2)[0] in (0, 2)
    assert pieces.search("talll", 1) == [1]
    routed = Routed(SimpleNamespace(), p)  # type: ignore[arg-type]
    _, answers = served(routed)
    for query, answer in zip(made.queries, answers, strict=True):
        own = routed.ranked if query.kind == IDENTIFIER else routed.dense
        assert list(answer.told) == list(own.search(query.text, 10))


def test_a_reranker_puts_in_order_what_fusion_gives_it() -> None:
    design = Reranked(SimpleNamespace(), SMALL)  # type: ignore[arg-type]
    _, answers = served(design)
    for query, answer in zip(world(1, SMALL).queries[:20], answers, strict=False):
        assert set(answer.told) <= set(design.fused(query.text)[: SMALL.depth])
    assert design.kept > 15 * design.dense.kept
