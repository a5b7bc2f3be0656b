"""How it is judged: what is measured, what theory says, what is claimed and demanded, and from where that comes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp
from typing import Protocol

from windtunnel import Event, Held, History
from windtunnel.checkers import Guarantee, missed_reads
from windtunnel.parts import share_of

CIRCLE = 4
"""People who read each other's pages."""
OWN_S = 2.0
"""For so long after a write its author reads at the primary: what Rails says."""
AGAIN = 0.5
"""The share of requests after which one looks at the same page again."""
STATEMENTS = 3
"""Of a write: the page, the note of the change, the commit."""
NAMES: Mapping[Guarantee, str] = {
    "read your writes": "own",
    "monotonic reads": "back",
    "monotonic writes": "order",
    "writes follow reads": "reply",
}
BIN_S = 0.2
BINS = 12


class Setting(Protocol):
    """What the experiment's parameters say; they stand in its own file."""

    @property
    def users(self) -> int: ...
    @property
    def think_s(self) -> float: ...
    @property
    def writes(self) -> float: ...
    @property
    def near_s(self) -> float: ...
    @property
    def far_s(self) -> float: ...
    @property
    def calm_s(self) -> float: ...
    @property
    def trouble(self) -> str: ...
    @property
    def trouble_s(self) -> float: ...


def run_s(p: Setting) -> float:
    """How long requests come, where they are answered at once."""
    return 2 * p.calm_s + (p.trouble_s if p.trouble != "none" else 0.0)


# --- what is measured --------------------------------------------------------------------------------------------
def plain(history: Iterable[Event]) -> list[Event]:
    """The requests as the checker knows them: `put(page, text)` and `get(page)`."""
    names = {"write": "put", "read": "get"}
    return [e._replace(name=names[e.name], args=e.args[1:]) for e in history]


def versions(history: Iterable[Event]) -> dict[int, list[int]]:
    """What was written to each page, in its order: its one author waits for an answer before the next write.

    Writes that nobody knows of are left out: they may have happened at any time, or never.
    """
    found: dict[int, list[Event]] = {}
    for e in history:
        if e.name == "write" and e.outcome == "ok":
            found.setdefault(e.args[1], []).append(e)
    return {page: [e.args[2] for e in sorted(writes, key=lambda e: e.start)] for page, writes in found.items()}


def judged(history: Sequence[Event]) -> dict[str, float]:
    """The share of reads that miss what their client must see, by guarantee, and of how many it is the share."""
    found = {NAMES[g]: missed for g, missed in missed_reads(plain(history), versions(history)).items()}
    return {name: missed.share for name, missed in found.items()} | {
        f"{name}_reads": float(missed.judged) for name, missed in found.items()
    }


def next_reads(history: Sequence[Event], of: str) -> list[tuple[Event, Event]]:
    """Each request of this name with the read of the same page that its client sent next."""
    last: dict[str, Event] = {}
    found = []
    for e in sorted(history, key=lambda e: e.start):
        before = last.get(e.client)
        if before is not None and (before.name, e.name, before.args[1]) == (of, "read", e.args[1]):
            found.append((before, e))
        last[e.client] = e
    return [(a, b) for a, b in found if a.outcome == b.outcome == "ok"]


def ranks(history: Sequence[Event]) -> dict[tuple[int, int | None], int]:
    """Which version of its page each text is, from 1."""
    return {(page, text): i for page, texts in versions(history).items() for i, text in enumerate(texts, start=1)}


def measure(history: History, p: Setting) -> dict[str, float]:
    """Who misses what, how old it is, what reaches the primary, how long it takes, and what a promotion loses."""
    rank = ranks(history)
    reads, writes = ([e for e in history if e.name == name] for name in ("read", "write"))
    told = [e for e in writes if e.outcome == "ok"]
    reloads = next_reads(history, "write")
    looks = [(a, b) for a, b in next_reads(history, "read") if a.args[0] != a.args[1]]
    gone = {e.args[2] for e in told} - set(history.facts.get("changes", ()))
    return {
        **judged(history),
        "reload": share_of(rank.get((b.args[1], b.value), 0) < rank[b.args[1], a.args[2]] for a, b in reloads),
        "look": share_of(rank.get((b.args[1], b.value), 0) < rank.get((a.args[1], a.value), 0) for a, b in looks),
        "stale_s": stalest_s(reads, told, rank),
        "primary": history.facts.get("at_primary", 0) / len(reads) if reads else 0.0,
        "read_ms": 1e3 * mean([e.end - e.start for e in reads]),
        "longest_read_ms": 1e3 * max((e.end - e.start for e in reads), default=0.0),
        "asked": history.facts.get("asked", 0) / len(reads) if reads else 0.0,
        "beats_per_s": history.facts.get("beats", 0) / run_s(p),
        "write_ms": 1e3 * mean([e.end - e.start for e in writes]),
        "longest_s": max((e.end - e.start for e in writes), default=0.0),
        "unanswered": share_of(e.outcome != "ok" for e in reads),
        "lost": float(len(gone)),
    }


def mean(values: Sequence[float]) -> float:
    """Their mean; 0 where there are none."""
    return sum(values) / len(values) if values else 0.0


