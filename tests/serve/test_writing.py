"""What a client is told is the text of all tokens up to the first stop, whatever pieces it comes in."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings, strategies as st

from windtunnel.serve.tokens import ByteTokens
from windtunnel.serve.writing import Piece, Writer


class Pairs(ByteTokens):
    """Tokens of up to three letters, so that stops lie across them."""

    words = tuple(a + b + c for a in "ab" for b in ("", "a", "b", "é") for c in ("", "b"))

    def bytes_of(self, token: int) -> bytes:
        return self.words[token % len(self.words)].encode()


def up_to_a_stop(text: str, stops: list[str]) -> tuple[str, str]:
    """Letter by letter: the text before the stop that is complete first, and why it ends there."""
    for end in range(len(text) + 1):
        met = [stop for stop in stops if text[:end].endswith(stop)]
        if met:
            return text[: end - max(map(len, met))], "stop"
    return text, "length"


@given(
    st.lists(st.integers(0, 15), max_size=12),
    st.lists(st.text("abé", min_size=1, max_size=4), max_size=3),
)
def test_pieces_join_to_the_text_before_the_first_stop(tokens: list[int], stops: list[str]) -> None:
    made, text = Pairs(), "".join(Pairs.words[token] for token in tokens)
    wanted, why = up_to_a_stop(text, stops)
    writer, told = Writer(made, stops), ""
    for token in tokens:
        told += writer.take(token).text
        assert wanted.startswith(told)  # nothing is told that has to be taken back
        if writer.finish:
            break
    else:
        told += writer.close("length").text
    assert (told, writer.finish) == (wanted, why)


@given(st.text("aé€😀", max_size=8), st.binary(max_size=4))
def test_a_character_is_told_whole_and_what_is_none_as_replaced(text: str, rest: bytes) -> None:
    """exo, pull request 1691, dynamo, issue 12630, ferrox, issue 124: each token was decoded by itself."""
    writer, data = Writer(ByteTokens()), text.encode("utf-8", "replace") + rest
    told = "".join(writer.take(byte).text for byte in data) + writer.close("length").text
    assert told == data.decode("utf-8", "replace")


def test_what_may_become_a_stop_waits_and_is_told_when_it_does_not() -> None:
    """mlx-knife, issue 68, SwiftLM, issue 126, omlx, issue 2386: the head of a stop had been told already."""
    writer = Writer(ByteTokens(), ["own fox"])
    assert "".join(writer.take(byte).text for byte in b"The quick brown f") == "The quick br"
    assert writer.take(ord("l")).text == "own fl"
    writer = Writer(ByteTokens(), ["own fox"])
    assert "".join(writer.take(byte).text for byte in b"The quick brown fox") == "The quick br"
    assert (writer.finish, writer.count) == ("stop", 19)


def test_what_waited_is_told_where_the_answer_ends_of_itself() -> None:
    writer = Writer(ByteTokens(), ["abc"])
    assert [writer.take(byte).text for byte in b"xab"] == ["x", "", ""]
    assert writer.take(ByteTokens.END) == Piece("ab", (), "stop")


@given(st.lists(st.integers(0, 255), min_size=1, max_size=12), st.lists(st.text("abé", min_size=1, max_size=3)))
@settings(max_examples=30)
def test_each_token_that_begins_in_the_text_is_told_once_with_its_place(tokens: list[int], stops: list[str]) -> None:
    writer, luck = Writer(ByteTokens(), stops, top=2), np.random.default_rng(len(tokens))
    pieces = []
    for token in tokens:
        pieces.append(writer.take(token, luck.standard_normal(257).astype(np.float32)))
        if writer.finish:
            break
    else:
        pieces.append(writer.close("length"))
    text = "".join(piece.text for piece in pieces)
    told = [one for piece in pieces for one in piece.said]
    assert [one.token for one in told] == tokens[: len(told)]
    if writer.finish == "length":
        assert len(told) == len(tokens)
    assert all(0 <= one.offset <= len(text) for one in told)
    for one in told:
        assert len(one.top) == 2
        assert one.top[0][1] >= one.top[1][1]
        assert one.logprob <= one.top[0][1] < 0
