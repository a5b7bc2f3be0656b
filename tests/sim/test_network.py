"""Links, messages, partitions, and whose luck a message has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from statistics import mean, quantiles

import pytest
from hypothesis import given, strategies as st

from windtunnel.sim.host import Host
from windtunnel.sim.kernel import Simulator
from windtunnel.sim.link import exponential, lognormal, uniform
from windtunnel.sim.losing import Losing
from windtunnel.sim.network import Message
from windtunnel.sim.trace import Trace

Arrivals = list[tuple[object, float]]


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(1) as one:
        yield one


def collect(sim: Simulator, host: Host, port: int = 0) -> Arrivals:
    """What arrives there from now on, and when."""
    seen: Arrivals = []

    async def receive() -> None:
        async for message in host.inbox(port):
            seen.append((message.body, sim.now))

    host.start(receive, light=True)
    return seen


def test_a_message_arrives_after_the_latency_of_the_link(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    sim.network.connect(a, b, latency=0.25)
    seen = collect(sim, b)
    a.send(b, "hello")
    sim.run()
    assert seen == [("hello", 0.25)]


@pytest.mark.parametrize("records", [True, False])
def test_what_a_message_carries_is_made_text_only_for_who_keeps_it(records: bool) -> None:
    class Body:
        asked = 0

        def __repr__(self) -> str:
            Body.asked += 1
            return "a body"

    class Keeps(Trace):
        records_messages = records

    with Simulator(1, trace=Keeps()) as sim:
        a, b = sim.host("a"), sim.host("b")
        collect(sim, b)
        a.send(b, Body())
        sim.run()
        assert isinstance(sim.trace, Keeps)
        assert [one.kind for one in sim.trace.records if one.detail.endswith("a body")] == ["send", "deliver"] * records
    assert Body.asked == 2 * records


def test_messages_queue_for_the_bandwidth_of_the_link(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    sim.network.connect(a, b, latency=1.0, bandwidth_bytes_per_s=1000.0)
    seen = collect(sim, b)
    for number in range(3):
        a.send(b, number, size_bytes=500)
    b.send(a, "the other direction is free", size_bytes=500)
    sim.run()
    assert seen == [(0, 1.5), (1, 2.0), (2, 2.5)]


def test_a_full_queue_on_the_link_loses_what_comes_then(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    sim.network.connect(a, b, latency=0.0, bandwidth_bytes_per_s=1000.0, queue_limit_bytes=1000)
    seen = collect(sim, b)
    for number in range(5):
        a.send(b, number, size_bytes=500)
    sim.run()
    assert [body for body, _ in seen] == [0, 1, 2]  # one on the wire, a thousand bytes waiting


def test_latencies_follow_their_distributions(sim: Simulator) -> None:
    luck = sim.random("x")
    draws = [uniform(0.1, 0.3)(luck) for _ in range(4000)]  # type: ignore[operator]
    assert min(draws) >= 0.1
    assert max(draws) <= 0.3
    assert mean(draws) == pytest.approx(0.2, abs=0.005)
    draws = [lognormal(0.010, 0.050)(luck) for _ in range(20000)]  # type: ignore[operator]
    cuts = quantiles(draws, n=100)
    assert cuts[49] == pytest.approx(0.010, rel=0.03)
    assert cuts[98] == pytest.approx(0.050, rel=0.1)
    draws = [exponential(0.03, floor_s=0.01)(luck) for _ in range(8000)]  # type: ignore[operator]
    assert min(draws) >= 0.01
    assert mean(draws) == pytest.approx(0.03, rel=0.05)


@pytest.mark.parametrize(
    "wrong",
    [{"loss": 1.5}, {"duplicate": -0.1}, {"bandwidth_bytes_per_s": 0.0}, {"latency": -1.0}, {"latency": float("inf")}],
)
def test_impossible_links_are_refused(sim: Simulator, wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"probability|carries nothing|latency of"):
        sim.network.connect(sim.host("a"), sim.host("b"), **wrong)
    with pytest.raises(ValueError, match="lognormal"):
        lognormal(0.5, 0.1)


def test_loss_duplication_and_reordering_happen_as_often_as_they_should(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    sim.network.connect(a, b, latency=0.001, loss=0.2, duplicate=0.1, reorder=0.1)
    seen = collect(sim, b)

    async def send() -> None:
        for number in range(5000):
            a.send(b, number)
            await sim.sleep(0.0005)

    sim.run_process(send())
    sim.run()
    bodies = [body for body, _ in seen]
    assert len(set(bodies)) / 5000 == pytest.approx(0.8, abs=0.02)
    assert len(bodies) / len(set(bodies)) == pytest.approx(1 + 0.1 * 0.8, abs=0.02)
    overtaken = sum(later < earlier for earlier, later in pairwise(bodies))  # type: ignore[operator]
    assert overtaken > 100


def test_messages_to_nobody_or_to_the_dead_are_dropped_and_traced() -> None:
    trace = Trace()
    with Simulator(1, trace) as sim:
        a, b, c = sim.host("a"), sim.host("b"), sim.host("c")
        a.send(b, "nobody listens")
        c.crash()
        a.send(c, "dead")
        c.send(a, "from the dead")
        sim.network.partition(a, b)
        a.send(b, "cut")
        sim.run()
    drops = [(r.who, r.detail) for r in trace.records if r.kind == "drop"]
    assert drops == [
        ("a > b:0", "partition: 0 'cut'"),
        ("a > b:0", "partition: 0 'nobody listens'"),
        ("a > c:0", "host is down: 0 'dead'"),
    ]


def test_an_inbox_gives_what_is_there_or_waits_so_long(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    sim.network.connect(a, b, latency=0.5)
    inbox = b.inbox(3)

    async def main() -> list[object]:
        a.send(b, "one", port=3)
        first: Message | None = await inbox.get_within(0.1)
        second = await inbox.get_within(1.0)
        return [first, second.body if second else None, inbox.get_nowait(), len(inbox), sim.now]

    assert sim.run_process(main()) == [None, "one", None, 0, 0.5]


# --- partitions ------------------------------------------------------------------------------------------------------
def heard_by_all(sim: Simulator, names: str) -> set[str]:
    """Every host sends to every other; the pairs that got through."""
    seen = {name: collect(sim, sim.host(name)) for name in names}
    for src in names:
        for dst in names:
            if src != dst:
                sim.host(src).send(sim.host(dst), src)
    sim.run()
    return {f"{src}{dst}" for dst, messages in seen.items() for src, _ in messages}  # type: ignore[str-bytes-safe]


ALL_PAIRS = {f"{a}{b}" for a in "abcd" for b in "abcd" if a != b}


def test_a_partition_cuts_both_ways_between_two_sides(sim: Simulator) -> None:
    sim.network.partition(["a", "b"], ["c", "d"])
    assert heard_by_all(sim, "abcd") == {"ab", "ba", "cd", "dc"}


def test_a_one_way_partition_cuts_one_way(sim: Simulator) -> None:
    sim.network.partition("a", one_way=True)
    assert heard_by_all(sim, "abcd") == ALL_PAIRS - {"ab", "ac", "ad"}


def test_a_partial_partition_leaves_a_bridge(sim: Simulator) -> None:
    sim.network.partition("a", ["c", "d"])
    assert heard_by_all(sim, "abcd") == ALL_PAIRS - {"ac", "ca", "ad", "da"}


def test_partitions_add_up_and_heal_one_by_one(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    first, second = sim.network.partition("a"), sim.network.partition("a", "b")
    link = sim.network.link(a, b)
    assert link.cuts == 2
    first.heal()
    first.heal()
    assert link.cuts == 1
    second.heal()
    with sim.network.partition("b"):
        assert link.cuts == 1
    sim.network.partition("a")
    sim.network.heal()
    assert link.cuts == 0


def test_what_is_under_way_when_the_cut_comes_is_lost(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    sim.network.connect(a, b, latency=1.0)
    seen = collect(sim, b)
    a.send(b, "too late")
    sim.faults.split(a, b, at_s=0.5, for_s=1.0)
    sim.run()
    assert seen == []


@given(
    st.lists(
        st.tuples(st.sets(st.sampled_from("abcd"), min_size=1), st.sets(st.sampled_from("abcd")), st.booleans()),
        max_size=4,
    ),
    st.lists(st.integers(0, 3), max_size=4),
)
def test_a_pair_is_cut_exactly_while_a_partition_lies_between(
    cuts: list[tuple[set[str], set[str], bool]], healed: list[int]
) -> None:
    with Simulator() as sim:
        for name in "ab":  # links of these exist before the partitions, those of the others are made after
            for other in "ab":
                sim.network.link(sim.host(name), sim.host(other))
        partitions = [sim.network.partition(ones, others, one_way=one_way) for ones, others, one_way in cuts]
        for index in healed:
            if index < len(partitions):
                partitions[index].heal()
        for src in "abcd":
            for dst in "abcd":
                between = any(
                    (src in ones and dst in others) or (not one_way and dst in ones and src in others)
                    for (ones, others, one_way), each in zip(cuts, partitions, strict=True)
                    if not each.healed
                )
                assert bool(sim.network.link(sim.host(src), sim.host(dst)).cuts) == (between and src != dst)


# --- faults of links -------------------------------------------------------------------------------------------------
def test_links_are_slow_and_lossy_for_as_long_as_the_fault_lasts(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    sim.network.connect(a, b, latency=0.1)
    seen = collect(sim, b)

    async def send() -> None:
        for number in range(6):
            a.send(b, number)
            await sim.sleep(1.0)

    sim.faults.slow(a, b, by_s=0.5, at_s=0.5, for_s=2.0)
    sim.faults.storm(a, b, loss=1.0, at_s=3.5, for_s=1.0)
    sim.run_process(send())
    sim.run()
    assert seen == [(number, pytest.approx(number + late)) for number, late in enumerate((0.1, 0.6, 0.6, 0.1))] + [
        (5, pytest.approx(5.1))
    ]


def test_losses_of_one_link_add_up_and_end_as_it_was(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    sim.network.connect(a, b, loss=0.5)
    sim.faults.storm(a, b, loss=0.5, at_s=1.0, for_s=2.0)
    sim.faults.storm(a, b, loss=0.6, at_s=2.0, for_s=2.0)
    sent, seen = [0] * 5, collect(sim, b)

    async def send() -> None:
        while sim.now < 5.0:
            a.send(b, int(sim.now))
            sent[int(sim.now)] += 1
            await sim.sleep(0.001)

    sim.run_process(send())
    sim.run()
    through = [[body for body, _ in seen].count(second) / sent[second] for second in range(5)]
    assert through == pytest.approx([0.5, 0.25, 0.1, 0.2, 0.5], abs=0.05)


@pytest.mark.parametrize("name", ["slow", "lossy", "short"])
def test_impossible_faults_of_links_are_refused(sim: Simulator, name: str) -> None:
    a, b = sim.host("a"), sim.host("b")
    with pytest.raises(ValueError, match=r"give 0 or more|from 0 to 1"):
        if name == "slow":
            sim.faults.slow(a, b, by_s=-0.1, at_s=1.0)
        elif name == "lossy":
            sim.faults.storm(a, b, loss=1.1, at_s=1.0)
        else:
            sim.faults.split(a, b, at_s=1.0, for_s=-1.0)
    sim.run()
    assert sim.now == 0


# --- luck ------------------------------------------------------------------------------------------------------------
def latencies(requests: set[int], seed: int = 3) -> dict[int, list[float]]:
    """How long the messages of each request were under way, if these requests are made."""
    found: dict[int, list[float]] = {}
    with Simulator(seed) as sim:
        client, server = sim.host("client"), sim.host("server")
        sim.network.connect(client, server, latency=exponential(0.01), loss=0.1)

        async def request(number: int) -> None:
            for _ in range(4):
                client.send(server, (number, sim.now))
                await sim.sleep(0.001)

        async def serve() -> None:
            async for message in server.inbox():
                number, sent = message.body
                found.setdefault(number, []).append(round(sim.now - sent, 9))

        server.start(serve, light=True)
        for number in sorted(requests):
            client.spawn(request(number), request=number)
        sim.run()
    return {number: sorted(times) for number, times in found.items()}


@given(st.sets(st.integers(0, 20)))
def test_taking_requests_away_leaves_the_luck_of_the_others_alone(missing: set[int]) -> None:
    everyone = latencies(set(range(21)))
    fewer = latencies(set(range(21)) - missing)
    assert fewer == {number: times for number, times in everyone.items() if number not in missing}


def test_requests_and_seeds_have_different_luck() -> None:
    found = latencies(set(range(21)))
    assert len({tuple(times) for times in found.values()}) > 15
    assert latencies({1}, seed=3) != latencies({1}, seed=4)


def test_the_luck_of_requests_is_forgotten_in_the_end(sim: Simulator) -> None:
    for request in range(70_000):
        sim.luck("link", request)
    assert len(sim._luck) <= 1 << 16


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**40))
def test_a_requests_stream_has_the_ranges_of_random(key: int, request: int) -> None:
    from windtunnel.sim.randomness import Luck

    luck = Luck(key, request)
    again = Luck(key, request)
    for _ in range(5):
        assert 0 <= luck.random() < 1
        assert luck.randrange(7) in range(7)
        assert luck.expovariate(2.0) >= 0
        assert 0 <= luck.getrandbits(100) < 1 << 100
        assert len(luck.randbytes(9)) == 9
    assert sorted(luck.sample(range(10), 10)) == list(range(10))
    assert [again.random(), again.randrange(7)] == [(one := Luck(key, request)).random(), one.randrange(7)]


def test_streams_of_neighbouring_requests_are_uniform_and_independent() -> None:
    """Chi-squared over 16 cells, of first draws, and of pairs of first and second draws: 99.9 % points by SciPy."""
    from scipy.stats import chi2

    from windtunnel.sim.randomness import Luck

    cells, pairs = [0] * 16, [0] * 256
    count = 20_000
    for request in range(count):
        luck = Luck(12345, request)
        first, second = int(luck.random() * 16), int(luck.random() * 16)
        cells[first] += 1
        pairs[16 * first + second] += 1
    for table in (cells, pairs):
        expected = count / len(table)
        assert sum((n - expected) ** 2 / expected for n in table) < chi2.ppf(0.999, len(table) - 1)


@pytest.mark.parametrize("number", range(12))
def test_a_message_that_is_taken_away_leaves_the_luck_of_all_others_as_it_was(number: int) -> None:
    def arrivals(*spans: tuple[int, int]) -> tuple[int, Arrivals]:
        with Simulator(3) as sim:
            a, b = sim.host("a"), sim.host("b")
            losing = sim.network.losing = Losing(spans)
            losing.origin_ns = 0
            sim.network.connect(a, b, latency=0.001, loss=0.3, duplicate=0.4, reorder=0.1)
            seen = collect(sim, b)
            for i in range(20):
                sim.call_at(i * 1_000_000_000, a.send, b, i)
            sim.run()
            return losing.sent, seen

    sent, all_of_them = arrivals()
    sent_too, others = arrivals((number, number))
    assert sent == sent_too
    assert not Counter(others) - Counter(all_of_them)
    assert len(all_of_them) - len(others) <= 1
