"""The inverted index at the speed of C: postings, their impacts, and the best documents of a query.

A posting's *impact* is what it adds to the score of its document; it is computed once. Postings lie sorted by document,
word after word, in blocks of `BLOCK` whose last document and greatest impact are known.

`search_wand` is Block-Max WAND (Ding and Suel, *Faster top-k document retrieval using block-max indexes*, SIGIR
2011) over WAND (Broder et al., CIKM 2003): the lists of the query's words stand sorted by their next document, and the
first document is looked for at which the greatest impacts of all lists that may hold it, and then those of their
blocks, add up to more than the k-th best score so far. What lies before it is skipped unread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from windtunnel.blocks.ground.kernels.words import inner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from windtunnel.blocks.vectors.kernels.distance import Int

BLOCK = 64
NO_DOCUMENT = np.int64(1) << 40
"""The next document of a list that is at its end."""
SAFETY = 1 + 1e-9
"""Bounds are sums in another order than scores; this is more than rounding can make of it."""


class Postings(NamedTuple):
    """Who has which word how often. Postings `starts[w]` to `starts[w + 1]` are those of word `w`."""

    starts: NDArray[np.int64]
    documents: NDArray[np.int32]
    impacts: NDArray[np.float32]
    most: NDArray[np.float32]
    """(words,): each word's greatest impact."""
    block_starts: NDArray[np.int64]
    """(words + 1,): each word's first block."""
    block_last: NDArray[np.int32]
    block_most: NDArray[np.float32]


@njit(cache=True)
def count_documents(numbers: NDArray[np.int32], counts: NDArray[np.int64], words: int) -> NDArray[np.int64]:
    """(words,): in how many documents each word stands. `counts` are the words of each document."""
    found = np.zeros(words, np.int64)
    last = np.full(words, -1, np.int32)
    at = 0
    for document in range(counts.size):
        for _ in range(counts[document]):
            word = numbers[at]
            at += 1
            if last[word] != document:
                last[word] = document
                found[word] += 1
    return found


@njit(cache=True)
def fill_postings(
    numbers: NDArray[np.int32],
    counts: NDArray[np.int64],
    starts: NDArray[np.int64],
    documents: NDArray[np.int32],
    frequencies: NDArray[np.int32],
) -> None:
    """Write the documents of each word, ascending, and how often they have it."""
    ends = starts[:-1].copy()
    at = 0
    for document in range(counts.size):
        for _ in range(counts[document]):
            word = numbers[at]
            at += 1
            place = ends[word]
            if place > starts[word] and documents[place - 1] == document:
                frequencies[place - 1] += 1
            else:
                documents[place] = document
                frequencies[place] = 1
                ends[word] = place + 1


@njit(cache=True)
def weigh(
    postings: Postings, frequencies: NDArray[np.int32], saturation: NDArray[np.float64], rarity: NDArray[np.float64]
) -> None:
    """BM25: fill in the impacts `rarity * tf / (tf + saturation of the document)`, and what blocks and words have."""
    for word in range(postings.starts.size - 1):
        first, last = postings.starts[word], postings.starts[word + 1]
        block = postings.block_starts[word]
        for at in range(first, last):
            tf = np.float64(frequencies[at])
            impact = np.float32(rarity[word] * tf / (tf + saturation[postings.documents[at]]))
            postings.impacts[at] = impact
            here = block + (at - first) // BLOCK
            postings.block_last[here] = postings.documents[at]
            postings.block_most[here] = max(postings.block_most[here], impact)
            postings.most[word] = max(postings.most[word], impact)


@inner
def distinct(
    queries: NDArray[np.int32],
    first: Int,
    count: Int,
    most: NDArray[np.float32],
    words: NDArray[np.int64],
    weights: NDArray[np.float64],
    bounds: NDArray[np.float64],
) -> Int:
    """The known words of a query, each once; how often it has them, and the most that each can add to a score.

    Who can add most comes first. All searches add in this order, so that their scores are equal to the last bit.
    Returns how many words they are.
    """
    size = 0
    for word in queries[first : first + count]:
        if word < 0:
            continue
        at = 0
        while at < size and words[at] != word:
            at += 1
        if at == size:
            words[size] = word
            weights[size] = 0.0
            size += 1
        weights[at] += 1.0
    for i in range(size):
        word, weight = words[i], weights[i]
        bound = weight * most[word] * SAFETY
        at = i
        while at > 0 and bounds[at - 1] < bound:
            words[at], weights[at], bounds[at] = words[at - 1], weights[at - 1], bounds[at - 1]
            at -= 1
        words[at], weights[at], bounds[at] = word, weight, bound
    return size


@inner
def offer(documents: NDArray[np.int64], scores: NDArray[np.float64], size: int, document: Int, score: float) -> int:
    """Place a document among the best, if it is one; of equal scores the first offered stays ahead."""
    k = documents.size
    if size == k:
        if score <= scores[k - 1]:
            return size
        size -= 1
    at = size
    while at > 0 and scores[at - 1] < score:
        documents[at] = documents[at - 1]
        scores[at] = scores[at - 1]
        at -= 1
    documents[at] = document
    scores[at] = score
    return size + 1


