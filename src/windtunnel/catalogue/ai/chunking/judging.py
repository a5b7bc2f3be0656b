"""How a way to cut is judged: by what a reader is handed of the answer for so many tokens, and by what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Protocol

from windtunnel import History
from windtunnel.catalogue.ai.chunking.rig import BUDGETS, Cut, Handed, Told
from windtunnel.statistics import not_measurable

KINDS = ("sentence", "pair", "list", "settings")
OF_KINDS = 400
"""Tokens at which kinds of answers are compared."""


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def limit(self) -> int: ...


def recall(one: Handed) -> float:
    """The share of the answer's tokens that was handed over."""
    return one.found / one.wanted


def precision(one: Handed) -> float:
    """The share of what was handed over that is of the answer."""
    return one.found / one.tokens if one.tokens else 0.0


def overlap(one: Handed) -> float:
    """Intersection over union, as Chroma's harness has it: what is handed over twice counts twice below the line."""
    return one.found / (one.tokens + one.wanted - one.found)


def told(history: History) -> list[Told]:
    """What came of each question whose document was there."""
    return [
        Told(tuple(Handed(*one) for one in event.value[0]), Handed(*event.value[1]))
        for event in history.where(name="ask", outcome="ok")
        if event.value is not None
    ]


def cuts(history: History) -> Iterator[Cut]:
    """What came of each document."""
    return (Cut(*event.value) for event in history.where(name="add", outcome="ok"))


def kinds(history: History) -> dict[str, float]:
    """Recall by what kind of answer is asked for: `ask(seed, question, kind)`."""
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    at = BUDGETS.index(OF_KINDS)
    for event in history.where(name="ask", outcome="ok"):
        if event.value is not None:
            found[event.args[2]].append(recall(Handed(*event.value[0][at])))
    return {kind: fmean(some) if some else not_measurable(f"nobody asked for a {kind}") for kind, some in found.items()}


def measure(history: History, p: Setting) -> Mapping[str, float]:
    """`recall_200`, `precision_200`, `iou_200`: means over the questions, of 200 tokens; `recall_five`, `iou_five`,
    `tokens_five`: of five chunks, however long they are. `of_list` and so on: recall of 400 tokens by kind of answer.

    `chunks`: for every 1,000 tokens of text; `chunk_tokens`: of one; `index`: tokens indexed over those of the text;
    `embedded`: sentences for every 1,000 tokens. `lost`, `parted`: tokens in no chunk, and ends of chunks within one;
    `long`, `astray`, `unsteady`, `told`: chunks that are too long, places that are none, documents that were cut
    otherwise the second time, and for how many the world was asked.
    """
    made, asked = list(cuts(history)), told(history)
    tokens = sum(one.tokens for one in made)
    none = not_measurable("nobody asked anything")
    found: dict[str, float] = {}
    for at, budget in enumerate(BUDGETS):
        for name, rule in (("recall", recall), ("precision", precision), ("iou", overlap)):
            found[f"{name}_{budget}"] = fmean(rule(one.by_budget[at]) for one in asked) if asked else none
    many = sum(one.chunks for one in made)
    return {
        **found,
        "recall_five": fmean(recall(one.few) for one in asked) if asked else none,
        "iou_five": fmean(overlap(one.few) for one in asked) if asked else none,
        "tokens_five": fmean(one.few.tokens for one in asked) if asked else none,
        **{f"of_{kind}": share for kind, share in kinds(history).items()},
        "chunks": 1000 * many / tokens if tokens else none,
        "chunk_tokens": sum(one.indexed for one in made) / many if many else none,
        "index": sum(one.indexed for one in made) / tokens if tokens else none,
        "embedded": 1000 * sum(one.embedded for one in made) / tokens if tokens else none,
        **{
            name: float(sum(getattr(one, name) for one in made))
            for name in ("lost", "parted", "long", "astray", "told")
        },
        "unsteady": float(sum(not event.value for event in history.where(name="again", outcome="ok"))),
    }


# --- charts --------------------------------------------------------------------------------------------------------
def by_budget(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Recall by what a reader is handed."""
    found = measure(history, p)
    return {"recall": [(float(budget), found[f"recall_{budget}"]) for budget in BUDGETS]}


def exactness(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Precision against recall, as more is handed over."""
    found = measure(history, p)
    return {"precision": [(found[f"recall_{budget}"], found[f"precision_{budget}"]) for budget in BUDGETS]}


def by_kind(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Recall by kind of answer."""
    return {f"of {OF_KINDS} tokens": [(kind, share) for kind, share in kinds(history).items() if share == share]}


def costs(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """What is indexed and embedded."""
    found = measure(history, p)
    names = {"chunks": "chunks", "index": "tokens indexed, in thousands", "embedded": "sentences embedded"}
    return {"for 1,000 tokens": [(names[name], found[name]) for name in names if found[name] == found[name]]}
