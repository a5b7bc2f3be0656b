"""What is claimed of the designs, what is demanded of a challenger's, what sources say, and where."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source

PLAIN: dict[str, object] = {
    "limit": 20,
    "window_s": 2.0,
    "nodes": 4,
    "lease": 3,
    "patience_s": 0.2,
    "load": 0.8,
    "greed": 1.5,
    "gap": 0.9,
    "windows": 4,
    "when_dead": "closed",
    "trouble": "none",
}
ONE = {**PLAIN, "nodes": 1}
CLOSE = {**PLAIN, "gap": 0.1}
WIDE = {**PLAIN, "gap": 0.95}
LARGE = {**PLAIN, "limit": 60}
MUCH = {**PLAIN, "lease": 8}
CLOSED = {**PLAIN, "trouble": "dies"}
OPEN = {**CLOSED, "when_dead": "open"}
RESTARTS = {**PLAIN, "trouble": "restarts"}
STALLS = {**PLAIN, "trouble": "stalls"}
BACK = {**PLAIN, "trouble": "clock back"}
AHEAD = {**PLAIN, "trouble": "clock ahead"}
MINUTE = {**PLAIN, "limit": 100, "window_s": 60.0, "gap": 0.0233, "load": 0.1, "greed": 0.5}
LONG = {**MINUTE, "greed": 1.2, "windows": 6}
SEVEN_AND_TWENTY = {**PLAIN, "limit": 20, "greed": 1.35, "windows": 20}

SIM = ("sim",)
CLOUDFLARE, FIGMA, LEACH, ENVOY = "Desgats 2017", "Mahdi 2017", "Leach 2015", "Envoy"

EACH = "in_process.flood > 2.5"
SHARE = "divided.most <= 2 and divided.sticky_refused > 0.5 > in_process.sticky_refused"
RACE = "read_then_write.flood > 2.5 and fixed_window.flood <= 2"
EDGE = "fixed_window.edge > 1.95"
COUNTS = "sliding_counter.edge > 1.5"
BUCKET = "1.8 < token_bucket.edge <= 1.05 + params.gap and token_bucket.wronged == 0"
HALF = "0.85 < gcra.most <= 1 and 0.15 < gcra.steady_refused < 0.4"
EXACT = "sliding_log.most == 1 and sliding_log.wronged == 0"
SMALL = (
    "small_windows.most <= 1 and max(small_windows.steady_refused, small_windows.sticky_refused) == 0 "
    "and small_windows.wronged < 0.12"
)
BYTES = (
    "2 * max(fixed_window.bytes, sliding_counter.bytes, token_bucket.bytes, gcra.bytes, small_windows.bytes) "
    "< sliding_log.bytes"
)
CALLS = "in_process.calls == 0 and fixed_window.calls == small_windows.calls == 1 and read_then_write.calls > 1.5"
LACKS = "leases.wronged > 0.08"
LENT = (
    "leases.calls < 0.8 and leases.steady_refused == 0 and leases.wronged < 0.15 "
    "and leases.most <= 1 + params.nodes * (params.lease - 1) / params.limit"
)
SHUT = "sliding_log.flood == 0 and sliding_log.steady_refused > 0.2 > 1.5 * small_windows.steady_refused"
LET = "sliding_log.flood > 3.5 and 0.5 < small_windows.flood <= 1 and small_windows.edge < 1.7"
FORGETS = "min(sliding_log.flood, small_windows.flood) > 1.5"
SILENT = (
    "sliding_log.slowest_ms > 900 * params.patience_s and small_windows.calls < 0.9 * sliding_log.calls "
    "and small_windows.steady_refused < 0.75 * sliding_log.steady_refused"
)
BACKWARDS = "sliding_log.steady_refused > 0.2 and small_windows.steady_refused == 0"

CLAIMS = (
    Claim(
        EACH,
        "Each node has a count of its own, and lets as many through as all shall together.",
        given=PLAIN,
        breaks="in_process",
    ),
    Claim(
        "in_process.most <= 2 and in_process.wronged == 0 and in_process.calls == 0",
        "On one node nobody gets more than twice the limit, nobody is refused below it, and nobody else is asked.",
        given=ONE,
        spares="in_process",
    ),
    Claim(SHARE, "Who always comes to the same node has that node's share alone.", given=PLAIN),
    Claim(RACE, "Between a get and a set others get the same count, and all of them pass.", FIGMA, given=PLAIN),
    Claim(
        "abs(read_then_write.over - fixed_window.over) < 0.2",
        "Of who asks one after the other the count is right, however it is written.",
        given=PLAIN,
    ),
    Claim(
        EDGE,
        "At an edge the count begins anew: the whole limit before it, and once more behind it.",
        FIGMA,
        given=PLAIN,
    ),
    Claim(
        "fixed_window.edge > 1.9 and sliding_counter.edge < 1.2",
        "Of what was right before the edge two counts still see nearly all right behind it.",
        CLOUDFLARE,
        given=CLOSE,
        stages=SIM,
    ),
    Claim(
        COUNTS,
        "They take the window before as spread evenly: who comes at its end and late in the next gets half more.",
        CLOUDFLARE,
        given=PLAIN,
    ),
    Claim(
        "sliding_counter.over < 1.45",
        "Of who comes all the time they let less than half as much again through.",
        CLOUDFLARE,
        given=PLAIN,
    ),
    Claim(
        BUCKET, "A full bucket, and what flows into it until then; but nobody is refused below the limit.", given=PLAIN
    ),
    Claim(
        HALF,
        "Where bucket and inflow together are the limit nobody gets more, and who asks evenly gets half.",
        given=PLAIN,
    ),
    Claim(EXACT, "Who knows every time is right about every window.", given=PLAIN),
    Claim(
        SMALL,
        "A part of a window counts until all of it is out: never too many, and nobody refused who stays a fifth below.",
        FIGMA,
        given=PLAIN,
    ),
    Claim(BYTES, "A log has a time for each request, all others a few numbers.", CLOUDFLARE, given=PLAIN, stages=SIM),
    Claim(
        "max(read_then_write.forever, fixed_window.forever, sliding_counter.forever, token_bucket.forever, "
        "gcra.forever, sliding_log.forever, leases.forever, small_windows.forever) == 0",
        "All of them let go of who comes no more.",
        given=PLAIN,
    ),
    Claim(
        "3 * small_windows.bytes < sliding_log.bytes",
        "Eleven counts take less than as many times as the limit.",
        given=PLAIN,
    ),
    Claim(CALLS, "A script is one call a decision, a get and a set are two.", given=PLAIN),
    Claim(
        "in_process.ms < 0.001 and read_then_write.ms > 1.5 * fixed_window.ms > 0",
        "A way to the cache and back is what each call costs.",
        given=PLAIN,
        stages=SIM,
    ),
    Claim(
        LENT,
        "Who takes several at once asks less often, and too many are at most those that nodes still hold.",
        given=LARGE,
    ),
    Claim("leases.calls < 0.55", "A call is for nearly two decisions, and more.", given=LARGE, stages=SIM),
    Claim(LACKS, "Where a node takes much of the limit, what it holds is what another lacks.", given=MUCH),
    Claim("leases.flood > 0.9", "Where less is left than a node takes at once, it takes one.", given=PLAIN),
    Claim("leases.at_once > 0.6", "Who was refused looks what others of its node have brought.", given=PLAIN),
    Claim(
        SHUT,
        "Who lets nobody through while the cache is dead refuses all who are below the limit.",
        ENVOY,
        given=CLOSED,
    ),
    Claim(LET, "Who lets all through has no limit while it is dead; a node's own share is one.", ENVOY, given=OPEN),
    Claim(
        "small_windows.sticky_refused < 0.28",
        "It is asked again when it is back: whoever always comes to the same node has more than a share then.",
        given=CLOSED,
    ),
    Claim("small_windows.most < 2", "When the cache is back it knows nothing of that, and begins anew.", given=CLOSED),
    Claim(
        FORGETS,
        "A cache that dies and is back at once has forgotten, and the limit is there once more.",
        given=RESTARTS,
    ),
    Claim(
        SILENT,
        "A cache that stands still lets all wait, and counts them when it goes on; who got no answer asks less.",
        given=STALLS,
    ),
    Claim(
        "small_windows.ms < 0.6 * sliding_log.ms",
        "And waits less.",
        given=STALLS,
        stages=SIM,
    ),
    Claim(
        BACKWARDS,
        "A clock that goes back is waited for, unless the newest count is taken as new.",
        LEACH,
        given=BACK,
        stages=SIM,
    ),
    Claim(FORGETS, "One that jumps ahead makes all that is counted old.", LEACH, given=AHEAD, stages=SIM),
)
DEMANDS = (
    Claim("yours.most <= 1.05", "In no window more than the limit, whoever asks how.", given=PLAIN),
    Claim("max(yours.steady_refused, yours.sticky_refused) == 0", "Nobody is refused who stays below it.", given=PLAIN),
    Claim("yours.wronged < 0.12", "Nor often who does not, when he is.", given=PLAIN),
    Claim("yours.most <= 1.05", "Nor where bursts are further apart.", given=WIDE),
    Claim("yours.calls <= 1.1", "One call a decision is enough."),
    Claim("yours.bytes < 8 * params.limit", "What is kept does not grow as a list of times does.", given=LARGE),
    Claim("yours.forever == 0", "What is kept of who comes no more goes away by itself."),
    Claim("yours.flood <= 1.3 and yours.edge < 1.6", "A dead cache is no door that stands open.", given=OPEN),
    Claim("yours.steady_refused < 0.2 and yours.sticky_refused < 0.3", "Nor one shut, or shut for good.", given=CLOSED),
    Claim(
        "yours.slowest_ms <= 1100 * params.patience_s", "Nobody waits long for a cache that stands still.", given=STALLS
    ),
    Claim("yours.ms < 45", "And few at all.", given=STALLS),
    Claim("yours.steady_refused < 0.1", "A clock that goes back shuts nobody out.", given=BACK),
    Claim("yours.caches <= 1", "There is one cache, which dies where one dies.", always=True),
    Claim("yours.strange == 0", "The answer is yes or no.", always=True),
)
BOTH = "two bursts of the limit, 1 s before an edge and 1 s behind it, of 100 in 60 s"
TRIAL = "Poisson at 120 a minute, limit 100; the trial lasted 6,000 s, of which the most depends, ours 360 s"
FIGURES = (
    Figure(
        "let through in a window by a fixed one, two bursts, in limits",
        2.0,
        "fixed_window.edge",
        0.01,
        "D",
        "as many before an edge as behind it",
        given=PLAIN,
        stages=SIM,
    ),
    Figure(
        "let through in a window by a bucket, two bursts, in limits",
        1.9,
        "token_bucket.edge",
        0.02,
        "D",
        "the bucket, and what flows in until the second: 1 + gap",
        given=PLAIN,
        stages=SIM,
    ),
    Figure(
        "of 200 around an edge a fixed window lets through",
        200,
        "100 * fixed_window.edge",
        0.01,
        "R",
        BOTH,
        given=MINUTE,
        stages=SIM,
    ),
    Figure(
        "of 200 around an edge two counts let through",
        102,
        "100 * sliding_counter.edge",
        0.02,
        "R",
        BOTH,
        given=MINUTE,
        stages=SIM,
    ),
    Figure(
        "of 200 around an edge a bucket lets through",
        103,
        "100 * token_bucket.edge",
        0.02,
        "R",
        BOTH,
        given=MINUTE,
        stages=SIM,
    ),
    Figure(
        "of 200 around an edge a log lets through",
        100,
        "100 * sliding_log.edge",
        0.01,
        "R",
        BOTH,
        given=MINUTE,
        stages=SIM,
    ),
    Figure("most in 60 s, fixed window", 138, "100 * fixed_window.over", 0.1, "R", TRIAL, given=LONG, stages=SIM),
    Figure("most in 60 s, two counts", 112.5, "100 * sliding_counter.over", 0.1, "R", TRIAL, given=LONG, stages=SIM),
    Figure("most in 60 s, token bucket", 139.5, "100 * token_bucket.over", 0.1, "R", TRIAL, given=LONG, stages=SIM),
    Figure(
        "decisions of two counts unlike those of a log",
        0.21,
        "sliding_counter.unlike_log",
        0.1,
        "R",
        "Poisson at 1.2 limits",
        given=LONG,
        stages=SIM,
    ),
    Figure(
        "by how much two counts are off the real rate",
        0.3133 / 27**0.5,
        "in_process.off",
        0.2,
        "D",
        "Poisson, n a window: sqrt(2 / pi) pi / 8 / sqrt(n), n = 27",
        given=SEVEN_AND_TWENTY,
        stages=SIM,
    ),
    Figure(
        "by how much two counts are off the real rate, Cloudflare",
        0.06,
        "in_process.off",
        0.2,
        "Vq",
        "theirs is the mean over 270,000 sources of 400 million requests; ours is Poisson, 27 a window: fitted",
        CLOUDFLARE,
        given=SEVEN_AND_TWENTY,
        stages=SIM,
    ),
    Figure(
        "requests wrongly let through or refused, Cloudflare",
        0.00003,
        "sliding_counter.wronged",
        0.5,
        "Vq",
        "400 million requests of 270,000 sources, of which few are near the limit; ours are",
        CLOUDFLARE,
        given=PLAIN,
        stages=SIM,
    ),
)
SOURCES = (
    Source(
        "J. Desgats, Cloudflare: How we built rate limiting capable of scaling to millions of domains",
        2017,
        "https://blog.cloudflare.com/counting-things-a-lot-of-different-things/",
    ),
    Source(
        "N. Mahdi, Figma: An alternative approach to rate limiting",
        2017,
        "https://www.figma.com/blog/an-alternative-approach-to-rate-limiting/",
    ),
    Source("B. Leach, Rate Limiting, Cells, and GCRA", 2015, "https://brandur.org/rate-limiting"),
    Source(
        "P. Tarjan, Stripe: Scaling your API with rate limiters, its examples",
        2017,
        "https://gist.github.com/ptarjan/e38f45f2dfe601419ca3af937fff574d",
    ),
    Source(
        "Envoy documentation: Rate limit filter, failure_mode_deny",
        2022,
        "https://www.envoyproxy.io/docs/envoy/v1.22.5/configuration/listeners/network_filters/rate_limit_filter",
    ),
    Source(
        "R. Polli and others, RateLimit header fields for HTTP, Internet-Draft",
        2024,
        "https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/",
    ),
    Source(
        "M. Nottingham, R. Fielding, RFC 6585, Additional HTTP Status Codes",
        2012,
        "https://datatracker.ietf.org/doc/html/rfc6585",
    ),
)
