"""What is measured: which edits are lost, which texts came late, who edited at once, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from statistics import median

from windtunnel import Event, Held, History
from windtunnel.catalogue.scale.distributed_lock.desk import DESK, Edit, Job, editors
from windtunnel.catalogue.scale.distributed_lock.pages import Setting
from windtunnel.parts import share_of


def job_of(event: Event) -> Job:
    """Which job a request was."""
    return Job(*event.args)


def written(history: Sequence[Event]) -> dict[int, list[tuple[int, int]]]:
    """Of each page, the versions whose authors were told of them, each with its author, in their order."""
    found: dict[int, list[tuple[int, int]]] = {}
    for e in history:
        if e.outcome == "ok" and type(e.value) is int:
            found.setdefault(job_of(e).page, []).append((e.value, job_of(e).number))
    return {page: sorted(those) for page, those in found.items()}


def edits_of(history: History) -> list[Edit]:
    """Every time that somebody worked on a text."""
    return [Edit(*one) for one in history.facts.get("edits", ())]


def late(history: History) -> list[int]:
    """Jobs whose text was taken although somebody who had read the page after them had written it before."""
    begun: dict[int, float] = {}
    for edit in edits_of(history):  # the last one: who does it again reads again
        begun[edit.number] = edit.begun_s
    found = []
    for those in written(history).values():
        newest = 0.0
        for _, number in those:
            if begun.get(number, newest) < newest:
                found.append(number)
            newest = max(newest, begun.get(number, newest))
    return found


def together(history: History) -> list[bool]:
    """Of edits, which began while somebody else's of the same page had begun and was not done."""
    found = []
    open_until: dict[int, float] = {}
    for edit in sorted(edits_of(history), key=lambda one: one.begun_s):
        found.append(edit.begun_s < open_until.get(edit.page, 0.0))
        done_s = edit.begun_s if edit.done_s is None else edit.done_s
        open_until[edit.page] = max(open_until.get(edit.page, 0.0), done_s)
    return found


def lost(history: Sequence[Event], texts: Mapping[int, str]) -> list[bool]:
    """Of edits whose authors were told that they are stored, which are not in the page in the end.

    An edit that ended without an error was told so; with no number of its version, of none.
    """
    there = {page: set(editors(text)) for page, text in texts.items()}
    return [
        type(e.value) is not int or job_of(e).number not in there.get(job_of(e).page, ())
        for e in history
        if e.outcome == "ok"
    ]


def measure(history: History, p: Setting) -> dict[str, float]:
    """Shares of the requests, but for `lost`, a share of those told done; milliseconds; commands a request."""
    texts = {int(page): str(text) for page, text in history.facts.get("texts", {}).items()}
    edits, saved = edits_of(history), [e for e in history if e.outcome == "ok"]
    stopped = [e for e in history if job_of(e).stop_s > 0]
    many = len(history) or 1
    gone, came = lost(history, texts), len(late(history))
    return {
        "lost": share_of(gone),
        "late": came / many,
        "late_each": came / len(stopped) if stopped else 0.0,
        "lost_each": sum(gone) / len(stopped) if stopped else 0.0,
        "together": share_of(together(history)),
        "refused": share_of(e.outcome != "ok" for e in history),
        "works": len(edits) / many,
        "over_ms": 1e3 * median(e.end - e.due - p.work_s for e in saved) if saved else 0.0,
        "asked": history.facts.get("asked", 0) / many,
    }


def audit(history: History, held: Held, p: Setting) -> dict[str, float]:
    """What store and desk hold: edits lost, edits denied that are there, pages that no work has made, works done."""
    texts = {int(row["id"]): str(row["text"]) for row in held.rows("page")}
    jobs = [job for name, machine in held.machines.items() if name == DESK for job in machine.jobs]
    came: dict[int, float] = {}
    done: dict[int, float] = {}
    for at_s, done_s, work_s in jobs:  # no two edits are stopped after the same time, by which one knows them here
        came[round(1e9 * work_s)] = at_s
        if done_s is not None:
            done.setdefault(round(1e9 * work_s), done_s)
    parts = {round(1e9 * job_of(e).stops_s) for e in history}
    begun = {job.number: came.get(round(1e9 * job.stops_s), inf) for job in map(job_of, history)}
    ended = {job.number: done.get(round(1e9 * (job.work_s - job.stops_s)), inf) for job in map(job_of, history)}

    def made(text: str) -> bool:
        """Whether each edit is one of these, began when the one before it was done, and is there once."""
        found = editors(text)
        whole = len(found) == len(text.split()) == len(set(found)) and begun.keys() >= set(found)
        return whole and all(
            ended[number] < inf and (not i or ended[found[i - 1]] <= begun[number]) for i, number in enumerate(found)
        )

    there = {number for text in texts.values() for number in editors(text)}
    return {
        "lost": share_of(lost(history, texts)),
        "denied": float(sum(e.outcome == "fail" and job_of(e).number in there for e in history)),
        "strange": float(sum(not made(text) for text in texts.values())),
        "works": sum(round(1e9 * work_s) in parts for _, _, work_s in jobs) / (len(history) or 1),
    }


# --- what is drawn -----------------------------------------------------------------------------------------------
def lost_by_stop(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Chart: of the jobs that stopped for so long, the share whose text was taken late; by lengths of the stop."""
    came = set(late(history))
    step = p.lease_s / 4
    counts: dict[int, list[bool]] = {}
    for e in history:
        job = job_of(e)
        if job.stop_s:
            counts.setdefault(int(job.stop_s / step), []).append(job.number in came)
    return {"late": [((part + 0.5) * step, share_of(those)) for part, those in sorted(counts.items())]}


def first_late(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float, str, float, str, str]]]:
    """Chart: who edited the page of the first text that came late, and what was taken; else of a long stop."""
    edits = {edit.number: edit for edit in edits_of(history)}
    events = {job_of(e).number: e for e in history}
    came = set(late(history))
    chosen = sorted(came, key=lambda one: events[one].end)
    stopped = sorted((one for one in edits if job_of(events[one]).stop_s > p.lease_s), key=lambda one: events[one].end)
    if not (chosen or stopped):
        return {}
    shown = edits[(chosen or stopped)[0]]
    rows = []
    for edit in edits.values():
        answer = events[edit.number]
        if edit.page == shown.page and edit.begun_s <= events[shown.number].end and shown.begun_s <= answer.end:
            who = f"job {edit.number}"
            done_s = answer.end if edit.done_s is None else edit.done_s
            taken = f"version {answer.value}" if answer.outcome == "ok" else "refused"
            wrong = "✗" if edit.number in came else ""
            rows.append(("page", edit.begun_s, who, edit.begun_s, "reads", ""))
            rows.append((who, done_s, "page", answer.end, taken, wrong))
    return {"edits": sorted(rows, key=lambda row: row[1])}


def costs(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Chart: commands to lock servers a request, against edits that are lost of those told done."""
    found = measure(history, p)
    return {"a request": [(found["asked"], found["lost"])]}
