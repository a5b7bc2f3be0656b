"""Training of two towers, and the best items for many users.

Every sum has one order and there is no `fastmath`: a seed trains the same vectors on every processor that has the same
library of C. Inner loops run along rows, so that they become AVX code all the same.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Rows: TypeAlias = NDArray[np.int64]

TINY = 1e-12
"""Under a root or a quotient, so that nought is no error."""
PER_LN_2 = 1.4426950408889634
LN_2, LN_2_REST = 0.693145751953125, 1.4286068203094172e-06
"""In two parts, of which the first times a whole number has no rounding."""
INVERSES = (0.0, *(1 / n for n in range(1, 14)))
LEAST = -700.0
"""e to the power of less is nought here: 1e-304."""


@njit(cache=True)
def embed(features: Rows, table: Floats, which: Rows, unit: bool, vectors: Floats, lengths: Floats) -> None:
    """A tower: the mean of the rows of `table` that each one's features name, -1 for none; of length 1 if `unit`."""
    for at in range(which.size):
        one, many = which[at], 0
        for k in range(table.shape[1]):
            vectors[at, k] = 0.0
        for f in range(features.shape[1]):
            row = features[one, f]
            if row >= 0:
                many += 1
                for k in range(table.shape[1]):
                    vectors[at, k] += table[row, k]
        total = 0.0
        for k in range(table.shape[1]):
            vectors[at, k] /= max(many, 1)
            total += vectors[at, k] * vectors[at, k]
        lengths[at] = math.sqrt(total) + TINY
        if unit:
            for k in range(table.shape[1]):
                vectors[at, k] /= lengths[at]


@njit(cache=True)
def exponential(x: float) -> float:
    """e^x for x from -700 to 0, within some units in the last place: made of sums and products, so that loops over it
    become AVX code, and no library is asked."""
    steps = math.floor(x * PER_LN_2 + 0.5)
    r = (x - steps * LN_2) - steps * LN_2_REST
    power = 1.0
    for n in range(13, 0, -1):
        power = 1.0 + power * r * INVERSES[n]
    return power * np.int64((np.int64(steps) + 1023) << 52).view(np.float64)


@njit(cache=True)
def softmax_gradient(
    users: Floats,
    items: Floats,
    names: Rows,
    offsets: Floats,
    temperature: float,
    turned: Floats,
    pulls: Floats,
    logits: Floats,
    user_gradient: Floats,
    item_gradient: Floats,
) -> float:
    """The loss of a batch, summed, and its gradients: row i's own item is item i, and all items stand against it.

    Args:
        users: (b, dim); items: (c, dim), of which the first b are the rows' own; names: (c,), which item each is.
        offsets: (c,), what is taken from the logits of each item: the logarithm of how often it is a candidate.
        turned, pulls, logits: room, (dim, c) twice and (b, c); the gradients are written, (b, dim) and (c, dim).
    """
    dim, many, loss = users.shape[1], items.shape[0], 0.0
    for j in range(many):
        for k in range(dim):
            turned[k, j], pulls[k, j] = items[j, k], 0.0
    for i in range(users.shape[0]):
        row = logits[i]
        for j in range(many):
            row[j] = 0.0
        for k in range(dim):
            here, other = users[i, k] / temperature, turned[k]
            for j in range(many):
                row[j] += here * other[j]
        most = -np.inf
        for j in range(many):
            row[j] -= offsets[j]
            if j != i and names[j] == names[i]:
                row[j] = -np.inf  # the same item is no negative
            most = max(most, row[j])
        own, total = row[i], 0.0
        for j in range(many):
            row[j] = exponential(max(row[j] - most, LEAST))
        for j in range(many):
            total += row[j]
        loss += math.log(total) + most - own
        scale = 1.0 / (total * temperature)
        for j in range(many):
            row[j] *= scale
        row[i] -= 1.0 / temperature
        for k in range(dim):
            here, pull = users[i, k], pulls[k]
            user_gradient[i, k] = 0.0
            for j in range(many):
                pull[j] += row[j] * here
        for j in range(many):
            for k in range(dim):
                user_gradient[i, k] += row[j] * items[j, k]
    for j in range(many):
        for k in range(dim):
            item_gradient[j, k] = pulls[k, j]
    return loss


@njit(cache=True)
def learn(
    features: Rows,
    table: Floats,
    seen: Floats,
    which: Rows,
    unit: bool,
    vectors: Floats,
    lengths: Floats,
    gradient: Floats,
    rate: float,
) -> None:
    """Takes a step of AdaGrad (Duchi, Hazan and Singer 2011) in each row that a feature names, one after the other."""
    dim = table.shape[1]
    for at in range(which.size):
        one, many, along = which[at], 0, 0.0
        for f in range(features.shape[1]):
            many += features[one, f] >= 0
        if unit:
            for k in range(dim):
                along += vectors[at, k] * gradient[at, k]
        for f in range(features.shape[1]):
            row = features[one, f]
            if row < 0:
                continue
            for k in range(dim):
                slope = gradient[at, k]
                if unit:
                    slope = (slope - vectors[at, k] * along) / lengths[at]
                slope /= many
                seen[row, k] += slope * slope
                table[row, k] -= rate * slope / (math.sqrt(seen[row, k]) + TINY)


