"""A trace as a browser draws it: the document and its curves."""

from __future__ import annotations

import json

import pytest

from helpers.pictures import parts_of
from windtunnel.lab.discovery import find
from windtunnel.lab.params import settings
from windtunnel.lab.run import run
from windtunnel.lab.running.work import Job, traced
from windtunnel.lab.trace.columns import Traces
from windtunnel.lab.trace.reading import queue_lengths
from windtunnel.lab.trace.records import Attempt, Box, Change, Mark, Message, Request, Run, Trace
from windtunnel.web.curves import curves, faults, latency
from windtunnel.web.picture import PIECE, document


def trace(
    *,
    requests: list[Request],
    attempts: list[Attempt] | None = None,
    messages: list[Message] | None = None,
    changes: list[Change] | None = None,
    marks: list[Mark] | None = None,
    end: int = 1000,
    share: float = 1.0,
) -> Trace:
    boxes = [Box("clients", "client"), Box("s 0", "server", 1), Box("s 1", "server", 1), Box("t", "server", 1)]
    return Trace(
        Run("d", 0, {}, 1_000_000, end, len(requests), share, 0, "0"),
        boxes,
        [],
        requests,
        attempts or [],
        messages or [],
        changes or [],
        marks or [],
    )


def attempt(request: int, target: str, begun: int, ended: int, *, used: bool = True, fate: str = "served") -> Attempt:
    return Attempt(request, 0, "clients", target, begun, -1, begun, ended, fate, used)


@pytest.fixture(scope="module")
def stormy() -> Traces:
    found = run(
        find("metastable-failure"), quick=True, seeds=[0], designs=["three_retries", "bounded_queue"], trace=True
    )
    assert found.trace is not None
    return found.trace


# --- the document ---
def test_the_first_picture_of_two_designs_is_less_than_300_kilobytes(stormy: Traces) -> None:
    assert sum(len(document(one)) for one in stormy.values()) < 300_000


def test_a_document_is_a_function_of_its_trace(stormy: Traces) -> None:
    assert document(stormy["three_retries"]) == document(stormy["three_retries"])


def test_a_picture_is_the_same_without_what_messages_carry_as_text() -> None:
    chaos = find("chaos")
    found = run(chaos, quick=True, seeds=[0], designs=["untested"], trace=True).trace
    assert found is not None
    _, bare = traced(chaos, Job("sim", "untested", 0, 0, settings(chaos.params, chaos.quick), trace=True))
    quoted = found["untested"]
    assert any(message.text for message in quoted.messages)
    assert not any(message.text for message in bare.messages)
    assert document(bare) == document(quoted)


def test_no_piece_of_a_document_is_much_longer_than_the_others(stormy: Traces) -> None:
    head, *pieces = parts_of(document(stormy["three_retries"]))
    assert json.loads(head)["pieces"] == len(pieces) == 4
    assert all(len(piece) < PIECE * 40 for piece in pieces)


def test_what_belongs_to_no_request_is_in_the_document_too() -> None:
    heartbeats = [Message(-1, "s 0", "s 1", at, at + 1, False, "12 bytes") for at in range(0, 1000, 2)]
    *_, piece = parts_of(document(trace(requests=[], messages=heartbeats)))
    counts = [byte >> 1 for byte in piece[:2]]
    assert counts == [2, 0]  # two stretches of them, no attempt


def test_a_trace_of_nothing_is_a_document_of_nothing() -> None:
    head, *pieces = parts_of(document(trace(requests=[])))
    assert not pieces
    assert latency(trace(requests=[])) == {"p50": 0, "p90": 0, "p99": 0, "most": 0}
    assert json.loads(head)["pieces"] == 0


# --- curves ---
def test_each_request_is_asked_once_and_ends_once(stormy: Traces) -> None:
    for one in stormy.values():
        found = curves(one)
        assert sum(found["asked"]) == len(one.requests)
        assert {kind: sum(found[kind]) for kind in ("ok", "fail", "unknown")} == {
            kind: sum(r.outcome == kind and r.end >= 0 for r in one.requests) for kind in ("ok", "fail", "unknown")
        }


def test_the_time_that_workers_spend_is_divided_among_the_columns(stormy: Traces) -> None:
    for one in stormy.values():
        found = curves(one)
        spent = sum(a.ended - a.begun for a in one.attempts if a.begun >= 0 and a.ended >= 0)
        still = sum(one.run.end - a.begun for a in one.attempts if a.begun >= 0 and a.ended < 0)
        assert abs(sum(found["work"]) + sum(found["waste"]) - spent - still) <= len(found["work"])


def test_after_the_trigger_the_naive_server_works_for_nobody(stormy: Traces) -> None:
    naive, cured = curves(stormy["three_retries"]), curves(stormy["bounded_queue"])
    assert sum(naive["work"][-20:]) == 0 < sum(naive["waste"][-20:])
    assert sum(cured["waste"][-20:]) == 0 < sum(cured["work"][-20:])


def test_who_waits_at_the_end_of_a_column_is_what_the_trace_says(stormy: Traces) -> None:
    one = stormy["three_retries"]
    found = curves(one)
    moments_s = [(i + 1) * found["width"] * one.unit_s for i in range(len(found["waiting"]) - 1)]
    assert found["waiting"][:-1] == queue_lengths(one, "server", moments_s)


def test_what_is_answered_second_is_wasted_and_what_is_done_for_later_is_not() -> None:
    asked = [Request(0, "c", "get", 0, 100, "ok"), Request(1, "c", "get", 0, 100, "ok")]
    hedged = [attempt(0, "s 0", 0, 100), attempt(0, "s 1", 0, 200, used=False)]
    refreshed = [
        attempt(1, "s 0", 10, 20),
        attempt(1, "t", 50, 250, used=False),
        attempt(1, "s 1", 260, 270, used=False),
    ]
    found = curves(trace(requests=asked, attempts=hedged + refreshed))
    assert (sum(found["waste"]), sum(found["nobody"])) == (200, 1)
    assert sum(found["work"]) == 100 + 10 + 200 + 10


def test_a_server_that_stands_still_does_no_work() -> None:
    asked = [Request(0, "c", "get", 0, 500, "ok")]
    stopped = [Change(100, "s 0", "speed", "0", 0), Change(400, "s 0", "speed", "1", 0)]
    found = curves(trace(requests=asked, attempts=[attempt(0, "s 0", 0, 500)], changes=stopped))
    assert sum(found["work"]) == 200


def test_a_fault_lasts_from_its_mark_to_the_mark_of_its_end() -> None:
    marks = [Mark(100, "Fault 0: crash s 0"), Mark(200, "Fault 1: pause t"), Mark(400, "Fault 0 ends: crash s 0")]
    found = faults(trace(requests=[], marks=marks, changes=[Change(100, "s 0", "up", "down", 0)]))
    assert found == [
        {"number": 0, "at": 100, "until": 400, "words": "crash s 0", "things": ["s 0"]},
        {"number": 1, "at": 200, "until": -1, "words": "pause t", "things": []},
    ]
