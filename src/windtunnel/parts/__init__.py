"""What scenarios share: peers, journals, replicas, clients, balancers, disciplines, views of histories, prices.

Laws and plumbing stand here; the design that is a lesson stands in its experiment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.parts.awaits import CancelAt as CancelAt
    from windtunnel.parts.balancers import (
        AtRandom as AtRandom,
        Balancer as Balancer,
        ByKey as ByKey,
        Interpreted as Interpreted,
        LeastConnections as LeastConnections,
        PeakEwma as PeakEwma,
        RoundRobin as RoundRobin,
        TwoChoices as TwoChoices,
    )
    from windtunnel.parts.clients import Impatient as Impatient
    from windtunnel.parts.hearing import Hearing as Hearing, HearingRig as HearingRig, once_answered as once_answered
    from windtunnel.parts.kernel_cost import LLAMA_8B_KERNELS as LLAMA_8B_KERNELS, KernelCost as KernelCost
    from windtunnel.parts.made_model import (
        STOP as STOP,
        VOCABULARY as VOCABULARY,
        MadeModel as MadeModel,
        made_answer as made_answer,
        made_prompt as made_prompt,
    )
    from windtunnel.parts.members import Member as Member
    from windtunnel.parts.peers import Journal as Journal, Peer as Peer, quiet as quiet
    from windtunnel.parts.places import Places as Places
    from windtunnel.parts.prices import PRICES as PRICES, Bill as Bill, Price as Price
    from windtunnel.parts.queues import (
        AdaptiveLifo as AdaptiveLifo,
        CoDel as CoDel,
        Ranked as Ranked,
        RequestCoDel as RequestCoDel,
    )
    from windtunnel.parts.replicas import Follower as Follower, Primary as Primary, first_answers as first_answers
    from windtunnel.parts.serving import (
        LLAMA_8B as LLAMA_8B,
        OPT_13B as OPT_13B,
        ServedModel as ServedModel,
        StepCost as StepCost,
    )
    from windtunnel.parts.several import programs as programs
    from windtunnel.parts.shared_limit import SharedLimiter as SharedLimiter
    from windtunnel.parts.statements import WatchedStatements as WatchedStatements
    from windtunnel.parts.storms import by_events as by_events
    from windtunnel.parts.views import (
        answered as answered,
        goodput as goodput,
        nines as nines,
        per_second as per_second,
        rate as rate,
        share_of as share_of,
        slower_than as slower_than,
        so_far as so_far,
    )
    from windtunnel.parts.weight import held_bytes as held_bytes

__getattr__, __dir__ = lend(__name__)
