"""What is claimed, what a challenger's cache has to do, and what the sources say."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source

REGMI, VCACHE, GPTCACHE, ROUTER = (
    "Regmi",
    "Verified Semantic Prompt Caching",
    "GPTCache",
    "Prevent semantic-cache false hits",
)

BASE = {
    "questions": 1200, "topics": 40, "variants": 4, "unlisted": 0.1, "phrasings": 7, "tenants": 2, "zipf": 0.8,
    "words": "english", "threshold": 0.8, "delta": 0.05, "verify": 0.1, "wrong_cost": 20.0, "sweep": 4
}  # fmt: skip
QUICK = {name: BASE[name] for name in ("questions", "sweep")}
ALONE = {**BASE, "questions": 600, "tenants": 1, "sweep": 0}
PLAIN = {**ALONE, "variants": 1}
SAME = {**ALONE, "phrasings": 1}
UNLISTED = {**BASE, "unlisted": 1.0, "sweep": 0}
LONG = {**BASE, "questions": 2000, "sweep": 0}
INVENTED = {**LONG, "words": "invented"}

LIES = "fixed_cosine.false > 0.5 and fixed_cosine.hits > 0.55 and fixed_cosine.utility < 0"
TENANTS = "fixed_cosine.foreign_share > 0.2"
NEAR_MISSES = "fixed_cosine.foreign == 0 and fixed_cosine.false > 0.15"
EXACT = "exact_match.false == 0 and exact_match.again > 0.85"
HIGHER = "strict_cosine.hits < 0.4 * fixed_cosine.hits and strict_cosine.false > 0.01"
NONE_FITS = "strict_cosine.best_fixed < 0.5 * calibrated_with_rules.hits"
BOUND = "calibrated_with_rules.false < params.delta"
HONEST = "calibrated.false < 2 * params.delta and calibrated.hits < 0.2"
UNKNOWN = "rules_alone.false > params.delta and calibrated_with_rules.false < params.delta"
NO_NEAR = "fixed_cosine.false < 0.02 and fixed_cosine.hits > 0.5"

CLAIMS = (
    Claim(
        LIES,
        "Most questions are answered from the cache, and more than half of those are told what is wrong.",
        GPTCACHE,
        breaks="fixed_cosine",
        given=BASE,
    ),
    Claim(
        TENANTS,
        "The other company's question is the nearest there is, and its answer is told.",
        breaks="fixed_cosine",
        given=BASE,
    ),
    Claim(
        NEAR_MISSES,
        "With one company too: another product, another year, a not are nearer than other words for the same.",
        ROUTER,
        breaks="fixed_cosine",
        given=ALONE,
    ),
    Claim(
        NO_NEAR,
        "Where no two questions differ in one thing alone the fixed cosine is good enough.",
        REGMI,
        spares="fixed_cosine",
        given=PLAIN,
    ),
    Claim(
        "fixed_cosine.hits > calibrated_with_rules.hits",
        "Whom a wrong answer costs nothing has the most of it.",
        spares="fixed_cosine",
        over="mean",
        given=BASE,
    ),
    Claim(EXACT, "The same text means the same: nothing is wrong, and nearly all is asked again.", given=BASE),
    Claim(
        "exact_match.again == 0 and exact_match.false == 0 and exact_match.hits > 0.6",
        "Where programs ask, in the same text each time, there is nothing else to want.",
        given=SAME,
    ),
    Claim(
        HIGHER,
        "A higher cosine loses most hits and keeps some of the lies: a not and an opposite are among the nearest.",
        ROUTER,
        over="mean",
        given=BASE,
    ),
    Claim(
        NONE_FITS,
        "No fixed cosine has half of the hits, where it keeps the bound at all.",
        VCACHE,
        over="mean",
        given=BASE,
    ),
    Claim(
        BOUND,
        "Of what is asked later, a quarter of it of new topics, fewer hits are wrong than were allowed.",
        VCACHE,
        over="mean",
        given=BASE,
    ),
    Claim(
        "calibrated_with_rules.false < 3 * params.delta and calibrated_with_rules.foreign == 0",
        "With bad luck it is more, and less than three times as many; nobody is told what is another's.",
        given=BASE,
    ),
    Claim(
        HONEST,
        "The bound alone is honest and of no use: at every cosine too many of the nearest mean something else.",
        VCACHE,
        given=BASE,
    ),
    Claim(
        "rules_alone.hits > 2 * exact_match.hits and rules_alone.false < 2 * params.delta",
        "Where rules know nearly all in which questions differ they are enough, with a cosine that happens to fit.",
        over="mean",
        given=BASE,
    ),
    Claim(
        UNKNOWN,
        "Rules know nothing of what is not in them; who compares answers notices.",
        ROUTER,
        over="mean",
        given=UNLISTED,
    ),
    Claim(
        "calibrated_with_rules.utility > rules_alone.utility + 0.3",
        "And there it is worth what it costs.",
        given=UNLISTED,
        over="mean",
    ),
    Claim(
        "calibrated.hits > 0.7 and calibrated.false < params.delta and calibrated_with_rules.hits > 0.7",
        "Without near-misses the bound finds a lower cosine by itself, and more hits than a fixed one.",
        over="mean",
        given=PLAIN,
    ),
    Claim(
        "0.05 < calibrated_with_rules.verified / calibrated_with_rules.hits < 0.15",
        "What it costs: a tenth of the hits is asked all the same.",
        VCACHE,
        over="mean",
        given=PLAIN,
    ),
    Claim(
        "calibrated_with_rules.early_hits < calibrated_with_rules.hits"
        " and calibrated_with_rules.early_hits < rules_alone.early_hits",
        "And in the beginning everything is asked, until enough answers were compared.",
        over="mean",
        given=BASE,
    ),
    Claim(
        "calibrated_with_rules.answer_s < exact_match.answer_s"
        " and calibrated_with_rules.tokens_saved > exact_match.tokens_saved + 0.05",
        "Each hit spares the model's tokens and its time.",
        over="mean",
        given=BASE,
    ),
)

DEMANDS = (
    Claim("yours.foreign == 0", "Nobody is told what is another company's.", always=True, given=BASE),
    Claim("yours.false < 2 * params.delta", "Few hits are wrong.", given=LONG),
    Claim("yours.hits > 0.2", "And there are many more hits than the same text has.", given=LONG),
    Claim("yours.false < 1.4 * params.delta", "Also where questions differ in what no rule knows.", given=UNLISTED),
    Claim("yours.false < 2 * params.delta", "Also where the words are others.", given=INVENTED),
    Claim("yours.hits > 0.15", "And it knows those again.", given=INVENTED),
    Claim("yours.hits > 0.5 and yours.false < params.delta", "Where nothing is near, most is told.", given=PLAIN),
)

FIGURES = (
    Figure(
        "questions answered from the cache, %",
        65.2,
        "100 * fixed_cosine.hits",
        3.6 / 65.2,
        "Vq",
        "61.6 to 68.8 % in four kinds of questions: 8,000 stored pairs, 2,000 test questions, cosine .8 between "
        "vectors of a trained model, one tenant. Ours: made questions without near-misses, hashed runs of characters",
        REGMI,
        given=PLAIN,
    ),
    Figure(
        "of those positive, %",
        98.5,
        "100 * (1 - fixed_cosine.false)",
        1.5 / 98.5,
        "Vq",
        "more than 97 %: from 97 to 100; a survey quotes 92.5 to 97.3 % by kind of question at cosine .8. Ours: "
        "without near-misses",
        REGMI,
        given=PLAIN,
    ),
)

SOURCES = (
    Source(
        "Regmi and Pun, GPT Semantic Cache: Reducing LLM Costs and Latency via Semantic Embedding Caching",
        2024,
        "https://arxiv.org/abs/2411.05276",
    ),
    Source(
        "Schroeder and others, vCache: Verified Semantic Prompt Caching",
        2025,
        "https://arxiv.org/abs/2502.03771",
    ),
    Source(
        "zilliztech, GPTCache: A Library for Creating Semantic Cache for LLM Queries",
        2023,
        "https://github.com/zilliztech/GPTCache",
    ),
    Source(
        "vLLM Semantic Router, issue 2691: Prevent semantic-cache false hits on negated or antonym queries",
        2026,
        "https://github.com/vllm-project/semantic-router/issues/2691",
    ),
)
