"""Two towers: gradients are the loss's, what is served is what was trained, and frequencies follow the stream."""

from __future__ import annotations

import numpy as np
import pytest

from windtunnel.blocks.recommend import Histories, StreamingFrequency, TwoTowers
from windtunnel.blocks.recommend.kernels.towers import embed, exponential, learn, softmax_gradient
from windtunnel.blocks.recommend.plain import logits, softmax_gradients, through_length, unit

LUCK = np.random.default_rng(7)


def batch(rows: int = 5, more: int = 3, dim: int = 4) -> tuple[np.ndarray, ...]:
    names = np.array([0, 1, 2, 0, 4, 5, 2, 7])[: rows + more]
    return LUCK.normal(size=(rows, dim)), LUCK.normal(size=(rows + more, dim)), names, LUCK.random(rows + more)


def test_the_gradients_are_those_of_the_loss_by_finite_differences() -> None:
    users, items, names, shares = batch()
    found = softmax_gradients(users, items, names, shares, 0.3)
    for rows, gradient in ((users, found.users), (items, found.items)):
        for at in np.ndindex(rows.shape):
            kept, step, losses = rows[at], 1e-6, []
            for side in (step, -step):
                rows[at] = kept + side
                losses.append(softmax_gradients(users, items, names, shares, 0.3).loss)
            rows[at] = kept
            assert gradient[at] == pytest.approx((losses[0] - losses[1]) / (2 * step), rel=1e-5, abs=1e-6)


