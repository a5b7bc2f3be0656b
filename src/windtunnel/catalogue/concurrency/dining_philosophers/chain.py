"""How long a table of left-handed philosophers lives, as a chain: think, reach and eat for exponential times.

Each philosopher thinks, waits for the left fork, reaches for the right one, waits for it, or eats. The chain ends where
all hold their left forks and wait. Tables that are turned are the same table, so that five seats have 81 states.
"""

from __future__ import annotations

from functools import cache
from math import ceil

import numpy as np
import numpy.typing as npt

THINK, WAIT_LEFT, REACH, WAIT_RIGHT, EAT = range(5)
State = tuple[int, ...]
MOVES = 50
"""At most so many moves of a chain are looked at in one piece."""


def _next(state: State, i: int) -> tuple[int, State] | None:
    """What philosopher i is at, and the state when that has ended; None where it waits for others."""
    seats, after = len(state), list(state)
    right = (i + 1) % seats
    if state[i] == THINK:
        after[i] = WAIT_LEFT if state[i - 1] == EAT else REACH
    elif state[i] == REACH:
        after[i] = EAT if state[right] in (THINK, WAIT_LEFT) else WAIT_RIGHT
    elif state[i] == EAT:
        after[i] = THINK
        if state[right] == WAIT_LEFT:
            after[right] = REACH
        if state[i - 1] == WAIT_RIGHT:
            after[i - 1] = EAT
    else:
        return None
    return state[i], min(tuple(after[j:] + after[:j]) for j in range(seats))


@cache
def chain(seats: int, think_s: float, gap_s: float, eat_s: float) -> npt.NDArray[np.float64]:
    """The rates from state to state, the first of which is that all think, without the state in which all wait."""
    rate = {THINK: 1 / think_s, REACH: 1 / gap_s, EAT: 1 / eat_s}
    number: dict[State, int] = {(THINK,) * seats: 0}
    moves: list[tuple[int, int, float]] = []
    todo = list(number)
    dead = (WAIT_RIGHT,) * seats
    for state in todo:  # grows while it is gone through
        for i in range(seats):
            found = _next(state, i)
            if found is None:
                continue
            at, after = found
            moves.append((number[state], number[state], -rate[at]))
            if after == dead:
                continue
            if after not in number:
                number[after] = len(number)
                todo.append(after)
            moves.append((number[state], number[after], rate[at]))
    rates = np.zeros((len(number), len(number)))
    for before, to, r in moves:
        rates[before, to] += r
    return rates


@cache
def deadlock_s(seats: int, think_s: float, gap_s: float, eat_s: float) -> float:
    """Seconds until a table at which all think is deadlocked, on average."""
    rates = chain(seats, think_s, gap_s, eat_s)
    return float(np.linalg.solve(-rates, np.ones(len(rates)))[0])


def alive(seats: int, think_s: float, gap_s: float, eat_s: float, times: int, step_s: float) -> list[float]:
    """The probability that a table is not deadlocked yet, after 0, 1, 2, ... steps."""
    rates = chain(seats, think_s, gap_s, eat_s)
    fastest = float(-rates.diagonal().min())
    once = np.eye(len(rates)) + rates / fastest
    # Uniformization: in a piece of a step so many moves of the slowed chain, Poisson distributed. In too long a piece
    # the probability of no move is too small for a float.
    pieces = ceil(fastest * step_s / MOVES)
    moves = fastest * step_s / pieces
    weight, power, piece = np.exp(-moves), np.eye(len(rates)), np.zeros_like(rates)
    for k in range(int(moves + 10 * moves**0.5 + 20)):
        piece += weight * power
        power = power @ once
        weight *= moves / (k + 1)
    step = np.linalg.matrix_power(piece, pieces)
    at, found = np.zeros(len(rates)), []
    at[0] = 1.0
    for _ in range(times):
        found.append(float(at.sum()))
        at = at @ step
    return found
