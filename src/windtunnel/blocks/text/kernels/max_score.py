"""The best documents of a query by MaxScore, a window of documents at a time, at the speed of C.

MaxScore (Turtle and Flood, *Query evaluation: strategies and optimizations*, Information Processing & Management 31(6),
1995): once the words that can add least could not lift a document over the k-th best score even together, no document
that has only such words can be among the best. Their lists, the longest of all, are then no longer read, but asked
about the documents that the other, *essential* words bring up.

The essential lists are read one after the other, each as far as a window of documents reaches, into sums that fit in
the nearest cache; so nothing is sorted. Which sums are great enough is asked for 64 documents at a time, and the answer
is the bits of one word: a handful of vector instructions, where a branch for each document cost more than all the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from windtunnel.blocks.ground.kernels.words import Word, inner, trailing_zeros, uint64
from windtunnel.blocks.text.kernels.inverted_index import SAFETY, Postings, advance, distinct, empty_postings, offer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from windtunnel.blocks.vectors.kernels.distance import Int

WINDOW = 4096
"""Documents; their sums are 32 KiB."""
GROUP = 64
"""Documents that are compared at once: the bits of a word."""


@njit(cache=True)
def search_max_score(
    postings: Postings,
    queries: NDArray[np.int32],
    counts: NDArray[np.int64],
    documents: NDArray[np.int64],
    scores: NDArray[np.float64],
) -> int:
    """The same documents and scores as `search_all`; returns how many documents were scored."""
    longest = max(1, counts.max())
    words, weights, bounds = np.empty(longest, np.int64), np.empty(longest), np.empty(longest)
    places, ends = np.empty(longest, np.int64), np.empty(longest, np.int64)
    rest = np.empty(longest + 1)
    sums = np.zeros(WINDOW)
    having, impacts = postings.documents, postings.impacts
    scored = 0
    first = 0
    for q in range(counts.size):
        size = distinct(queries, first, counts[q], postings.most, words, weights, bounds)
        first += counts[q]
        rest[size] = 0.0  # rest[i] is the most that words i and after it can add
        for i in range(size - 1, -1, -1):
            places[i], ends[i] = postings.starts[words[i]], postings.starts[words[i] + 1]
            rest[i] = rest[i + 1] + bounds[i]
        best, best_scores = documents[q], scores[q]
        found, threshold, essential = 0, 0.0, size
        while True:
            base = first_document(having, places, ends, essential)
            if base < 0:
                break
            for i in range(essential):
                places[i] = add_up(having, impacts, places[i], ends[i], weights[i], base, sums)
            for group in range(0, WINDOW, GROUP):
                candidates = above(sums, group, max(0.0, threshold - rest[essential]) / SAFETY)
                while candidates != uint64(0):
                    at = group + np.int64(trailing_zeros(candidates))
                    candidates &= candidates - uint64(1)  # without its lowest bit
                    score = sums[at]
                    i = essential
                    while i < size and (score + rest[i]) * SAFETY > threshold:
                        places[i] = advance(having, places[i], ends[i], base + at)
                        if places[i] < ends[i] and having[places[i]] == base + at:
                            score += weights[i] * impacts[places[i]]
                        i += 1
                    if i == size and score > threshold:
                        scored += 1
                        found = offer(best, best_scores, found, base + at, score)
                        if found == best.size:
                            threshold = best_scores[found - 1]
            sums[:] = 0.0
            while essential > 0 and rest[essential - 1] <= threshold:
                essential -= 1
    return scored


@inner
def first_document(
    having: NDArray[np.int32], places: NDArray[np.int64], ends: NDArray[np.int64], essential: Int
) -> Int:
    """The first document at which one of the essential lists stands; -1 where all are at their end."""
    base = np.int64(-1)
    for i in range(essential):
        if places[i] < ends[i] and (base < 0 or having[places[i]] < base):
            base = np.int64(having[places[i]])
    return base


@inner
def add_up(
    having: NDArray[np.int32],
    impacts: NDArray[np.float32],
    place: Int,
    end: Int,
    weight: float,
    base: Int,
    sums: NDArray[np.float64],
) -> Int:
    """Add a word's impacts on the documents of the window; returns the place after them."""
    stop: Int = advance(having, place, end, base + WINDOW)
    for at in range(place, stop):
        sums[np.uint64(having[at] - base)] += weight * impacts[at]
    return stop


@inner
def above(sums: NDArray[np.float64], group: Int, least: float) -> Word:
    """Of a group, bit by bit, which sums are above `least`."""
    bits = uint64(0)
    for i in range(GROUP):
        bits |= uint64(sums[uint64(group) + uint64(i)] > least) << uint64(i)
    return bits


def warm() -> None:
    """Compile each kernel here for the types it is used with."""
    postings = empty_postings(np.array([0, 1]))
    numbers, counts = np.zeros(1, np.int32), np.ones(1, np.int64)
    search_max_score(postings, numbers, counts, np.empty((1, 1), np.int64), np.empty((1, 1)))