def test_so_are_those_through_the_length() -> None:
    rows, pull = LUCK.normal(size=(3, 4)), LUCK.normal(size=(3, 4))
    found = through_length(rows, pull)
    for at in np.ndindex(rows.shape):
        kept, step, values = rows[at], 1e-6, []
        for side in (step, -step):
            rows[at] = kept + side
            values.append(float((unit(rows) * pull).sum()))
        rows[at] = kept
        assert found[at] == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_the_kernel_says_what_the_text_in_numpy_says(temperature: float) -> None:
    users, items, names, shares = batch()
    plain = softmax_gradients(users, items, names, shares, temperature)
    room = [np.empty((4, 8)), np.empty((4, 8)), np.empty((5, 8))]
    own, other = np.empty_like(users), np.empty_like(items)
    loss = softmax_gradient(users, items, names, np.log(shares), temperature, *room, own, other)
    assert loss == pytest.approx(plain.loss, rel=1e-12)
    np.testing.assert_allclose(own, plain.users, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(other, plain.items, rtol=1e-10, atol=1e-12)


def test_a_step_of_the_kernel_is_adagrad_through_the_mean_and_the_length() -> None:
    features, table, seen = np.array([[0, 2], [1, -1]]), LUCK.normal(size=(3, 4)), np.full((3, 4), 0.5)
    which, pull = np.array([0, 1]), LUCK.normal(size=(2, 4))
    means = np.stack([(table[0] + table[2]) / 2, table[1]])
    slopes = through_length(means, pull)
    slopes[0] /= 2
    expected = table.copy()
    for row, slope in ((0, slopes[0]), (2, slopes[0]), (1, slopes[1])):
        expected[row] -= 0.1 * slope / np.sqrt(0.5 + slope**2)
    vectors, lengths = np.empty((2, 4)), np.empty(2)
    embed(features, table, which, True, vectors, lengths)
    np.testing.assert_allclose(vectors, unit(means), rtol=1e-9)
    learn(features, table, seen, which, True, vectors, lengths, pull, 0.1)
    np.testing.assert_allclose(table, expected, rtol=1e-8)


def test_the_exponential_is_that_of_the_library_of_c() -> None:
    xs = -LUCK.random(2000) * 700
    assert [exponential(x) for x in xs] == pytest.approx(np.exp(xs).tolist(), rel=2e-15)


def towers(**options: object) -> TwoTowers:
    made = TwoTowers(30, 20, 6, seed=3, **options)  # type: ignore[arg-type]  # of several kinds
    made.train(pairs(), epochs=3, batch=8)
    return made


def pairs() -> np.ndarray:
    luck = np.random.default_rng(11)
    return np.stack([luck.integers(0, 30, 200), (luck.random(200) ** 2 * 20).astype(np.int64)], axis=1)


@pytest.mark.parametrize("unit_length", [True, False])
def test_what_is_served_is_what_is_trained(unit_length: bool) -> None:
    """The logits of a batch before logQ, by the text in NumPy, are the scores; neither knows of logQ."""
    made = towers(unit=unit_length, temperature=0.2)
    who, what = np.array([3, 4, 5]), np.array([1, 0, 7])
    own, other = made._user_table[who], made._item_table[what]
    if unit_length:
        own, other = unit(own), unit(other)
    np.testing.assert_allclose(made.scores(who, what), logits(own, other, 0.2), rtol=1e-9)
    best = made.recommend(who, 4)
    assert best.tolist() == np.argsort(-made.scores(who), axis=1, kind="stable")[:, :4].tolist()


def test_the_same_seed_trains_the_same_vectors_and_a_copy_from_bytes_trains_on() -> None:
    one, two = towers(), towers()
    assert one.to_bytes() == two.to_bytes() != towers(corrected=False).to_bytes()
    again = TwoTowers.from_bytes(one.to_bytes())
    assert again.train(pairs(), batch=8) == two.train(pairs(), batch=8)
    assert again.to_bytes() == two.to_bytes()


def test_the_loss_falls() -> None:
    made = TwoTowers(30, 20, 6, negatives=5)
    losses = made.train(pairs(), epochs=8, batch=8)
    assert losses[-1] < 0.9 * losses[0]


def test_without_logq_it_learns_less_of_what_is_popular() -> None:
    counts = np.bincount(pairs()[:, 1], minlength=20)
    means = [towers(corrected=one, temperature=0.5).scores(np.arange(30)).mean(axis=0) for one in (False, True)]
    plain, corrected = (float(np.corrcoef(counts, mean)[0, 1]) for mean in means)
    assert corrected > 0.5 > plain


def test_what_was_seen_is_not_told() -> None:
    made, seen = towers(), Histories.of(pairs(), 30, 20)
    told = made.recommend(np.arange(30), 20, seen=seen)
    for user in range(30):
        own = set(seen.items[seen.starts[user] : seen.starts[user + 1]].tolist())
        assert set(told[user].tolist()) - {-1} == set(range(20)) - own


def test_frequencies_of_the_kernel_are_those_of_the_block() -> None:
    made, plain = towers(), StreamingFrequency(20)
    given = pairs()
    for epoch in range(3):
        plain.add(given[np.random.default_rng([3, epoch, 1]).permutation(len(given)), 1])
    assert made.frequency.shares().tolist() == plain.shares().tolist()
    assert made.frequency.came == plain.came == 600


def test_a_frequency_follows_what_changes() -> None:
    made, luck = StreamingFrequency(10), np.random.default_rng(5)
    made.add(luck.choice(10, 6000, p=[0.46, *[0.06] * 9]))
    before = made.shares()
    assert before[0] == pytest.approx(0.46, rel=0.3)
    assert np.median(before[1:]) == pytest.approx(0.06, rel=0.3)
    made.add(luck.choice(10, 6000, p=[0.04, 0.42, *[0.0675] * 8]))
    assert made.shares()[0] == pytest.approx(0.04, rel=0.5)
    assert made.shares()[1] == pytest.approx(0.42, rel=0.3)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: TwoTowers(0, 3), "number of users"),
        (lambda: TwoTowers(3, 3, temperature=0), "temperature"),
        (lambda: TwoTowers(3, 3, user_features=[[0], [1]]), "one for each user"),
        (lambda: TwoTowers(3, 3, item_features=[[0], [-1], [2]]), "one at least"),
        (lambda: TwoTowers(3, 3).train([[0, 3]]), "got item 3"),
        (lambda: TwoTowers(3, 3).train([[-1, 0]]), "got user -1"),
        (lambda: TwoTowers(3, 3).train([[0.5, 1]]), "whole numbers"),
        (lambda: TwoTowers(3, 3).recommend([3]), "from 0 to 2"),
        (lambda: StreamingFrequency(3, weight=2), "at most 1"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(wrong: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        wrong()  # type: ignore[operator]  # a function without arguments
