"""The primitives, written out small: each call is one step, before which others may come.

What threads share lies in a lock, as a value of it (`kit.lock("count", here=0)` has `here`), and may be touched by who
holds the lock alone; whatever else they share is the judge's. So nothing is touched that was not told, and a search
that tells states apart, or a reduction that asks what steps touch, leaves nothing out.

Locks promise no order: whoever comes when one is free may take it, as in CPython. (Where one asks who can be left out
for ever they keep to the order of coming, `Kit(orderly=True)`: without that any lock leaves out anybody.) A condition
wakes who waits longest, as `threading` does, and who was woken has to get the lock like everybody else.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Literal, NoReturn

from windtunnel.catalogue.concurrency.primitives.beside import Primitive, plain, put_back, watched
from windtunnel.explore import Access, Pause
from windtunnel.sim import Signal, Simulator


class Who:
    """Who runs, and whose attributes are watched. That is no state: attributes of classes are not compared."""

    runs = ""
    watched: Sequence[tuple[object, object]] = ()


def always() -> bool:
    """Nothing keeps this step back."""
    return True


class Turn(Pause, Signal[None]):
    """Awaited: the next step of who runs. Others may come before it, and it can be taken while `free()`.

    Args:
        what: as in "A takes lock x".
        access: what the step touches.
        holder: who keeps it back, where somebody does.
    """

    def __init__(
        self,
        kit: Kit,
        what: str,
        access: Access,
        free: Callable[[], bool] = always,
        holder: Callable[[], str] = str,
    ) -> None:
        Signal.__init__(self, kit.sim, what)
        self.kit, self.what, self.access, self.free, self.holder = kit, what, access, free, holder
        self.unwoken: Callable[[], bool] = bool
        self.who = Who.runs
        kit.keeps_still()

    def done(self) -> bool:
        """Whether it can be taken now; where something is wrong nobody goes on."""
        return not self.kit.wrong and self.free()

    @property
    def name(self) -> str:
        """What it is called: whether it can be taken tells states apart."""
        return self.what if self.free() else f"{self.what}{SHUT}"

    @name.setter
    def name(self, value: str) -> None:
        """A signal is named when it is made; this one is named by what it is."""

    def describe(self) -> str:
        """As in "waits for"."""
        if self.kit.wrong:
            return f"{NOTHING}{self.kit.wrong}"
        if self.unwoken():
            return self.what.removeprefix("waits for ")
        holder = self.holder()
        return f"{self.access.target}, held by {holder}" if holder else self.access.target

    def __await__(self) -> Generator[Turn, None, None]:
        if self.kit.over:
            raise GeneratorExit
        try:
            yield self
        except GeneratorExit:
            self.kit.over = True  # what stands in a `finally` is not run any more
            raise
        Who.runs = self.who


SHUT, NOTHING = ", and cannot", "nothing more: "


class Kit(Primitive):
    """Makes primitives, for one run.

    Attributes:
        orderly: whether locks are given in the order of coming.
        wrong: what has gone wrong; then nobody goes on.
        over: the run is given up, and nobody goes on either.
    """

    def __init__(self, sim: Simulator, orderly: bool = False) -> None:
        self.sim = sim
        self.orderly = orderly
        self.wrong = ""
        self.over = False
        Who.runs, Who.watched = "", ()

    def lock(self, name: str, **values: Any) -> Lock:
        """A lock, and what may be touched by its holder alone."""
        return Lock(self, name, False, values)

    def rlock(self, name: str, **values: Any) -> Lock:
        """One that its holder may take again."""
        return Lock(self, name, True, values)

    def semaphore(self, name: str, permits: int) -> Semaphore:
        """So many permits; who gives back more than there were makes more."""
        return Semaphore(self, name, permits, False)

    def bounded_semaphore(self, name: str, permits: int) -> Semaphore:
        """So many permits; a `ValueError` for who would make them more."""
        return Semaphore(self, name, permits, True)

    def condition(self, name: str, lock: Lock) -> Condition:
        """What is waited for with a lock in hand."""
        return Condition(self, name, lock)

    def event(self, name: str) -> Event:
        """A flag that is waited for."""
        return Event(self, name)

    def barrier(self, name: str, parties: int) -> Barrier:
        """A place where so many wait for each other, again and again."""
        return Barrier(self, name, parties)

    async def touch(
        self, kind: Literal["read", "write"], target: str, what: str, first: Callable[[], object] = bool
    ) -> None:
        """A step that touches something which is not the threads' own; `first` is done at its beginning."""
        await Turn(self, what, Access(kind, target))
        first()

    def watch(self, design: object, world: object) -> None:
        """From now on what a design keeps stays as it is, and nothing is hung upon the judge's world."""
        Who.watched = watched(design, self, world)

    def keeps_still(self) -> None:
        """Fail where a design has changed what no lock guards, and put it back, so that the next run begins as this."""
        changed = [(now, then) for now, then in Who.watched if now != then]
        for now, then in changed:
            put_back(now, then)
        if changed and not self.wrong:
            self.fail(f"{Who.runs} changes what the design keeps, and no lock guards it; make it a value of a lock.")

    def fail(self, sentence: str) -> NoReturn:
        """Something that must not happen has happened: nobody goes on."""
        self.wrong = sentence
        raise AssertionError(sentence)