def stalest_s(reads: Sequence[Event], told: Sequence[Event], rank: Mapping[tuple[int, int | None], int]) -> float:
    """The longest time between the answer to a write and the beginning of a read that shows what was there before."""
    ends: dict[int, list[float]] = {}
    for e in sorted(told, key=lambda e: e.start):
        ends.setdefault(e.args[1], []).append(e.end)
    oldest = 0.0
    for e in reads:
        if e.outcome == "ok" and (e.value is None or (e.args[1], e.value) in rank):
            newer = ends.get(e.args[1], [])[rank.get((e.args[1], e.value), 0) :]
            oldest = max(oldest, e.start - newer[0] if newer else 0.0)
    return oldest


def audit(history: History, held: Held, p: Setting) -> dict[str, float]:
    """What the tables and the servers say: writes that are not there, texts that nobody wrote, who was asked."""
    reads, writes = ([e for e in history if e.name == name] for name in ("read", "write"))
    told = [e for e in writes if e.outcome == "ok"]
    pages = {row["id"]: row["text"] for row in held.rows("page")}
    unknown = {(e.args[1], e.args[2]) for e in writes if e.outcome != "ok"}
    changes = {row["id"] for row in held.rows("change")}
    begun = {(e.args[1], e.args[2]): e.start for e in writes}
    newest = {page: texts[-1] for page, texts in versions(history).items()}
    other = [
        page for page, text in newest.items() if pages.get(page) != text and (page, pages.get(page)) not in unknown
    ]
    said = [e for e in reads if e.outcome == "ok" and e.value is not None]
    asked = sum(held.statements.values()) - STATEMENTS * len(told)
    return {
        **judged(history),
        "lost": float(sum(e.args[2] not in changes for e in told)),
        "other": float(len(other)),
        "made_up": float(sum(begun.get((e.args[1], e.value), e.end) >= e.end for e in said)),
        "unanswered": share_of(e.outcome != "ok" for e in (*reads, *writes)),
        "at_primary": (held.statements.get("db", 0) - STATEMENTS * len(writes)) / len(reads) if reads else 0.0,
        "unasked": float(max(0, sum(e.outcome == "ok" for e in reads) - asked)),
        "read_ms": 1e3 * mean([e.end - e.start for e in reads]),
        "write_ms": 1e3 * mean([e.end - e.start for e in writes]),
    }


# --- what is drawn -----------------------------------------------------------------------------------------------
def by_delay(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Reads of the own page that miss the own last write, by the time since that was answered."""
    rank = ranks(history)
    last: dict[str, Event] = {}
    found: list[tuple[float, bool]] = []
    for e in sorted(history, key=lambda e: e.start):
        if e.name == "write":
            last[e.client] = e
        elif e.args[0] == e.args[1] and e.outcome == "ok" and e.client in last and last[e.client].outcome == "ok":
            mine = last[e.client]
            found.append((e.start - mine.end, rank.get((e.args[1], e.value), 0) < rank[e.args[1], mine.args[2]]))
    bins = [[missed for delay, missed in found if k <= delay / BIN_S < k + 1] for k in range(BINS)]
    behind = [sum(lag > (k + 0.5) * BIN_S for lag in (p.near_s, p.far_s)) / 2 for k in range(BINS)]
    return {
        "reads that miss it": [((k + 0.5) * BIN_S, share_of(those)) for k, those in enumerate(bins) if those],
        "standbys so far behind": [((k + 0.5) * BIN_S, behind[k]) for k in range(BINS)],
    }


def by_guarantee(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """The share of reads that break each guarantee, of those that could."""
    return {"reads": [(g, m.share) for g, m in missed_reads(plain(history), versions(history)).items()]}


def first_missed(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float, str, float, str]]]:
    """The last requests of the first who missed something; if nobody did, of who first sees an own write."""
    missed = [e for m in missed_reads(plain(history), versions(history)).values() for e in m.reads]
    shown = missed or [read for _, read in next_reads(history, "write")]
    if not shown:
        return {"requests": []}
    wrong = min(shown, key=lambda e: e.end)
    own = sorted((e for e in history if e.client == wrong.client and e.end <= wrong.end), key=lambda e: e.start)
    rows = []
    for e in own[-4:]:
        asked = f"write {e.args[2]} to page {e.args[1]}" if e.name == "write" else f"read page {e.args[1]}"
        answer = e.outcome if e.name == "write" else str(e.value)
        middle = (e.start + e.end) / 2
        rows.append((e.client, e.start, "servers", middle, asked))
        rows.append(("servers", middle, e.client, e.end, answer))
    return {"requests": rows}


# --- what theory says ----------------------------------------------------------------------------------------------
def missed_at_once(lags_s: Sequence[float], think_s: float) -> float:
    """P(a read of what was just written misses it): think times are exponential, and the standby is drawn by lot."""
    return sum(1 - exp(-lag / think_s) for lag in lags_s) / len(lags_s)


def back_at_once(near_s: float, far_s: float, think_s: float, writes_per_s: float) -> float:
    """P(the second of two looks at a page shows an older text than the first), drawing the standby twice.

    That takes the near one first and the far one then, a gap g shorter than what the far one is behind, and a write in
    the d - g seconds that lie between what both show: (1/4) E[1 - exp(-w (d - g))] for g < d = far - near, with
    writes taken to come as a Poisson process.
    """
    d, m, w = far_s - near_s, 1 / think_s, writes_per_s
    together = exp(-w * d) * m / (m - w) * (1 - exp(-d * (m - w)))
    return (1 - exp(-d * m) - together) / 4


def written_per_s(users: int, writes: float, think_s: float) -> float:
    """Writes a second of all users, where answers take no time beside thinking."""
    return users * writes / think_s
