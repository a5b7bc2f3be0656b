"""What is claimed, what a challenger's design has to do, and what the sources say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel import Claim, Figure, Source
from windtunnel.blocks.serving import tokens_a_pass

LEVIATHAN, CHEN, SAXENA = "Leviathan 2023", "Chen 2023", "Saxena 2023"
USUAL: dict[str, Any] = {
    "requests": 96, "rate": 0.0, "batch": 8, "answer": 48, "guesses": 4, "alike": 0.8, "temperature": 1.0,
    "draft_cost": 0.15,
}  # fmt: skip
ALONE = {**USUAL, "requests": 24, "batch": 1}
LONG = {**USUAL, "requests": 32, "answer": 192}
GREEDY = {**USUAL, "requests": 48, "temperature": 0.0}
REPEATS = {**USUAL, "temperature": 0.0, "answer": 192, "requests": 32}
SHARP = {**USUAL, "temperature": 0.25}
FULL = {**USUAL, "requests": 400, "batch": 256, "answer": 24}
POOR = {**USUAL, "alike": 0.3}
CHEAP = {**USUAL, "requests": 384, "alike": 0.5, "draft_cost": 0.0}
MANY = {**USUAL, "requests": 48, "guesses": 12, "alike": 0.6}
COMING = {**USUAL, "requests": 48, "rate": 4.0}

FAST = "rejection.tokens_per_s > 1.5 * one_token.tokens_per_s"
TOKENS = "abs(rejection.a_pass * (1 - params.alike) / (1 - params.alike ** (params.guesses + 1)) - 1) < 0.08"
LIKELIEST = "most_likely.off > 12 and most_likely.likeliest > 1.15 * one_token.likeliest"
DRAWN = "from_the_draft.off > 12"
LAW = (
    "max(one_token.off, n_gram.off, rejection.off, adaptive.off) < 4.5"
    " and min(one_token.off, n_gram.off, rejection.off, adaptive.off) > -4.5"
)
GREEDY_RIGHT = (
    "max(most_likely.never, from_the_draft.never) > 0 and most_likely.never == 0"
    " and most_likely.tokens_per_s > 1.5 * one_token.tokens_per_s"
)
FULL_PAYS = "rejection.steady_per_s < 0.9 * one_token.steady_per_s"
PAYS = "rejection.steady_per_s > one_token.steady_per_s"
LOOKS = "adaptive.steady_per_s > 0.9 * one_token.steady_per_s and adaptive.steady_per_s > 1.1 * rejection.steady_per_s"

CLAIMS = (
    Claim(
        FAST,
        "A pass reads all weights, for one token as for five; and four guesses in five are kept.",
        LEVIATHAN,
        breaks="one_token",
        given=USUAL,
    ),
    Claim(
        TOKENS,
        "Each guess is reached only where those before it were kept: a geometric sum.",
        LEVIATHAN,
        given=LONG,
    ),
    Claim(
        LIKELIEST,
        "Where words are drawn, the likeliest one is told where others had their share.",
        LEVIATHAN,
        given=USUAL,
    ),
    Claim(
        "most_likely.tokens_per_s > 1.4 * one_token.tokens_per_s"
        " and 0.85 < from_the_draft.a_pass / rejection.a_pass < 1.15",
        "Both wrong ones are as fast as the right ones or nearly, so that speed tells nobody.",
        given=USUAL,
    ),
    Claim(
        DRAWN,
        "What is not kept and drawn once more by the small model's law is its favourites twice.",
        LEVIATHAN,
        given=USUAL,
    ),
    Claim(
        GREEDY_RIGHT,
        "Where the likeliest word is wanted, to ask who is likeliest is right, and to draw once more is still wrong.",
        given=GREEDY,
    ),
    Claim(
        LAW,
        "Kept with p/q, and drawn by max(0, p - q) else, every word has the model's law, whoever guesses and how many.",
        LEVIATHAN,
    ),
    Claim(
        "n_gram.tokens_per_s > 1.1 * rejection.tokens_per_s and n_gram.small == 0",
        "Where text repeats itself (without luck it runs in circles here), what stood there before is guessed as well,"
        " and costs no model a pass.",
        SAXENA,
        given=REPEATS,
    ),
    Claim(
        "0.98 * one_token.tokens_per_s < n_gram.tokens_per_s < 0.9 * rejection.tokens_per_s",
        "Where it hardly does, little is found, which costs next to nothing, and a small model knows more.",
        given=USUAL,
    ),
    Claim(
        FULL_PAYS,
        "With 256 in a pass computing takes the time: each guess costs what it may save, and one token a pass is best.",
        LEVIATHAN,
        given=FULL,
        spares="one_token",
    ),
    Claim(
        "rejection.tokens_per_s < one_token.tokens_per_s",
        "Where three guesses in ten are kept, those of a small model cost more than they save.",
        given=POOR,
        spares="one_token",
    ),
    Claim(
        LOOKS,
        "Who looks at what is kept and what passes cost guesses one or two then, and loses little, for prompts that the"
        " small model reads.",
        given=FULL,
    ),
    Claim(
        "0.97 * one_token.tokens_per_s < adaptive.tokens_per_s > 1.1 * rejection.tokens_per_s",
        "And hardly anything where guesses are poor.",
        given=POOR,
    ),
    Claim(
        "adaptive.tokens_per_s > 1.2 * rejection.tokens_per_s",
        "Twelve guesses of which six in ten are kept are mostly computed for nothing.",
        given=MANY,
    ),
    Claim(
        "adaptive.tokens_per_s > 0.88 * rejection.tokens_per_s",
        "Where four guesses are about right, it loses nothing that is seen.",
        given=USUAL,
    ),
    Claim(
        "rejection.token_ms < 0.75 * one_token.token_ms",
        "Who reads along gets a word sooner, also where requests come one by one.",
        given=COMING,
    ),
    Claim(
        "max(one_token.wrong, n_gram.wrong, rejection.wrong, adaptive.wrong) == 0"
        " and max(one_token.left, most_likely.left, from_the_draft.left, n_gram.left, rejection.left, adaptive.left)"
        " == 0 and max(one_token.never, n_gram.never, rejection.never, adaptive.never) == 0"
        " and max(one_token.unmade, n_gram.unmade, rejection.unmade, adaptive.unmade) == 0",
        "Everybody is answered to the end, with words that the model says.",
    ),
)

DEMANDS = (
    Claim("abs(yours.off) < 5", "What was told has the model's law, given the words before.", always=True),
    Claim("yours.never == 0", "And nothing that the model never says.", always=True),
    Claim("yours.unmade == 0", "The model was asked about each word, behind those before it.", always=True),
    Claim(
        "abs(yours.off) < 5",
        "In very many, half of whose guesses are not kept, a small difference is seen, and whether luck is dealt out.",
        given=CHEAP,
    ),
    Claim("abs(yours.off) < 5", "Also where guesses are poor.", given=POOR),
    Claim("abs(yours.off) < 5", "And where most words are likely ones.", given=SHARP),
    Claim("yours.never == 0", "Where the likeliest word is wanted, it is told.", given=GREEDY),
    Claim("yours.left == 0 and yours.wrong == 0", "Everybody is answered, to the end.", given=USUAL),
    Claim("yours.tokens_per_s > 1000", "Words come faster than one a pass.", given=USUAL),
    Claim("yours.steady_per_s > 11300", "With many in a pass hardly anybody is slower for guesses.", given=FULL),
    Claim("yours.tokens_per_s > 620", "Nor where guesses are poor.", given=POOR),
)

TABLE = "c = 0: guesses cost nothing; whatever came before a share of them is kept"
FREE = {**USUAL, "requests": 48, "answer": 192, "draft_cost": 0.0}
T5 = "T5-XXL, 11 billion weights, by T5-small on one TPU v4, batch 1; ours is an 8B model on a modelled card, c = 0.02"
T5X = {**ALONE, "requests": 12, "answer": 192, "draft_cost": 0.02}


def _tokens(alike: float, guesses: int, said: float, mark: str, source: str = LEVIATHAN) -> Figure:
    return Figure(
        f"tokens a pass, {guesses} guesses, {alike:g} kept",
        said,
        "rejection.a_pass",
        0.05,
        mark,  # type: ignore[arg-type]
        TABLE if mark == "V" else "equation 1: whatever came before a share is kept" if mark == "D" else
        "32 tokens, one context, alike .8393: the sum of min(p, q)",
        source,
        given={**FREE, "guesses": guesses, "alike": alike},
    )  # fmt: skip


def _speed(name: str, said: float, given: Mapping[str, Any], tolerance: float = 0.25) -> Figure:
    return Figure(
        f"T5-XXL, {name}: times as fast",
        said,
        "rejection.tokens_per_s / one_token.tokens_per_s",
        tolerance,
        "V",
        T5,
        LEVIATHAN,
        given={**T5X, **given},
    )


FIGURES = (
    _tokens(0.6, 2, 1.96, "V"),
    _tokens(0.8, 5, 3.69, "V"),
    _tokens(0.9, 10, 6.86, "V"),
    *(_tokens(0.8, many, tokens_a_pass(0.8, many), "D") for many in (1, 3, 7)),
    _tokens(0.9, 5, tokens_a_pass(0.9, 5), "D"),
    _tokens(0.8393, 4, 3.624, "R", ""),
    Figure(
        "guesses kept, of a small model whose law has .8393 in common",
        0.8385,
        "rejection.kept",
        0.03,
        "R",
        "32 tokens, one context, 4 guesses",
        given={**FREE, "alike": 0.8393},
    ),
    Figure(
        "tokens that the model computes for each that is told, 5 guesses, 0.8 kept",
        1.63,
        "rejection.computed",
        0.06,
        "V",
        TABLE,
        LEVIATHAN,
        given={**FREE, "guesses": 5},
    ),
    Figure(
        "times as fast, 4 guesses, 0.8 kept, c = 0.15",
        tokens_a_pass(0.8, 4) / (1 + 4 * 0.15),
        "rejection.tokens_per_s / one_token.tokens_per_s",
        0.06,
        "D",
        "theorem 3.8, in which a pass takes as long for five tokens as for one; ours computes them, and ends somewhere",
        LEVIATHAN,
        given={**T5X, "draft_cost": 0.15},
    ),
    _speed("English to German, drawn, 7 guesses, 0.62 kept", 2.6, {"guesses": 7, "alike": 0.62}),
    _speed(
        "English to German, the likeliest, 7 guesses, 0.75 kept", 3.4, {"guesses": 7, "alike": 0.75, "temperature": 0.0}
    ),
    _speed("summaries, drawn, 5 guesses, 0.53 kept", 2.3, {"guesses": 5, "alike": 0.53}),
    _speed(
        "pairs of words, drawn, 3 guesses, 0.2 kept at no cost",
        1.25,
        {"guesses": 3, "alike": 0.2, "draft_cost": 0.0},
        0.06,
    ),
)

SOURCES = (
    Source(
        "Leviathan, Kalman and Matias, Fast Inference from Transformers via Speculative Decoding, ICML",
        2023,
        "https://arxiv.org/abs/2211.17192",
    ),
    Source(
        "Chen and others, Accelerating Large Language Model Decoding with Speculative Sampling",
        2023,
        "https://arxiv.org/abs/2302.01318",
    ),
    Source("Saxena, Prompt Lookup Decoding", 2023, "https://github.com/apoorvumang/prompt-lookup-decoding"),
)
