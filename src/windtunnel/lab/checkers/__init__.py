"""Judges of what happened: pure functions of a history that answer valid, invalid or unknown.

Each verdict carries a witness, the few operations that contradict each other, and one sentence. ``docs/checking.md``
tells what is checked, by which names operations go, and the file form.
"""

from windtunnel.lab.checkers.bank import check_bank
from windtunnel.lab.checkers.counting import check_counter, check_set, check_unique_ids
from windtunnel.lab.checkers.files import HistoryFileError, read_history, write_history
from windtunnel.lab.checkers.linearizable import check_linearizable
from windtunnel.lab.checkers.locks import check_fencing, check_leaders, check_mutex
from windtunnel.lab.checkers.logs import check_log
from windtunnel.lab.checkers.models import UNSEEN, CompareAndSet, Counter, KeyValue, Model, Queue, Register, Set
from windtunnel.lab.checkers.queues import check_queue
from windtunnel.lab.checkers.registry import MODELS, check_file, check_history
from windtunnel.lab.checkers.sequential import check_sequential
from windtunnel.lab.checkers.sessions import GUARANTEES, check_sessions
from windtunnel.lab.checkers.transactions.check import ANOMALIES, LEVELS, check_list_append, check_read_write
from windtunnel.lab.checkers.verdict import Finding, Verdict, merge_verdicts

__all__ = [
    "ANOMALIES",
    "GUARANTEES",
    "LEVELS",
    "MODELS",
    "UNSEEN",
    "CompareAndSet",
    "Counter",
    "Finding",
    "HistoryFileError",
    "KeyValue",
    "Model",
    "Queue",
    "Register",
    "Set",
    "Verdict",
    "check_bank",
    "check_counter",
    "check_fencing",
    "check_file",
    "check_history",
    "check_leaders",
    "check_linearizable",
    "check_list_append",
    "check_log",
    "check_mutex",
    "check_queue",
    "check_read_write",
    "check_sequential",
    "check_sessions",
    "check_set",
    "check_unique_ids",
    "merge_verdicts",
    "read_history",
    "write_history",
]
