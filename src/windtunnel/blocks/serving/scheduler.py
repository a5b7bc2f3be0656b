"""Who computes how many tokens in the next step of the model.

A step is one pass of the model over a batch: a sequence that decodes computes one token in it, one that begins its
whole prompt, or a chunk of it. There is one rule for both: each computes what it owes, as far as the budget goes.
Policies differ in who may join, and when.

- static: a batch is formed when none runs, and stays as it is until its last sequence is done.
- continuous: between any two steps the finished leave and the waiting join (Orca: Yu and others, OSDI 2022, 3.1).
- chunked: that, with so many tokens a step at most, those that decode first (Sarathi-Serve: Agrawal and others, OSDI
  2024, section 4).

Where the memory is full the last in turn loses its keys and values, and computes them again later (Kwon and others,
SOSP 2023, section 4.5: recomputation).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import whole
from windtunnel.blocks.serving.memory import KVMemory
from windtunnel.blocks.serving.paged import BlockManager
from windtunnel.blocks.serving.sequence import Sequence

Policy = Literal["static", "continuous", "chunked"]


@dataclass
class Batch:
    """What the next step computes. First the copies, in their order, then `work`."""

    work: list[tuple[Sequence, int]] = field(default_factory=list)
    """Sequences, and how many tokens each computes, from its `computed` on. Who owes none then is given the next."""
    copies: list[tuple[int, int]] = field(default_factory=list)
    """Slots whose keys and values are to be copied, as (from, to)."""
    preempted: list[Sequence] = field(default_factory=list)
    """Who lost its keys and values to make room."""
    accepted: dict[object, list[int]] = field(default_factory=dict)
    """Of sequences that had guesses: those that are kept, by names, before the token that the step gives."""
    padding: int = 0
    """Rows that are computed for nobody: of a static batch, for those that are done."""

    @property
    def tokens(self) -> int:
        """How many tokens are computed for somebody."""
        return sum([count for _, count in self.work])


def in_turn(sequence: Sequence) -> tuple[int, int]:
    """Who is served first: by priority, then by arrival."""
    return sequence.priority, sequence.number


class Scheduler(Block):
    """Sequences that wait and that run, and what they compute next.

    `add` sequences, then in turns: `schedule` a batch, let the model compute it, and tell `finish_step` what it gave.

    Args:
        memory: where keys and values lie: a `BlockManager` or a `ContiguousMemory`.
        max_sequences: how many run at once.
        policy: "static", "continuous" or "chunked". Priorities say who begins first and who keeps its memory; nobody
            that runs leaves its place to one that waits.
        max_step_tokens: how many tokens a step of "chunked" computes at most; the other policies have no such limit.

    >>> from windtunnel.blocks.serving import BlockManager
    >>> scheduler = Scheduler(BlockManager(8))
    >>> scheduler.add(Sequence("one", [1, 2, 3], max_tokens=1))
    >>> batch = scheduler.schedule()
    >>> batch.tokens, [one.name for one in scheduler.finish_step(batch, {"one": 9})]
    (3, ['one'])
    """

    def __init__(
        self,
        memory: KVMemory,
        max_sequences: int = 256,
        policy: Policy = "continuous",
        max_step_tokens: int = 512,
    ) -> None:
        if policy not in get_args(Policy):
            raise ValueError(f"There is no policy {policy!r}; there are {', '.join(get_args(Policy))}.")
        self.memory = memory
        self.max_sequences = whole(max_sequences, "The most sequences that run at once", 1)
        self.policy: Policy = policy
        self.max_step_tokens = whole(max_step_tokens, "The most tokens of a step", 1)
        if policy == "chunked" and self.max_step_tokens < self.max_sequences:
            raise ValueError(
                f"A step of {self.max_step_tokens} tokens leaves out some of {self.max_sequences} sequences that"
                " decode: let it have a token for each at least."
            )
        self.waiting: list[Sequence] = []
        """In turn: by priority, then by arrival. Who was preempted has kept its place."""
        self.running: list[Sequence] = []
        """In the order in which they began; of a static batch also those that are done."""
        self._names: set[object] = set()
        self._arrived = 0

    @property
    def busy(self) -> bool:
        """Whether there is anything to compute."""
        return bool(self._names)

    def add(self, sequence: Sequence) -> None:
        """Let it wait for its turn.

        Raises ValueError for one that was added before, whose name is served already, or that no memory of this size
        can hold.
        """
        if sequence.state != "new":
            raise ValueError(f"{sequence.name!r} is {sequence.state}: a sequence is added once, so make a new one.")
        if sequence.name in self._names:
            raise ValueError(f"A sequence of the name {sequence.name!r} is served already: give it another one.")
        self.memory.check(sequence)
        sequence.state, sequence.number = "waiting", self._arrived
        self._arrived += 1
        self._names.add(sequence.name)
        insort(self.waiting, sequence, key=in_turn)

    def abort(self, sequence: Sequence) -> None:
        """Forget it, and give its memory back: nobody waits for the answer any more. One that is done stays so.

        Between `schedule` and `finish_step` as well: what the model then gives it is dropped. Raises ValueError
        for a sequence that is not served here.
        """
        if sequence.state == "finished":
            return
        served = self.waiting if sequence.state == "waiting" else self.running
        if not any(one is sequence for one in served):
            raise ValueError(f"{sequence.name!r} is not served here: abort what was added.")
        served.remove(sequence)
        if sequence.state == "running":
            self.memory.free(sequence)
        self._names.discard(sequence.name)
        sequence.state = "finished"
        self._dissolve()

    def fork(self, parent: Sequence, child: Sequence) -> None:
        """Let `child`, which has the tokens of `parent` so far, run beside it, on the same blocks until one writes.

        Raises ValueError where the parent does not run, or no place is left, or the memory has no blocks to share or
        could not hold what the child may become.
        """
        if not isinstance(self.memory, BlockManager):
            raise ValueError("Only blocks are shared: fork where the memory is a BlockManager.")
        if parent.state != "running" or len(self.running) >= self.max_sequences:
            why = f"{parent.name!r} is {parent.state}" if parent.state != "running" else "every place is taken"
            raise ValueError(f"{child.name!r} cannot begin, since {why}: add it instead.")
        if child.state != "new" or child.name in self._names:
            raise ValueError(f"{child.name!r} is served already: fork into a new sequence of another name.")
        self.memory.check(child)
        self.memory.fork(parent, child)
        child.state, child.number = "running", self._arrived
        self._arrived += 1
        self._names.add(child.name)
        self.running.append(child)

    def schedule(self) -> Batch:
        """What the next step computes: first those that run, in turn, then those that may join.

        Empty where nothing is to be computed.
        """
        batch = Batch()
        budget = self.max_step_tokens if self.policy == "chunked" else 1 << 62
        ordered = sorted((one for one in self.running if one.state == "running"), key=in_turn)
        owing = [(one, len(one.tokens) - one.computed) for one in ordered]
        decoding = [(one, owed) for one, owed in owing if owed == 1 + one.guessed]
        reading = [(one, owed) for one, owed in owing if owed > 1 + one.guessed]
        budget = self._go_on(reading, batch, self._go_on(decoding, batch, budget))
        if not batch.work:
            self._dissolve()  # those of a static batch that are done held what the last one lacked
        if not (batch.preempted and batch.work) and (self.policy != "static" or not self.running):
            self._join(batch, budget)
        batch.padding += sum(one.state == "finished" for one in self.running)
        return batch

    def finish_step(self, batch: Batch, given: Mapping[object, int]) -> list[Sequence]:
        """The model has computed the batch, and gave these tokens by names; who is done with it.

        Raises ValueError, and nothing is changed, where the token of a sequence that was to give one is missing.
        """
        served = [(one, count, len(one.tokens) == one.computed + count) for one, count in batch.work]
        for sequence, _, last in served:
            if last and sequence.name not in given and sequence.state == "running":
                raise ValueError(f"The step gives a token to {sequence.name!r}, and none was told: name it with it.")
        done, publish = list[Sequence](), self.memory.publish
        for sequence, count, last in served:
            if sequence.state != "running":
                continue  # aborted meanwhile
            sequence.computed += count
            if sequence.guessed:
                over = self._settle(sequence, [*batch.accepted.get(sequence.name, ()), given[sequence.name]])
            else:
                publish(sequence)
                over = last and sequence.give(given[sequence.name])
            if over:
                done.append(sequence)
                self._names.discard(sequence.name)
        self._dissolve()
        return done

    def _go_on(self, sequences: list[tuple[Sequence, int]], batch: Batch, budget: int) -> int:
        """Let these compute what they owe; what is left of the budget."""
        for sequence, owed in sequences:
            count = owed if owed < budget else budget
            if sequence.guessed:
                sequence.withdraw(min(sequence.guessed, owed - max(0, count)))  # the step has no room for these
            if sequence.state != "running" or count <= 0:
                continue  # it was preempted for one before, or the step is full
            copies = self.memory.grow(sequence, sequence.computed + count)
            if copies is None and sequence.guessed:
                count -= sequence.guessed
                sequence.withdraw()
                copies = self.memory.grow(sequence, sequence.computed + count)
            while copies is None and (self._take_guesses(batch) or self._preempt_for(sequence, batch)):
                copies = self.memory.grow(sequence, sequence.computed + count)
            if copies is None:
                continue  # it was the last in turn itself
            batch.copies += copies
            batch.work.append((sequence, count))
            budget -= count
        return budget

    def _take_guesses(self, batch: Batch) -> bool:
        """Nobody is put out for guesses: take the room of the last that were let in; whether there were any."""
        for i, (sequence, count) in reversed(list(enumerate(batch.work))):
            if sequence.guessed and isinstance(self.memory, BlockManager):
                batch.work[i] = (sequence, count - sequence.guessed)
                sequence.withdraw()
                self.memory.shrink(sequence)
                return True
        return False

    def _preempt_for(self, sequence: Sequence, batch: Batch) -> bool:
        """Take the memory of the last in turn; whether that was another one than this."""
        victim = max((one for one in self.running if one.state == "running"), key=in_turn)
        batch.work = [(one, count) for one, count in batch.work if one is not victim]
        batch.preempted.append(victim)
        self.running.remove(victim)
        self.memory.free(victim)
        victim.withdraw()
        victim.preempted += 1
        victim.state = "waiting"
        insort(self.waiting, victim, key=in_turn)
        return victim is not sequence

    def _join(self, batch: Batch, budget: int) -> None:
        """Let those that wait begin, in turn, as long as there is room: nobody overtakes one that does not fit."""
        while self.waiting and len(self.running) < self.max_sequences and budget > 0:
            sequence = self.waiting[0]
            if not self.memory.allocate(sequence):
                break
            self.waiting.pop(0)
            sequence.state = "running"
            self.running.append(sequence)
            count = min(sequence.owed, budget)
            copies = self.memory.grow(sequence, sequence.computed + count)
            assert copies is not None  # `allocate` made room for all its tokens
            batch.copies += copies
            batch.work.append((sequence, count))
            budget -= count

    def _settle(self, sequence: Sequence, told: list[int]) -> bool:
        """What was told takes the place of the guesses, whose blocks go back; whether it is done."""
        over = sequence.settle(told)
        if isinstance(self.memory, BlockManager):
            self.memory.shrink(sequence)
        self.memory.publish(sequence)
        return over

    def _dissolve(self) -> None:
        """Let those that are done leave; of a static batch nobody, until all are."""
        done = [one for one in self.running if one.state == "finished"]
        if done and (self.policy != "static" or len(done) == len(self.running)):
            self.running = [one for one in self.running if one.state != "finished"]
            for sequence in done:
                self.memory.free(sequence)

    def _told(self) -> dict[str, object]:
        return {"policy": self.policy, "running": len(self.running), "waiting": len(self.waiting)}
