"""A second judge of isolation, written apart from the first: it runs the transactions in every order there is."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any

from windtunnel.lab.history import Event

Steps = list[list[Any]]
View = Callable[[list[int]], Any]


def whole(values: list[int]) -> list[int]:
    """What a read of a list shows."""
    return values


def last(values: list[int]) -> int | None:
    """What a read of a register shows of all that was written to it."""
    return values[-1] if values else None


def as_registers(txns: list[Steps]) -> list[Steps]:
    """The same run on registers: what was appended is written, and reads show the last of it."""
    return [[["w", k, v] if f == "append" else [f, k, last(v)] for f, k, v in told] for told in txns]


def explains(told: Steps, state: dict[str, list[int]], view: View) -> dict[str, list[int]] | None:
    """Run a transaction on its own snapshot; its writes by key, or None if a read would have answered otherwise."""
    own: dict[str, list[int]] = {}
    for f, key, value in told:
        if f != "r":
            own.setdefault(key, []).append(value)
        elif value != view(state.get(key, []) + own.get(key, [])):
            return None
    return own


def applied(state: dict[str, list[int]], own: dict[str, list[int]]) -> dict[str, list[int]]:
    return {**state, **{k: state.get(k, []) + v for k, v in own.items()}}


def is_serializable(txns: list[Steps], view: View = whole) -> bool:
    """True if the transactions, one after another in some order, answer as they did."""
    for order in permutations(txns):
        state: dict[str, list[int]] = {}
        for told in order:
            own = explains(told, state, view)
            if own is None:
                break
            state = applied(state, own)
        else:
            return True
    return False


def is_snapshot_isolated(txns: list[Steps], view: View = whole) -> bool:
    """True if some order of starts and commits explains the answers: reads come from the snapshot at the start, and of
    two that overlap and write the same key only one may commit."""
    writes = [{k for f, k, _ in told if f != "r"} for told in txns]

    def grow(
        states: list[dict[str, list[int]]],
        snapshot: dict[int, int],
        owns: dict[int, dict[str, list[int]]],
        committed: list[int],
    ) -> bool:
        if len(committed) == len(txns):
            return True
        for i, told in enumerate(txns):
            if i in committed:
                continue
            if i not in snapshot:
                own = explains(told, states[-1], view)
                if own is not None and grow(states, {**snapshot, i: len(committed)}, {**owns, i: own}, committed):
                    return True
                continue
            if not any(writes[i] & writes[j] for j in committed[snapshot[i] :]):  # first wins
                done = applied(states[-1], owns[i])
                if grow([*states, done], snapshot, owns, [*committed, i]):
                    return True
        return False

    return grow([{}], {}, {}, [])


def random_transactions(rng: random.Random) -> list[Steps]:
    """Two to four transactions on two or three keys, run with some interleaving on a store that isolates them badly,
    then one that reads everything. Of kind "skew" each transaction appends to a key of its own."""
    kind = rng.choice(("at once", "snapshot", "skew", "skew", "step by step"))
    keys = ("x", "y", "z") if kind == "skew" else ("x", "y")
    txns: list[Steps] = []
    fresh = iter(range(1, 100))
    for i in range(rng.randint(2, 3 if kind == "skew" else 4)):
        steps: Steps = []
        for _ in range(rng.randint(2 if kind == "skew" else 1, 3)):
            if rng.random() < 0.55:
                steps.append(["r", rng.choice(keys), None])
            else:
                steps.append(["append", keys[i] if kind == "skew" else rng.choice(keys), next(fresh)])
        txns.append(steps)
    state: dict[str, list[int]] = {}
    own_view = [rng.random() < 0.9 for _ in txns]
    snapshots: dict[int, dict[str, list[int]]] = {}
    if kind == "skew":
        snapshots = {i: {} for i in range(len(txns)) if rng.random() < 0.9}
    told: list[Steps] = [[] for _ in txns]
    for i in _schedule(rng, [len(t) for t in txns], kind == "at once"):
        f, key, value = txns[i][len(told[i])]
        if i not in snapshots:
            snapshots[i] = {k: list(v) for k, v in state.items()}
        if f == "append":
            state.setdefault(key, []).append(value)
            if own_view[i]:
                snapshots[i].setdefault(key, []).append(value)
            told[i].append([f, key, value])
        else:
            told[i].append([f, key, list((state if kind == "step by step" else snapshots[i]).get(key, []))])
    return [*told, [["r", key, list(state.get(key, []))] for key in keys]]


def _schedule(rng: random.Random, lengths: list[int], one_by_one: bool) -> Iterator[int]:
    left = dict(enumerate(lengths))
    while left:
        i = rng.choice(sorted(left))
        for _ in range(left[i] if one_by_one else 1):
            yield i
            left[i] -= 1
        if not left[i]:
            del left[i]


def as_history(txns: list[Steps]) -> list[Event]:
    """The transactions as operations that all ran at once."""
    return [
        Event(f"c{i}", "txn", ([[f, k, None if f == "r" else v] for f, k, v in told],), 0.0, 1.0, "ok", told)
        for i, told in enumerate(txns)
    ]


def random_run(rng: random.Random) -> list[Event]:
    """Transactions with times and outcomes on a store that may be spoilt in one of several ways.

    Some answers get lost, some transactions abort. What can go wrong: a transaction sees its own later append, one
    whose answer was lost is applied in part, aborts leave something, reads fall into the middle of another
    transaction, are stale, or miss, double or swap elements.
    """
    fault = rng.choice((None, "future", "half", "half", "abort", "middle", "stale", "miss", "double", "swap"))
    keys, fresh, now = ("x", "y"), iter(range(1, 100)), 0.0
    state: dict[str, list[int]] = {}
    past: list[dict[str, list[int]]] = [{}]
    events: list[Event] = []
    for i in range(rng.randint(2, 4)):
        asked = [
            ["r", rng.choice(keys), None] if rng.random() < 0.45 else ["append", rng.choice(keys), next(fresh)]
            for _ in range(rng.randint(1, 4))
        ]
        fate = rng.choices(("ok", "unknown", "fail"), (6, 3, 1))[0]
        applied_to = {k: list(v) for k, v in state.items()}
        view = rng.choice(past) if fault == "stale" and rng.random() < 0.6 else applied_to
        own = {k: list(v) for k, v in view.items()}
        told: Steps = []
        for at, (f, key, value) in enumerate(asked):
            if f == "append":
                own.setdefault(key, []).append(value)
                skipped = fate == "unknown" and fault == "half" and rng.random() < 0.5
                if not skipped:
                    applied_to.setdefault(key, []).append(value)
                told.append([f, key, value])
                if fault == "middle" and rng.random() < 0.5:
                    past.append({k: list(v) for k, v in applied_to.items()})
                    state = past[-1]
                continue
            seen = list(own.get(key, []))
            later = [v for g, k, v in asked[at:] if g == "append" and k == key]
            if fault == "future" and later and rng.random() < 0.7:
                seen.append(later[0])
            told.append([f, key, _spoilt(rng, fault, seen)])
        happens = fate == "ok" or (fate == "unknown" and rng.random() < 0.7) or (fault == "abort" and fate == "fail")
        if happens:
            state = applied_to
            past.append(state)
        start = now + rng.choice((-1.5, 0.0, 0.0, 1.0))
        end = max(start, now) + rng.choice((0.5, 1.5, 3.0))
        now += rng.choice((0.0, 1.0, 2.0))
        client = f"c{i if rng.random() < 0.4 else 0}"
        if any(e.client == client and e.end > start for e in events):
            client = f"c{i}"
        events.append(Event(client, "txn", (asked,), start, end, fate, told if fate == "ok" else None))
    if rng.random() < 0.8:
        reads = [["r", k, _spoilt(rng, fault, list(state.get(k, [])))] for k in keys if rng.random() < 0.9]
        events.append(Event("reader", "txn", ([[f, k, None] for f, k, _ in reads],), now + 4, now + 5, "ok", reads))
    return events


def _spoilt(rng: random.Random, fault: str | None, seen: list[int]) -> list[int]:
    if len(seen) > 1 and rng.random() < 0.7:
        at = rng.randrange(len(seen) - 1)
        if fault == "miss":
            del seen[at]
        elif fault == "double":
            seen.append(seen[at])
        elif fault == "swap":
            seen[at], seen[at + 1] = seen[at + 1], seen[at]
    return seen


def run_as_registers(events: list[Event]) -> list[Event]:
    """The same run on registers."""
    return [
        e._replace(
            args=([["w" if f == "append" else f, k, v] for f, k, v in e.args[0]],),
            value=None if e.value is None else as_registers([e.value])[0],
        )
        for e in events
    ]


def explains_run(
    events: list[Event], view: View = whole, *, snapshots: bool = False, process: bool = False, real_time: bool = False
) -> bool:
    """True if the answered transactions, and some of those without an answer, can be put in an order (or in an order
    of snapshots and commits) that answers as they did, and that keeps each client's order, or that of real time."""
    ok = [e for e in events if e.outcome == "ok"]
    maybe = [e for e in events if e.outcome == "unknown"]
    for taken in range(2 ** len(maybe)):
        chosen = [*ok, *(e for at, e in enumerate(maybe) if taken >> at & 1)]
        told = [e.value if e.outcome == "ok" else [s for s in e.args[0] if s[0] != "r"] for e in chosen]
        if snapshots:
            if is_snapshot_isolated(told, view):
                return True
            continue
        before = [
            [
                j
                for j, f in enumerate(chosen)
                if j != i
                and f.outcome == "ok"
                and ((real_time and f.end < e.start) or (process and f.client == e.client and f.end <= e.start))
            ]
            for i, e in enumerate(chosen)
        ]
        if _grows(told, before, view, {}, []):
            return True
    return False


def _grows(
    told: list[Steps], before: list[list[int]], view: View, state: dict[str, list[int]], done: list[int]
) -> bool:
    if len(done) == len(told):
        return True
    for i, steps in enumerate(told):
        if i not in done and all(j in done for j in before[i]):
            own = explains(steps, state, view)
            if own is not None and _grows(told, before, view, applied(state, own), [*done, i]):
                return True
    return False
