"""Impatient clients: how often they ask, what a budget and a hedge change, and what the server knows of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from windtunnel.blocks.resilience import Budget
from windtunnel.parts import Impatient
from windtunnel.sim import Server, Simulator


def outcome(sim: Simulator, client: Impatient, work_s: float) -> tuple[bool, float]:
    """Whether a call was answered, and when it ended."""
    asked = sim.spawn(client.call(work_s))
    asked.add_done_callback(lambda _: sim.call_after(0, lambda: None))
    try:
        sim.run_until(asked)
    except TimeoutError:
        return False, sim.now
    return True, sim.now


def test_who_is_answered_in_time_asks_once() -> None:
    sim = Simulator()
    client = Impatient(Server(sim, "s"), patience_s=0.25, retries=3)
    assert outcome(sim, client, 0.1) == (True, 0.1)
    assert client.attempts == 1


def test_who_is_not_asks_again_while_the_server_works_for_nobody() -> None:
    sim = Simulator()
    client = Impatient(Server(sim, "s"), patience_s=0.25, retries=3, pause_s=0.05)
    assert outcome(sim, client, 1.0) == (False, pytest.approx(4 * 0.25 + 3 * 0.05))
    assert client.attempts == 4
    assert client.server.inside == 3, "one is done, three are still in the queue, and nobody waits for them"


def test_who_backs_off_waits_before_each_retry_as_long_as_it_says() -> None:
    class Doubling(Impatient):
        def wait_s(self, retry: int) -> float:
            return 0.1 * 2**retry

    sim = Simulator()
    client = Doubling(Server(sim, "s"), patience_s=0.25, retries=3)
    assert outcome(sim, client, 10.0) == (False, pytest.approx(4 * 0.25 + 0.1 + 0.2 + 0.4))


def test_each_caller_may_have_a_budget_of_its_own() -> None:
    purses = [Budget(0, burst=burst) for burst in (1, 3)]
    turns = iter(purses)

    class Own(Impatient):
        def purse(self) -> Budget:
            return next(turns)

    sim = Simulator()
    client = Own(Server(sim, "s"), patience_s=0.01, retries=5)
    for attempts in (2, 2 + 4):
        assert not outcome(sim, client, 10.0)[0]
        assert client.attempts == attempts


def test_a_budget_bounds_the_retries_of_all_clients_together() -> None:
    sim = Simulator()
    client = Impatient(Server(sim, "s"), patience_s=0.01, retries=3, budget=Budget(0.1, burst=2))
    for _ in range(20):
        outcome(sim, client, 1.0)
    assert client.attempts == 20 + 2 + 1, "a retry for each of the two that it began with, and one that was earned"


def test_a_full_queue_says_so_at_once_and_that_is_an_attempt_too() -> None:
    sim = Simulator()
    client = Impatient(Server(sim, "s", queue_limit=0), patience_s=0.25, retries=2)
    client.server.serve(10.0)
    assert outcome(sim, client, 0.1) == (False, 0.0)
    assert client.attempts == 3


def test_a_mistake_of_our_own_is_no_refusal() -> None:
    client = Impatient(Server(Simulator(), "s"), patience_s=0.25)
    asked = client.sim.spawn(client.call(-1.0))
    with pytest.raises(ValueError, match="cannot do -1"):
        client.sim.run_until(asked)


def test_a_hedge_saves_who_stands_behind_a_slow_one() -> None:
    sim = Simulator()
    slow, fast = Server(sim, "slow"), Server(sim, "fast")
    slow.serve(10.0)

    class TwoServers(Impatient):
        def send(self, work_s: float):  # type: ignore[no-untyped-def]
            return (fast if self.attempts % 2 == 0 else slow).serve(work_s)

    client = TwoServers(slow, patience_s=1.0, hedge_s=0.2)
    assert outcome(sim, client, 0.1) == (True, pytest.approx(0.3))
    assert client.attempts == 2
    assert outcome(sim, TwoServers(slow, patience_s=1.0, hedge_s=0.2, budget=Budget(0.0, burst=0.0)), 0.1)[0] is False


@given(
    work_s=st.floats(0.0, 2.0),
    patience_s=st.floats(0.01, 1.0),
    retries=st.integers(0, 3),
    hedged=st.floats(0.0, 0.9),
    busy_s=st.floats(0.0, 2.0),
)
@settings(max_examples=60)
def test_nobody_waits_longer_than_patience_and_attempts_allow(
    work_s: float, patience_s: float, retries: int, hedged: float, busy_s: float
) -> None:
    sim = Simulator()
    client = Impatient(Server(sim, "s"), patience_s=patience_s, retries=retries, hedge_s=hedged * patience_s)
    client.server.serve(busy_s)
    answered, ended_s = outcome(sim, client, work_s)
    assert ended_s <= (1 + retries) * patience_s + 1e-6
    assert answered or client.attempts == 2 * (1 + retries)
    assert client.server.read().balanced


def test_times_that_make_no_sense_are_refused() -> None:
    server = Server(Simulator(), "s")
    with pytest.raises(ValueError, match="patience_s must be above 0"):
        Impatient(server, patience_s=0.0)
    with pytest.raises(ValueError, match="while patience lasts"):
        Impatient(server, patience_s=0.1, hedge_s=0.1)
