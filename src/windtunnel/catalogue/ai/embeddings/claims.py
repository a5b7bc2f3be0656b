"""What is claimed, what a challenger's search has to find, and what the sources say."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source

CORMACK, FURNAS, KHATTAB, GAO, WELLER, KANERVA, BOJANOWSKI, ANTHROPIC = (
    "Cormack",
    "Furnas",
    "Khattab",
    "Gao",
    "Weller",
    "Kanerva",
    "Bojanowski",
    "Anthropic",
)
SHEET = {
    "passages": 300, "queries": 40, "concepts": 100, "nouns": 2, "others": 0.5, "typos": 0.5, "older": 500,
    "retrained": False, "dim": 96, "k": 5, "depth": 50, "rrf_k": 60
}  # fmt: skip
QUICK = {name: SHEET[name] for name in ("passages", "queries")}
SAME = {**SHEET, "others": 0.0, "typos": 0.0}
OTHER = {**SHEET, "others": 1.0, "typos": 1.0}
MANY = {**SHEET, "queries": 100}
SMALL_K = {**OTHER, "rrf_k": 1}
SHALLOW = {**OTHER, "depth": 10}
UNREAD = {**OTHER, "older": 60}
RETRAINED = {**SHEET, "retrained": True}
THREE = {**OTHER, "nouns": 3}

LOST_BY_WORDS = "bm25.failure_paraphrase > 0.9 and bm25.failure_typo > 0.9 and bm25.failure_identifier == 0"
LOST_BY_VECTORS = "dense.failure_identifier > 0.3 and bm25.failure_identifier == 0"
MEANT = "dense.failure_paraphrase < 0.65 and dense.failure_typo < 0.6"
BOTH = "fused.failure < 0.9 * bm25.failure and fused.failure < 0.9 * dense.failure"
DRAGGED = "fused.failure_paraphrase > 0.8 and dense.failure_paraphrase < 0.65"
LESS_DRAGGED = "dense.failure_paraphrase < fused.failure_paraphrase < 0.8"
PIECES = "trigrams.failure_typo < 0.15 and trigrams.failure_identifier == 0 and trigrams.failure_paraphrase > 0.8"
ROUTED = (
    "routed.failure_identifier == bm25.failure_identifier and routed.failure_paraphrase == dense.failure_paraphrase"
    " and routed.failure_typo == dense.failure_typo and routed.failure < fused.failure"
)
WRITTEN = "hyde.failure_paraphrase < 0.15 and hyde.failure_paraphrase < dense.failure_paraphrase"
NOT_WRITTEN = "hyde.failure_identifier == dense.failure_identifier and hyde.failure_typo == dense.failure_typo"
RERANKED = "max(reranked.failure_identifier, reranked.failure_paraphrase, reranked.failure_typo) < 0.25"
PAID = "reranked.kept > 15 * dense.kept and 4 * dense.products < reranked.products < 20 * dense.products"
DENIED = "bm25.opposite + dense.opposite + hyde.opposite + fused.opposite + reranked.opposite > 0.75"

CLAIMS = (
    Claim(
        "keywords.failure_paraphrase > 0.9 and keywords.failure_typo > 0.9 and keywords.failure_identifier == 0",
        "Who must have every word finds nothing that was said, or spelled, in another way.",
        FURNAS,
        breaks="keywords",
        given=OTHER,
    ),
    Claim(
        "max(keywords.failure_identifier, keywords.failure_paraphrase, keywords.failure_typo) == 0",
        "Who asks in the passage's own words, and spells them, needs nothing else.",
        spares="keywords",
        given=SAME,
    ),
    Claim(
        "max(bm25.failure_identifier, bm25.failure_paraphrase, bm25.failure_typo) < 0.05",
        "Nor does BM25 lose anything there: no vector is needed.",
        spares="bm25",
        given=SAME,
    ),
    Claim(LOST_BY_WORDS, "BM25 knows no noun but the one that it is given, as it is spelled.", FURNAS, given=OTHER),
    Claim(
        "bm25.failure_paraphrase < keywords.failure_paraphrase and bm25.failure_typo < keywords.failure_typo",
        "Where half of the words are the passage's own, some of them are enough for BM25.",
        given=SHEET,
    ),
    Claim(
        MEANT,
        "Vectors of nouns that keep the same company are near; so are words of the same pieces.",
        KANERVA,
        given=OTHER,
    ),
    Claim(
        "dense.failure_typo < 0.6 < bm25.failure_typo",
        "A mistyped word still has most of its pieces.",
        BOJANOWSKI,
        given=OTHER,
    ),
    Claim(
        PIECES,
        "Pieces need no vectors: ranked by BM25 they find what is mistyped, and what has a number; not what is meant.",
        BOJANOWSKI,
        given=OTHER,
    ),
    Claim(
        LOST_BY_VECTORS, "Of a number that was never met a vector keeps pieces, which many numbers share.", given=SHEET
    ),
    Claim(
        "dense.failure_paraphrase > 0.85 and dense.failure_typo > 0.45 and reranked.failure_paraphrase > 0.75",
        "What the encoder has not read it does not know, and nobody else makes up for it.",
        given=UNREAD,
    ),
    Claim(
        "dense.failure_identifier > 0.15 and dense.failure_identifier < 0.65",
        "Had it read the passages too, it would know some of the numbers, and lose others.",
        given=RETRAINED,
    ),
    Claim(BOTH, "Each ranking has what the other one loses: fused, they lose less than either.", CORMACK, given=SHEET),
    Claim(
        DRAGGED,
        "But what both have far down is before what one alone has first: of all that is said in other words fusion "
        "loses more than vectors alone.",
        CORMACK,
        given=OTHER,
    ),
    Claim(
        LESS_DRAGGED,
        "With a constant of 1 a first place is worth more, and less is lost; more than by vectors alone.",
        given=SMALL_K,
    ),
    Claim(ROUTED, "Who sends numbers to BM25 and the rest to vectors loses less than fusion does.", given=OTHER),
    Claim(
        WRITTEN,
        "A passage that is made up has the company of the noun, and lies nearer to the one that is meant.",
        GAO,
        given=OTHER,
    ),
    Claim(NOT_WRITTEN, "Nothing is written for a word that was never met: numbers, and what is mistyped.", given=OTHER),
    Claim(
        "hyde.failure_typo > dense.failure_typo",
        "And where one word is mistyped, what is written for the others drowns it.",
        given=MANY,
    ),
    Claim(RERANKED, "Word by word, each word of the query counts: no class but one is lost.", KHATTAB, given=OTHER),
    Claim(
        "reranked.failure < 0.75 * fused.failure and reranked.failure < 0.75 * routed.failure",
        "So that less is lost than by any other way.",
        KHATTAB,
        given=OTHER,
    ),
    Claim(PAID, "It keeps a vector for each word, and multiplies some thousand for each query.", KHATTAB, given=SHEET),
    Claim(
        "reranked.failure_paraphrase > 0.03 and reranked.failure_paraphrase < fused.failure_paraphrase",
        "And it finds nothing that is not among those which it is given.",
        given=SHALLOW,
    ),
    Claim(
        DENIED,
        "Of what is affirmed and what is denied nobody tells which is which: the words are the same.",
        WELLER,
        given=SHEET,
    ),
    Claim(
        "reranked.ndcg > fused.ndcg and fused.ndcg > max(bm25.ndcg, dense.ndcg)",
        "By nDCG of the first ten the order is the same.",
        given=SHEET,
    ),
    Claim(
        "max(keywords.foreign, bm25.foreign, trigrams.foreign, dense.foreign, hyde.foreign, routed.foreign,"
        " fused.foreign, reranked.foreign) == 0 and max(keywords.fickle, bm25.fickle, trigrams.fickle, dense.fickle,"
        " hyde.fickle, routed.fickle, fused.fickle, reranked.fickle) == 0",
        "Each tells passages, once each, and the same ones when it is asked again.",
    ),
)

DEMANDS = (
    Claim(
        "yours.foreign == 0", "Passages are told, once each, and no more than were asked for.", always=True, given=SHEET
    ),
    Claim("yours.fickle == 0", "And the same ones when the query comes again.", always=True, given=SHEET),
    Claim("yours.failure_identifier < 0.1", "What has a name is found by it.", given=SHEET),
    Claim(
        "yours.failure_paraphrase < 0.15 and yours.failure_typo < 0.15",
        "So is what is said, or spelled, in part in another way.",
        given=SHEET,
    ),
    Claim("yours.unfound < 0.2", "What is denied is found, if behind its opposite for some.", given=SHEET),
    Claim("yours.failure_paraphrase < 0.25", "Also where no word is the passage's own.", given=OTHER),
    Claim("yours.failure_typo < 0.3", "And where every word is mistyped.", given=OTHER),
    Claim("yours.failure_identifier < 0.1", "Names do not suffer for it.", given=OTHER),
)

FIGURES = (
    Figure(
        "failures that BM25 leaves, of those of vectors alone",
        2.9 / 3.7,
        "fused.failure / dense.failure",
        0.15,
        "Vq",
        "20 places; code, fiction, papers; pieces with a sentence of context: 2.9 % of 3.7 %; not our texts",
        ANTHROPIC,
        given=SHEET,
    ),
    Figure(
        "failures that a reranker leaves, of those of both fused",
        1.9 / 2.9,
        "reranked.failure / fused.failure",
        0.15,
        "Vq",
        "1.9 % of 2.9 %, the same; a model that reads query and passage together, which ours is not",
        ANTHROPIC,
        given=SHEET,
    ),
    Figure(
        "failures that a sentence of context leaves, of those of vectors alone",
        3.7 / 5.7,
        "dense.contextual",
        0.15,
        "Vq",
        "3.7 % of 5.7 %, the same; pieces of longer texts, which passages here are not",
        ANTHROPIC,
        given=SHEET,
    ),
    Figure(
        "nDCG of HyDE over that of its encoder alone",
        61.3 / 44.5,
        "hyde.ndcg / dense.ndcg",
        0.15,
        "M",
        "TREC DL19, Contriever, a model of 175 billion numbers writes; here a chain of words does",
        GAO,
        given=SHEET,
    ),
    Figure(
        "nDCG of HyDE over that of BM25",
        61.3 / 50.6,
        "hyde.ndcg / bm25.ndcg",
        0.15,
        "M",
        "TREC DL19, where nobody asks for a number",
        GAO,
        given=SHEET,
    ),
)

SOURCES = (
    Source(
        "Cormack, Clarke and Büttcher, Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning "
        "Methods",
        2009,
        "https://doi.org/10.1145/1571941.1572114",
    ),
    Source(
        "Furnas, Landauer, Gomez and Dumais, The vocabulary problem in human-system communication",
        1987,
        "https://doi.org/10.1145/32206.32212",
    ),
    Source(
        "Khattab and Zaharia, ColBERT: Efficient and Effective Passage Search via Contextualized Late Interaction over "
        "BERT",
        2020,
        "https://arxiv.org/abs/2004.12832",
    ),
    Source(
        "Gao, Ma, Lin and Callan, Precise Zero-Shot Dense Retrieval without Relevance Labels",
        2023,
        "https://arxiv.org/abs/2212.10496",
    ),
    Source(
        "Weller, Lawrie and Van Durme, NevIR: Negation in Neural Information Retrieval",
        2024,
        "https://arxiv.org/abs/2305.07614",
    ),
    Source(
        "Kanerva, Kristoferson and Holst, Random Indexing of Text Samples for Latent Semantic Analysis",
        2000,
        "https://escholarship.org/uc/item/5644k0w6",
    ),
    Source(
        "Bojanowski, Grave, Joulin and Mikolov, Enriching Word Vectors with Subword Information",
        2017,
        "https://arxiv.org/abs/1607.04606",
    ),
    Source(
        "Anthropic, Introducing Contextual Retrieval",
        2024,
        "https://www.anthropic.com/news/contextual-retrieval",
    ),
    Source(
        "MongoDB, How to Perform Hybrid Search",
        2026,
        "https://www.mongodb.com/docs/vector-search/hybrid-search/hybrid-search-overview/",
    ),
    Source("Weaviate, Hybrid search", 2026, "https://docs.weaviate.io/weaviate/concepts/search/hybrid-search"),
)
