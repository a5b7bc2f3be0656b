"""Queues and logs whose server stands still, dies and comes back: one suite for the models and NATS JetStream."""

from __future__ import annotations

import os

import pytest

from helpers.arms import Arm, World, arms, done
from windtunnel.engines.log.port import LogPort
from windtunnel.engines.queue.port import QueuePort

pytestmark = pytest.mark.skipif(os.name != "posix", reason="stops and kills by signals")
queues = pytest.mark.parametrize("arm", arms("queue", "nats"))
logs = pytest.mark.parametrize("arm", [one for one in arms("log", "nats") if one.id != "disk"])
"""Our own log on a disk is no server: it lives and dies with this process."""


@queues
def test_a_publish_to_a_queue_that_stands_still_times_out_and_happens(arm: Arm) -> None:
    async def script(queue: QueuePort, world: World) -> None:
        subscription = await queue.subscribe("w", "jobs")
        await queue.publish("jobs", b"before")
        queue.pause()  # type: ignore[attr-defined]
        with pytest.raises(TimeoutError):
            await queue.publish("jobs", b"meanwhile")
        queue.resume()  # type: ignore[attr-defined]
        receipt = await world.once_it_answers(lambda: queue.publish("jobs", b"after"))
        assert receipt.sequence == 3
        got = [d.body for d in await subscription.fetch(10)]
        while len(got) < 3:
            got += [d.body for d in await subscription.fetch(10)]
        assert got == [b"before", b"meanwhile", b"after"]

    arm(script, suffers={"pause"}, publish_timeout_s=0.3)


@queues
def test_a_fetch_from_a_queue_that_stands_still_ends_and_what_came_late_is_not_lost(arm: Arm) -> None:
    async def script(queue: QueuePort, world: World) -> None:
        subscription = await queue.subscribe("w", "jobs")
        await queue.publish("jobs", b"a")
        queue.pause()  # type: ignore[attr-defined]
        assert await subscription.fetch(within_s=0.2) == []
        queue.resume()  # type: ignore[attr-defined]
        got: list[bytes] = []
        while not got:
            got += [d.body for d in await subscription.fetch(within_s=0.5)]
        assert got == [b"a"]

    arm(script, suffers={"pause"}, publish_timeout_s=0.3)


@queues
def test_what_was_out_when_the_queue_died_comes_again_and_what_was_done_does_not(arm: Arm) -> None:
    async def script(queue: QueuePort, world: World) -> None:
        subscription = await queue.subscribe("w", "jobs", ack_wait_s=1.0)
        for i in range(5):
            await queue.publish("jobs", b"%d" % i)
        got = await subscription.fetch(3)
        assert [d.body for d in got] == [b"0", b"1", b"2"]
        await got[0].ack()
        await got[1].term()
        await world.sleep(0.5)  # an acknowledgement reaches the disk later than it is answered
        queue.crash()  # type: ignore[attr-defined]
        await done(queue.restart())  # type: ignore[attr-defined]
        found = {}
        for _ in range(8):
            for delivery in await world.once_it_answers(lambda: subscription.fetch(10, within_s=0.3)):
                found[delivery.body] = delivery.deliveries
                await delivery.ack()
        assert found == {b"2": 2, b"3": 1, b"4": 1}

    arm(script, suffers={"crash"})


@queues
def test_an_acknowledgement_may_be_forgotten_by_a_queue_that_dies_right_after_it(arm: Arm) -> None:
    async def script(queue: QueuePort, world: World) -> None:
        subscription = await queue.subscribe("w", "jobs", ack_wait_s=0.5)
        await queue.publish("jobs", b"a")
        (delivery,) = await subscription.fetch()
        await delivery.ack()
        queue.crash()  # type: ignore[attr-defined]
        await done(queue.restart())  # type: ignore[attr-defined]
        found = []
        for _ in range(4):
            for again in await world.once_it_answers(lambda: subscription.fetch(within_s=0.3)):
                found.append((again.body, again.deliveries))
                await again.ack()
        # Of a real server nobody knows which of the two it will be; the model is told to forget.
        assert found == [(b"a", 2)] or (found == [] and world.sim is None)

    arm(script, suffers={"crash"})


@queues
def test_no_message_with_a_receipt_is_lost_by_a_queue_that_dies(arm: Arm) -> None:
    async def script(queue: QueuePort, world: World) -> None:
        taken: list[bytes] = []

        async def publisher(name: int) -> None:
            for i in range(10_000):
                body = b"%d %d" % (name, i)
                await queue.publish("jobs", body)
                taken.append(body)

        async def death() -> None:
            while len(taken) < 40:
                await world.sleep(0.005)
            queue.crash()  # type: ignore[attr-defined]

        ends = await world.together(*(publisher(i) for i in range(4)), death())
        assert all(isinstance(end, ConnectionError | TimeoutError) for end in ends[:4])
        await done(queue.restart())  # type: ignore[attr-defined]
        subscription = await world.once_it_answers(lambda: queue.subscribe("w", "jobs"))
        stored: list[bytes] = []
        while found := await subscription.fetch(1000, within_s=0.3):
            stored += [d.body for d in found]
        assert len(taken) >= 40
        assert set(taken) <= set(stored)
        assert len(stored) == len(set(stored)) <= len(taken) + 4, "what has no receipt is there or not; nothing twice"

    arm(script, suffers={"crash"}, publish_timeout_s=0.3)


@logs
def test_a_log_that_dies_keeps_what_it_answered_and_leaves_no_hole(arm: Arm) -> None:
    async def script(log: LogPort, world: World) -> None:
        taken: dict[int, bytes] = {}

        async def writer(name: int) -> None:
            for i in range(10_000):
                value = b"%d %d" % (name, i)
                taken[await log.append([value])] = value

        async def death() -> None:
            while len(taken) < 40:
                await world.sleep(0.005)
            log.crash()  # type: ignore[attr-defined]

        await log.commit("group", 7)
        ends = await world.together(*(writer(i) for i in range(3)), death())
        assert all(isinstance(end, ConnectionError | TimeoutError) for end in ends[:3])
        await done(log.restart())  # type: ignore[attr-defined]
        end = await world.once_it_answers(log.end)
        records = await log.read(0, end + 10)
        assert [r.offset for r in records] == list(range(end))
        assert {r.offset: r.value for r in records}.items() >= taken.items()
        assert len(taken) <= end <= len(taken) + 3
        assert await log.committed("group") == 7

    arm(script, suffers={"crash"})


@logs
def test_an_append_to_a_log_that_stands_still_is_given_up_and_happens(arm: Arm) -> None:
    async def script(log: LogPort, world: World) -> None:
        await log.append([b"before"])
        log.pause()  # type: ignore[attr-defined]
        with pytest.raises(TimeoutError):
            await world.within(0.3, log.append([b"meanwhile"]))
        log.resume()  # type: ignore[attr-defined]
        assert await world.once_it_answers(lambda: log.append([b"after"])) == 2
        assert [r.value for r in await log.read(0)] == [b"before", b"meanwhile", b"after"]

    arm(script, suffers={"pause"})
