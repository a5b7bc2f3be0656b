"""Schedules of Raft: which message, clock or crash comes next is chosen, and all is looked at after each step.

    python -m windtunnel.catalogue.scale.election.schedules 10000

Nothing here takes time or happens by chance: a timeout runs out when it is chosen to, messages are delivered in any
order, twice, or never, and servers crash with what they had not kept. A strategy of `windtunnel.explore` chooses, and a
schedule that goes wrong can be replayed from its tape.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from windtunnel.blocks.consensus import Invariants, Kept, LogEntry, Raft, RaftMessage
from windtunnel.explore import (
    PCT,
    Access,
    Choose,
    Exploration,
    Failure,
    RandomWalk,
    explore,
    run_stepwise,
)

Make = Callable[[str, Sequence[str], Kept], Raft]


@dataclass
class Chances:
    """How much may go wrong in one schedule, and how long it is."""

    servers: int = 3
    steps: int = 120
    timeouts: int = 12
    commands: int = 6
    losses: int = 8
    repeats: int = 6
    crashes: int = 3


def plain(name: str, names: Sequence[str], kept: Kept) -> Raft:
    """Raft as the paper has it."""
    return Raft(name, names, Random(1), kept=kept)


def careful(name: str, names: Sequence[str], kept: Kept) -> Raft:
    """With PreVote and check-quorum."""
    return Raft(name, names, Random(1), pre_vote=True, check_quorum=True, kept=kept)


@dataclass
class _Server:
    raft: Raft
    kept: Kept = field(default_factory=Kept)
    now_s: float = 0.0
    """Its own clock: nobody's goes by another one's."""
    up: bool = True
    applied: list[LogEntry] = field(default_factory=list)


class Group:
    """One run: servers, their disks, and messages on their way. Its steps are named, and chosen by somebody else."""

    def __init__(self, make: Make, chances: Chances) -> None:
        self.names = [chr(ord("a") + i) for i in range(chances.servers)]
        self.make, self.chances = make, chances
        self.watch = Invariants()
        self.servers = {name: _Server(make(name, self.names, Kept())) for name in self.names}
        self.under_way: dict[str, tuple[str, RaftMessage]] = {}
        """Messages on their way, each by its number and what it is."""
        self.found: dict[str, Access] | None = None
        self.sent = self.steps = 0
        self.left = {
            "timeout": chances.timeouts,
            "command": chances.commands,
            "lose": chances.losses,
            "repeat": chances.repeats,
            "crash": chances.crashes,
        }

    # --- what could happen -----------------------------------------------------------------------------------------
    def pending(self) -> Mapping[str, Access]:
        """Each step that could come next, and whom it touches."""
        if self.steps >= self.chances.steps:
            return {}
        if self.found is not None:
            return self.found
        found = self.found = dict[str, Access]()
        lose, repeat = bool(self.left["lose"]), bool(self.left["repeat"])
        for what, (to, _) in self.under_way.items():
            found[f"deliver {what}"] = Access("write", to)
            if lose:
                found[f"lose {what}"] = Access("write", what)
            if repeat:
                found[f"repeat {what}"] = Access("write", what)
        for name, server in self.servers.items():
            if not server.up:
                found[f"restart {name}"] = Access("write", name)
                continue
            if self.left["timeout"] or server.raft.role == "leader":
                found[f"timeout {name}"] = Access("write", name)
            if self.left["command"] and server.raft.role == "leader":
                found[f"command {name}"] = Access("write", name)
            if self.left["crash"]:
                found[f"crash {name}"] = Access("write", name)
        return found

    def enabled(self) -> Sequence[str]:
        """All of them."""
        return list(self.pending())

    def blocked(self) -> str:
        """Never: who can do nothing has ended."""
        return ""

    def check(self) -> None:
        """What was applied is the beginning of one log."""
        longest = max((server.applied for server in self.servers.values()), key=len)
        for name, server in self.servers.items():
            assert server.applied == longest[: len(server.applied)], f"{name} has applied something else."

    def close(self) -> None:
        """Nothing is held."""

    # --- what happens ----------------------------------------------------------------------------------------------
    def step(self, actor: str) -> None:
        """Let this happen. Raises AssertionError where an invariant does not hold any more."""
        self.steps += 1
        self.found = None
        word, _, rest = actor.partition(" ")
        if word in ("deliver", "lose", "repeat"):
            to, message = self.under_way[rest]
            if word == "repeat":
                self._send(to, message)
            else:
                del self.under_way[rest]
            if word == "deliver" and self.servers[to].up:
                self.servers[to].raft.step(message, self.servers[to].now_s)
                self._settle(to)
        else:
            getattr(self, f"_{word}")(self.servers[rest])
            if self.servers[rest].up:
                self._settle(rest)
        if word in self.left:
            self.left[word] -= self.left[word] > 0
        assert not self.watch.broken, self.watch.broken[0]

    def _timeout(self, server: _Server) -> None:
        server.now_s = max(server.now_s, server.raft.due_s)
        server.raft.tick(server.now_s)

    def _command(self, server: _Server) -> None:
        server.raft.propose(f"command {self.steps}")

    def _crash(self, server: _Server) -> None:
        server.up = False

    def _restart(self, server: _Server) -> None:
        server.raft = self.make(str(server.raft.me), self.names, server.kept)
        server.up, server.now_s, server.applied = True, 0.0, []

    def _settle(self, name: str) -> None:
        server = self.servers[name]
        work = server.raft.take()
        self.watch.look(server.raft, work)
        term, vote, log = server.kept
        if work.hard is not None:
            term, vote = work.hard
        if work.cut:
            log = (*log[: work.first - 1], *work.entries)
        server.kept = Kept(term, vote, log)
        for to, message in work.messages:
            self._send(str(to), message)
        server.applied += [entry for _, entry in work.committed]

    def _send(self, to: str, message: RaftMessage) -> None:
        self.sent += 1
        self.under_way[f"{self.sent} {type(message).__name__} {message.sender} > {to}"] = to, message


class Schedules:
    """A program for `windtunnel.explore`: each run is a new group.

    Attributes:
        committed: entries that were committed in all runs.
        leaders: leaders that were elected in all runs.
    """

    def __init__(self, make: Make = plain, chances: Chances | None = None) -> None:
        self.make, self.chances = make, chances or Chances()
        self.committed = self.leaders = 0

    def run(self, choose: Choose, max_steps: int) -> tuple[list[Any], Failure | None]:
        """As `Program.run`."""
        group = Group(self.make, self.chances)
        found = run_stepwise(group, choose, max_steps)
        self.committed += len(group.watch.committed)
        self.leaders += len(group.watch.leaders)
        return found


def tried(
    count: int, make: Make = plain, seed: int = 0, chances: Chances | None = None
) -> tuple[Exploration, Schedules]:
    """So many schedules, half of them by lot and half by PCT, until one goes wrong."""
    program = Schedules(make, chances)
    found = Exploration()
    for strategy in (RandomWalk(seed), PCT(5, seed)):
        part = explore(program, strategy, limit=count // 2)
        found = Exploration(found.schedules + part.schedules, part.failure, False, found.steps + part.steps)
        if found.failure is not None:
            break
    return found, program


def main(arguments: Sequence[str]) -> int:
    """Try so many schedules of each kind of Raft and of three and of five servers, and say what came of them."""
    count = int(arguments[0]) if arguments else 1000
    for make in (plain, careful):
        for servers in (3, 5):
            chances = Chances(servers=servers, steps=150 if servers == 3 else 300)
            found, program = tried(count // 4, make, chances=chances)
            said = "all invariants held" if found.failure is None else found.failure.sentence
            print(
                f"{make.__name__}, {servers} servers: {found.schedules} schedules, {found.steps} steps, "
                f"{program.leaders} leaders, {program.committed} entries committed: {said}"
            )
            if found.failure is not None:
                print("    " + "; ".join(found.failure.tape))
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
