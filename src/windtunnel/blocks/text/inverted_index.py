"""Full-text search: for each word a list of the documents that have it, and BM25 to say which of them fit best.

BM25 (Robertson et al., *Okapi at TREC-3*, 1994) adds up, over the words of the query, how rare the word is and how
often the document has it, with a limit, and less in longer documents. The best `k` are found by WAND (Broder et al.,
CIKM 2003) or MaxScore (Turtle and Flood, 1995), which give the same answer as scoring every document that has a word
of the query and score a small part of them. `inverted_index_reference` says both in plain Python,
`kernels.inverted_index` and `kernels.max_score` at the speed of C.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from operator import index as index_of
from typing import TYPE_CHECKING, Any, Literal, Self, SupportsIndex

from windtunnel.blocks.ground.array_file import seal_arrays, unseal_arrays
from windtunnel.blocks.ground.block import Guarded, alone
from windtunnel.blocks.ground.envelope import DamagedError
from windtunnel.blocks.ground.numbers import whole
from windtunnel.blocks.text.inverted_index_plain import checked_parameters, lucene_length
from windtunnel.blocks.text.tokenizer import Tokenizer
from windtunnel.blocks.text.vocabulary import Vocabulary
from windtunnel.portable import each

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from windtunnel.blocks.text.kernels.inverted_index import Postings

Norms = Literal["exact", "lucene"]
Method = Literal["max-score", "wand", "all"]
_KIND, _VERSION = "inverted index", 1
_BATCH = 8192
"""Documents cut at a time: their text is held a second time as code points."""


class InvertedIndex(Guarded):
    """Documents by number, 0, 1, 2 and so on in the order of addition, searched by their words.

    Meant for batches: the first search after a change weighs all postings anew, in time that grows with the index.
    Numbers of documents that were deleted are not given again. Threads may share one: calls exclude each other.
    """

    def __init__(
        self, *, k1: float = 1.2, b: float = 0.75, norms: Norms = "exact", tokenizer: Tokenizer | None = None
    ) -> None:
        """`k1`: how soon more of a word adds little; `b`: how much a document's length counts, 0 to 1.

        `norms="lucene"` takes lengths as Lucene keeps them, in a byte, so that scores equal Lucene's but for its
        older factor k1 + 1.
        """
        if norms not in ("exact", "lucene"):
            raise ValueError(f"norms are 'exact' or 'lucene'; got {norms!r}.")
        self.k1, self.b = checked_parameters(k1, b)
        self.norms: Norms = norms
        self.documents_scored = 0
        """Documents whose score was computed, over all searches so far."""
        self._vocabulary = Vocabulary(tokenizer or Tokenizer())
        self._numbers: list[NDArray[np.int32]] = []
        self._counts: list[NDArray[np.int64]] = []
        self._size = 0
        self._deleted: set[int] = set()
        self._rewritten: dict[int, NDArray[np.int32]] = {}
        """Documents whose words changed since `_numbers` was put together, and their words now."""
        self._postings: Postings | None = None

    def __len__(self) -> int:
        """How many documents there are."""
        return self._size - len(self._deleted)

    def __contains__(self, document: object) -> bool:
        """Whether there is a document of this number."""
        return isinstance(document, SupportsIndex) and self._has(index_of(document))

    def _has(self, document: int) -> bool:
        return 0 <= document < self._size and document not in self._deleted

    def _told(self) -> dict[str, object]:
        return {"documents": len(self), "words": len(self._vocabulary), "k1": self.k1, "b": self.b}

    @property
    def tokenizer(self) -> Tokenizer:
        """What cuts documents and queries."""
        return self._vocabulary.tokenizer

    @alone
    def add(self, documents: Iterable[str]) -> range:
        """Add texts (a list, or an Arrow column of strings without nulls); returns their numbers."""
        texts = _texts(documents)
        for start in range(0, len(texts), _BATCH):
            numbers, counts = self._vocabulary.learn(texts[start : start + _BATCH])
            self._numbers.append(numbers.copy())
            self._counts.append(counts)
        added = range(self._size, self._size + len(texts))
        self._size = added.stop
        self._postings = None
        return added

    @alone
    def delete(self, documents: Iterable[int]) -> None:
        """Take documents out. Raises `KeyError`, and takes none out, if one is not there."""
        import numpy as np

        gone = self._checked(documents)
        self._rewritten.update(dict.fromkeys(gone, np.empty(0, np.int32)))
        self._deleted.update(gone)
        self._postings = None

    @alone
    def update(self, documents: Iterable[int], texts: Iterable[str]) -> None:
        """Give documents other texts, under their numbers. Raises `KeyError`, and changes none, if one is not there."""
        changed, new = self._checked(documents), _texts(texts)
        if len(changed) != len(new):
            raise ValueError(f"There is one text for each document, not {len(new)} for {len(changed)}.")
        numbers, counts = self._vocabulary.learn(new)
        end = 0
        for document, count in zip(changed, counts.tolist(), strict=True):
            self._rewritten[document] = numbers[end : end + count].copy()
            end += count
        self._postings = None

    def _checked(self, documents: Iterable[int]) -> list[int]:
        listed = [whole(document, "The number of a document") for document in documents]
        for document in listed:
            if not self._has(document):
                raise KeyError(document)
        return listed

    def search(self, query: str, k: int = 10) -> list[tuple[int, float]]:
        """The best `k` documents that have a word of the query, as (document, score), best first.

        Of equal scores the document added first is better. A word that stands twice in the query counts twice.
        """
        documents, scores = self.search_many([query], min(whole(k, "k", 1, 10**30), max(1, self._size)))
        hits = zip(documents[0].tolist(), scores[0].tolist(), strict=True)
        return [(document, score) for document, score in hits if document >= 0]

    @alone
    def search_many(
        self, queries: Iterable[str], k: int = 10, *, method: Method = "max-score"
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The best `k` documents of each query and their scores, both (queries, k), best first.

        Where fewer are found documents are -1 and scores 0. All methods give the same answer, at costs that
        `documents_scored` compares: "all" scores every document that has a word of the query, "wand" the fewest,
        and "max-score" is the fastest, for it decides less often.
        """
        import numpy as np

        from windtunnel.blocks.text.kernels.inverted_index import search_all, search_wand
        from windtunnel.blocks.text.kernels.max_score import search_max_score

        k = whole(k, "k", 1)
        if method not in ("max-score", "wand", "all"):
            raise ValueError(f"The method is 'max-score', 'wand' or 'all'; got {method!r}.")
        texts = _texts(queries)
        documents = np.full((len(texts), k), -1, np.int64)
        scores = np.zeros((len(texts), k), np.float64)
        if not len(self) or not texts:
            return documents, scores
        numbers, counts = self._vocabulary.look_up(texts)
        postings = self._weighed()
        if method == "all":
            scored = search_all(postings, numbers, counts, self._size, documents, scores)
        elif method == "wand":
            scored = search_wand(postings, numbers, counts, documents, scores)
        else:
            scored = search_max_score(postings, numbers, counts, documents, scores)
        self.documents_scored += scored
        return documents, scores

    @alone
    def document_frequency(self, word: str) -> int:
        """How many documents have a word."""
        numbers, counts = self._vocabulary.look_up([word])
        if counts[0] != 1 or numbers[0] < 0 or not len(self):
            return 0
        starts = self._weighed().starts
        return int(starts[numbers[0] + 1] - starts[numbers[0]])

    @alone
    def to_bytes(self) -> bytes:
        """The index and the tokenizer's settings, with version and checksum."""
        import numpy as np

        tokenizer, vocabulary = self.tokenizer, self._vocabulary
        header = {
            "k1": self.k1,
            "b": self.b,
            "lucene": int(self.norms == "lucene"),
            "accents": int(tokenizer.accents),
            "stopwords": len(tokenizer.stopwords),
        }
        words = " ".join(vocabulary.word(number) for number in range(len(vocabulary)))
        spelled = np.frombuffer(words.encode("utf-8", "surrogatepass"), np.uint8)
        numbers, counts = self._documents()
        arrays: dict[str, NDArray[Any]] = {"words": spelled, "numbers": numbers, "counts": counts}
        if self._deleted:
            arrays["deleted"] = np.array(sorted(self._deleted), np.int64)
        return seal_arrays(_KIND, _VERSION, header, arrays)

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> Self:
        """The index that `to_bytes` saved. Raises `envelope.DamagedError` for anything else."""
        header, arrays = unseal_arrays(_KIND, _VERSION, data)
        spelled = arrays["words"].tobytes().decode("utf-8", "surrogatepass")
        words = spelled.split(" ") if spelled else []
        tokenizer = Tokenizer(stopwords=words[: header["stopwords"]], accents=bool(header["accents"]))
        index = cls(
            k1=header["k1"], b=header["b"], norms="lucene" if header["lucene"] else "exact", tokenizer=tokenizer
        )
        index._vocabulary.learn([spelled])
        if len(index._vocabulary) != len(words):
            raise DamagedError(
                "The index was saved under another version of Unicode, whose words are not those of here."
            )
        index._numbers, index._counts = [arrays["numbers"].astype("i4")], [arrays["counts"].astype("i8")]
        index._size = len(arrays["counts"])
        index._deleted = set(arrays["deleted"].tolist()) if "deleted" in arrays else set()
        return index

    def _documents(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The words of all documents in one array, and how many each has."""
        import numpy as np

        if len(self._counts) != 1:
            self._numbers = [np.concatenate([np.empty(0, np.int32), *self._numbers])]
            self._counts = [np.concatenate([np.empty(0, np.int64), *self._counts])]
        if self._rewritten:
            ends = np.cumsum(self._counts[0])
            parts: list[NDArray[np.int32]] = []
            done = 0
            for document in sorted(self._rewritten):
                parts += [
                    self._numbers[0][done : ends[document] - self._counts[0][document]],
                    self._rewritten[document],
                ]
                done = int(ends[document])
            self._numbers = [np.concatenate([*parts, self._numbers[0][done:]])]
            self._counts = [self._counts[0].copy()]
            for document, numbers in self._rewritten.items():
                self._counts[0][document] = len(numbers)
            self._rewritten = {}
        return self._numbers[0], self._counts[0]

    def _weighed(self) -> Postings:
        """The postings with their impacts, made when first asked for."""
        import numpy as np

        from windtunnel.blocks.text.kernels import inverted_index as kernels

        if self._postings is not None:
            return self._postings
        numbers, counts = self._documents()
        having = kernels.count_documents(numbers, counts, len(self._vocabulary))
        starts = np.zeros(len(having) + 1, np.int64)
        np.cumsum(having, out=starts[1:])
        postings = kernels.empty_postings(starts)
        frequencies = np.zeros(starts[-1], np.int32)
        kernels.fill_postings(numbers, counts, starts, postings.documents, frequencies)
        mean = counts.sum() / len(self) or 1.0
        lengths = np.array([lucene_length(n) for n in counts.tolist()]) if self.norms == "lucene" else counts
        rarity = each(math.log, 1 + (len(self) - having + 0.5) / (having + 0.5))
        kernels.weigh(postings, frequencies, self.k1 * (1 - self.b + self.b * lengths / mean), rarity)
        self._postings = postings
        return postings


def _texts(texts: Iterable[str]) -> list[str]:
    """A list of strings from any source; `ValueError` if something else is among them."""
    values: Any = texts.to_pylist() if hasattr(texts, "to_pylist") else texts
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise ValueError("Give a list of texts, not one text: its characters would be the documents.")
    listed = list(values)
    if not all(isinstance(text, str) for text in listed):
        raise ValueError("Documents and queries are strings; something else is among them.")
    return listed
