"""The served model: who waits for which answer, where clients hang up and ask again."""

from __future__ import annotations

from windtunnel.blocks.serving import BlockManager, Scheduler, Sequence
from windtunnel.parts import STOP, MadeModel, ServedModel, StepCost, made_answer
from windtunnel.sim import Simulator

STEP_S = 1.0


def test_a_name_that_is_asked_again_in_the_same_step_is_not_told_the_word_of_who_hung_up() -> None:
    sim = Simulator(seed=1)
    served = ServedModel(sim, Scheduler(BlockManager(8)), MadeModel(128), StepCost(STEP_S, 0.0, 0.0))
    heard = dict[str, float]()

    async def client() -> None:
        old = Sequence("one", [1, 2, 3], 9, stop=STOP)
        served.ask(old, 5)
        await sim.sleep(0.5 * STEP_S)
        served.hang_up(old)
        new = Sequence("one", [4, 5, 6], 9, stop=STOP)
        first, over = served.ask(new, 3)
        heard["first"] = await first
        heard["over"] = await over
        assert new.answer == [*made_answer([4, 5, 6], 2), STOP]

    sim.spawn(client(), "client")
    sim.run()
    assert heard == {"first": 2 * STEP_S, "over": 4 * STEP_S}


def test_who_hangs_up_between_two_words_leaves_nothing_behind() -> None:
    sim = Simulator(seed=1)
    manager = BlockManager(8)
    served = ServedModel(sim, Scheduler(manager, 1), MadeModel(128), StepCost(STEP_S, 0.0, 0.0))

    async def client(at_s: float) -> None:
        await sim.sleep(at_s)
        one = Sequence(at_s, [1, 2, 3], 30, stop=STOP)
        served.ask(one, 20)
        await sim.sleep(2.5 * STEP_S)  # the second one still waits for its place, or has just got it
        served.hang_up(one)

    for at_s in (0.0, 0.1, 0.2):
        sim.spawn(client(at_s), "client")
    sim.run()
    assert manager.free_blocks == 8
    assert not served.scheduler.busy
    assert not served._over
    assert not served._first
