"""How a design is judged: by the law of the words that clients were told, and by when they were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import fmean

from windtunnel import History
from windtunnel.blocks.serving import Batch, Sequence as Asked, tokens_a_pass
from windtunnel.catalogue.ai.speculative_decoding.device import Setting
from windtunnel.catalogue.ai.speculative_decoding.models import PROMPT, contexts_of, laws, prompt_of
from windtunnel.parts import LLAMA_8B
from windtunnel.statistics import not_measurable

NEVER = 1e-12
"""A token of less probability is none that the model says."""
ENOUGH = 5.0
"""Tokens that a cell of chi-squared is expected to have at least; others are put together."""


def told_in(history: History) -> list[Counter[int]]:
    """How often each token was told, by the context in which it was."""
    seen = [Counter[int]() for _ in laws(1.0)]
    for event in history:
        if event.outcome == "ok":
            tokens = [*prompt_of(event.args[0]), *event.value]
            for context, token in zip(contexts_of(tokens, PROMPT), event.value, strict=True):
                seen[context][token] += 1
    return seen


def off_the_law(seen: Sequence[Counter[int]], temperature: float) -> float:
    """By how many standard deviations chi-squared is larger than the model's own law makes it, all contexts together.

    By the cube root, which is nearly normal (Wilson and Hilferty, 1931); 0 where nothing can be compared.
    """
    chi, freedom = 0.0, 0
    for tokens, law in zip(seen, laws(temperature), strict=True):
        total = sum(tokens.values())
        expected = [total * float(probability) for probability in law]
        cells = [(tokens[token], many) for token, many in enumerate(expected) if many >= ENOUGH]
        rest = total - sum(many for _, many in cells)
        if rest >= ENOUGH:
            cells.append((total - sum(found for found, _ in cells), rest))
        elif cells:
            found, many = cells.pop()
            cells.append((found + total - found - sum(one for one, _ in cells), many + rest))
        chi += sum((found - many) ** 2 / many for found, many in cells)
        freedom += max(0, len(cells) - 1)
    if not freedom:
        return 0.0
    spread = 2 / (9 * freedom)
    return float(((chi / freedom) ** (1 / 3) - (1 - spread)) / sqrt(spread))


def measure(history: History, p: Setting) -> dict[str, float]:
    """`steady_per_s` are tokens a second while three quarters of the places or more are taken: without the end, at
    which they are not. `a_pass` is how many tokens a pass tells one that is being answered; `kept` the part of the
    guesses that are kept, of those that are decided on; `computed` how many tokens the large model computes for each
    that is told (prompts left out), and `small` passes of the small one for each of the large.

    `off` is by how many standard deviations what was told is off the model's law (chi-squared, given the tokens
    before), `likeliest` the part of the tokens that are the likeliest ones, and `never` counts tokens that the model
    never says; `unmade` those told behind others than the model was asked about. `token_ms` is the time between two
    tokens as a client has it, on average."""
    answers = [e for e in history if e.outcome == "ok"]
    facts = history.facts
    given, took_s = sum(len(e.value) for e in answers), max((e.end for e in answers), default=0.0)
    seen, every = told_in(history), laws(p.temperature)
    best = [int(law.argmax()) for law in every]
    first: Mapping[int, float] = {int(name): when for name, when in facts["first"].items()}
    full = [(many, all_s) for _, running, many, _, all_s in facts["steps"] if running >= 0.75 * p.batch]
    waits = [(e.end - first[e.args[0]]) / (len(e.value) - 1) for e in answers if len(e.value) > 1]
    nobody, reached = not_measurable("nobody was answered"), sum(facts["reached"])
    return {
        "tokens_per_s": given / took_s if took_s else 0.0,
        "steady_per_s": sum(many for many, _ in full) / sum(all_s for _, all_s in full)
        if full
        else not_measurable("places were never taken"),
        "a_pass": facts["told"] / facts["verified"] if facts["verified"] else nobody,
        "kept": sum(facts["kept"]) / reached if reached else not_measurable("nothing was guessed"),
        "computed": (facts["rows"] - PROMPT * len(first)) / facts["told"] if facts["told"] else nobody,
        "small": facts["small_passes"] / facts["passes"] if facts["passes"] else nobody,
        "token_ms": 1e3 * fmean(waits) if waits else nobody,
        "off": off_the_law(seen, p.temperature),
        "likeliest": sum(seen[k][best[k]] for k in range(len(seen))) / given if given else nobody,
        "never": sum(seen[k][t] for k, law in enumerate(every) for t in seen[k] if law[t] < NEVER),
        "unmade": facts["unmade"],
        "wrong": sum(len(e.value) != e.args[1] for e in answers),
        "left": len(history) - len(answers),
    }


# --- charts --------------------------------------------------------------------------------------------------------
def kept_so_far(history: History) -> list[float]:
    """How likely it is that the first, the first two, ... guesses are kept, as far as this run decided on them."""
    found, likely = list[float](), 1.0
    for reached, kept in zip(history.facts["reached"], history.facts["kept"], strict=True):
        if reached < 20:
            break
        likely *= kept / reached
        found.append(likely)
    return found


def cost_s(running: int, each: int, p: Setting) -> float:
    """What a pass takes that computes so many tokens each, with the passes of the small model for the guesses."""
    some = [Asked(k, [0] * PROMPT, 1) for k in range(running)]
    for one in some:
        one.computed = PROMPT + 32
    large_s = LLAMA_8B.seconds(Batch([(one, each) for one in some]))
    return large_s + (each - 1) * LLAMA_8B.times(p.draft_cost).seconds(Batch([(one, 1) for one in some]))


def by_guesses(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """How many times as fast as one token a pass, by how many tokens are guessed, for one request alone: by what this
    run kept, and where nobody guessed by the formula, with its best numbers."""
    found = dict[str, list[tuple[float, float]]]()
    likely = [1.0, *kept_so_far(history)]
    if len(likely) > 1:
        own, small_s = list[tuple[float, float]](), LLAMA_8B.times(p.draft_cost).seconds(_alone())
        for g in range(len(likely)):
            spared_s = 0.0 if history.facts["small_passes"] else g * small_s  # who guesses without a model
            own.append((float(g), sum(likely[: g + 1]) * cost_s(1, 1, p) / (cost_s(1, 1 + g, p) - spared_s)))
        return {"as kept": own}
    best = list[tuple[float, float]]()
    for alike in (0.6, 0.7, 0.8, 0.9):
        line = [(float(g), tokens_a_pass(alike, g) * cost_s(1, 1, p) / cost_s(1, 1 + g, p)) for g in range(13)]
        found[f"if {alike:g} were kept"] = line
        best.append(max(line, key=lambda point: point[1]))
    return found | {"the best number": best}


def _alone() -> Batch:
    one = Asked(0, [0] * PROMPT, 1)
    one.computed = PROMPT + 32
    return Batch([(one, 1)])


def by_batch(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """How many times as fast as one token a pass, by how many share the passes: measured in this run, and with as many
    guesses for other numbers, by what passes cost and what was kept."""
    told, steps = Counter[int](), Counter[int]()
    took_s, alone_s = Counter[int](), Counter[int]()
    for _, running, tokens, one_s, all_s in history.facts["steps"]:
        if running:
            rough = 1 << (running.bit_length() - 1)
            told[rough] += tokens
            steps[rough] += running
            took_s[rough] += all_s
            alone_s[rough] += one_s
    found = {"in this run": [(float(k), told[k] / took_s[k] / (steps[k] / alone_s[k])) for k in sorted(told)]}
    likely = [1.0, *kept_so_far(history)]
    if len(likely) > 1 and history.facts["small_passes"]:
        sizes = [2**k for k in range(10)]
        g = min(p.guesses, len(likely) - 1)
        found["by what was kept"] = [
            (float(n), sum(likely[: g + 1]) * cost_s(n, 1, p) / cost_s(n, 1 + g, p)) for n in sizes
        ]
    return found
