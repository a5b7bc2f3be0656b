"""How much a verdict costs. There is no Python peer to measure against; the notes give the absolute bars."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

from bench.harness import Row, Timed
from windtunnel import Event
from windtunnel.checkers import CompareAndSet, Model, Register, Verdict, check_linearizable, check_list_append


def served(seed: int, clients: int, operations: int, kind: str, spread: int, crashed: float = 0.0) -> list[Event]:
    """A true run of one register: each operation takes effect at some moment between its start and its end.

    `kind`: "unique" (every write a fresh value), "few" (`spread` values) or "cas" (also compare-and-set). Of the
    share `crashed` of operations, all carried out, nobody learned the outcome.
    """
    rng = random.Random(seed)
    free_at = [0.0] * clients
    drafts = []
    for i in range(operations):
        c = i % clients
        start = free_at[c] + rng.random()
        end = start + rng.random()
        free_at[c] = end
        draw = rng.random()
        if draw < 0.5:
            name, args = "read", ()
        elif draw < 0.75 and kind == "cas":
            name, args = "cas", (rng.randrange(spread), rng.randrange(spread))
        else:
            name, args = "write", (i if kind == "unique" else rng.randrange(spread),)
        drafts.append((start + rng.random() * (end - start), c, name, args, start, end))
    value: object = None
    events = []
    for _, c, name, args, start, end in sorted(drafts):
        answer: object = None
        if name == "read":
            answer = value
        elif name == "write":
            value = args[0]
        else:
            answer = value == args[0]
            value = args[1] if answer else value
        lost = rng.random() < crashed
        events.append(Event(f"c{c}", name, args, start, end, "unknown" if lost else "ok", None if lost else answer))
    return sorted(events, key=lambda e: e.end)


def timed(operations: int, judge: Callable[[], Verdict], status: str) -> Callable[[], Timed]:
    """A contender that must reach the given verdict every time."""

    def prepare() -> Timed:
        def job() -> int:
            verdict = judge()
            assert verdict.status == status, verdict.sentence
            return operations

        return job

    return prepare


def told(bar_s: float, spent_s: float) -> str:
    """The absolute bar, which the harness's ratios do not hold, and whether a first run kept it."""
    return f"bar {bar_s} CPU-s {'held' if spent_s <= bar_s else 'MISSED'}: a first run took {spent_s:.3f} CPU-s"


def linearizability_rows() -> Iterator[Row]:
    models: dict[str, Model] = {"few": Register(), "cas": CompareAndSet(), "unique": Register()}
    jobs = (
        ("five values", "few", 1_000, 0.0, 0.1),
        ("five values and compare-and-set", "cas", 1_000, 0.0, 0.1),
        ("five values and compare-and-set, 5 % unknown", "cas", 1_000, 0.05, 0.1),
        ("unique values", "unique", 100_000, 0.0, 1.5),
    )
    for name, kind, n, crashed, bar_s in jobs:
        history = served(1, 10, n, kind, 5, crashed)
        start = time.process_time()
        check_linearizable(history, models[kind])
        spent_s = time.process_time() - start
        yield Row(
            f"linearizable: {n:,} operations by 10 clients on one register, {name}",
            {"ours": timed(n, lambda h=history, k=kind: check_linearizable(h, models[k]), "valid")},
            note=told(bar_s, spent_s),
        )


def committed(seed: int, clients: int, transactions: int, appends_per_key: int = 32) -> list[Event]:
    """A serial store of lists: transactions of one to five steps, keys that retire when they are full."""
    rng = random.Random(seed)
    state: dict[int, list[int]] = {}
    live = list(range(10))
    fresh_key, fresh_value = 10, 0
    events = []
    for i in range(transactions):
        told: list[list[object]] = []
        for _ in range(rng.randint(1, 5)):
            at = rng.randrange(len(live))
            key = live[at]
            if rng.random() < 0.5:
                told.append(["r", key, list(state.get(key, ()))])
                continue
            fresh_value += 1
            state.setdefault(key, []).append(fresh_value)
            told.append(["append", key, fresh_value])
            if len(state[key]) == appends_per_key:
                live[at] = fresh_key
                fresh_key += 1
        asked = [[f, k, None if f == "r" else v] for f, k, v in told]
        # A client starts when its last transaction ended; they overlap, and take effect in the order of this loop.
        events.append(Event(f"c{i % clients}", "txn", (asked,), i - rng.random() * clients / 2, float(i), "ok", told))
    return events


def skewed(history: list[Event]) -> list[Event]:
    """The same history with one write skew at its end."""
    end = history[-1].end
    left = [["r", "l", []], ["append", "m", 1]]
    right = [["r", "m", []], ["append", "l", 1]]
    return [*history, *(Event(c, "txn", (s,), end, end + 1, "ok", s) for c, s in (("c0", left), ("c1", right)))]


def transaction_rows() -> Iterator[Row]:
    history = committed(1, 10, 50_000)
    jobs: dict[str, tuple[Callable[[], Verdict], str]] = {
        "serializable": (lambda: check_list_append(history), "valid"),
        "strict serializable": (lambda: check_list_append(history, "strict-serializable"), "valid"),
        "one write skew": (lambda: check_list_append(skewed(history)), "invalid"),
    }
    for name, (judge, status) in jobs.items():
        start = time.process_time()
        judge()
        spent_s = time.process_time() - start
        yield Row(
            f"50,000 list-append transactions of 10 clients, {name}",
            {"ours": timed(len(history), judge, status)},
            unit="txn/s",
            note=told(6, spent_s),
            rounds=3,
        )


def rows() -> Iterator[Row]:
    yield from linearizability_rows()
    yield from transaction_rows()
