"""A device that is no queue of the simulator is seen as one: who waits, and who has a place."""

from __future__ import annotations

from typing import Any

from windtunnel.lab.discovery import find
from windtunnel.lab.run import run
from windtunnel.parts import Places
from windtunnel.parts.places import Customer
from windtunnel.sim import Signal, Simulator, Trace


def test_a_batch_is_full_of_those_who_wait_and_a_static_one_empties() -> None:
    result = run(find("continuous-batching"), quick=True, seeds=1, jobs=1, designs=["static", "continuous"], trace=True)
    assert result.trace is not None
    inside = dict[str, list[int]]()
    for design, trace in result.trace.items():
        (device,) = (box for box in trace.boxes if box.name == "device")
        assert device.workers == 32
        assert {one.fate for one in trace.attempts} == {"served"}
        assert all(one.used and one.sent <= one.begun < one.ended for one in trace.attempts)
        begun = sorted(one.begun for one in trace.attempts)
        inside[design] = [sum(one.begun <= at < one.ended for one in trace.attempts) for at in begun]
        assert max(inside[design]) == 32, "never more than there are places"
    last = len(inside["static"]) - 32
    assert min(inside["continuous"][32:last]) > 28, "who leaves is followed by somebody who waits"
    assert len({one.begun for one in result.trace["static"].attempts}) == 4, "128 requests, four batches"


def test_without_a_trace_nobody_is_kept() -> None:
    sim = Simulator()
    places, over = Places(sim, "device", 2), Signal[None](sim, "over")
    places.wait(over)
    places.begin(over)
    places.leave(over)
    assert places._inside == {}


class Seen(Trace):
    """A trace that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told = list[tuple[str, int | None]]()
        self.customers = dict[int, Customer]()

    def admitted(self, server: Any, customer: Any, signal: Any) -> None:
        self.customers[id(signal)] = customer

    def left(self, server: Any, customer: Any, how: str) -> None:
        self.told.append((how, self.customers[id(customer)].started_ns))


def test_a_place_begins_once_and_ends_once_and_who_hangs_up_before_had_none() -> None:
    sim = Simulator()
    sim.trace = seen = Seen()
    places = Places(sim, "device", 2)
    one, two, nobody = (Signal[None](sim, name) for name in ("one", "two", "nobody"))
    places.wait(one)
    places.wait(two)

    async def run() -> None:
        await sim.sleep(1)
        places.begin(one)
        places.begin(nobody)
        await sim.sleep(1)
        places.begin(one)  # it was put out and came back: the place was its own
        places.leave(two, "withdrawn")
        for _ in range(2):
            places.leave(one)
        places.leave(nobody)

    sim.spawn(run(), "run")
    sim.run()
    assert seen.told == [("withdrawn", None), ("served", 1_000_000_000)]
    assert places._inside == {}
