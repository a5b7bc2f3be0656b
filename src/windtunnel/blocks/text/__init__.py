"""Text: words, an inverted index ranked by BM25, completion of prefixes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.blocks.text.inverted_index import InvertedIndex as InvertedIndex
    from windtunnel.blocks.text.inverted_index_plain import PlainIndex as PlainIndex
    from windtunnel.blocks.text.prefix_completion import PrefixCompletion as PrefixCompletion
    from windtunnel.blocks.text.prefix_completion_plain import (
        Completion as Completion,
        PlainPrefixCompletion as PlainPrefixCompletion,
    )
    from windtunnel.blocks.text.tokenizer import Tokenizer as Tokenizer
    from windtunnel.blocks.text.vocabulary import Vocabulary as Vocabulary

__getattr__, __dir__ = lend(__name__)
