"""Memories of keys and values: blocks that are shared and copied, and stretches that are reserved."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from windtunnel.blocks.serving import (
    BlockManager,
    Buddy,
    ContiguousMemory,
    Sequence,
    reserve_doubling,
    reserve_foretold,
    reserve_longest,
    reserve_power_of_two,
)

BEST: Any = "best fit"


def one(name: object = "one", prompt: Any = (1, 2, 3), most: int = 5, **options: Any) -> Sequence:
    return Sequence(name, prompt, most, **options)


def written(manager: BlockManager, sequence: Sequence, length: int | None = None) -> None:
    """As if a step had computed its tokens, all of them or so many."""
    sequence.computed = len(sequence.tokens) if length is None else length
    manager.publish(sequence)


def test_blocks_are_taken_when_they_are_needed() -> None:
    manager, sequence = BlockManager(8, 4), one(prompt=range(6), most=20)
    assert manager.allocate(sequence)
    assert len(sequence.blocks) == 2
    assert manager.grow(sequence, 8) == []
    assert len(sequence.blocks) == 2
    assert manager.grow(sequence, 9) == []
    assert len(sequence.blocks) == 3
    assert [manager.slot(sequence, i) % 4 for i in range(9)] == [0, 1, 2, 3, 0, 1, 2, 3, 0]


def test_the_waste_of_a_sequence_is_less_than_a_block() -> None:
    manager, sequence = BlockManager(100, 16), one(prompt=range(33), most=1000)
    manager.allocate(sequence)
    written(manager, sequence)
    used = manager.usage([sequence])
    assert (used.tokens, used.held, used.slots) == (33, 48, 1600)
    assert used.reserved == 15  # its answer will use them
    assert used.internal == 0


def test_who_begins_alike_reads_the_same_blocks_once_they_are_written() -> None:
    manager, first, second = BlockManager(8, 2), one("first", range(6)), one("second", [0, 1, 2, 3, 9, 9, 9])
    manager.allocate(first)
    early = one("early", range(6))
    assert manager.allocate(early)
    assert early.computed == 0  # nothing was computed yet that could be read
    manager.free(early)
    written(manager, first)
    manager.allocate(second)
    assert second.computed == 4
    assert second.blocks[:2] == first.blocks[:2]
    assert manager.owners(first.blocks[0]) == 2
    assert (manager.hits, manager.asked) == (4, 19)
    used = manager.usage([first, second])
    assert used.tokens == 6  # each written slot is counted once


def test_what_is_freed_is_found_again_until_its_room_is_needed_the_longest_unused_first() -> None:
    manager = BlockManager(4, 2)
    for name, prompt in (("a", [1, 1]), ("b", [2, 2]), ("c", [3, 3])):
        sequence = one(name, prompt, 1)
        manager.allocate(sequence)
        written(manager, sequence)
        manager.free(sequence)
    assert manager.cached_blocks == 3
    manager.allocate(again := one("again", [1, 1, 7]))
    assert again.computed == 2
    manager.allocate(one("other", [8, 8]))  # the nameless block is taken, and then the one that was longest unused
    assert [len(manager._find(one(i, [i, i, 7]))) for i in (2, 3)] == [0, 1]


def test_a_beginning_is_kept_longer_than_what_follows_it() -> None:
    manager, sequence = BlockManager(3, 2), one(prompt=range(6), most=1)
    manager.allocate(sequence)
    written(manager, sequence)
    manager.free(sequence)
    manager.allocate(other := one("other", [9]))
    manager.free(other)
    manager.allocate(again := one("again", [0, 1, 2, 3, 4, 5]))
    assert again.computed == 4


def test_other_salts_share_nothing() -> None:
    manager, sequence = BlockManager(8, 2), one(prompt=range(6), salt=b"tenant 1")
    manager.allocate(sequence)
    written(manager, sequence)
    for salt, found in ((b"tenant 2", 0), (b"", 0), (b"tenant 1", 4)):
        manager.allocate(other := one(str(salt), range(6), salt=salt))
        assert other.computed == found
        manager.free(other)
    key = sequence.keys[0]
    manager.allocate(forged := one("forged", [2, 3, 4], salt=key))  # the name of the block before, as a salt
    assert forged.computed == 0


def test_a_fork_copies_what_it_writes_to_and_no_more() -> None:
    manager, parent = BlockManager(8, 4), one("parent", range(6))
    manager.allocate(parent)
    written(manager, parent)
    child = one("child", range(6))
    manager.fork(parent, child)
    parent.give(7)
    child.give(8)
    copies = manager.grow(child, 7)
    assert copies == [(parent.blocks[1] * 4 + k, child.blocks[1] * 4 + k) for k in range(2)]
    assert parent.blocks[0] == child.blocks[0]
    assert parent.blocks[1] != child.blocks[1]
    assert manager.grow(parent, 7) == []  # it is the only one left
    manager.free(parent)
    assert manager.owners(child.blocks[0]) == 1
    manager.free(child)
    assert manager.free_blocks == 8


def test_no_room_changes_nothing() -> None:
    manager, first = BlockManager(3, 2, watermark=0), one("first", range(4))
    manager.allocate(first)
    second = one("second", range(6))
    assert not manager.allocate(second)
    assert (second.blocks, second.computed, manager.free_blocks, manager.asked) == ([], 0, 1, 4)
    assert manager.grow(first, 8) is None
    assert len(first.blocks) == 2


def test_a_watermark_is_kept_free_beside_others_and_not_for_one_alone() -> None:
    manager = BlockManager(10, 1, watermark=0.2)
    alone = one("alone", range(10))
    assert manager.allocate(alone)
    manager.free(alone)
    assert manager.allocate(one("first", range(4)))
    assert not manager.allocate(one("large", range(5)))
    assert manager.allocate(one("small", range(4)))


def test_max_reserves_2048_and_seven_fit_into_the_slots_of_the_paper() -> None:
    memory = ContiguousMemory(15_700, reserve_longest)
    taken = [memory.allocate(one(i, range(100), 1948)) for i in range(9)]
    assert taken == [True] * 7 + [False] * 2


@pytest.mark.parametrize(
    ("reserve", "held"),
    [(reserve_longest, 2000), (reserve_power_of_two, 100 + 32), (reserve_foretold, 125), (reserve_doubling, 128)],
)
def test_what_each_rule_reserves(reserve: Any, held: int) -> None:
    memory, sequence = ContiguousMemory(15_700, reserve), one(prompt=range(100), most=1900, foretold=25)
    memory.allocate(sequence)
    assert memory.usage([sequence]).held == held


def test_slots_of_a_stretch_are_what_the_paper_calls_them() -> None:
    memory, sequence = ContiguousMemory(4096, reserve_longest), one(prompt=range(100), most=1948, foretold=25)
    memory.allocate(sequence)
    sequence.computed = 110
    assert memory.usage([sequence]) == (4096, 110, 14, 2048 - 124, 2048)  # the last token is given and never computed


def test_who_outgrows_a_stretch_is_copied_to_a_longer_one() -> None:
    memory, sequence = ContiguousMemory(256, reserve_doubling), one(prompt=range(30), most=100)
    memory.allocate(sequence)
    sequence.computed = 30
    assert memory.grow(sequence, 32) == []
    sequence.computed = 32
    sequence.tokens += [0] * 3
    copies = memory.grow(sequence, 33)
    assert copies == [(k, 64 + k) for k in range(32)]
    assert memory.usage([sequence]).held == 64


def test_stretches_pushed_together_leave_one_hole() -> None:
    memory = ContiguousMemory(100, reserve_longest, placement="pushed together")
    three = [one(i, range(10), 20) for i in range(3)]
    for sequence in three:
        memory.allocate(sequence)
        sequence.computed = 10
    memory.free(three.pop(1))
    late = one("late", range(10), 30)
    assert not ContiguousMemory(39).allocate(one(prompt=range(10), most=30))
    assert memory.allocate(late)
    assert (three[1].blocks, late.blocks) == ([30], [60])
    assert memory.grow(late, 10) == [(60 + k, 30 + k) for k in range(10)]
    assert memory.grow(late, 11) == []
    assert not memory.allocate(one("large", range(10), 30))


@given(st.lists(st.tuples(st.integers(1, 70), st.integers(0, 9)), max_size=60), st.integers(20, 300))
def test_stretches_by_halving_never_overlap_and_all_come_back(program: list[tuple[int, int]], size: int) -> None:
    memory = Buddy(size, 4)
    whole = memory.free
    taken = list[tuple[int, int]]()
    for length, which in program:
        if which < len(taken):
            memory.give_back(taken.pop(which)[0])
        elif (begin := memory.take(length)) is not None:
            end = begin + memory.stretch(length)
            assert end <= size
            assert all(end <= other or begin >= other_end for other, other_end in taken)
            taken.append((begin, end))
        assert memory.free + sum(end - begin for begin, end in taken) == whole
    for begin, _ in taken:
        memory.give_back(begin)
    fresh = Buddy(size, 4)
    assert {length: begins for length, begins in memory._free.items() if begins} == fresh._free  # all joined again


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: Sequence("one", [], 3), "A prompt has one token at least"),
        (lambda: one(prompt=[1.5]), "A token is a whole number, not 1.5"),
        (lambda: Sequence("one", [-1], 3), "A token is at least 0"),
        (lambda: Sequence("one", [1 << 63], 3), "A token is at most"),
        (lambda: Sequence("one", [1], 0), "The most tokens of an answer is at least 1"),
        (lambda: BlockManager(0), "The number of blocks is at least 1"),
        (lambda: BlockManager(4, 0), "The size of a block in tokens is at least 1"),
        (lambda: BlockManager(4, watermark=1), "a share of all blocks below 1"),
        (
            lambda: BlockManager(2, 4).check(one(most=9)),
            "12 tokens, which are 3 blocks of 4, and there are 2",
        ),
        (lambda: ContiguousMemory(100).check(one(most=200)), "may need 203 slots, and the longest stretch has 64"),
        (lambda: ContiguousMemory(9, placement=BEST), "no placement 'best fit'; there are buddy, first fit"),
        (lambda: ContiguousMemory(100, reserve_foretold).allocate(one()), "Nobody foretold how long"),
        (lambda: Buddy(100, 12), "The least stretch is a power of two, not 12"),
        (lambda: Buddy(100).give_back(3), "No stretch that is taken begins at 3"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(wrong: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wrong()


@pytest.mark.parametrize("memory", [BlockManager(8, 4), ContiguousMemory(64)])
def test_nothing_is_freed_or_begun_twice(memory: Any) -> None:
    sequence = one()
    with pytest.raises(ValueError, match="was freed, or never had"):
        memory.free(sequence)
    assert memory.allocate(sequence)
    with pytest.raises(ValueError, match="already: free"):
        memory.allocate(sequence)
    memory.free(sequence)
    with pytest.raises(ValueError, match="was freed, or never had"):
        memory.free(sequence)
    assert memory.usage([]).external == memory.usage([]).slots


def test_a_fork_is_into_a_new_sequence_with_the_same_tokens() -> None:
    manager, parent = BlockManager(8), one("parent")
    manager.allocate(parent)
    with pytest.raises(ValueError, match="has other tokens"):
        manager.fork(parent, one("child", [1, 2]))
    with pytest.raises(ValueError, match="has blocks already"):
        manager.fork(parent, parent)
    with pytest.raises(ValueError, match="has another salt"):  # those share nothing, whatever they ask
        manager.fork(parent, one("child", salt=b"another tenant"))
    assert manager.owners(parent.blocks[0]) == 1
