"""Search for a linearization: Wing and Gong (1993), in the just-in-time form of Lowe (2017).

The returns of the operations are gone through in time order. At each return the operation must have been placed; if it
has not, pending operations are placed one by one until it has. A configuration is (which return is next, which pending
operations are placed, state) and is visited once. Four reductions keep it small, all sound:

1. a pure operation that is legal now is placed now, without an alternative: moved to here from any later place it
   changes nothing for the others;
2. the search ends when all operations that returned are placed: the others need not have happened;
3. of unknown operations that are alike, only how many were placed counts; one that would change nothing is not placed;
   and a configuration that differs from another only in having placed more of them is given up;
4. partitions take turns with growing quotas (in `linearizable`), so that a hard one does not hide a broken one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from windtunnel.lab.checkers.calls import Call
from windtunnel.lab.checkers.models import Model

_ILLEGAL = -1
_Pending = tuple[int, int, int, int]
"""(bit, class, guard, first): it may be placed where `placed & guard == first`, that is, where its own bit is not set
and that of the operation before it, by the same client at the very moment, is."""
_Crashed = tuple[int, int, int, int, tuple[int, ...]]
"""(class, shift, mask, available, firsts) of unknown operations that are alike: how many may be placed, and the bits of
those after each of which one more may."""


class Search:
    """A search over one partition that can be advanced bit by bit.

    `starts` are the states to start from, instead of the model's own.
    """

    def __init__(self, model: Model, calls: Sequence[Call], starts: Iterable[Hashable] | None = None) -> None:
        self.steps = 0
        self.furthest = 0
        """The return (an index into `returns`) that no configuration has passed."""
        self._model = model
        self._states: list[Hashable] = []
        self._state_ids: dict[Hashable, int] = {}
        self._classes: list[Call] = []
        self._moves: list[dict[int, int]] = []
        self._lay_out(calls)
        first = [model.initial()] if starts is None else starts
        self._stack: list[tuple[int, int, int]] = [(0, 0, self._intern(s)) for s in first]
        self._seen: dict[tuple[int, int, int], list[int]] = {}

    def _lay_out(self, calls: Sequence[Call]) -> None:
        """Per return: what must be placed, and what may be. Placed operations are bits, unknown ones are counters."""
        class_ids: dict[tuple[str, object, object], int] = {}
        class_of: list[int] = []
        for c in calls:
            key = (c.op, c.args, c.value)
            if key not in class_ids:
                class_ids[key] = len(self._classes)
                self._classes.append(c)
                self._moves.append({})
            class_of.append(class_ids[key])
        moments = [(c.start, 0, i) for i, c in enumerate(calls)]
        moments += [(c.end, 1, i) for i, c in enumerate(calls) if c.returned]
        moments.sort()

        crashed_total: dict[int, int] = {}
        for i, c in enumerate(calls):
            if not c.returned:
                crashed_total[class_of[i]] = crashed_total.get(class_of[i], 0) + 1
        width = _most_pending(moments, calls)
        self._width = width  # of the bits of operations that return; above them a counter for each unknown class
        shift: dict[int, int] = {}
        self._borrow = 0  # the spare top bit of each counter, to compare all counters at once
        for cls, total in crashed_total.items():
            shift[cls] = width
            width += total.bit_length() + 1
            self._borrow |= 1 << (width - 1 - self._width)

        self.returns: list[Call] = []
        self._need: list[tuple[int, int]] = []  # (bit, class) of the operation that returns
        self._fresh: list[tuple[_Pending, ...]] = []  # pure operations called since the return before
        self._pure: list[tuple[_Pending, ...]] = []  # all pending pure operations
        self._moving: list[tuple[_Pending, ...]] = []  # all other pending operations that return
        self._crashed: list[tuple[_Crashed, ...]] = []

        free: list[int] = []
        used = 0
        slot_of: dict[int, int] = {}
        index_of = {id(c.event): i for i, c in enumerate(calls) if c.returned}
        follows = [None if c.follows is None else index_of.get(id(c.follows)) for c in calls]

        def entry(i: int) -> _Pending:
            bit = 1 << slot_of[i]
            before = follows[i]
            first = 1 << slot_of[before] if before is not None and before in slot_of else 0
            return bit, class_of[i], bit | first, first

        so_far: dict[int, int] = {}
        waiting: list[tuple[int, int]] = []  # (class of an unknown operation, the pending one that it follows)
        crashed_now: tuple[_Crashed, ...] | None = ()
        fresh: list[int] = []
        for _, kind, i in moments:
            cls = class_of[i]
            if kind == 0 and not calls[i].returned:
                so_far[cls] = so_far.get(cls, 0) + 1
                before = follows[i]
                if before is not None and before in slot_of:
                    waiting.append((cls, before))
                crashed_now = None
            elif kind == 0:
                if not free:
                    free.append(used)
                    used += 1
                slot_of[i] = free.pop()
                if calls[i].pure:
                    fresh.append(i)
            else:
                self.returns.append(calls[i])
                self._need.append((1 << slot_of[i], cls))
                self._fresh.append(tuple(map(entry, fresh)))
                fresh = []
                self._pure.append(tuple(entry(j) for j in slot_of if calls[j].pure))
                self._moving.append(tuple(entry(j) for j in slot_of if not calls[j].pure))
                if crashed_now is None:
                    firsts: dict[int, list[int]] = {cls: [] for cls in so_far}
                    for k, before in waiting:
                        firsts[k].append(1 << slot_of[before])
                    crashed_now = tuple(
                        (k, shift[k], (1 << crashed_total[k].bit_length()) - 1, n - len(firsts[k]), tuple(firsts[k]))
                        for k, n in so_far.items()
                    )
                self._crashed.append(crashed_now)
                if waiting:
                    waiting = [(k, before) for k, before in waiting if before != i]
                    crashed_now = None
                free.append(slot_of.pop(i))

    def _intern(self, state: Hashable) -> int:
        number = self._state_ids.get(state)
        if number is None:
            number = self._state_ids[state] = len(self._states)
            self._states.append(state)
        return number

    def _move(self, cls: int, state: int) -> int:
        """The state after an operation of this class, or _ILLEGAL; asked of the model once."""
        c = self._classes[cls]
        before = self._states[state]
        legal, after = self._model.step(before, c.op, c.args, c.value)
        if legal and c.pure and after != before:
            raise ValueError(f"The model says that {c.op} is pure, but it turned {before!r} into {after!r}.")
        self._moves[cls][state] = result = self._intern(after) if legal else _ILLEGAL
        return result

    def advance(self, quota: int) -> bool | None:
        """Go on for about `quota` steps. True: a linearization was found; False: there is none; None: not yet."""
        stack, seen, moves = self._stack, self._seen, self._moves
        need, fresh, pure, last = self._need, self._fresh, self._pure, len(self._need)
        width, borrow, low = self._width, self._borrow, (1 << self._width) - 1
        spent = 0
        try:
            while stack:
                if spent >= quota:
                    return None
                at, placed, state = stack.pop()
                spent += 1
                if at == last:
                    return True
                # The state is new here: any pending pure operation may have become legal (reduction 1).
                candidates = pure[at]
                while True:
                    for bit, cls, guard, first in candidates:
                        if placed & guard == first:
                            after = moves[cls].get(state)
                            if (self._move(cls, state) if after is None else after) != _ILLEGAL:
                                placed |= bit
                    bit = need[at][0]
                    if not placed & bit:
                        break
                    placed ^= bit
                    at += 1
                    if at == last:
                        return True
                    candidates = fresh[at]
                if at > self.furthest:
                    self.furthest = at
                used = placed >> width
                key = (at, placed & low, state)
                known = seen.get(key)
                if known is None:
                    seen[key] = [used]
                elif any(((used | borrow) - fewer) & borrow == borrow for fewer in known):
                    continue
                else:
                    known.append(used)
                spent += self._branch(at, placed, state)
            return False
        finally:
            self.steps += spent

    def _branch(self, at: int, placed: int, state: int) -> int:
        """Push what may come next: last the needed operation, before it what makes it legal, before that the rest."""
        moves, stack = self._moves, self._stack
        need_bit, need_cls = self._need[at]
        need_moves = moves[need_cls]
        direct: tuple[int, int, int] | None = None
        helpful: list[tuple[int, int, int]] = []
        tried = 0
        for cls, shift, mask, available, firsts in self._crashed[at]:
            if firsts:
                available += sum(placed & first != 0 for first in firsts)
            if (placed >> shift) & mask >= available:
                continue
            tried += 1
            after = moves[cls].get(state)
            if after is None:
                after = self._move(cls, state)
            if after in (_ILLEGAL, state):
                continue
            then = need_moves.get(after)
            grown = placed + (1 << shift)
            if (self._move(need_cls, after) if then is None else then) == _ILLEGAL:
                stack.append((at, grown, after))
            else:
                helpful.append((at, grown, after))
        for bit, cls, guard, first in reversed(self._moving[at]):
            if placed & guard != first:
                continue
            tried += 1
            after = moves[cls].get(state)
            if after is None:
                after = self._move(cls, state)
            if after == _ILLEGAL:
                continue
            if bit == need_bit:
                direct = (at, placed | bit, after)
                continue
            then = need_moves.get(after)
            if (self._move(need_cls, after) if then is None else then) == _ILLEGAL:
                stack.append((at, placed | bit, after))
            else:
                helpful.append((at, placed | bit, after))
        stack.extend(helpful)
        if direct is not None:
            stack.append(direct)
        return tried


def _most_pending(moments: Sequence[tuple[float, int, int]], calls: Sequence[Call]) -> int:
    """How many operations that return are pending at once at most."""
    now = most = 0
    for _, kind, i in moments:
        if kind:
            now -= 1
        elif calls[i].returned:
            now += 1
            most = max(most, now)
    return most
