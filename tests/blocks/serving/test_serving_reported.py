"""Bugs that were reported of block managers, prefix caches and schedulers elsewhere, asked of ours."""

from __future__ import annotations

from helpers.served import VOCABULARY, Served
from windtunnel.blocks.serving import BlockManager, Scheduler, Sequence
from windtunnel.blocks.serving.scheduler import in_turn
from windtunnel.parts import made_answer


def serve(scheduler: Scheduler, *asked: tuple[object, list[int], int]) -> list[list[int]]:
    """Serve these to the end, one after the other; their answers."""
    made, found = Served(scheduler), []
    for name, prompt, length in asked:
        scheduler.add(one := Sequence(name, prompt, length))
        made.run()
        found.append(one.answer)
    return found


def test_a_block_that_is_used_anew_is_not_found_by_its_old_name() -> None:
    """nano-vllm, issue 163; vLLM, pull request 4764; kvcached, issue 362: the old name stayed in the index."""
    x, y = [1] * 9, [2] * 13
    manager = BlockManager(4, 4)
    answers = serve(Scheduler(manager), ("x", x, 1), ("y", y, 1), ("x again", x, 1))
    assert answers == [made_answer(x, 1, VOCABULARY), made_answer(y, 1, VOCABULARY), made_answer(x, 1, VOCABULARY)]
    assert len(manager._named) == sum(name is not None for name in manager._name)


def test_an_index_of_names_does_not_grow_with_the_requests() -> None:
    """nanovllm-voxcpm, pull request 62; vLLM, pull request 44237: names of freed blocks were kept for ever."""
    manager = BlockManager(6, 2)
    serve(Scheduler(manager), *((i, [i, i + 1, i + 2], 3) for i in range(1, 60)))
    assert len(manager._named) <= manager.blocks


def test_a_hit_on_a_free_block_keeps_its_name_and_costs_room() -> None:
    """ATOM, pull request 902: a hit reset the block, and the check for room did not count it."""
    manager = BlockManager(4, 2, watermark=0)
    served = Served(Scheduler(manager))
    served.scheduler.add(Sequence("first", [1, 2, 3, 4, 5], 1))
    served.run()
    second, third = Sequence("second", [1, 2, 3, 4, 6], 1), Sequence("third", [1, 2, 3, 4, 7, 7, 7], 1)
    assert manager.allocate(second)
    assert second.computed == 4
    assert manager.free_blocks == 1
    assert not manager.allocate(
        third := Sequence("third", [1, 2, 3, 4, 7, 7, 7], 1)
    )  # two shared, two wanted, one free
    assert third.blocks == []
    manager.free(second)
    assert manager.allocate(third)
    assert third.computed == 4


def test_a_prompt_that_is_in_the_memory_whole_computes_its_last_block_again() -> None:
    """vLLM, pull request 12065: with nothing left to compute there is nothing to answer from."""
    prompt = [1, 2, 3, 4, 5, 6, 7, 8]
    manager = BlockManager(8, 4)
    assert serve(Scheduler(manager), ("a", prompt, 3), ("b", prompt, 3)) == [made_answer(prompt, 3, VOCABULARY)] * 2
    assert manager.hits == 4


def test_what_was_found_for_one_that_did_not_fit_is_looked_for_again() -> None:
    """vLLM, pull request 18957: the count of cached tokens of a failed attempt was believed at the next one."""
    manager = BlockManager(6, 2, watermark=0)
    served = Served(Scheduler(manager, 4))
    prefix = [1, 2, 3, 4]
    served.scheduler.add(Sequence("first", [*prefix, 5], 1))
    served.run()
    served.scheduler.add(hog := Sequence("hog", [9] * 5, 6))
    served.step()
    served.scheduler.add(late := Sequence("late", [*prefix, 6, 6, 6, 6, 6], 1))
    served.step()
    assert late.state == "waiting"
    served.run()
    assert late.answer == made_answer(prefix + [6] * 5, 1, VOCABULARY)
    assert hog.answer == made_answer([9] * 5, 6, VOCABULARY)


