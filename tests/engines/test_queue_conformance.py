"""One suite for every queue: at least once, and what that means, in the model and in NATS JetStream."""

from __future__ import annotations

import pytest

from helpers.arms import Arm, World, arms
from windtunnel.engines.queue.port import QueuePort

pytestmark = pytest.mark.parametrize("arm", arms("queue"))


def test_what_was_published_comes_in_order_to_every_subscription(arm: Arm) -> None:
    async def script(queue: QueuePort, world: World) -> None:
        receipts = [await queue.publish("orders", b"%d" % i) for i in range(5)]
        assert [(r.sequence, r.duplicate) for r in receipts] == [(i, False) for i in range(1, 6)]
        await queue.publish("other", b"x")
        for name in ("billing", "stock"):
            subscription = await queue.subscribe(name, "orders")
            got = await subscription.fetch(10)
            assert [(d.body, d.deliveries, d.subject) for d in got] == [(b"%d" % i, 1, "orders") for i in range(5)]
            assert [d.sequence for d in got] == [1, 2, 3, 4, 5]
            for delivery in got:
                await delivery.ack()
            assert await subscription.fetch(10, within_s=0.05) == []

    arm(script)


def test_two_consumers_of_a_subscription_share_its_messages(arm: Arm) -> None:
    async def script(queue: QueuePort, world: World) -> None:
        for i in range(6):
            await queue.publish("jobs", b"%d" % i)
        ones, others = await queue.subscribe("w", "jobs"), await queue.subscribe("w", "jobs")
        found = [*await ones.fetch(3), *await others.fetch(3)]
        assert sorted(d.body for d in found) == [b"%d" % i for i in range(6)]
        for delivery in found:
            await delivery.ack()
        assert await ones.fetch(1, within_s=0.05) == []

    arm(script)


def test_what_is_not_acknowledged_in_time_comes_again(arm: Arm) -> None:
    async def script(queue: QueuePort, world: World) -> None:
        subscription = await queue.subscribe("w", "jobs", ack_wait_s=0.3)
        await queue.publish("jobs", b"a")
        (first,) = await subscription.fetch()
        assert await subscription.fetch(within_s=0.05) == [], "somebody has it"
        (second,) = await subscription.fetch(within_s=2.0)
        assert (second.body, first.deliveries, second.deliveries) == (b"a", 1, 2)
        await second.ack()
        assert await subscription.fetch(within_s=0.5) == []

    arm(script)


def test_given_back_it_comes_at_once_and_ended_it_never_comes_again(arm: Arm) -> None:
    async def script(queue: QueuePort, world: World) -> None:
        subscription = await queue.subscribe("w", "jobs", ack_wait_s=30)
        await queue.publish("jobs", b"a")
        (first,) = await subscription.fetch()
        await first.nak()
        (second,) = await subscription.fetch(within_s=2.0)
        assert (second.sequence, second.deliveries) == (first.sequence, 2)
        await second.term()
        assert await subscription.fetch(within_s=0.1) == []

    arm(script)


def test_after_its_most_deliveries_a_message_is_given_up(arm: Arm) -> None:
    async def script(queue: QueuePort, world: World) -> None:
        subscription = await queue.subscribe("w", "jobs", ack_wait_s=0.1, most_deliveries=2)
        await queue.publish("jobs", b"poison")
        assert len(await subscription.fetch()) == 1
        assert len(await subscription.fetch(within_s=2.0)) == 1
        assert await subscription.fetch(within_s=0.4) == []

    arm(script)


def test_an_id_is_stored_once(arm: Arm) -> None:
    async def script(queue: QueuePort, world: World) -> None:
        first = await queue.publish("jobs", b"a", message_id="1")
        again = await queue.publish("jobs", b"a", message_id="1")
        other = await queue.publish("jobs", b"a", message_id="2")
        assert (first.duplicate, again.duplicate, other.duplicate) == (False, True, False)
        assert (again.sequence, other.sequence) == (first.sequence, first.sequence + 1)
        subscription = await queue.subscribe("w", "jobs")
        assert len(await subscription.fetch(10, within_s=0.2)) == 2

    arm(script)


