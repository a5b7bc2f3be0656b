"""Breaker, bulkhead and limiter with their state in Redis: what they decide, and what they do where nobody answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from helpers.clocked import run_virtual
from windtunnel.blocks.ground.errors import Refused
from windtunnel.blocks.resilience import (
    Bulkhead,
    BulkheadFull,
    CircuitBreaker,
    CircuitOpen,
    FixedWindow,
    Gcra,
    RateLimited,
    RedisBulkhead,
    RedisCircuitBreaker,
    RedisGuard,
    RedisRateLimiter,
    State,
)

SETTINGS: dict[str, Any] = {"volume_threshold": 4, "window_s": 8.0, "buckets": 4, "sleep_window_s": 3.0, "probe_s": 2.0}
FORMS: dict[str, Callable[..., RedisGuard]] = {
    "breaker": lambda client, **how: RedisCircuitBreaker(client, "a", **how),
    "bulkhead": lambda client, **how: RedisBulkhead(client, "a", 2, lease_s=60, **how),
    "limiter": lambda client, **how: RedisRateLimiter(client, Gcra(1, 1), **how),
    "keyed": lambda client, **how: RedisRateLimiter(client, Gcra(1, 1), **how).on("alice"),
}
YES: dict[str, list[Any]] = {
    "breaker": [1, b"closed", b"closed", b"7", b"0"],
    "bulkhead": [1, 1],
    "limiter": [1, b"0", b"0"],
    "keyed": [1, b"0", b"0"],
}
NO: dict[str, list[Any]] = {
    "breaker": [0, "open", "open", "7", "2.5"],
    "bulkhead": [0, 2],
    "limiter": [0, "0", "2.5"],
    "keyed": [0, "0", "2.5"],
}


class Server:
    """A client whose server answers as it is told: each answer once, the last for ever; errors are raised."""

    def __init__(self, *answers: Any, waits: bool = False) -> None:
        self.answers, self.asked, self.waits = list(answers), list[tuple[list[str], list[str]]](), waits

    def register_script(self, script: str) -> Any:
        def run(keys: list[str], args: list[str]) -> Any:
            self.asked.append((keys, args))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if isinstance(answer, BaseException):
                raise answer
            return answer

        async def run_waiting(keys: list[str], args: list[str]) -> Any:
            await asyncio.sleep(0)
            return run(keys, args)

        return run_waiting if self.waits else run


def through(block: RedisGuard, waits: bool) -> list[str]:
    """Send a call through each form there is."""
    if not waits:
        with block:
            pass
        return [block.run(lambda: "run"), block(lambda: "decorated")()]

    async def answer(word: str = "decorated") -> str:
        return word

    async def main() -> list[str]:
        async with block:
            pass
        return [await block.call(answer, "run"), await block(answer)()]

    return run_virtual(main())


@pytest.mark.parametrize("waits", [False, True], ids=["plain", "asyncio"])
@pytest.mark.parametrize("name", FORMS)
def test_each_form_lets_through_refuses_and_tells_its_hook(name: str, waits: bool, caplog: Any) -> None:
    heard: list[Refused] = []

    def hook(error: Refused) -> None:
        heard.append(error)
        raise RuntimeError("metrics are down")

    assert through(FORMS[name](Server(YES[name], waits=waits), on_reject=hook), waits) == ["run", "decorated"]
    assert heard == []
    with pytest.raises(Refused) as refused:
        through(FORMS[name](Server(NO[name], waits=waits), on_reject=hook), waits)
    assert heard == [refused.value]
    assert getattr(refused.value, "retry_after_s", 2.5) == 2.5
    assert "metrics are down" in caplog.text


@pytest.mark.parametrize("waits", [False, True], ids=["plain", "asyncio"])
@pytest.mark.parametrize("name", FORMS)
def test_a_server_that_does_not_answer_is_met_as_was_asked(name: str, waits: bool) -> None:
    down = Server(ConnectionError("down"), waits=waits)
    with pytest.raises(ConnectionError, match="down"):
        through(FORMS[name](down), waits)
    assert through(FORMS[name](down, on_error="allow"), waits) == ["run", "decorated"]
    heard: list[Refused] = []
    with pytest.raises(Refused) as refused:
        through(FORMS[name](down, on_error="deny", on_reject=heard.append), waits)
    assert heard == [refused.value]
    with pytest.raises(ValueError, match=r"'raise', 'allow' or 'deny'; got 'ignore'\.$"):
        FORMS[name](down, on_error="ignore")


@pytest.mark.parametrize("waits", [False, True], ids=["plain", "asyncio"])
@pytest.mark.parametrize("name", ["breaker", "bulkhead"])
def test_what_a_call_gave_is_not_lost_with_the_server_on_its_way_out(name: str, waits: bool, caplog: Any) -> None:
    for on_error in ("raise", "deny", "allow"):
        server = Server(YES[name], ConnectionError("gone"), YES[name], waits=waits)
        assert through(FORMS[name](server, on_error=on_error), waits) == ["run", "decorated"]
    assert "could not tell Redis of the end of a call" in caplog.text


@pytest.mark.parametrize("name", FORMS)
def test_a_client_of_the_other_kind_is_a_sentence_and_asks_nothing(name: str) -> None:
    async def answer() -> None: ...

    plain, waiting = Server(YES[name]), Server(YES[name], waits=True)
    with pytest.raises(TypeError, match=r"like redis\.Redis; here it needs one like redis\.asyncio\.Redis\.$"):
        run_virtual(FORMS[name](plain).call(answer))
    with pytest.raises(TypeError, match=r"here it needs one like redis\.Redis\.$"):
        FORMS[name](waiting).run(lambda: None)
    with pytest.raises(TypeError, match="async def"):
        FORMS[name](waiting)(lambda: None)
    assert plain.asked == waiting.asked == []


def test_a_place_whose_answer_was_lost_is_given_back_by_the_next_question() -> None:
    for lost in (ConnectionError(), asyncio.CancelledError()):
        server = Server(lost, [1, 1], waits=True)
        block = RedisBulkhead(server, "a", 1, lease_s=60)

        async def main(block: RedisBulkhead = block, lost: BaseException = lost) -> None:
            with pytest.raises(type(lost)):
                await block.__aenter__()
            async with block:
                pass

        run_virtual(main())
        (_, first), (_, second), (_, last) = server.asked
        assert second[4:] == [first[3]]
        assert last[3:] == ["", second[3]]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda: RedisBulkhead(Server([]), "a", 0, lease_s=1), "limit must be at least 1"),
        (lambda: RedisBulkhead(Server([]), "a", 1, lease_s=float("inf")), "lease_s"),
        (lambda: RedisBulkhead(Server([]), "a", 1, lease_s=float("nan")), "lease_s"),
        (lambda: RedisCircuitBreaker(Server([]), "a", error_rate=2), "error_rate"),
        (lambda: RedisCircuitBreaker(Server([]), "a", window_s=float("nan")), "window_s"),
        (lambda: RedisCircuitBreaker(Server([]), "a", sleep_window_s=float("inf")), "at most 1e\\+09 s"),
        (lambda: RedisCircuitBreaker(Server([]), "a", probe_s=float("inf")), "at most 1e\\+09 s"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        wrong()


# Against a real server.


def held(block: Any) -> Generator[None, BaseException | None, None]:
    """A call that goes on until it is sent how it ends."""
    with block:
        error = yield
        if error is not None:
            raise error


Step = tuple[float, str, int]
"""Seconds since the step before; `in`, or how a call ends; the number of a call."""


def plan(luck: Random, steps: int) -> list[Step]:
    made, inside = list[Step](), list[int]()
    for number in range(steps):
        gap_s = luck.choice([0.0, 0.25, 0.25, 1.0, 4.0, 40.0 if luck.random() < 0.05 else 0.5])
        if inside and luck.random() < 0.5:
            how = luck.choice(["ok", "failed", "failed", "nothing"])
            made.append((gap_s, how, inside.pop(luck.randrange(len(inside)))))
        else:
            made.append((gap_s, "in", number))
            inside.append(number)
    return made


def step(block: Any, calls: dict[int, Any], how: str, number: int) -> str:
    """Take one step; what became of it."""
    if how == "in":
        call = held(block)
        try:
            next(call)
        except CircuitOpen as refused:
            return f"refused for {refused.retry_after_s:.6f} s"
        calls[number] = call
        return "let through"
    call = calls.pop(number, None)
    error = {"ok": None, "failed": ConnectionError(), "nothing": KeyError()}[how]
    if call is not None:
        with pytest.raises(StopIteration if error is None else type(error)):
            call.send(error)
    return how


@pytest.mark.live
def test_a_breaker_in_redis_decides_as_one_in_this_process(redis_port: int) -> None:
    import redis

    hour, told = {"now_s": 0.0}, {"here": list[Any](), "there": list[Any]()}

    def hook(where: str) -> Any:
        return lambda old, new: told[where].append((old, new))

    with redis.Redis(port=redis_port) as client:
        for seed in range(8):
            steps = plan(Random(seed), 150)

            async def main(steps: list[Step] = steps) -> list[tuple[str, State]]:
                await asyncio.sleep(1)
                block = CircuitBreaker(**SETTINGS, failures=ConnectionError, on_change=hook("here"))
                seen, calls = [], dict[int, Any]()
                for gap_s, how, number in steps:
                    await asyncio.sleep(gap_s)
                    seen.append((step(block, calls, how, number), block.state))
                for call in calls.values():
                    call.close()
                return seen

            expected = run_virtual(main())
            there = RedisCircuitBreaker(
                client,
                f"{seed}",
                **SETTINGS,
                failures=ConnectionError,
                clock=lambda: hour["now_s"],
                on_change=hook("there"),
            )
            hour["now_s"], calls = 1.0, {}
            for at, (gap_s, how, number) in enumerate(steps):
                hour["now_s"] += gap_s
                became, state = step(there, calls, how, number), there.state
                assert became == expected[at][0], (seed, at)
                if became not in ("ok", "failed", "nothing"):  # a call that was refused asks nothing at its end
                    assert state is expected[at][1], (seed, at)
            for call in calls.values():
                call.close()
            assert 0 < client.pttl(f"breaker:{seed}") <= 86_400_000
    assert told["here"] == told["there"]
    assert {new for _, new in told["there"]} == set(State)


@pytest.mark.live
def test_many_processes_share_one_probe(redis_port: int) -> None:
    import redis.asyncio

    async def fail() -> None:
        raise ConnectionError

    async def main() -> None:
        clients = [redis.asyncio.Redis(port=redis_port) for _ in range(8)]
        how: dict[str, Any] = {"volume_threshold": 8, "sleep_window_s": 0.0, "probe_s": 600.0}
        blocks = [RedisCircuitBreaker(client, "one probe", **how) for client in clients]
        await asyncio.gather(*(block.call(fail) for block in blocks), return_exceptions=True)
        with pytest.raises(ConnectionError):
            await blocks[0].call(fail)  # was open, and the sleep window is over at once: a probe, which opens it again
        passed, waits = 0, asyncio.Event()

        async def probe() -> None:
            nonlocal passed
            passed += 1
            await waits.wait()

        tasks = [asyncio.create_task(block.call(probe)) for block in blocks for _ in range(3)]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 23:
            done, _ = await asyncio.wait(tasks, timeout=0.01)
        assert passed == 1
        assert {type(task.exception()) for task in done} == {CircuitOpen}
        waits.set()
        await asyncio.wait(tasks)
        await blocks[5].call(probe)
        assert blocks[5].state is State.CLOSED
        for client in clients:
            await client.aclose()

    asyncio.run(main())


@pytest.mark.live
def test_a_bulkhead_in_redis_holds_its_limit_over_threads_and_loses_no_place(redis_port: int) -> None:
    import redis

    inside = most = passed = 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal inside, most, passed
        with lock:
            inside, most, passed = inside + 1, max(most, inside + 1), passed + 1
        with lock:
            inside -= 1

    def run() -> None:
        with redis.Redis(port=redis_port) as client:
            block = RedisBulkhead(client, "threads", 3, lease_s=600)
            for _ in range(50):
                with suppress(BulkheadFull):
                    block.run(work)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with redis.Redis(port=redis_port) as client:
        assert client.zcard("bulkhead:threads") == 0
    assert 0 < most <= 3
    assert passed > 0


@pytest.mark.live
def test_a_place_that_nobody_gives_back_is_free_after_its_lease(redis_port: int) -> None:
    import redis

    now_s = 1.7e9
    with redis.Redis(port=redis_port, decode_responses=True) as client:
        block, local = RedisBulkhead(client, "lease", 2, lease_s=30, clock=lambda: now_s), Bulkhead(2)
        calls = [held(block), held(block)]
        for call in calls:
            next(call)
        for full in (block, local):
            with pytest.raises(BulkheadFull, match="2 calls are in progress"), full, full, full:
                pass
        now_s += 30
        late = [held(block), held(block)]
        for call in late:
            next(call)
        assert block.in_flight == 2
        for call in calls:  # those that went on too long give back what is no longer theirs
            call.close()
        with pytest.raises(BulkheadFull):
            next(held(block))
        for call in late:
            call.close()
        assert block.in_flight == 0
        assert client.exists("bulkhead:lease") == 0


@pytest.mark.live
def test_limiters_with_a_plain_client_and_parts_of_a_limit(redis_port: int) -> None:
    import redis

    with redis.Redis(port=redis_port) as client:
        for algorithm in (Gcra(1e8, 10), Gcra(2, 3), FixedWindow(3, 60), FixedWindow(0.3, 60)):
            name = f"plain {algorithm!r}:"
            there = RedisRateLimiter(client, algorithm, prefix=name)
            luck, now_s = Random(name), 1.7e9
            for _ in range(200):
                now_s += luck.choice([0.0, 1e-8, 0.1, 1.0])
                cost = luck.choice([0.1, 0.2, 0.3])
                expected = algorithm.take("x", cost, at_s=now_s)
                assert there.take_now("x", cost, at_s=now_s) == pytest.approx(expected, abs=1e-6)
        keyed = RedisRateLimiter(client, Gcra(1e-6, 1), prefix="keyed:").on("alice")
        with keyed:
            pass
        with pytest.raises(RateLimited), keyed:
            pass
