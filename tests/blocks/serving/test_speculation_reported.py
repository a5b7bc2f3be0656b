"""Bugs that were reported of speculative decoding elsewhere, run on ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from helpers.serving_cases import TINIER as TINY
from windtunnel.blocks.serving import (
    BlockManager,
    Decoder,
    Guess,
    LLMEngine,
    ModelDrafter,
    ModelShape,
    ModelWeights,
    NGramDrafter,
    Sampling,
    Scheduler,
    Sequence,
    Speculation,
    answer_alone,
    made_weights,
)
from windtunnel.blocks.serving.speculation import Asked

PROMPT = [3, 4, 5, 9, 3, 4]


def weights(shape: ModelShape = TINY) -> ModelWeights:
    """A head of its own, or it would say the same word again and again."""
    return replace(made_weights(shape), head=made_weights(shape, 1).head)


def model() -> Decoder:
    return Decoder(weights(), 1024)


def itself(positions: int = 64) -> ModelDrafter:
    """The model itself guesses: all that it guesses is kept."""
    return ModelDrafter(Decoder(weights(TINY._replace(positions=positions)), 512), BlockManager(32, 16, share=False))


class Told:
    """Guesses what it is told to."""

    def __init__(self, *guesses: Guess) -> None:
        self.guesses = list(guesses)

    def propose(self, asked: Asked) -> list[list[Guess]]:
        return [self.guesses for _ in asked]

    def forget(self, sequence: Sequence) -> None:
        pass


def engine(drafter: object, guesses: int = 4, blocks: int = 64) -> LLMEngine:
    return LLMEngine(model(), Scheduler(BlockManager(blocks, 16), 16), speculation=Speculation(drafter, guesses))  # type: ignore[arg-type]


@pytest.mark.parametrize("at", range(1, 7))
def test_an_answer_that_ends_among_its_guesses_tells_and_counts_nothing_behind_its_end(at: int) -> None:
    """transformers, issue 47912, koboldcpp, 1276: it went on behind the end; vLLM, issue 56101, SGLang, 39826: what was
    kept behind it was counted as told. So ours did, and the logits of the step were those of what nobody was told."""
    plain = answer_alone(model(), PROMPT, 12)
    stop = plain[at]
    length = plain.index(stop) + 1
    made = engine(itself(), 5)
    made.add(one := Sequence("one", PROMPT, 12, stop=stop))
    told = list[int]()
    while one.state != "finished":
        before, accepted, steps = len(one.answer), made.accepted, made.steps
        made.step()
        told.append(len(one.answer) - before)
        assert int(made.logits["one"].argmax()) == one.answer[-1]
        assert made.accepted - accepted in (told[-1] - 1, told[-1])
        assert made.steps == steps + 1
    assert one.answer == plain[:length]
    guesses_told = length - 1 - (length == 7)  # the first step has none, and the second gives one behind its five
    assert made.accepted == guesses_told
    assert made.scheduler.memory.free_blocks == 64  # type: ignore[attr-defined]


def test_a_model_that_guesses_for_itself_is_always_right() -> None:
    """vLLM, pull requests 5765 and 9730, mlxcel, pull request 1002: the small model never read the token behind its
    last guess, fell behind, and was right less and less often; vLLM, issue 8783: nor were its numbers the same."""
    for sampling in (Sampling(), Sampling(2.0, seed=3)):
        made = engine(itself(), 4)
        made.add(one := Sequence("one", PROMPT, 56), sampling)
        made.run()
        assert made.accepted == made.guessed == 44
        assert len(one.answer) == 56
        assert made.steps == 12  # one, and eleven of five tokens


@pytest.mark.parametrize("drafter", [itself, lambda: NGramDrafter(2)])
def test_a_seed_says_what_is_drawn_in_any_company(drafter: Callable[[], object]) -> None:
    """vLLM, issues 6038 and 51226, TensorRT-LLM, issue 19487 and pull request 17599: requests shared one stream."""

    def drawn(seeds: list[int]) -> dict[object, list[int]]:
        made = engine(drafter(), 3)
        for seed in seeds:
            made.add(Sequence(seed, PROMPT, 20), Sampling(3.0, seed=seed))
        return {one.name: one.answer for one in made.run()}

    crowd = drawn([1, 2, 3, 4, 5])
    assert drawn([5, 3, 1]) == {seed: crowd[seed] for seed in (5, 3, 1)}
    assert len({tuple(answer) for answer in crowd.values()}) == 5


@pytest.mark.parametrize("drafter", [itself, lambda: NGramDrafter(2), lambda: Told(Guess(1), Guess(2))])
def test_logits_are_those_by_which_the_last_token_was_chosen(drafter: Callable[[], object]) -> None:
    """vLLM, issues 17876 and 34497 and pull request 33391, llama.cpp, issue 27972: those of another row, or none."""
    made, plain = engine(drafter(), 4), model()
    made.add(one := Sequence("one", PROMPT, 20))
    while one.state != "finished":
        made.step()
        before = len(one.tokens) - 1
        rows = [(token, at, 0) for at, token in enumerate(one.tokens[:before])]
        assert (made.logits["one"] == plain.forward(rows, [[0]], 1024, [before - 1])[0]).all()


@pytest.mark.parametrize("prompt", [1, 58, 62, 63])
@pytest.mark.parametrize("drafter", [itself, lambda: itself(40), lambda: Told(*[Guess(1)] * 30)])
def test_an_answer_may_reach_the_last_position_of_the_model_and_go_behind_that_of_who_guesses(
    drafter: Callable[[], object], prompt: int
) -> None:
    """vLLM, pull requests 24662 and 22935, vllm-ascend, 9221, lorax, issue 474, llama.cpp, issue 10547."""
    asked = [(5 * at) % 24 for at in range(prompt)]
    made = engine(drafter(), 6)
    made.add(one := Sequence("one", asked, 64 - prompt))
    made.run()
    assert one.answer == answer_alone(model(), asked, 64 - prompt)


def test_more_guesses_than_were_asked_for_are_left() -> None:
    """tensorrtllm_backend, issue 473: 56 guesses where none was allowed ended the server. Ours verified all of them,
    and where they went behind the model's last position it failed."""
    made = engine(Told(*[Guess(1)] * 40), 2)
    made.add(one := Sequence("one", PROMPT, 26))
    while one.state != "finished":
        before = made.rows
        made.step()
        assert made.rows - before <= max(3, len(PROMPT))
    assert one.answer == answer_alone(model(), PROMPT, 26)


