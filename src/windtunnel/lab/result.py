"""The result of a run: one JSON document that the terminal, the page, the tests and the docs all read.

Everything that differs between two runs of the same commit and seeds on the simulator stands under `provenance`.
"""

from __future__ import annotations

import errno
import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from windtunnel.lab.asks import Answered, Explained
from windtunnel.lab.charts import Drawn, Row
from windtunnel.lab.claims import Ruling
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.statistics import Interval, t_interval

if TYPE_CHECKING:
    from windtunnel.lab.trace.records import Trace

FORMAT = 2
_MEANS = ("low", "high", "mean", "mean_low", "mean_high")


@dataclass(frozen=True, slots=True)
class Document:
    """What is written as one JSON document: its fields, unless `to_dict` says another thing."""

    def to_dict(self) -> dict[str, Any]:
        """As plain data: JSON has no NaN, so what is no number is null, and infinities are text."""
        found: dict[str, Any] = plain(asdict(self))
        return found

    def to_json(self) -> str:
        """The document, a line for each small thing, so that a person can read a diff of two."""
        return lines_of(self.to_dict()) + "\n"

    def save(self, path: Path) -> None:
        """Write the document; whoever looks sees the old file or the new one, never half of it."""
        write(path, self.to_json())


@dataclass(frozen=True, slots=True)
class Run:
    """What one design did with one seed in one setting (an index into `Result.settings`).

    `charts` has the rows of each of the result's charts, by name; of the first seed alone.
    """

    design: str
    seed: int
    setting: int
    measures: Mapping[str, float]
    digest: str
    charts: list[dict[str, list[Row]]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class JudgedClaim:
    """A claim and what became of it. `shown` has numbers in place of names; `seeds` the verdict on each seed."""

    expression: str
    because: str
    verdict: Ruling
    shown: str = ""
    seeds: list[bool | None] = field(default_factory=list)
    over: str = "seed"
    given: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    breaks: str = ""
    spares: str = ""
    note: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class JudgedFigure:
    """A source's number beside ours: "reproduced", "missed", "unknown", "skipped", or "shown" and never judged."""

    name: str
    source_value: float
    ours: float
    low: float
    high: float
    tolerance: float
    mark: str
    verdict: str
    conditions: str
    source: str = ""
    note: str = ""


_AS_CLAIMS: Mapping[str, Ruling] = {"reproduced": "holds", "missed": "fails", "unknown": "unknown"}


@dataclass(frozen=True, slots=True)
class Result(Document):
    """Everything that a run found out."""

    experiment: str
    title: str
    question: str
    stage: str
    seeds: list[int]
    designs: list[str]
    settings: list[dict[str, Any]]
    runs: list[Run]
    claims: list[JudgedClaim]
    figures: list[JudgedFigure]
    charts: list[Drawn] = field(default_factory=list)
    asks: list[Answered] = field(default_factory=list)
    why: list[Explained] = field(default_factory=list)
    shows: list[str] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)
    trace: Mapping[str, Trace] | None = None
    """What was recorded of each design with the first seed, where that was asked for; no part of the document."""

    # --- reading -------------------------------------------------------------------------------------------------
    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the run; claims may speak of other settings."""
        return self.settings[0]

    @property
    def verdict(self) -> Ruling:
        """The worst of all verdicts: fails, else unknown, else holds.

        Where nothing was judged: "not claimed" if that is because nothing is claimed here, else unknown.
        """
        found = {c.verdict for c in self.claims} | {_AS_CLAIMS.get(f.verdict, "skipped") for f in self.figures}
        worst: Ruling
        for worst in ("fails", "unknown", "holds", "not claimed"):
            if worst in found:
                return worst
        return "unknown"

    @property
    def ok(self) -> bool:
        """Whether no claim and no figure fails."""
        return self.verdict != "fails"

    @property
    def exit_status(self) -> int:
        """0 everything judged holds, 1 something fails, 3 nothing fails but something cannot be told."""
        return {"holds": 0, "not claimed": 0, "fails": 1}.get(self.verdict, 3)

    @property
    def more_seeds_may_decide(self) -> bool:
        """Whether something is unknown for want of seeds: not of designs, nor of numbers."""
        claims = any(c.verdict == "unknown" and c.over == "mean" and "?" not in c.shown for c in self.claims)
        return claims or any(f.verdict == "unknown" and math.isfinite(f.ours) for f in self.figures)

    def of(self, design: str, setting: int = 0) -> list[Run]:
        """The runs of one design, in the order of the seeds."""
        return [r for r in self.runs if r.design == design and r.setting == setting]

    def samples(self, design: str, measure: str, setting: int = 0) -> list[float]:
        """One measurement of one design, a number a seed."""
        return [r.measures[measure] for r in self.of(design, setting)]

    def interval(self, design: str, measure: str, setting: int = 0) -> Interval:
        """Its mean over the seeds, with a 95 % interval."""
        return t_interval(self.samples(design, measure, setting))

    @property
    def measures(self) -> list[str]:
        """The names of everything measured."""
        return list(dict.fromkeys(name for r in self.runs if r.setting == 0 for name in r.measures))

    @property
    def digest(self) -> str:
        """One digest over the digests of all runs."""
        from hashlib import blake2b

        text = "\n".join(f"{r.design} {r.seed} {r.setting} {r.digest}" for r in self.runs)
        return blake2b(text.encode(), digest_size=16).hexdigest()

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        from windtunnel.lab.notebook import result_html

        return result_html(self)

    # --- JSON ----------------------------------------------------------------------------------------------------
    def to_dict(self) -> dict[str, Any]:
        """As of every document, with its verdict, its digest and the intervals."""
        intervals = {d: {m: asdict(self.interval(d, m)) for m in self.measures} for d in self.designs if self.of(d)}
        document = {
            "format": FORMAT,
            "verdict": self.verdict,
            "digest": self.digest,
            **asdict(replace(self, trace=None)),
        }
        del document["trace"]
        document["intervals"] = intervals
        document["provenance"] = document.pop("provenance")
        found: dict[str, Any] = plain(document)
        return found

    @staticmethod
    def from_json(text: str) -> Result:
        """Read a document back. Raises WrongInput for one that is no result."""
        try:
            found = json.loads(text)
            if found["format"] != FORMAT:
                raise WrongInput(f"The result has format {found['format']}; this version reads format {FORMAT}.")
            known = {k: found[k] for k in Result.__dataclass_fields__ if k != "trace"}
            runs = [
                Run(**{**r, "measures": _floats(r["measures"]), "charts": rows(r["charts"])}) for r in known["runs"]
            ]
            figures = [
                JudgedFigure(**{**f, **_floats({k: f[k] for k in ("source_value", "ours", "low", "high")})})
                for f in known["figures"]
            ]
            claims = [JudgedClaim(**c) for c in known["claims"]]
            read: dict[str, Any] = {
                "charts": [
                    Drawn(**{**c, "shaded": [tuple(map(_number, one)) for one in c["shaded"]]}) for c in known["charts"]
                ],
                "asks": [Answered(**{**a, **_floats({k: a[k] for k in _MEANS})}) for a in known["asks"]],
                "why": [Explained(**w) for w in known["why"]],
            }
            return Result(**{**known, **read, "runs": runs, "claims": claims, "figures": figures})
        except (ValueError, KeyError, TypeError) as error:
            if isinstance(error, WrongInput):
                raise
            raise WrongInput(f"This is no result of a run: {type(error).__name__} {error}.") from None


def draft_of(path: Path, process: int) -> Path:
    """Where a process writes a file, itself no link, before it is there; left behind where it is killed meanwhile."""
    return path.with_name(f".{path.name}.{process}")


def write(path: Path, text: str | bytes) -> None:
    """Write a file so that it is there wholly or not at all. Through a link, not over it.

    Raises:
        OSError: it cannot be written, or what has this name is no regular file: a device or a pipe is never replaced.
    """
    path = Path(os.path.realpath(path))
    if path.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    if is_other(path):
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not mkstemp: what it makes can be read by its owner alone, and a result is there to be shown.
    draft = draft_of(path, os.getpid())
    try:
        with draft.open("wb") as file:
            file.write(text.encode() if isinstance(text, str) else text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def is_other(path: Path) -> bool:
    """Whether something has this name that is no file to be replaced: a folder, a device, a pipe, a socket."""
    return path.exists() and not path.is_file()


def plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value


def lines_of(value: Any, indent: int = 0) -> str:
    """JSON with a line for each innermost list or object that fits on one."""
    flat = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if len(flat) + indent <= 110 or not isinstance(value, dict | list) or not value:
        return flat
    inner = " " * (indent + 1)
    parts: Iterable[str]
    if isinstance(value, dict):
        parts = (f"{json.dumps(k, ensure_ascii=False)}: {lines_of(v, indent + 1)}" for k, v in value.items())
        return "{\n" + ",\n".join(inner + p for p in parts) + "\n" + " " * indent + "}"
    if all(isinstance(v, int | float) or v is None for v in value):
        return flat
    parts = (lines_of(v, indent + 1) for v in value)
    return "[\n" + ",\n".join(inner + p for p in parts) + "\n" + " " * indent + "]"


def _floats(found: Mapping[str, Any]) -> dict[str, float]:
    return {k: math.nan if v is None else float(v) if isinstance(v, str) else v for k, v in found.items()}


def rows(charts: Iterable[Mapping[str, Any]]) -> list[dict[str, list[Row]]]:
    """The rows of charts as they were before JSON made lists of them, null of NaN and text of infinity."""
    return [
        {name: [tuple(_number(x) for x in row) for row in found] for name, found in chart.items()} for chart in charts
    ]


def _number(x: Any) -> Any:
    return math.nan if x is None else float(x) if x in ("inf", "-inf") else x
