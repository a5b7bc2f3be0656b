"""Money is neither made nor lost: transfers between accounts keep the total, whoever looks and whenever."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence

from windtunnel.lab.checkers.bounds import Bounds
from windtunnel.lab.checkers.describe import counted, operation, shown
from windtunnel.lab.checkers.names import select
from windtunnel.lab.checkers.values import freeze, is_number
from windtunnel.lab.checkers.verdict import Collector, Verdict, conclude, needs_operations
from windtunnel.lab.history import Event


@needs_operations
def check_bank(
    history: Sequence[Event],
    *,
    total: float | None = None,
    accounts: Mapping[Hashable, float] | None = None,
    negative_allowed: bool = False,
) -> Verdict:
    """Judge `transfer(from, to, amount)` and `read() -> {account: balance}` (or a list of pairs).

    Every read must add up to the same `total`: the one given, or that of the first `accounts`, or else that of the
    first read. With `accounts`, each balance must also lie between what had certainly been moved and what might have
    been. An `ok` transfer is one that was carried out; one that was refused is `fail`.
    """
    events = select(history, "bank", {"transfer": 3, "read": 0})
    reads = [(e, _balances(e)) for e in events if e.name == "read" and e.outcome == "ok"]
    if total is None and accounts is not None:
        total = sum(accounts.values())
    reference: Event | None = None
    found = Collector()
    bounds = None if accounts is None else _bounds(events, accounts)
    for e, balances in reads:
        amount = sum(balances.values())
        if total is None:
            total, reference = amount, e
        if not math.isclose(amount, total, rel_tol=1e-9, abs_tol=1e-9):
            than = f"{operation(reference)} saw {total:g}" if reference else f"the accounts hold {total:g}"
            witness = (reference, e) if reference else (e,)
            found.add("total changed", f"{operation(e)} adds up to {amount:g}, but {than}.", witness)
        for account, balance in balances.items():
            if balance < 0 and not negative_allowed:
                found.add("overdrawn", f"{operation(e)} shows {shown(account)} at {balance:g}.", (e,))
            if bounds is not None:
                least, greatest = bounds[account].at(e.start, e.end) if account in bounds else (0.0, 0.0)
                if not least - 1e-9 <= balance <= greatest + 1e-9:
                    sentence = (
                        f"{operation(e)} shows {shown(account)} at {balance:g}, but by the transfers it lies between "
                        f"{least:g} and {greatest:g}."
                    )
                    found.add("wrong balance", sentence, (e,))
    fine = f"{counted(len(reads), 'read')}, and the total is always {total or 0:g}."
    return conclude(found.findings(), fine)


def _balances(e: Event) -> dict[Hashable, float]:
    try:
        pairs = list(e.value.items() if isinstance(e.value, Mapping) else e.value)
        if all(is_number(balance) for _, balance in pairs):
            return {freeze(account): float(balance) for account, balance in pairs}
    except (TypeError, ValueError):
        pass
    raise ValueError(f"A read of a bank answers with its balances, but {operation(e)} did not.")


def _bounds(events: Sequence[Event], accounts: Mapping[Hashable, float]) -> dict[Hashable, Bounds]:
    moved: dict[Hashable, list[tuple[float, float, float]]] = {freeze(a): [] for a in accounts}
    for e in events:
        if e.name == "transfer":
            if not is_number(e.args[2]):
                raise ValueError(f"A bank transfers numbers, not {shown(e.args[2])} ({operation(e)}).")
            end = e.end if e.outcome == "ok" else math.inf
            moved.setdefault(freeze(e.args[0]), []).append((-e.args[2], e.start, end))
            moved.setdefault(freeze(e.args[1]), []).append((e.args[2], e.start, end))
    return {account: Bounds(accounts.get(account, 0), additions) for account, additions in moved.items()}
