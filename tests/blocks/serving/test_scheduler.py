"""Who computes what next: on any schedule everybody is told what a list in memory would tell them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from helpers.examples import examples
from helpers.served import VOCABULARY, Served, slots_of
from windtunnel.blocks.serving import BlockManager, ContiguousMemory, Scheduler, Sequence, reserve_doubling
from windtunnel.parts import made_answer

PROMPTS = ([1], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 9, 9, 9], [5] * 12)
MEMORIES = {
    "paged": lambda: BlockManager(9, 4, watermark=0.12),
    "paged, sharing nothing": lambda: BlockManager(9, 4, share=False),
    "blocks of one": lambda: BlockManager(36, 1, watermark=0),
    "reserved": lambda: ContiguousMemory(70, least=4),
    "doubled": lambda: ContiguousMemory(64, reserve_doubling, least=2),
    "pushed together": lambda: ContiguousMemory(40, reserve_doubling, placement="pushed together"),
}
BEST: Any = "best"
POLICIES = ("static", "continuous", "chunked")


class Serving(RuleBasedStateMachine):
    """Requests come, hang up and fork between steps, in a memory that is too small for all of them."""

    make: Any
    policy: Any

    def __init__(self) -> None:
        super().__init__()
        self.served = Served(Scheduler(self.make(), 4, self.policy, 5))
        self.all: list[Sequence] = []
        self.gone: set[object] = set()

    @rule(
        prompt=st.sampled_from(PROMPTS),
        most=st.integers(1, 14),
        priority=st.integers(0, 1),
        salt=st.sampled_from([b"", b"another tenant"]),
    )
    def add(self, prompt: list[int], most: int, priority: int, salt: bytes) -> None:
        sequence = Sequence(len(self.all), prompt, most, stop=3, priority=priority, salt=salt)
        self.served.scheduler.add(sequence)
        self.all.append(sequence)

    @rule(steps=st.integers(1, 4))
    def step(self, steps: int) -> None:
        for _ in range(steps):
            self.served.step()

    @precondition(lambda self: self.all)
    @rule(data=st.data())
    def hang_up(self, data: Any) -> None:
        sequence = data.draw(st.sampled_from(self.all))
        if sequence.state != "finished":
            self.gone.add(sequence.name)
        self.served.scheduler.abort(sequence)

    @precondition(lambda self: isinstance(self.served.memory, BlockManager))
    @rule(data=st.data())
    def fork(self, data: Any) -> None:
        scheduler = self.served.scheduler
        live = [one for one in scheduler.running if one.state == "running"]
        if live and len(scheduler.running) < scheduler.max_sequences:
            parent = data.draw(st.sampled_from(live))
            child = Sequence(len(self.all), parent.tokens, parent.max_tokens, stop=3, salt=parent.salt)
            if child.longest - 1 > slots_of(self.served.memory):
                with pytest.raises(ValueError, match="may become"):
                    scheduler.fork(parent, child)
                return
            scheduler.fork(parent, child)
            self.all.append(child)

    @invariant()
    def cells_are_right(self) -> None:
        self.served.check()

    def teardown(self) -> None:
        self.served.run()
        for one in self.all:
            assert one.state == "finished"
            if one.name not in self.gone:
                whole = made_answer(one.tokens[: one.prompt_length], one.max_tokens, VOCABULARY)
                ends = whole.index(3) + 1 if 3 in whole else len(whole)
                assert one.answer == whole[:ends], one
        assert self.served.memory.usage([]).held == 0
        if isinstance(self.served.memory, BlockManager):
            assert self.served.memory.free_blocks == self.served.memory.blocks


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("memory", MEMORIES)
def test_on_any_schedule_all_are_told_what_is_right_and_all_memory_comes_back(memory: str, policy: str) -> None:
    machine: Any = type("Machine", (Serving,), {"make": staticmethod(MEMORIES[memory]), "policy": policy})
    case = machine.TestCase()
    case.settings = settings(
        max_examples=examples(10), stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
    )
    case.runTest()


def served(policy: Any, lengths: list[int], places: int = 2, memory: Any = None, **options: Any) -> Served:
    made = Served(Scheduler(memory or BlockManager(100, 4), places, policy, **options))
    for name, length in enumerate(lengths):
        made.scheduler.add(Sequence(name, [name + 1] * 3, length))
    return made


def test_a_static_batch_takes_as_many_steps_as_its_longest_and_a_continuous_one_fills_the_place() -> None:
    lengths = [1, 8, 1, 8]
    static, continuous = served("static", lengths), served("continuous", lengths)
    static.run()
    continuous.run()
    assert static.steps == 8 + 8
    assert continuous.steps == 1 + 1 + 8  # 0, 2 and then 3 beside 1


def test_at_equal_lengths_static_and_continuous_take_the_same_steps() -> None:
    counts = {policy: served(policy, [5] * 6) for policy in POLICIES}
    for one in counts.values():
        one.run()
    assert [one.steps for one in counts.values()] == [15, 15, 15]


def test_rows_that_are_done_are_computed_on_in_a_static_batch() -> None:
    one = served("static", [1, 4])
    padding = []
    while one.scheduler.busy:
        batch = one.scheduler.schedule()
        padding.append(batch.padding)
        one.scheduler.finish_step(batch, one.model.compute(batch, one.memory.slot))
    assert padding == [0, 1, 1, 1]


def test_chunks_let_those_that_decode_go_first() -> None:
    scheduler = Scheduler(BlockManager(100, 4), 3, "chunked", 4)
    scheduler.add(Sequence("short", [1], 9))
    made = Served(scheduler)
    made.step()
    scheduler.add(Sequence("long", range(10), 2))
    shares = []
    while scheduler.busy:
        batch = scheduler.schedule()
        shares.append([(one.name, count) for one, count in batch.work])
        scheduler.finish_step(batch, made.model.compute(batch, made.memory.slot))
    assert shares[:4] == [[("short", 1), ("long", 3)]] * 3 + [[("short", 1), ("long", 1)]]


def test_the_urgent_go_first_and_take_the_memory_of_the_last() -> None:
    scheduler = Scheduler(BlockManager(4, 2, watermark=0), 4)
    made = Served(scheduler)
    for name, priority in (("early", 1), ("late", 1), ("urgent", 0)):
        scheduler.add(Sequence(name, [1], 7, priority=priority))
    order = list[object]()
    while scheduler.busy:
        order += [one.name for one in made.step()]
    assert order == ["urgent", "early", "late"]


def test_nobody_overtakes_one_that_waits_for_room() -> None:
    scheduler = Scheduler(BlockManager(5, 2, watermark=0), 4)
    for name, length in (("first", 6), ("large", 6), ("small", 1)):
        scheduler.add(Sequence(name, range(length), 2))
    assert [one.name for one, _ in scheduler.schedule().work] == ["first"]
    assert [one.name for one in scheduler.waiting] == ["large", "small"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            lambda s: Scheduler(BlockManager(4), policy=BEST),
            "no policy 'best'; there are static, continuous, chunked",
        ),
        (lambda s: Scheduler(BlockManager(4), 9, "chunked", 8), "leaves out some of 9 sequences"),
        (lambda s: s.add(s.one), "is running: a sequence is added once"),
        (lambda s: s.add(Sequence("one", [1], 1)), "is served already"),
        (lambda s: s.add(Sequence("long", [1], 99)), "may become 100 tokens"),
        (lambda s: s.abort(Sequence("other", [1], 1)), "is not served here"),
        (lambda s: s.finish_step(s.schedule(), {}), "gives a token to 'one', and none was told"),
        (lambda s: s.fork(s.one, s.one), "is served already: fork into a new"),
        (lambda s: s.fork(Sequence("a", [1], 1), Sequence("b", [1], 1)), "'a' is new: add it instead"),
        (lambda s: Scheduler(ContiguousMemory(64)).fork(s.one, s.one), "Only blocks are shared"),
        (lambda s: s.fork(s.one, Sequence("long", s.one.tokens, 99)), "may become 102 tokens"),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(wrong: Any, said: str) -> None:
    scheduler: Any = Scheduler(BlockManager(4), 2)
    scheduler.one = Sequence("one", [1, 2], 3)
    made = Served(scheduler)
    scheduler.add(scheduler.one)
    made.step()
    with pytest.raises(ValueError, match=said):
        wrong(scheduler)
    made.run()
    assert scheduler.one.answer == made_answer([1, 2], 3, VOCABULARY)
