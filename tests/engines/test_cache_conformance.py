"""One suite for every cache: what the port promises, and what it does not protect from, in the model and in Valkey."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from helpers.arms import Arm, World, arms
from windtunnel.engines.cache.port import CachePort, Script
from windtunnel.engines.cache.store import Store

pytestmark = pytest.mark.parametrize("arm", arms("cache"))

TAKE = Script(
    lua="""
local left = tonumber(redis.call('GET', KEYS[1]) or '0')
local wanted = tonumber(ARGV[1])
if left < wanted then return false end
redis.call('SET', KEYS[1], left - wanted)
redis.call('ZADD', KEYS[2], left, ARGV[2])
return {left - wanted, ARGV[2], 2.9}
""",
    model=lambda store, keys, args: take(store, *keys, *args),
)


def take(store: Store, stock: str, buyers: str, wanted: str, buyer: str) -> object:
    """The script in Python."""
    left = int(store.get(stock) or "0")
    if left < int(wanted):
        return False
    store.set(stock, left - int(wanted))
    store.zset_add(buyers, buyer, left)
    return [left - int(wanted), buyer, 2.9]


def test_what_was_set_is_there_until_it_is_deleted(arm: Arm) -> None:
    async def script(cache: CachePort, world: World) -> None:
        assert await cache.get("a") is None
        assert await cache.set("a", "1 \n é")
        assert await cache.get("a") == "1 \n é"
        assert not await cache.set("a", "x", absent=True)
        assert await cache.set("b", 1.5, absent=True)
        assert await cache.get("b") == "1.5"
        assert await cache.delete("a", "b", "c", "a") == 2
        assert await cache.get("a") is None
        assert await cache.delete() == 0

    arm(script)


def test_what_shall_live_for_a_while_dies(arm: Arm) -> None:
    async def script(cache: CachePort, world: World) -> None:
        await cache.set("a", "x", ttl_s=0.2)
        await cache.set("b", "x", ttl_s=0.2)
        await cache.set("b", "y")  # a new value lives as it is told, and it is told nothing
        left = await cache.ttl_s("a")
        assert left is not None
        assert 0 < left <= 0.2
        assert await cache.ttl_s("b") is None
        assert await cache.ttl_s("c") is None
        await world.sleep(0.3)
        assert await cache.get("a") is None
        assert await cache.get("b") == "y"
        assert await cache.set("a", "again", absent=True)

    arm(script)


def test_an_increment_keeps_the_time_to_live_and_refuses_what_is_no_number(arm: Arm) -> None:
    async def script(cache: CachePort, world: World) -> None:
        assert await cache.increment("n") == 1
        assert await cache.increment("n", -3) == -2
        await cache.set("m", 5, ttl_s=50)
        assert await cache.increment("m", 2) == 7
        assert await cache.ttl_s("m") is not None
        await cache.set("text", "x")
        with pytest.raises(ValueError, match=r"whole number|integer"):
            await cache.increment("text")
        await cache.zset_add("board", "ann", 1)
        with pytest.raises(ValueError, match=r"sorted set|wrong kind"):
            await cache.get("board")
        with pytest.raises(ValueError, match=r"a text, not|wrong kind"):
            await cache.zset_add("text", "ann", 1)

    arm(script)


def test_of_many_who_compare_and_set_one_wins(arm: Arm) -> None:
    async def script(cache: CachePort, world: World) -> None:
        assert await cache.compare_and_set("lock", None, "0")
        answers = await world.together(*(cache.compare_and_set("lock", "0", f"owner {i}") for i in range(12)))
        assert answers.count(True) == 1
        owner = await cache.get("lock")
        assert owner == f"owner {answers.index(True)}"
        assert not await cache.compare_and_set("lock", "0", None)
        assert await cache.compare_and_set("lock", owner, None)
        assert await cache.get("lock") is None
        assert await cache.compare_and_set("lock", None, "x", ttl_s=0.1)
        assert not await cache.compare_and_set("lock", None, "y")
        await world.sleep(0.2)
        assert await cache.compare_and_set("lock", None, "y")

    arm(script)


def test_read_then_write_loses_updates_and_increments_do_not(arm: Arm) -> None:
    async def script(cache: CachePort, world: World) -> None:
        async def read_then_write() -> None:
            old = int(await cache.get("careless") or "0")
            await world.sleep(0.01)
            await cache.set("careless", old + 1)

        await world.together(*(read_then_write() for _ in range(20)))
        await world.together(*(cache.increment("careful") for _ in range(20)))
        assert int(await cache.get("careless") or "0") < 20
        assert await cache.get("careful") == "20"

    arm(script)


def test_sorted_sets_rank_by_score_and_then_by_member(arm: Arm) -> None:
    async def script(cache: CachePort, world: World) -> None:
        for member, score in (("ann", 30), ("bob", 20), ("cid", 20), ("dan", -1.5)):
            assert await cache.zset_add("board", member, score)
        assert not await cache.zset_add("board", "ann", 31)
        assert await cache.zset_range("board", 0, -1) == [("dan", -1.5), ("bob", 20), ("cid", 20), ("ann", 31)]
        assert await cache.zset_range("board", 0, 1, reverse=True) == [("ann", 31), ("cid", 20)]
        assert await cache.zset_range_by_score("board", 0, 20) == [("bob", 20), ("cid", 20)]
        assert (await cache.zset_rank("board", "cid"), await cache.zset_rank("board", "cid", reverse=True)) == (2, 1)
        assert await cache.zset_rank("board", "eve") is None
        assert await cache.zset_increment("board", "eve", 2.5) == 2.5
        assert (await cache.zset_score("board", "eve"), await cache.zset_score("board", "fay")) == (2.5, None)
        assert await cache.zset_remove("board", "eve", "fay") == 1
        assert await cache.zset_size("board") == 4
        assert await cache.zset_count("board", 20, float("inf")) == 3
        assert await cache.zset_count("board", -1, 20) == 2
        assert (await cache.zset_count("board", 21, 20), await cache.zset_count("nobody", 0, 1)) == (0, 0)
        assert await cache.zset_size("nobody") == 0
        assert await cache.zset_remove("board", "ann", "bob", "cid", "dan") == 4
        assert await cache.set("board", "a text now", absent=True)

    arm(script)


def test_a_script_is_one_step_and_answers_as_lua_does(arm: Arm) -> None:
    async def script(cache: CachePort, world: World) -> None:
        await cache.set("stock", 10)
        answers = await world.together(*(cache.run(TAKE, ["stock", "buyers"], [2, f"buyer {i}"]) for i in range(8)))
        assert sorted(a[0] for a in answers if a is not None) == [0, 2, 4, 6, 8]
        assert answers.count(None) == 3
        assert all(a[2] == 2 for a in answers if a is not None)
        assert await cache.get("stock") == "0"
        assert await cache.zset_size("buyers") == 5
        broken = Script("return redis.call('INCR', KEYS[1]) + nil", lambda s, keys, args: s.increment(keys[0]) + None)
        with pytest.raises(ValueError, match=r"raised|arithmetic"):
            await cache.run(broken, ["n"])
        assert await cache.get("n") == "1", "what a script did before it broke stays: there is no rollback"

    arm(script)


def test_what_makes_no_sense_is_refused_in_one_sentence(arm: Arm) -> None:
    async def script(cache: CachePort, world: World) -> None:
        with pytest.raises(ValueError, match="texts and numbers"):
            await cache.set("a", True)
        with pytest.raises(ValueError, match="more than 0"):
            await cache.set("a", "x", ttl_s=0)

    arm(script)


def test_a_caller_that_gives_up_gets_no_one_elses_answer(arm: Arm) -> None:
    async def script(cache: CachePort, world: World) -> None:
        slow = Script(
            "for i = 1, 30000000 do end return 'slow'",
            lambda store, keys, args: "slow",
        )
        await cache.set("a", "mine")
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await world.within(0.05 if world.sim is None else 0.0001, cache.run(slow))
            assert await cache.get("a") == "mine"

    arm(script, connections=1)


def test_without_a_replica_nothing_can_fail_over(arm: Arm) -> None:
    async def script(cache: object, world: World) -> None:
        with pytest.raises(ValueError, match="replicas=1"):
            found = cache.fail_over()  # type: ignore[attr-defined]
            if found is not None:
                await found

    arm(script)


def test_a_fail_over_keeps_what_was_copied(arm: Arm) -> None:
    async def script(cache: CachePort, world: World) -> None:
        await cache.set("old", "copied", ttl_s=60)
        await cache.zset_add("board", "ann", 1)
        await world.sleep(0.5)
        found = cache.fail_over()  # type: ignore[attr-defined]
        if found is not None:
            await found
        assert await cache.get("old") == "copied"
        assert await cache.ttl_s("old") is not None
        assert await cache.zset_range("board", 0, -1) == [("ann", 1)]
        assert await cache.increment("n") == 1

    arm(script, replicas=1)


def test_a_whole_number_is_written_in_one_way_and_has_64_bits(arm: Arm) -> None:
    async def script(cache: CachePort, world: World) -> None:
        for text in ("", "007", "-0", "+5", " 5", "5.0", "99999999999999999999", "-", "٣"):
            await cache.set("n", text)
            with pytest.raises(ValueError, match=r"whole number|integer"):
                await cache.increment("n")
            assert await cache.get("n") == text
        await cache.set("n", 2**63 - 1)
        with pytest.raises(ValueError, match=r"64 bits|overflow"):
            await cache.increment("n")
        await cache.set("n", -1)
        with pytest.raises(ValueError, match=r"whole number|integer"):
            await cache.increment("n", 2**63)
        assert await cache.increment("n", 2**63 - 1) == 2**63 - 2

    arm(script)


def test_what_is_no_number_is_no_score_and_no_time_to_live(arm: Arm) -> None:
    async def script(cache: CachePort, world: World) -> None:
        inf, nan = float("inf"), float("nan")
        await cache.zset_add("board", "ann", inf)
        with pytest.raises(ValueError, match=r"no number|not a number"):
            await cache.zset_increment("board", "ann", -inf)
        with pytest.raises(ValueError, match=r"no number|not a valid float"):
            await cache.zset_add("board", "bob", nan)
        with pytest.raises(ValueError, match=r"no range|not a float"):
            await cache.zset_range_by_score("board", nan, 1)
        assert await cache.zset_range("board", 0, -1) == [("ann", inf)]
        await cache.set("k", "v")
        for ttl_s in (0, -1.0, nan, inf):
            with pytest.raises(ValueError, match="time to live"):
                await cache.set("k", "w", ttl_s=ttl_s, absent=True)
            with pytest.raises(ValueError, match="time to live"):
                await cache.compare_and_set("k", "v", None, ttl_s=ttl_s)
        assert await cache.get("k") == "v"
        assert await cache.set("k", "w", ttl_s=0.0001)
        await world.sleep(0.02)
        assert await cache.get("k") is None

    arm(script)


def test_a_script_that_raises_halfway_leaves_what_it_did(arm: Arm) -> None:
    def half(store: Store, keys: Sequence[str], args: Sequence[str]) -> None:
        store.set(keys[0], "done")
        store.increment(keys[0])

    lua = "redis.call('SET', KEYS[1], 'done') redis.call('INCR', KEYS[1]) return 1"

    async def script(cache: CachePort, world: World) -> None:
        with pytest.raises(ValueError, match=r"whole number|integer"):
            await cache.run(Script(lua, half), ["k"])
        assert await cache.get("k") == "done"

    arm(script)