def test_who_was_preempted_is_told_the_whole_answer_and_goes_before_who_came_later() -> None:
    """vLLM, issue 16832: outputs were incomplete; issue 41951: the preempted lost their turn."""
    served = Served(Scheduler(BlockManager(5, 2, watermark=0), 2))
    sequences = [Sequence(i, [i + 1, i + 2], 7) for i in range(3)]
    for one in sequences:
        served.scheduler.add(one)
    order = list[object]()
    while served.scheduler.busy:
        order += [one.name for one in served.step()]
    assert sequences[1].preempted
    assert order == [0, 1, 2]
    assert [one.answer for one in sequences] == [made_answer(one.tokens[:2], 7, VOCABULARY) for one in sequences]


def test_twins_in_one_step_do_not_read_what_is_not_written_yet() -> None:
    """vLLM, pull request 7822, says why: a block that is shared before its step is computed gives wrong output."""
    served = Served(Scheduler(BlockManager(20, 2), 4))
    twins = [Sequence(i, [1, 2, 3, 4, 5], 4) for i in range(3)]
    for one in twins:
        served.scheduler.add(one)
    assert all(count == 5 for _, count in served.scheduler.schedule().work)
    for one in twins:
        served.scheduler.abort(one)
    assert not served.scheduler.busy


def test_what_several_share_counts_once_as_free() -> None:
    """SGLang, issue 35270: what could be evicted was counted once for each who shared it."""
    manager = BlockManager(6, 2)
    served = Served(Scheduler(manager, 4))
    served.scheduler.add(Sequence(0, [1, 2, 3, 4, 5], 1))
    served.run()
    for i in range(1, 4):
        served.scheduler.add(Sequence(i, [1, 2, 3, 4, 5 + i], 1))
    served.run()
    assert manager.free_blocks == 6
    assert manager.cached_blocks == 2


def test_the_last_token_of_an_answer_needs_no_slot_and_is_freed_by_nobody() -> None:
    """sglang-jax, pull request 982: the slot of the last step was freed on two paths."""
    manager = BlockManager(2, 2, watermark=0)
    assert serve(Scheduler(manager), ("a", [1, 2, 3], 2)) == [made_answer([1, 2, 3], 2, VOCABULARY)]
    assert manager.free_blocks == 2


def test_a_prompt_begins_only_where_all_of_it_fits() -> None:
    """vLLM, pull request 21809: chunks were begun that had to be thrown away, each time anew."""
    scheduler = Scheduler(BlockManager(6, 2, watermark=0), 2, "chunked", 2)
    served = Served(scheduler)
    scheduler.add(Sequence("first", [1, 2, 3, 4], 5))
    served.step()
    scheduler.add(long := Sequence("long", [5] * 10, 2))
    while scheduler.running and scheduler.running[0].name == "first":
        served.step()
        assert long.preempted == 0
    served.run()
    assert long.answer == made_answer([5] * 10, 2, VOCABULARY)


def test_the_name_of_a_block_is_no_hash_that_somebody_can_aim_at() -> None:
    """CVE-2025-25183 (vLLM): names by Python's `hash` could be met on purpose, and another one's block was read."""
    manager = BlockManager(8, 2)
    manager.allocate(one := Sequence("one", [1, 2, 3], 1))
    one.computed = 3
    manager.publish(one)
    assert [len(key) for key in one.keys] == [32]
    huge = (1 << 61) - 1  # for Python's hash of integers this is 0
    assert hash(1) == hash(1 + huge)
    manager.allocate(other := Sequence("other", [1 + huge, 2, 3], 1))
    assert other.computed == 0


def test_who_is_put_out_makes_nobody_else_miss_a_step() -> None:
    """vLLM, issue 49097: where the victim stood before others in the list, one of these was passed over."""
    scheduler = Scheduler(BlockManager(8, 2, watermark=0), 4)
    served = Served(scheduler)
    asked = [Sequence("first", [1, 1], 6, priority=1), *(Sequence(i, [i, i], 6) for i in range(2, 4))]
    for one in asked:
        scheduler.add(one)
    put_out = []
    while scheduler.busy:
        batch = scheduler.schedule()
        put_out += [one.name for one in batch.preempted]
        assert [one.name for one, _ in batch.work] == [one.name for one in sorted(scheduler.running, key=in_turn)]
        scheduler.finish_step(batch, served.model.compute(batch, served.memory.slot))
    assert put_out == ["first"]
    assert [one.answer for one in asked] == [made_answer(one.tokens[:2], 6, VOCABULARY) for one in asked]
