"""The hash ring: who moves, how even the shares are, and what bounded loads cost."""

from __future__ import annotations

from math import ceil, sqrt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from helpers.examples import examples
from windtunnel.blocks.ground.hashing import stable_hash
from windtunnel.blocks.placement.ring import BoundedLoads, HashRing

KEYS = np.arange(200_000, dtype=np.uint64)
NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1, max_size=8)


def names(count: int, trial: int = 0) -> list[str]:
    return [f"trial {trial} node {i}" for i in range(count)]


def owners(ring: HashRing, keys: np.ndarray = KEYS) -> np.ndarray:
    return np.array(ring.nodes, object)[ring.lookup_many(keys)]


def reference_lookup(ring: HashRing, key: str | int) -> str:
    """The owner by looking at every point: the definition."""
    h = stable_hash(key)
    places = [
        (stable_hash(f"{node}#{i}"), node)
        for node, weight in ring.weights.items()
        for i in range(max(1, round(ring.virtual_nodes * weight)))
    ]
    return min(((place < h, place), node) for place, node in places)[1]


@given(nodes=NAMES, virtual_nodes=st.integers(1, 5), keys=st.lists(st.text(max_size=3) | st.integers(0, 99)))
@settings(max_examples=examples(40))
def test_every_lookup_finds_the_first_point_at_or_after_the_hash(
    nodes: list[str], virtual_nodes: int, keys: list[str | int]
) -> None:
    ring = HashRing(nodes, virtual_nodes)
    expected = [reference_lookup(ring, key) for key in keys]
    assert [ring.lookup(key) for key in keys] == expected
    assert [ring.nodes[i] for i in ring.lookup_many(keys)] == expected  # type: ignore[arg-type]  # mixed on purpose


@given(nodes=NAMES, more=NAMES, virtual_nodes=st.integers(1, 20))
@settings(max_examples=examples(30))
def test_a_ring_depends_on_its_nodes_not_on_how_they_came(
    nodes: list[str], more: list[str], virtual_nodes: int
) -> None:
    keys = KEYS[:300]
    grown = HashRing(nodes[::-1], virtual_nodes)
    grown.lookup_many(keys)
    for node in more:
        if node not in grown.nodes:
            grown.add(node)
    for node in set(more) - set(nodes):
        grown.remove(node)
    assert (owners(grown, keys) == owners(HashRing(nodes, virtual_nodes), keys)).all()


@pytest.mark.parametrize("virtual_nodes", [1, 10, 100, 512])
def test_keys_move_only_to_the_new_node_and_back_from_it(virtual_nodes: int) -> None:
    ring = HashRing(names(10), virtual_nodes)
    before = owners(ring)
    ring.add("new")
    after = owners(ring)
    assert set(after[before != after]) == {"new"}
    ring.remove("new")
    assert (owners(ring) == before).all()


def test_one_node_more_takes_one_share_on_average_where_modulo_moves_almost_all() -> None:
    moved = []
    for trial in range(30):
        ring = HashRing(names(10, trial), 100)
        before = owners(ring)
        ring.add("new")
        moved.append((owners(ring) != before).mean())
    assert np.mean(moved) == pytest.approx(1 / 11, rel=0.06)
    hashes = np.array([stable_hash(int(key)) for key in KEYS[:20_000]], np.uint64)
    for count in (3, 10, 99):
        by_modulo = (hashes % np.uint64(count) != hashes % np.uint64(count + 1)).mean()
        assert by_modulo == pytest.approx(count / (count + 1), abs=0.01)


@pytest.mark.parametrize(
    ("virtual_nodes", "spread", "peak"),
    [(1, 0.865, 2.89), (10, 0.284, 1.51), (100, 0.0865, 1.157), (1000, 0.0310, 1.051)],
)
def test_shares_spread_by_one_over_the_root_of_virtual_nodes(virtual_nodes: int, spread: float, peak: float) -> None:
    """Thirty rings of ten nodes, 200,000 keys; the figures are of another trial, so the band is of two such means."""
    spreads, peaks = [], []
    for trial in range(30):
        loads = np.bincount(HashRing(names(10, trial), virtual_nodes).lookup_many(KEYS), minlength=10)
        spreads.append(loads.std() / loads.mean())
        peaks.append(loads.max() / loads.mean())
    assert np.mean(spreads) == pytest.approx(1 / sqrt(virtual_nodes), rel=0.25)
    assert np.mean(spreads) == pytest.approx(spread, rel=0.2)
    assert np.mean(peaks) - 1 == pytest.approx(peak - 1, rel=0.25)


def test_shares_are_the_part_of_the_ring_that_each_node_owns() -> None:
    ring = HashRing(names(5), 50)
    shares = ring.shares()
    assert sum(shares.values()) == pytest.approx(1)
    loads = np.bincount(ring.lookup_many(KEYS)) / KEYS.size
    assert loads.tolist() == pytest.approx(list(shares.values()), abs=0.005)


def test_a_node_of_twice_the_weight_takes_twice_the_keys() -> None:
    ring = HashRing({"small": 1, "large": 2, "half": 0.5}, 2000)
    shares = ring.shares()
    assert shares["large"] / shares["small"] == pytest.approx(2, rel=0.1)
    assert shares["half"] / shares["small"] == pytest.approx(0.5, rel=0.1)