@njit(cache=True)
def search_all(
    postings: Postings,
    queries: NDArray[np.int32],
    counts: NDArray[np.int64],
    total: int,
    documents: NDArray[np.int64],
    scores: NDArray[np.float64],
) -> int:
    """Score every document that has a word of the query; returns how many that were, over all queries."""
    sums = np.zeros(total, np.float64)
    longest = max(1, counts.max())
    words, weights, bounds = np.empty(longest, np.int64), np.empty(longest), np.empty(longest)
    scored = 0
    at = 0
    for q in range(counts.size):
        size = distinct(queries, at, counts[q], postings.most, words, weights, bounds)
        at += counts[q]
        for w in range(size):
            for place in range(postings.starts[words[w]], postings.starts[words[w] + 1]):
                sums[postings.documents[place]] += weights[w] * postings.impacts[place]
        found = 0
        for document in range(total):
            if sums[document] > 0.0:
                scored += 1
                found = offer(documents[q], scores[q], found, document, sums[document])
                sums[document] = 0.0
    return scored


@inner
def advance(documents: NDArray[np.int32], at: Int, end: Int, target: Int) -> Int:
    """The first place from `at` on whose document is `target` or later: by doubled steps, then by halving."""
    if at >= end or documents[at] >= target:
        return at
    step = 1
    low = at
    while low + step < end and documents[low + step] < target:
        low += step
        step *= 2
    high = min(low + step, end)
    while low + 1 < high:
        middle = (low + high) >> 1
        if documents[middle] < target:
            low = middle
        else:
            high = middle
    return high


@njit(cache=True)
def search_wand(
    postings: Postings,
    queries: NDArray[np.int32],
    counts: NDArray[np.int64],
    documents: NDArray[np.int64],
    scores: NDArray[np.float64],
) -> int:
    """The same documents and scores as `search_all`; returns how many documents were scored."""
    longest = max(1, counts.max())
    words, weights, bounds = np.empty(longest, np.int64), np.empty(longest), np.empty(longest)
    places, ends, blocks = np.empty(longest, np.int64), np.empty(longest, np.int64), np.empty(longest, np.int64)
    nexts, order = np.empty(longest, np.int64), np.empty(longest, np.int64)
    scored = 0
    first = 0
    for q in range(counts.size):
        size = distinct(queries, first, counts[q], postings.most, words, weights, bounds)
        first += counts[q]
        for w in range(size):
            places[w], ends[w] = postings.starts[words[w]], postings.starts[words[w] + 1]
            blocks[w] = postings.block_starts[words[w]]
            nexts[w] = postings.documents[places[w]] if places[w] < ends[w] else NO_DOCUMENT
            order[w] = w
        found = 0
        threshold = 0.0
        while True:
            for i in range(1, size):  # nearly sorted already
                w = order[i]
                at = i
                while at > 0 and nexts[order[at - 1]] > nexts[w]:
                    order[at] = order[at - 1]
                    at -= 1
                order[at] = w
            bound = 0.0
            pivot = 0
            while pivot < size:
                bound += bounds[order[pivot]]
                if bound > threshold:
                    break
                pivot += 1
            if pivot == size or nexts[order[pivot]] == NO_DOCUMENT:
                break
            target = nexts[order[pivot]]
            while pivot + 1 < size and nexts[order[pivot + 1]] == target:
                pivot += 1
            bound = 0.0
            reach = NO_DOCUMENT if pivot + 1 == size else nexts[order[pivot + 1]]
            for i in range(pivot + 1):
                w = order[i]
                last_block = postings.block_starts[words[w] + 1]
                while blocks[w] < last_block and postings.block_last[blocks[w]] < target:
                    blocks[w] += 1
                if blocks[w] < last_block:
                    bound += weights[w] * postings.block_most[blocks[w]]
                    reach = min(reach, np.int64(postings.block_last[blocks[w]]) + 1)
            if bound * SAFETY <= threshold:
                target = reach  # nothing before it can be good enough
            elif nexts[order[0]] == target:
                score = 0.0
                for w in range(size):
                    if nexts[w] == target:
                        score += weights[w] * postings.impacts[places[w]]
                scored += 1
                found = offer(documents[q], scores[q], found, target, score)
                if found == documents.shape[1]:
                    threshold = scores[q, found - 1]
                target += 1
            for i in range(pivot + 1):
                w = order[i]
                if nexts[w] < target:
                    places[w] = advance(postings.documents, places[w], ends[w], target)
                    nexts[w] = postings.documents[places[w]] if places[w] < ends[w] else NO_DOCUMENT
    return scored


def empty_postings(starts: NDArray[np.int64]) -> Postings:
    """Room for the postings of words, whose numbers are the steps of `starts`."""
    block_starts = np.zeros(len(starts), np.int64)
    np.cumsum(-(-np.diff(starts) // BLOCK), out=block_starts[1:])
    return Postings(
        starts=starts,
        documents=np.zeros(starts[-1], np.int32),
        impacts=np.zeros(starts[-1], np.float32),
        most=np.zeros(len(starts) - 1, np.float32),
        block_starts=block_starts,
        block_last=np.zeros(block_starts[-1], np.int32),
        block_most=np.zeros(block_starts[-1], np.float32),
    )


def warm() -> None:
    """Compile each kernel here for the types it is used with."""
    numbers, counts = np.zeros(1, np.int32), np.ones(1, np.int64)
    starts = np.zeros(2, np.int64)
    starts[1:] = count_documents(numbers, counts, 1)
    postings, frequencies = empty_postings(starts), np.zeros(1, np.int32)
    fill_postings(numbers, counts, starts, postings.documents, frequencies)
    weigh(postings, frequencies, np.ones(1), np.ones(1))
    documents, scores = np.empty((1, 1), np.int64), np.empty((1, 1), np.float64)
    search_all(postings, numbers, counts, 1, documents, scores)
    search_wand(postings, numbers, counts, documents, scores)
