"""chunking: what is planted lies where it is said to, and what a reader is handed is counted token by token."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from windtunnel import Event, History
from windtunnel.blocks.retrieval import RecursiveChunker, token_spans
from windtunnel.catalogue.ai.chunking import Chunk, Params, Tools, workload
from windtunnel.catalogue.ai.chunking.designs import Characters, Fixed, Headed, Overlapped, Structure, ToldTopics
from windtunnel.catalogue.ai.chunking.judging import measure, overlap, precision, recall
from windtunnel.catalogue.ai.chunking.rig import BUDGETS, Cut, Handed, Rig, Text, counted
from windtunnel.catalogue.ai.chunking.world import LAYOUTS, REPEAT, world

SMALL = Params(documents=2, topics=3, questions=24)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("drift", [0.0, 8.0])
def test_an_answer_lies_where_it_is_said_to(layout: str, drift: float) -> None:
    made = world(3, Params(documents=2, topics=3, questions=400, layout=layout, drift=drift))
    assert len(made.questions) == 2 * 3 * 4
    for question in made.questions:
        text = made.documents[question.document]
        ((start, end),) = question.answers
        said = text[start:end]
        assert said == said.strip()
        for word in {
            "sentence": (" is ", "."),
            "pair": ("On a copy it is", "raises it."),
            "list": ("To ", ":") if layout != "run_on" else ("To ", ":", "."),
            "settings": (" are:", "="),
        }[question.kind]:
            assert word in said
        assert said.count("\n- ") == (4 if question.kind == "list" and layout != "run_on" else 0)
        assert text.count("```") % 2 == 0


def test_a_text_of_one_line_has_one_and_topics_begin_with_a_name() -> None:
    made = world(4, Params(documents=3, layout="run_on"))
    for text, begins in zip(made.documents, made.topics, strict=True):
        assert text.count("\n") == 1
        assert len(begins) == 6
        assert all(text[at : at + 4] == "The " for at in begins)
    laid_out = world(4, Params(documents=3))
    assert all(text.count("\n## ") == 6 for text in laid_out.documents)
    assert any(text.count(REPEAT) > 1 for text in laid_out.documents), "what is looked for by its words is found twice"
    assert not any(text.isascii() for text in laid_out.documents)


@pytest.mark.parametrize(("named", "share"), [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)])
def test_so_many_facts_name_what_they_are_about(named: float, share: float) -> None:
    made = world(5, Params(documents=8, questions=400, named=named))
    found = []
    for question in made.questions:
        ((start, end),) = question.answers
        found.append(question.words.rpartition(" the ")[2].split()[0] in made.documents[question.document][start:end])
    assert sum(found) / len(found) == pytest.approx(share, abs=0.15)


def test_sentences_drift_no_further_than_they_may() -> None:
    straight = world(6, Params(documents=1, questions=400, layout="run_on"))
    drifted = world(6, Params(documents=1, questions=400, layout="run_on", drift=2.0))
    assert straight.documents != drifted.documents
    assert sorted(straight.documents[0]) == sorted(drifted.documents[0])


def test_topics_share_nouns_or_not() -> None:
    from windtunnel.blocks.text import Tokenizer

    def shared(own: float) -> float:
        made = world(7, Params(documents=1, layout="run_on", own=own))
        text, begins = made.documents[0], made.topics[0]
        words = [
            {word for word in Tokenizer().tokens(text[start:end]) if len(word) > 3}
            for start, end in zip(begins, [*begins[1:], len(text)], strict=True)
        ]
        return sum(len(one & words[0]) / len(one) for one in words[1:])

    assert shared(1.0) < 0.8 * shared(0.0)


def test_tokens_of_a_place_are_those_that_lie_wholly_in_it() -> None:
    text = Text("One two. Three")
    assert [text.text[a:b] for a, b in text.spans] == ["One", "two", ".", "Three"]
    assert list(text.among(0, 14)) == [0, 1, 2, 3]
    assert list(text.among(1, 8)) == [1, 2]
    assert list(text.among(1, 2)) == []
    assert list(text.among(5, 6)) == []
    assert [text.parted(0, 14), text.parted(1, 8), text.parted(1, 5), text.parted(3, 4), text.parted(9, 10)] == [
        0,
        1,
        2,
        0,
        1,
    ]


def test_recall_precision_and_intersection_over_union_are_those_of_chromas_harness() -> None:
    handed = counted([1, 2, 3, 2, 3, 9], {2, 3, 4, 5})
    assert handed == Handed(6, 2, 4)
    assert recall(handed) == 2 / 4
    assert precision(handed) == 2 / 6, "what is handed over twice is found once"
    assert overlap(handed) == 2 / (6 + 2)
    assert precision(Handed(0, 0, 4)) == 0


def rig(design: Any, p: Params = SMALL) -> Rig:
    stage: Any = SimpleNamespace(sim=None)
    return Rig(design(stage, p), stage, p)


def served(made: Rig, p: Params = SMALL, seed: int = 1) -> History:
    events = []
    for op in workload(p, Random(seed)):
        call = getattr(made, op.name)(*op.args)
        with pytest.raises(StopIteration) as done:
            call.send(None)
        events.append(Event("client", op.name, op.args, 0.0, 0.0, "ok", done.value.value))
    return History(events)


class Liar(Characters):
    """Says what it is told to say."""

    says: Sequence[Any] = ()

    def cut(self, text: str, tools: Tools) -> Sequence[Any]:
        return self.says


@pytest.mark.parametrize(
    ("says", "seen"),
    [
        (lambda text: [((0, len(text)), ())], {"long": 1, "lost": 0}),
        (lambda text: [((0, len(text) + 1), ())], {"astray": 1}),
        (lambda text: [((-3, 4), ())], {"astray": 1}),
        (lambda text: [((9, 9), ())], {"astray": 1}),
        (lambda text: [((0, 9), ((0, len(text) + 1),))], {"astray": 1}),
        (lambda text: [((0, 6), ((0, 8),))], {"parted": 1}),
        (lambda text: [], {"chunks": 0}),
    ],
)
def test_what_is_said_of_chunks_is_counted_and_not_believed(says: Any, seen: dict[str, int]) -> None:
    made = rig(Liar)
    text = world(1, SMALL).documents[0]
    made.design.says = says(text)
    call = made.add(1, 0)
    with pytest.raises(StopIteration) as done:
        call.send(None)
    cut: Cut = done.value.value
    assert cut.tokens == len(token_spans(text))
    assert {name: getattr(cut, name) for name in seen} == seen
    if cut.astray or not cut.chunks:
        assert cut.lost == cut.tokens


def test_what_stands_above_is_searched_handed_over_and_paid_for() -> None:
    made = rig(Headed)
    history = served(made)
    found = measure(history, SMALL)
    assert found["index"] > 1
    text = world(next(iter(history)).args[0], SMALL).documents[0]
    above = [one for number, one in made.chunks if number == 0 and one.above]
    assert above
    for one in above:
        assert all(text.startswith("#", start) and "\n" not in text[start:end] for start, end in one.above)
        assert one.above[-1][1] <= one.own[0]
        tokens = made.tokens_of(made.texts[0], one)
        assert len(tokens) <= SMALL.limit
        assert made.searched(0, one).startswith(text[slice(*one.above[0])])


def test_a_section_has_no_heading_of_the_one_before_above_it() -> None:
    text = "# A\n\nwords\n\n## B\n\n" + "more words. " * 9 + "\n\n## C\n\nlast words\n"
    stage: Any = SimpleNamespace(sim=None)
    tools = Tools(26, {})
    cut = Headed(stage, Params(limit=26)).cut(text, tools)
    told = {text[slice(*chunk.own)].split()[0]: [text[slice(*one)] for one in chunk.above] for chunk in cut}
    assert list(told) == ["#", "##", "more", "words."]
    assert told["#"] == []
    assert told["more"] == ["# A", "## B"]
    assert told["##"] == ["# A"], "B is over where C begins"


def test_a_question_whose_document_is_not_there_is_not_asked() -> None:
    made = rig(Fixed)
    call = made.ask(1, 0, "pair")
    with pytest.raises(StopIteration) as done:
        call.send(None)
    assert done.value.value is None
    assert measure(History([Event("c", "ask", (1, 0, "pair"), 0.0, 0.0, "ok", None)]), SMALL)["lost"] == 0


def test_budgets_are_filled_and_not_passed() -> None:
    for design in (Characters, Overlapped, Structure):
        for event in served(rig(design)).where(name="ask", outcome="ok"):
            by_budget, few = event.value
            assert [one.tokens <= budget for one, budget in zip(by_budget, BUDGETS, strict=True)] == [True] * 5
            assert [one.tokens for one in by_budget] == sorted(one.tokens for one in by_budget)
            assert 0 <= few.found <= few.wanted


def test_vectors_have_the_words_that_come_again() -> None:
    tools = Tools(9, {})
    rows = tools.embed(["The wug blips.", "A wug is here.", "Nothing of it.", "Blips, blips."])
    assert tools.embedded == 4
    assert (rows[0] > 0).sum() == 2
    assert rows[2].sum() == 0
    assert rows[3].sum() == 2 * rows[0][rows[3] > 0].sum()


def test_who_is_told_cuts_where_topics_begin() -> None:
    p = Params(documents=1, layout="run_on", limit=400)
    made = world(8, p)
    stage: Any = SimpleNamespace(sim=None)
    cut = ToldTopics(stage, p).cut(made.documents[0], Tools(400, {made.documents[0]: made.topics[0]}))
    assert [one.own[0] for one in cut] == [0, *made.topics[0][1:]]
    assert isinstance(cut[0], Chunk)


@pytest.mark.soak
def test_the_manual_of_python_is_cut_and_found_again() -> None:
    """Topics of the language, which come with every Python: each of another version's is another text."""
    topics = pytest.importorskip("pydoc_data.topics").topics
    text = "\n\n".join(topics[name] for name in sorted(topics))
    spans = RecursiveChunker(200).chunks(text)
    assert "".join(text[start:end] for start, end in spans) == text
    assert len(spans) < 3 * len(token_spans(text)) / 200
