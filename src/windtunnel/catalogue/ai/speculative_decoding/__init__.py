"""A pass of a language model reads all weights and says one word. May somebody cheaper guess the next five?

**Clarify.** Are words drawn, or is the likeliest taken? Has the answer to be by the model's own law, or may it be like
it? How many are answered at the same time? Does the text repeat itself, and is there a small model of the same kind?

**Estimate.** A pass of an 8B model takes {one_ms:.1f} ms for one token and {five_ms:.1f} for five: it reads 16 GB
either way. A small model of {cost:.0%} of that, whose guesses are kept four times in five, gives {tokens:.2f} tokens a
pass with {guesses} guesses, so {gain:.2f} times the words a second. With 256 answers in a pass five tokens each take
{full:.1f} times as long as one each, and the gain is {none:.2f}.

**Design.** The first proposal is one token a pass. The second lets a small model guess its likeliest words and keeps
those which are the large one's likeliest too: right where the likeliest is what is wanted, and fast. Where words
are drawn, the likeliest one is told where others had their share, and nobody sees it in any single answer.

**Deep dive: the law.** Draw a guess x by the small model's law q, and keep it with probability min(1, p(x)/q(x)). That
gives min(p, q). What is missing of p is max(0, p - q): from that, made to add up to 1, a word is drawn in place of the
first guess that is not kept. Every word then has the law p, whoever guessed. To draw it again from q, as if one tried
once more, gives the guesses' favourites twice; chi-squared over a few thousand words sees it.

**Deep dive: the pass.** The large model computes the last word and all guesses in one pass, and says its law behind
each, one more than there are guesses: even if none is kept, a word comes. Behind the first that is not kept all others
were computed for nothing, and what memory holds of them is written over.

**Scale.** A share a of guesses kept gives (1 - a^(g+1))/(1 - a) words a pass: the tenth guess is reached where nine
were kept. With many answers in a pass computing takes its time, not reading: each guess then costs what it may save.
Who looks at how much was kept, and at what a pass costs with so many, guesses less, and nothing where little is kept.

**Real systems.** vLLM and TensorRT-LLM have it, with n-grams, small models, and heads that guess (Medusa, EAGLE: said
from memory). On T5-XXL it was 2 to 3 times as fast. Here laws are made and known, so that they can be judged; scheduler
and memory are those of `windtunnel.blocks.serving`, whose engine guesses with real models too.

**Left open.** Trees of guesses, heads in place of a small model, guesses of several lengths in one pass, what memory a
small model needs, and beams. That a share is kept whatever came before is assumed; text has easy and hard stretches.
The made model looks two words back: who notes its laws by them would guess better here than any small model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence as List
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from windtunnel import Ask, Chart, Experiment, Map, Op, Stage, Why, param
from windtunnel.blocks.serving import Guess, NGramDrafter, Sampling, Sequence, accept, draw, tokens_a_pass
from windtunnel.catalogue.ai.speculative_decoding.claims import (
    CLAIMS,
    DEMANDS,
    DRAWN,
    FAST,
    FIGURES,
    FULL,
    FULL_PAYS,
    GREEDY_RIGHT,
    LAW,
    LIKELIEST,
    LOOKS,
    PAYS,
    SOURCES,
    TOKENS,
)
from windtunnel.catalogue.ai.speculative_decoding.device import Device
from windtunnel.catalogue.ai.speculative_decoding.judging import by_batch, by_guesses, cost_s, measure
from windtunnel.catalogue.ai.speculative_decoding.rig import MOST_ANSWER, MOST_BATCH, MOST_GUESSES, Rig
from windtunnel.workload import at_once, poisson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Law = NDArray[np.float64]


@dataclass(frozen=True)
class Params:
    """Who asks, and how well somebody else guesses what the model says."""

    requests: int = param(96, "requests in all", 8, 400)
    rate: float = param(0.0, "requests per second; 0: all at once", 0.0, 50.0)
    batch: int = param(8, "sequences that a pass has places for", 1, MOST_BATCH)
    answer: int = param(48, "tokens of an answer, on average", 8, MOST_ANSWER)
    guesses: int = param(4, "tokens that are guessed for a pass", 1, MOST_GUESSES)
    alike: float = param(0.8, "how alike the small model's law is: the part of its guesses that is kept", 0.1, 1.0)
    temperature: float = param(1.0, "0 tells the likeliest word; 1 draws by the model's law", 0.0, 2.0)
    draft_cost: float = param(0.15, "a pass of the small model, as a part of one of the large", 0.0, 1.0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`generate(number, many)`: an answer of so many tokens."""
    times = poisson(p.rate, luck, count=p.requests) if p.rate else at_once(p.requests)
    for number, at_s in enumerate(times):
        many = luck.randint(p.answer // 2, p.answer * 3 // 2)
        yield Op(at_s, f"client {number}", "generate", (luck.randrange(1 << 30), many))


class OneToken:
    """A pass for each token: nobody guesses."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.luck = stage.random("what is told")

    async def guess(self, device: Device, running: List[Sequence]) -> Mapping[object, List[Guess]]:
        return {}

    def keep(self, one: Sequence, guesses: List[Guess], laws: List[Law]) -> list[int]:
        return accept(guesses, laws, self.luck)


class MostLikely:
    """The small model's likeliest tokens are kept as far as they are the large one's likeliest too."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.luck, self.guesses = stage.random("what is told"), p.guesses

    async def guess(self, device: Device, running: List[Sequence]) -> Mapping[object, List[Guess]]:
        return await device.draft(running, self.guesses, pick=lambda law: int(law.argmax()))

    def keep(self, one: Sequence, guesses: List[Guess], laws: List[Law]) -> list[int]:
        told = list[int]()
        for guess, law in zip(guesses, laws, strict=False):
            if guess.token != int(law.argmax()):
                break
            told.append(guess.token)
        return [*told, draw(laws[len(told)], self.luck.random())]


class FromTheDraft:
    """Guesses are kept with probability p/q, and one that is not is drawn again by the small model's law."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.luck, self.guesses = stage.random("what is told"), p.guesses

    async def guess(self, device: Device, running: List[Sequence]) -> Mapping[object, List[Guess]]:
        return await device.draft(running, self.guesses)

    def keep(self, one: Sequence, guesses: List[Guess], laws: List[Law]) -> list[int]:
        told = list[int]()
        for guess, law in zip(guesses, laws, strict=False):
            assert guess.law is not None
            if self.luck.random() * guess.law[guess.token] >= law[guess.token]:
                return [*told, draw(guess.law, self.luck.random())]
            told.append(guess.token)
        return [*told, draw(laws[-1], self.luck.random())]


class NGram(OneToken):
    """What followed the same words before is guessed, which costs no model; the rest is as by rejection."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.guesses = p.guesses
        self.drafter = NGramDrafter(longest=3, shortest=2)  # unclaimed: more than three words are hardly found twice

    async def guess(self, device: Device, running: List[Sequence]) -> Mapping[object, List[Guess]]:
        found = self.drafter.propose([(one, self.guesses, Sampling()) for one in running])
        return {one.name: guesses for one, guesses in zip(running, found, strict=True)}


class Rejection(OneToken):
    """Guesses are kept with probability p/q, and in place of one that is not a token is drawn by max(0, p - q)."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.guesses = p.guesses

    async def guess(self, device: Device, running: List[Sequence]) -> Mapping[object, List[Guess]]:
        return await device.draft(running, self.guesses)


class Adaptive(OneToken):
    """The same, with as many guesses as pay by what was kept so far and what passes cost with so many: perhaps none."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.kept, self.decided = 4.0, 5.0  # unclaimed: as good as is hoped for, which some passes forget

    async def guess(self, device: Device, running: List[Sequence]) -> Mapping[object, List[Guess]]:
        many = self.best(device, running) if running else 0
        return await device.draft(running, many)

    def best(self, device: Device, running: List[Sequence]) -> int:
        """The number of guesses that gives most tokens a second."""
        alike, draft_s = self.kept / self.decided, device.draft_s(running)
        numbers = range(MOST_GUESSES + 1)  # unclaimed: more pay only where nearly every guess is kept
        large_s = [device.pass_s(running, 1 + many) for many in numbers]  # unclaimed: a token more each is little
        speed = [tokens_a_pass(alike, many) / (many * draft_s + large_s[many]) for many in numbers]
        return speed.index(max(speed))

    def keep(self, one: Sequence, guesses: List[Guess], laws: List[Law]) -> list[int]:
        told = super().keep(one, guesses, laws)
        self.kept += len(told) - 1
        self.decided += min(len(told), len(guesses))
        return told


__doc__ = (__doc__ or "").format(
    one_ms=1e3 * cost_s(1, 1, Params(draft_cost=0.0)),
    five_ms=1e3 * cost_s(1, 5, Params(draft_cost=0.0)),
    cost=Params().draft_cost,
    guesses=Params().guesses,
    tokens=tokens_a_pass(0.8, Params().guesses),
    gain=tokens_a_pass(0.8, Params().guesses) * cost_s(1, 1, Params()) / cost_s(1, 5, Params()),
    full=cost_s(256, 5, Params(draft_cost=0.0)) / cost_s(256, 1, Params(draft_cost=0.0)),
    none=tokens_a_pass(0.8, Params().guesses) * cost_s(256, 1, Params()) / cost_s(256, 5, Params()),
)

experiment = Experiment(
    title="Speculative decoding",
    question="A pass reads all weights and says one word. How many may somebody cheaper guess, and in whose law?",
    params=Params,
    workload=workload,
    designs={
        "one_token": OneToken,
        "most_likely": MostLikely,
        "from_the_draft": FromTheDraft,
        "n_gram": NGram,
        "rejection": Rejection,
        "adaptive": Adaptive,
    },
    measure=measure,
    rig=Rig,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("How many to guess, one request alone", "guesses", "times as fast", by_guesses),
        Chart("How many share a pass", "requests in it", "times as fast", by_batch, log="x"),
    ),
    asks=(
        Ask(
            "A small model guesses four words for each pass, and each is kept four times in five. How many words does "
            "a pass tell?",
            "rejection.a_pass",
            "words",
            1,
            5,
        ),
        Ask(
            "Eight answers share the passes, and a pass of the small model takes 15 % of one of the large. How many "
            "times the words a second?",
            "rejection.tokens_per_s / one_token.tokens_per_s",
            "times",
            0.5,
            5,
        ),
    ),
    why=(
        Why("A pass reads all weights, for one word as for five.", FAST),
        Why("Each guess is reached only if those before were kept.", TOKENS),
        Why("The likeliest word in place of a drawn one is another law.", LIKELIEST),
        Why("And so is one drawn once more by the small model's.", DRAWN),
        Why("What the guesses leave undone of the law is max(0, p - q).", LAW),
        Why("Without luck in it, the likeliest word is right.", GREEDY_RIGHT),
        Why("With many in a pass each guess costs what it may save.", FULL_PAYS),
        Why("Who looks at both guesses fewer then.", LOOKS),
    ),
    maps=(Map(PAYS, "batch", x_range=(8, MOST_BATCH), log="x", given=FULL),),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "What does a pass take for one token, and for five? And what does the model say behind each of the five?",
        "A guess was drawn by q and kept with probability min(1, p/q): of which tokens is there too little then?",
        "In place of the first guess that is not kept draw by max(0, p - q), and behind the last one by p: that is "
        "`accept` of the blocks. Count what is kept, and guess no more than pays with so many in a pass.",
    ),
    sources=SOURCES,
    quick={"requests": 32, "answer": 24},
    seeds=3,
)
