"""The made model: a memory that is mixed up gives other answers."""

from __future__ import annotations

import pytest

from windtunnel.blocks.serving import Batch, BlockManager, Scheduler, Sequence
from windtunnel.parts import MadeModel, made_answer
from windtunnel.parts.made_model import states


def served(wrong_slot: int | None = None) -> list[int]:
    """The answer to a prompt, where one slot is written over by somebody else after the prompt."""
    scheduler, one = Scheduler(BlockManager(4)), Sequence("one", range(1, 12), 20)
    scheduler.add(one)
    model = MadeModel(64)
    while scheduler.busy:
        batch = scheduler.schedule()
        scheduler.finish_step(batch, model.compute(batch, scheduler.memory.slot))
        if wrong_slot is not None and len(one.answer) == 1:
            model.cells[wrong_slot] ^= 1
    return one.answer


def test_it_answers_as_a_list_would() -> None:
    assert served() == made_answer(range(1, 12), 20)


def test_a_slot_that_somebody_wrote_over_gives_other_words_where_it_is_read() -> None:
    right = made_answer(range(1, 12), 20)
    kept = states([*range(1, 12), *right])
    read = {10} | {kept[position - 1] % position for position in range(11, 30)}
    assert {slot for slot in range(11) if served(slot) != right} == {slot for slot in read if slot < 11}
    assert len(read) > 10


def test_other_beginnings_give_other_numbers_at_every_later_token() -> None:
    one, other = states([1, 2, 3, 4, 5, 6]), states([1, 9, 3, 4, 5, 6])
    assert one[0] == other[0]
    assert not set(one[1:]) & set(other[1:])


@pytest.mark.parametrize("slot", [-1, 4])
def test_a_slot_that_is_not_there_is_refused(slot: int) -> None:
    with pytest.raises(IndexError, match="The memory has slots 0 to 3, and none of number"):
        MadeModel(4).compute(Batch([(Sequence("one", [1], 1), 1)]), lambda *_: slot)