def test_copies_go_to_different_nodes_and_the_first_to_the_owner() -> None:
    ring = HashRing(names(5), 20)
    for key in range(200):
        preferred = ring.preference(key, 3)
        assert preferred[0] == ring.lookup(key)
        assert len(set(preferred)) == 3
    assert sorted(ring.preference("k", 9)) == list(ring.nodes)


@pytest.mark.parametrize("epsilon", [0.1, 0.5])
@pytest.mark.parametrize("virtual_nodes", [1, 100])
def test_no_load_exceeds_its_bound_and_the_price_is_few_displaced_keys(epsilon: float, virtual_nodes: int) -> None:
    displaced = []
    for trial in range(20):
        ring = HashRing(names(50, trial), virtual_nodes)
        bounded = BoundedLoads(ring, epsilon, expected=KEYS.size)
        displaced.append((bounded.assign_many(KEYS) != ring.lookup_many(KEYS)).mean())
        assert max(bounded.loads.values()) <= ceil((1 + epsilon) * KEYS.size / 50)
    low, high = {(0.1, 1): (0.35, 0.47), (0.5, 1): (0.21, 0.33), (0.1, 100): (0.002, 0.025), (0.5, 100): (0, 0.001)}[
        epsilon, virtual_nodes
    ]
    assert low <= np.mean(displaced) <= high


@given(
    weights=st.dictionaries(st.sampled_from("abcde"), st.floats(0.1, 5), min_size=1),
    keys=st.lists(st.text(max_size=2), max_size=80),
    epsilon=st.floats(0.01, 2),
    cut=st.integers(0, 80),
)
@settings(max_examples=examples(40))
def test_bounded_loads_hold_at_every_step_and_batches_assign_as_single_keys(
    weights: dict[str, float], keys: list[str], epsilon: float, cut: int
) -> None:
    ring = HashRing(weights, 8)
    single, batch = BoundedLoads(ring, epsilon), BoundedLoads(ring, epsilon)
    whole = sum(weights.values())
    chosen = []
    for i, key in enumerate(keys, 1):
        chosen.append(single.assign(key))
        bound = {node: ceil((1 + epsilon) * i * weight / whole) for node, weight in weights.items()}
        assert all(single.loads[node] <= bound[node] for node in [chosen[-1]])
    parts = [batch.assign_many(keys[:cut]), batch.assign_many(pa.array(keys[cut:], pa.string()))]
    assert [ring.nodes[i] for i in np.concatenate(parts)] == chosen
    assert batch.loads == single.loads
    assert batch.total == len(keys)


def test_a_released_place_can_be_taken_again() -> None:
    bounded = BoundedLoads(HashRing(["a"], 4), 0.5)
    assert bounded.assign("k") == "a"
    bounded.release("a")
    assert (bounded.total, bounded.loads) == (0, {"a": 0})
    with pytest.raises(ValueError, match="no key to release"):
        bounded.release("a")


def test_what_makes_no_sense_is_refused() -> None:
    ring = HashRing()
    for look in (lambda: ring.lookup("k"), lambda: ring.lookup_many(["k"]), lambda: ring.preference("k", 1)):
        with pytest.raises(ValueError, match="no nodes"):
            look()
    assert ring.shares() == {}
    ring.add("a")
    with pytest.raises(ValueError, match="already"):
        ring.add("a")
    with pytest.raises(ValueError, match="at least 0"):
        ring.add("b", -1)
    with pytest.raises(KeyError):
        ring.remove("c")
    with pytest.raises(ValueError, match="virtual nodes"):
        HashRing(["a"], 0)
    with pytest.raises(ValueError, match="Epsilon"):
        BoundedLoads(ring, 0)


def test_a_peer_spreads_the_same_keys_as_unevenly_and_moves_as_many() -> None:
    peer = pytest.importorskip("uhashring", reason="uhashring is not here to be compared with")
    keys, n, v = KEYS[:1000], 10, 20
    spread, moved = [], []
    for trial in range(10):
        before, after = names(n, trial), names(n + 1, trial)
        ours = [owners(HashRing(nodes, v), keys) for nodes in (before, after)]
        rings = [peer.HashRing(nodes, vnodes=v) for nodes in (before, after)]
        theirs = [np.array([ring.get_node(str(key)) for key in keys.tolist()], object) for ring in rings]
        for old, new in (ours, theirs):
            assert set(new[old != new]) <= {after[-1]}
        moved.append([float((old != new).mean()) for old, new in (ours, theirs)])
        spread.append([sum(((old == node).mean() * n - 1) ** 2 for node in before) / n for old, _ in (ours, theirs)])
    expected = sqrt((n - 1) / (n * v + 1) + (n - 1) / len(keys))  # of the ring, and of so few keys
    assert np.sqrt(np.mean(spread, axis=0)).tolist() == pytest.approx([expected] * 2, rel=3 / sqrt(2 * 10 * (n - 1)))
    assert np.mean(moved, axis=0).tolist() == pytest.approx([1 / (n + 1)] * 2, abs=0.02)