def test_who_waits_gets_what_is_published_meanwhile(arm: Arm) -> None:
    async def script(queue: QueuePort, world: World) -> None:
        subscription = await queue.subscribe("w", "jobs")

        async def later() -> None:
            await world.sleep(0.1)
            await queue.publish("jobs", b"late")

        got, _ = await world.together(subscription.fetch(within_s=5.0), later())
        assert [d.body for d in got] == [b"late"]

    arm(script)


def test_two_publishes_of_one_id_at_once_are_one_message(arm: Arm) -> None:
    async def script(queue: QueuePort, world: World) -> None:
        receipts = await world.together(*(queue.publish("jobs", b"a", message_id="1") for _ in range(40)))
        assert sorted(r.duplicate for r in receipts) == [False, *[True] * 39]
        assert {r.sequence for r in receipts} == {1}
        assert (await queue.publish("jobs", b"b")).sequence == 2

    arm(script)


def test_a_late_acknowledgement_counts_while_nobody_has_the_message_again(arm: Arm) -> None:
    async def script(queue: QueuePort, world: World) -> None:
        for body in (b"a", b"b"):
            await queue.publish("jobs", body)
        subscription = await queue.subscribe("w", "jobs", ack_wait_s=0.3)
        first, second = await subscription.fetch(2)
        await world.sleep(0.5)
        again = await subscription.fetch(1)
        late = second if again[0].body == b"a" else first
        await late.ack()
        await again[0].ack()
        assert await subscription.fetch(2, within_s=0.6) == []

    arm(script)


def test_what_is_said_of_a_delivery_after_it_was_settled_does_nothing(arm: Arm) -> None:
    async def script(queue: QueuePort, world: World) -> None:
        subscription = await queue.subscribe("w", "jobs", ack_wait_s=30)
        for end in ("ack", "term"):
            await queue.publish("jobs", b"a")
            (delivery,) = await subscription.fetch()
            await getattr(delivery, end)()
            for word in ("ack", "nak", "term"):
                await getattr(delivery, word)()
            assert await subscription.fetch(within_s=0.2) == []
        await queue.publish("jobs", b"b")
        (delivery,) = await subscription.fetch()
        for word in ("nak", "ack", "nak"):
            await getattr(delivery, word)()
        (again,) = await subscription.fetch(within_s=2.0)
        assert again.deliveries == 2
        await again.ack()
        assert await subscription.fetch(within_s=0.2) == []

    arm(script)


def test_a_subscription_stays_what_it_was_made_as(arm: Arm) -> None:
    async def script(queue: QueuePort, world: World) -> None:
        await queue.subscribe("w", "a", ack_wait_s=30)
        other = await queue.subscribe("w", "b", ack_wait_s=0.1)
        for subject in ("b", "a", "a.b"):
            await queue.publish(subject, subject.encode())
        assert [(d.subject, d.body) for d in await other.fetch(5, within_s=0.3)] == [("a", b"a")]
        assert await other.fetch(within_s=0.3) == []

    arm(script)


def test_what_one_engine_could_not_do_is_refused_by_all(arm: Arm) -> None:
    async def script(queue: QueuePort, world: World) -> None:
        asked = [queue.publish(subject, b"") for subject in ("", "a b", "a.", "*", ">", "a\n")]
        asked += [queue.publish("a", b"", message_id=given) for given in ("", " a", "a\r\nb")]
        asked += [queue.publish("a", bytes(1_000_001))]
        asked += [queue.publish("a", "text", message_id="1")]  # type: ignore[arg-type]  # that is the question
        subscribed = [queue.subscribe(name, "a") for name in ("", "a.b", "a b", "*", "a/b")]
        subscribed += [queue.subscribe("w", "a.*"), queue.subscribe("w", "a", ack_wait_s=0)]
        subscribed += [queue.subscribe("w", "a", most_deliveries=0)]
        for one in (*asked, *subscribed):
            with pytest.raises(ValueError, match=r"cannot|at most|acknowledge"):
                await one
        receipt = await queue.publish("a", b"a" * 1_000_000, message_id="1")
        assert (receipt.sequence, receipt.duplicate) == (1, False), "nothing was asked"
        subscription = await queue.subscribe("w", "a")
        for count, within_s in ((0, 1.0), (-1, 1.0), (1, 0.0)):
            with pytest.raises(ValueError, match="A fetch is of 1 message or more"):
                await subscription.fetch(count, within_s)
        assert len(await subscription.fetch()) == 1

    arm(script)
