"""With a last transaction that reads all, list-append shows everything: the verdict must be the truth, both ways."""

import random

import pytest
from check_isolation_oracle import as_history, is_serializable, is_snapshot_isolated, random_transactions

from windtunnel.lab.checkers.transactions.check import check_list_append


def compare(seeds: range) -> dict[tuple[bool, bool], int]:
    tally: dict[tuple[bool, bool], int] = {}
    for seed in seeds:
        txns = random_transactions(random.Random(seed))
        history = as_history(txns)
        truth = is_serializable(txns), is_snapshot_isolated(txns)
        verdicts = check_list_append(history), check_list_append(history, "snapshot-isolation")
        assert tuple(v.status for v in verdicts) == tuple("valid" if t else "invalid" for t in truth), seed
        tally[truth] = tally.get(truth, 0) + 1
    return tally


def test_verdicts_on_isolation_agree_with_a_brute_force_on_random_histories() -> None:
    tally = compare(range(2_000))
    assert min(tally.get(truth, 0) for truth in [(True, True), (False, True), (False, False)]) > 50


@pytest.mark.soak
def test_verdicts_on_isolation_agree_with_a_brute_force_on_100_000_random_histories() -> None:
    compare(range(2_000, 102_000))
