"""Clients as light processes: they wait so long, ask again so often, and ask a second server when the first is late.

The laws are those of `windtunnel.blocks.resilience`; its `Retry` and `Hedge` do the same for asyncio.
"""

from __future__ import annotations

from typing import Any

from windtunnel.blocks.resilience import Budget
from windtunnel.sim import Server, Signal, Simulator


class Impatient:
    """Asks a server, gives an attempt up after `patience_s`, and asks again up to `retries` times.

    What is given up is not withdrawn: the server, which does not know, works on it. Each request fills the `budget`,
    each retry takes from it; where it is empty there is no retry. After `hedge_s` without an answer a second attempt
    is made beside the first, which takes from the budget as well; whichever is answered first counts.
    """

    def __init__(
        self,
        server: Server,
        *,
        patience_s: float,
        retries: int = 0,
        pause_s: float = 0.0,
        budget: Budget | None = None,
        hedge_s: float | None = None,
    ) -> None:
        if not patience_s > 0 or retries < 0 or not pause_s >= 0:
            raise ValueError("patience_s must be above 0, retries and pause_s not below.")
        if hedge_s is not None and not 0 <= hedge_s < patience_s:
            raise ValueError(f"A hedge after {hedge_s} s is made while patience lasts, for {patience_s} s.")
        self.server = server
        self.sim: Simulator = server.sim
        self.patience_s, self.retries, self.pause_s, self.budget = patience_s, retries, pause_s, budget
        self.hedge_s = hedge_s
        self.attempts = 0

    def send(self, work_s: float) -> Signal[Any]:
        """One attempt. Override it to send what travels with a request, or elsewhere."""
        return self.server.serve(work_s)

    def wait_s(self, retry: int) -> float:
        """Seconds before this retry (0 is the first). Override it to back off."""
        return self.pause_s

    def purse(self) -> Budget | None:
        """The budget of who calls, asked for once a call. Override it where clients have their own."""
        return self.budget

    async def call(self, work_s: float) -> None:
        """Ask until there is an answer in time. Raises TimeoutError where there was none."""
        purse = self.purse()
        if purse is not None:
            purse.deposit()
        for attempt in range(1 + self.retries):
            if attempt:
                if purse is not None and not purse.withdraw():
                    break
                pause_s = self.wait_s(attempt - 1)
                if pause_s:
                    await self.sim.sleep(pause_s)
            if self.hedge_s is None:
                answer = self._attempt(work_s)
                if answer is not None and await answer.within(self.patience_s) and answer.exception() is None:
                    return
            elif await self._hedged(work_s, self.hedge_s, purse):
                return
        raise TimeoutError("No attempt was answered in time.")

    def _attempt(self, work_s: float) -> Signal[Any] | None:
        """What comes of one attempt; None where it was refused at the door."""
        self.attempts += 1
        try:
            return self.send(work_s)
        except Exception as error:
            if getattr(error, "outcome", "") != "fail":
                raise
            return None

    async def _hedged(self, work_s: float, hedge_s: float, purse: Budget | None) -> bool:
        """An attempt, and a second one beside it if that is late; whether one of them was answered in time."""
        first = self._attempt(work_s)
        if first is not None and await first.within(hedge_s) and first.exception() is None:
            return True
        second = self._attempt(work_s) if purse is None or purse.withdraw() else None
        running = [answer for answer in (first, second) if answer is not None and not _failed(answer)]
        if not running:
            return False
        left = len(running)
        either: Signal[bool] = self.sim.signal("either of two attempts")

        def ended(answer: Signal[Any]) -> None:
            nonlocal left
            left -= 1
            if not either.done() and (left == 0 or answer.exception() is None):
                either.set(answer.exception() is None)

        for answer in running:
            answer.add_done_callback(ended)
        return await either.within(self.patience_s - hedge_s) and either.result()


def _failed(answer: Signal[Any]) -> bool:
    return answer.done() and answer.exception() is not None
