"""Judges of what happened: pure functions of a history that answer valid, invalid or unknown.

Each verdict carries a witness, the few operations that contradict each other, and one sentence. `docs/checking.md`
tells what is checked, by which names operations go, and the file form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.lab.checkers.bank import check_bank as check_bank
    from windtunnel.lab.checkers.counting import (
        check_counter as check_counter,
        check_set as check_set,
        check_unique_ids as check_unique_ids,
    )
    from windtunnel.lab.checkers.files import (
        HistoryFileError as HistoryFileError,
        read_history as read_history,
        write_history as write_history,
    )
    from windtunnel.lab.checkers.linearizable import check_linearizable as check_linearizable
    from windtunnel.lab.checkers.locks import (
        check_fencing as check_fencing,
        check_leaders as check_leaders,
        check_mutex as check_mutex,
    )
    from windtunnel.lab.checkers.logs import check_log as check_log
    from windtunnel.lab.checkers.missed import Missed as Missed, missed_reads as missed_reads
    from windtunnel.lab.checkers.models import (
        UNSEEN as UNSEEN,
        CompareAndSet as CompareAndSet,
        Counter as Counter,
        KeyValue as KeyValue,
        Model as Model,
        Queue as Queue,
        Register as Register,
        Set as Set,
    )
    from windtunnel.lab.checkers.queues import check_queue as check_queue
    from windtunnel.lab.checkers.registry import MODELS as MODELS, check_file as check_file
    from windtunnel.lab.checkers.sequential import check_sequential as check_sequential
    from windtunnel.lab.checkers.sessions import (
        GUARANTEES as GUARANTEES,
        Guarantee as Guarantee,
        check_sessions as check_sessions,
    )
    from windtunnel.lab.checkers.transactions.check import (
        ANOMALIES as ANOMALIES,
        LEVELS as LEVELS,
        check_list_append as check_list_append,
        check_read_write as check_read_write,
    )
    from windtunnel.lab.checkers.verdict import Finding as Finding, Verdict as Verdict, merge_verdicts as merge_verdicts

__getattr__, __dir__ = lend(__name__)
