"""Consensus: several servers keep one log, and what is committed in it stays, whoever of them is away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.blocks.consensus.raft import NotLeader as NotLeader, Raft as Raft
    from windtunnel.blocks.consensus.raft_invariants import Invariants as Invariants
    from windtunnel.blocks.consensus.raft_log import LogEntry as LogEntry
    from windtunnel.blocks.consensus.raft_messages import (
        Appended as Appended,
        AppendEntries as AppendEntries,
        Kept as Kept,
        RaftMessage as RaftMessage,
        Ready as Ready,
        RequestVote as RequestVote,
        Vote as Vote,
    )

__getattr__, __dir__ = lend(__name__)
