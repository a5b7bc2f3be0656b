"""What is drawn: how soon a bug is met, all schedules, the smallest that loses, who waits for whom, what a proof is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from windtunnel import History
from windtunnel.catalogue.concurrency.primitives.judging import Setting, answers

Spans = Mapping[str, Sequence[tuple[str, float, float, str]]]


def until_met(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Schedules until the bug: of those that differ, in order; drawn by luck, on average; and drawn in this run."""
    searched = {task: one for task, one in answers(history, "search").items() if one["loses"]}
    drawn = answers(history, "draw")
    rows: dict[str, list[tuple[str, float]]] = {
        "in order": [(task, float(one["reduced"])) for task, one in searched.items() if one["reduced"]],
        "by luck, on average": [(task, 1 / one["by_luck"]) for task, one in searched.items() if one["by_luck"] > 0],
        "drawn here": [(task, float(drawn[task][0])) for task in searched if drawn[task][1]],
        f"drawn, and none in {p.walks}": [(task, float(p.walks)) for task in searched if not drawn[task][1]],
    }
    found: dict[str, Sequence[tuple[str, float]]] = {name: row for name, row in rows.items() if row}
    return found or {"none": [(task, 0.0) for task in answers(history, "search")]}


def sizes(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """How many schedules there are, how many of them differ, and how many states."""
    searched = answers(history, "search").items()
    return {
        "schedules": [(task, one["schedules"]) for task, one in searched],
        "that differ": [(task, float(one["differ"])) for task, one in searched if one["all_that_differ"]],
        "states": [(task, float(one["states"])) for task, one in searched],
    }


def all_schedules(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, str, str, str]]]:
    """Of each task that is small enough all states, and all steps between them: each way through them is a schedule."""
    return {task: one["drawn"] for task, one in answers(history, "search").items() if one.get("drawn")}


def losing(history: History, p: Setting) -> Spans:
    """Of each task the smallest schedule that loses; who stands still to its end is waiting."""
    rows = {task: spans(task, one) for task, one in answers(history, "search").items() if one.get("moves")}
    return rows or {"none": [("all tasks", 0.0, 1.0, "no schedule loses")]}


def spans(task: str, found: Mapping[str, Any]) -> list[tuple[str, float, float, str]]:
    """A row a thread, a column a step; and what keeps those who have not ended."""
    moves: Sequence[tuple[str, str]] = found["moves"]
    end = float(len(moves))
    rows = [(f"{task} {who}", float(i), i + 1.0, what) for i, (who, what) in enumerate(moves)]
    last = {who: i + 1.0 for i, (who, _) in enumerate(moves)}
    if found.get("kind") == "deadlock":
        waiting: Mapping[str, str] = found["waits"]
        rows += [(f"{task} {who}", last.get(who, 0.0), end + 2, f"waits for {what}") for who, what in waiting.items()]
    else:
        rows.append((f"{task} {moves[-1][0]}", end, end + 2, str(found.get("sentence", ""))))
    return rows


def who_waits(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float, str, float, str]]]:
    """Where all wait: an arrow from each to who holds what he waits for, or to nobody."""
    rows = {}
    for task, one in answers(history, "search").items():
        if one.get("kind") != "deadlock":
            continue
        arrows = []
        for i, (who, what) in enumerate(one["waits"].items()):
            thing, _, holder = what.partition(", held by ")
            arrows.append((f"{task} {who}", float(i), f"{task} {holder}" if holder else "nobody", i + 1.0, thing))
        rows[task] = arrows
    return rows or {"none": [("nobody", 0.0, "nobody", 1.0, "no schedule comes to a stop")]}


def left_out(history: History, p: Setting) -> Spans:
    """A fair run, round and round, in which a writer or a reader is not let in; or how many states have none."""
    starved = next((e.value for e in history.where(name="starve", outcome="ok")), None)
    if not starved:
        return {"none": [("nobody", 0.0, 1.0, "not searched")]}
    rows: dict[str, list[tuple[str, float, float, str]]] = {}
    for who in ("writer", "reader"):
        run = starved[who]
        if run is None:
            continue
        begun: dict[str, tuple[int, str]] = {}
        row = rows.setdefault(f"a {who} is left out", [])
        moves = [*run["way"], *run["circle"]]
        for step, (name, now) in enumerate(moves, 1):
            since, doing = begun.get(name, (0, "comes"))
            row.append((f"{name}{'' if who == 'writer' else ' of three'}", float(since), float(step), doing))
            begun[name] = step, now
        row += [
            (f"{n}{'' if who == 'writer' else ' of three'}", float(s), len(moves) + 2.0, d)
            for n, (s, d) in begun.items()
        ]
    return rows or {"all states": [("searched", 0.0, float(starved["states"]), "nobody is left out for ever")]}
