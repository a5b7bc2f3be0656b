"""A wind tunnel for backend architectures.

>>> from windtunnel import find, run
>>> result = run(find("load-balancing"), quick=True)

What authors of experiments and users write against. Each name has one home (`windtunnel.faces`); the other homes are
`windtunnel.sim`, `.engines`, `.parts`, `.checkers`, `.explore`, `.workload`, `.statistics` and `.blocks.<family>`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.lab.asks import Ask as Ask, Why as Why
    from windtunnel.lab.board import (
        Board as Board,
        Clarify as Clarify,
        Estimate as Estimate,
        Turn as Turn,
    )
    from windtunnel.lab.charts import Chart as Chart
    from windtunnel.lab.checkers.registry import check as check
    from windtunnel.lab.discovery import find as find
    from windtunnel.lab.errors import DesignError as DesignError, WrongInput as WrongInput
    from windtunnel.lab.experiment import (
        Claim as Claim,
        Experiment as Experiment,
        Figure as Figure,
        Map as Map,
        Source as Source,
    )
    from windtunnel.lab.grading.grade import grade as grade
    from windtunnel.lab.held import Held as Held, most_at_once as most_at_once, owed as owed
    from windtunnel.lab.history import Event as Event, History as History, Op as Op
    from windtunnel.lab.params import param as param
    from windtunnel.lab.result import Result as Result
    from windtunnel.lab.run import run as run
    from windtunnel.lab.stage import Stage as Stage
    from windtunnel.lab.sweep import sweep as sweep
    from windtunnel.sim.fault import (
        Fault as Fault,
        call as call,
        crash as crash,
        cut as cut,
        cut_reply as cut_reply,
        pause as pause,
        skew as skew,
        slow as slow,
        split as split,
        storm as storm,
    )
    from windtunnel.sim.kernel import process as process

__version__ = "0.1.0"

__getattr__, __dir__ = lend(__name__)