@njit(cache=True)
def note(last: Rows, gaps: Floats, item: int, now: int, weight: float) -> None:
    """An item came as pair number `now`: the mean number of pairs from one time to the next follows (Yi 2019)."""
    if last[item] >= 0:
        gaps[item] += weight * (now - last[item] - gaps[item])
    last[item] = now


@njit(cache=True)
def train(
    pairs: Rows,
    order: Rows,
    batch: int,
    negatives: Rows,
    user_features: Rows,
    item_features: Rows,
    user_table: Floats,
    item_table: Floats,
    user_seen: Floats,
    item_seen: Floats,
    last: Rows,
    gaps: Floats,
    began: int,
    weight: float,
    corrected: bool,
    unit: bool,
    temperature: float,
    rate: float,
) -> float:
    """Once through the pairs (n, 2) in this order; returns the mean loss.

    Args:
        negatives: (batches, some), items drawn evenly that stand against every row of a batch besides its own items.
        last, gaps: how often each item comes, see `note`; `began`: pairs that came before.
    """
    some, dim, loss = negatives.shape[1], user_table.shape[1], 0.0
    most = batch + some
    users, items = np.empty((batch, dim)), np.empty((most, dim))
    user_lengths, item_lengths = np.empty(batch), np.empty(most)
    user_gradient, item_gradient = np.empty((batch, dim)), np.empty((most, dim))
    turned, pulls = np.empty((dim, most)), np.empty((dim, most))
    logits, offsets = np.empty((batch, most)), np.empty(most)
    who, what = np.empty(batch, np.int64), np.empty(most, np.int64)
    for step in range(negatives.shape[0]):
        first = step * batch
        own = min(batch, order.size - first)
        here = own + some
        for i in range(own):
            who[i], what[i] = pairs[order[first + i], 0], pairs[order[first + i], 1]
            note(last, gaps, what[i], began + first + i, weight)
        for j in range(some):
            what[own + j] = negatives[step, j]
        for j in range(here):
            offsets[j] = 0.0
            if corrected:
                share = own / max(gaps[what[j]], 1.0) + some / item_features.shape[0]
                offsets[j] = math.log(share / here)
        embed(user_features, user_table, who[:own], unit, users, user_lengths)
        embed(item_features, item_table, what[:here], unit, items, item_lengths)
        loss += softmax_gradient(
            users[:own],
            items[:here],
            what[:here],
            offsets[:here],
            temperature,
            turned[:, :here],
            pulls[:, :here],
            logits[:own, :here],
            user_gradient[:own],
            item_gradient[:here],
        )
        learn(user_features, user_table, user_seen, who[:own], unit, users, user_lengths, user_gradient, rate)
        learn(item_features, item_table, item_seen, what[:here], unit, items, item_lengths, item_gradient, rate)
    return loss / order.size


@njit(cache=True)
def products(users: Floats, items: Floats, scores: Floats) -> None:
    """All inner products of users (n, dim) and items (m, dim), each summed in one order; fills `scores` (n, m)."""
    turned = np.empty((items.shape[1], items.shape[0]))
    for j in range(items.shape[0]):
        for k in range(items.shape[1]):
            turned[k, j] = items[j, k]
    for i in range(users.shape[0]):
        row = scores[i]
        for j in range(items.shape[0]):
            row[j] = 0.0
        for k in range(items.shape[1]):
            here = users[i, k]
            other = turned[k]
            for j in range(items.shape[0]):
                row[j] += here * other[j]


@njit(cache=True)
def best(scores: Floats, starts: Rows, seen: Rows, found: Rows) -> None:
    """The items of the highest scores of each row that it has not seen, of equals the first; fills `found` (n, k).

    Args:
        scores: (n, m); what was seen becomes -inf in it.
        starts, seen: row i has seen `seen[starts[i] : starts[i + 1]]`.
    """
    k = found.shape[1]
    top = np.empty(k)
    for i in range(scores.shape[0]):
        for at in range(starts[i], starts[i + 1]):
            scores[i, seen[at]] = -np.inf
        size = 0
        for j in range(scores.shape[1]):
            score = scores[i, j]
            if score == -np.inf or (size == k and not score > top[k - 1]):
                continue
            if size < k:
                size += 1
            at = size - 1
            while at > 0 and top[at - 1] < score:
                top[at], found[i, at] = top[at - 1], found[i, at - 1]
                at -= 1
            top[at], found[i, at] = score, j
        for at in range(size, k):
            found[i, at] = -1


def warm() -> None:
    """Compile each kernel here for the types it is used with."""
    one, rows, feature = np.ones((1, 1)), np.zeros(1, np.int64), np.zeros((1, 1), np.int64)
    pairs, gaps = np.zeros((1, 2), np.int64), np.ones(1)
    train(
        pairs, rows, 1, feature, feature, feature, one, one, one, one, rows - 1, gaps, 0, 0.1, True, True, 1.0, 0.1
    )  # fmt: skip
    embed(feature, one, rows, True, one, gaps)
    scores = np.empty((1, 1))
    products(one, one, scores)
    best(scores, np.zeros(2, np.int64), rows, feature)