@pytest.mark.parametrize(
    ("guesses", "says"),
    [
        ([Guess(24)], "proposes token 24, and the model knows 24"),
        ([Guess(-1)], "proposes token -1"),
        ([Guess(1), Guess(2, np.full(9, 1 / 9))], "a law of 9 tokens, and the model knows 24"),
    ],
)
def test_guesses_that_the_model_does_not_know_are_refused_and_leave_nothing(guesses: list[Guess], says: str) -> None:
    """koboldcpp, issue 2325: words of another vocabulary. Ours had let them into the sequence before it failed, and
    after that failed at every step."""
    drafter = Told(*guesses)
    made = engine(drafter)
    made.add(one := Sequence("one", PROMPT, 12))
    made.step()
    for _ in range(2):
        with pytest.raises(ValueError, match=says):
            made.step()
    assert (one.guessed, len(one.answer)) == (0, 1)
    drafter.guesses = []
    made.run()
    assert one.answer == answer_alone(model(), PROMPT, 12)


def test_who_guesses_answers_for_each() -> None:
    made = engine(Told())
    made.add(Sequence("one", PROMPT, 12))
    made.step()
    made.speculation.drafter.propose = lambda asked: []  # type: ignore[union-attr, method-assign]
    with pytest.raises(ValueError, match="asked for 1 sequences, and answered for 0"):
        made.step()


def test_what_was_refused_is_in_no_block_that_another_one_is_given() -> None:
    """vLLM, issue 47930: where beginnings are shared, what guesses had left was not what it was taken for. Here hardly
    a guess is right, and each next one asks for what the one before was asked and told."""
    tokens, guesses = list(PROMPT), Speculation(Told(*[Guess(23)] * 5), 5)
    small = LLMEngine(model(), Scheduler(BlockManager(64, 2), 4), speculation=guesses)
    for turn in range(4):
        small.add(one := Sequence(turn, tokens, 7))
        small.run()
        assert one.answer == answer_alone(model(), tokens, 7)
        tokens = [*one.tokens, turn]
    assert small.scheduler.memory.hits > 8  # type: ignore[attr-defined]
    assert small.accepted < small.guessed / 4


def test_an_end_that_stands_in_the_prompt_is_guessed_and_ends_nothing() -> None:
    """openvino.genai, pull requests 1951 and 3293: an end that was guessed, and not told, closed the answer, or ended
    who guessed it."""

    def prompt(stop: int) -> list[int]:
        """Each token stands before the end, so that the end is always guessed."""
        return [one for token in range(24) for one in (token, stop)] + PROMPT[:4]

    stop = next(stop for stop in range(24) if stop not in answer_alone(model(), prompt(stop), 9))
    made = engine(NGramDrafter(1), 3)
    made.add(one := Sequence("one", prompt(stop), 9, stop=stop))
    made.run()
    assert one.answer == answer_alone(model(), prompt(stop), 9)
    assert made.guessed > made.accepted