class Lock(Primitive):
    """A lock, and the values that it guards, as attributes."""

    _kept: dict[str, Any]

    def __init__(self, kit: Kit, name: str, reentrant: bool, values: Mapping[str, Any]) -> None:
        self.__dict__.update(_kit=kit, called=name, _reentrant=reentrant, _holder="", _depth=0, _line=[], _kept={})
        for value in values:
            if hasattr(self, value):
                raise AttributeError(f"A lock has {value} of its own; give what it guards another name.")
        for value in values.values():
            plain(value)
        self._kept.update(values)

    def __getattr__(self, name: str) -> Any:
        if name not in self._kept:
            raise AttributeError(name)
        self.guard(name)
        return self._kept[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._kept:
            self.guard(name)
            self._kept[name] = plain(value)
        elif name in self.__dict__:
            self.__dict__[name] = value
        else:
            raise AttributeError(f"{self.called} guards no {name}; name it where the lock is made.")

    def guard(self, name: str) -> None:
        """Raise `Wrong` where who runs does not hold it."""
        if Who.runs and self._holder != Who.runs:
            self._kit.fail(f"{Who.runs} touches {name} without {self.called}.")

    def may(self, me: str) -> Callable[[], bool]:
        """Whether it can be taken by this one: nobody has it, and nobody else's turn it is."""
        if self._kit.orderly:
            self._line.append(me)
        return lambda: not self._holder and (not self._line or self._line[0] == me)

    def take(self, depth: int = 1) -> None:
        """It is taken by who runs."""
        self._holder, self._depth = Who.runs, depth
        if Who.runs in self._line:
            self._line.remove(Who.runs)

    def held_by(self) -> str:
        """Who has it."""
        return self._holder

    async def acquire(self) -> None:
        """Take it."""
        if self._reentrant and self._holder == Who.runs:
            self._depth += 1
            return
        access = Access("acquire", self.called)
        await Turn(self._kit, f"takes {self.called}", access, self.may(Who.runs), self.held_by)
        self.take()

    async def release(self) -> None:
        """Let it go; a `RuntimeError` where nobody has it. As in Python, others than the holder may.

        Who holds it lets it go together with the step before: nobody can see of a lock whether it is taken, and who
        waits for it finds it free a little sooner.
        """
        if self._holder != Who.runs:
            if self._reentrant:
                raise RuntimeError("A reentrant lock is let go by who has it.")
            await Turn(self._kit, f"lets {self.called} go", Access("release", self.called, (), True))
            if not self._holder:
                raise RuntimeError("A lock is let go that nobody has.")
        self._depth -= 1
        if not self._depth:
            self._holder = ""

    async def __aenter__(self) -> Lock:
        await self.acquire()
        return self

    async def __aexit__(self, *raised: object) -> None:
        del raised  # a traceback is no part of a state
        await self.release()


class Condition(Primitive):
    """Waited for with a lock in hand, which is let go meanwhile."""

    def __init__(self, kit: Kit, name: str, lock: Lock) -> None:
        self.kit, self.condition_name, self.lock = kit, name, lock
        self.waiting: list[str] = []

    def owned(self) -> None:
        """Raise `RuntimeError` where who runs does not hold the lock, as `threading` does."""
        if self.lock._holder != Who.runs:
            raise RuntimeError("A condition is waited for, and notified, with its lock in hand.")

    async def wait(self) -> None:
        """Let the lock go, wait until woken, and take the lock again."""
        self.owned()
        me, lock = Who.runs, self.lock
        depth, lock._holder, lock._depth = lock._depth, "", 0
        self.waiting.append(me)
        access = Access("acquire", lock.called)

        def free() -> bool:
            return me not in self.waiting and not lock._holder and lock._line[:1] in ([], [me])

        step = Turn(self.kit, f"waits for {self.condition_name}", access, free, lock.held_by)
        step.unwoken = lambda: me in self.waiting
        await step
        lock.take(depth)

    def notify(self, many: int = 1) -> None:
        """Wake those who have waited longest."""
        self.owned()
        if self.kit.orderly:
            self.lock._line += self.waiting[:many]
        del self.waiting[:many]

    def notify_all(self) -> None:
        """Wake everybody who waits."""
        self.notify(len(self.waiting))


class Semaphore(Primitive):
    """Permits."""

    def __init__(self, kit: Kit, name: str, permits: int, bounded: bool) -> None:
        self.kit, self.semaphore_name, self.permits = kit, name, permits
        self.most = permits if bounded else None

    def takes(self) -> bool:
        """Whether there is one."""
        return self.permits > 0

    async def acquire(self, blocking: bool = True) -> bool:
        """Take one. Without `blocking`: only if there is one; whether it was taken."""
        free = self.takes if blocking else always
        await Turn(self.kit, f"takes {self.semaphore_name}", Access("write", self.semaphore_name), free)
        if not self.permits:
            return False
        self.permits -= 1
        return True

    async def release(self) -> None:
        """Give one back."""
        await Turn(self.kit, f"gives {self.semaphore_name} back", Access("write", self.semaphore_name))
        if self.most is not None and self.permits >= self.most:
            raise ValueError("A permit is given back that nobody took.")
        self.permits += 1

    async def __aenter__(self) -> Semaphore:
        await self.acquire()
        return self

    async def __aexit__(self, *raised: object) -> None:
        del raised  # a traceback is no part of a state
        await self.release()


class Event(Primitive):
    """A flag."""

    def __init__(self, kit: Kit, name: str) -> None:
        self.kit, self.event_name, self.flag = kit, name, False

    def is_up(self) -> bool:
        """Whether it is set."""
        return self.flag

    async def wait(self) -> None:
        """Go on when it is set."""
        await Turn(self.kit, f"waits for {self.event_name}", Access("read", self.event_name), self.is_up)

    async def set(self) -> None:
        """Let everybody go on, from now on."""
        await Turn(self.kit, f"sets {self.event_name}", Access("write", self.event_name))
        self.flag = True

    async def clear(self) -> None:
        """Let nobody go on, from now on."""
        await Turn(self.kit, f"clears {self.event_name}", Access("write", self.event_name))
        self.flag = False


class Barrier(Primitive):
    """So many wait for each other; each meeting has a number."""

    def __init__(self, kit: Kit, name: str, parties: int) -> None:
        self.kit, self.barrier_name, self.parties = kit, name, parties
        self.here = self.meeting = 0

    async def wait(self) -> None:
        """Go on when as many have come as there have to be."""
        await Turn(self.kit, f"comes to {self.barrier_name}", Access("write", self.barrier_name))
        mine = self.meeting
        self.here += 1
        if self.here == self.parties:
            self.here, self.meeting = 0, mine + 1
            return
        access = Access("read", self.barrier_name)
        await Turn(self.kit, f"waits at {self.barrier_name}", access, lambda: self.meeting != mine)
