"""What was found when an experiment was doubted: one page for a person, one line to commit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from windtunnel.lab.doubt.source import digest_of
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.result import write

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which it was refuted. `kind`: seeds, figure, setting, claimed, mutant, untested, decoration, cost."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was tried on one experiment, and what came of it.

    Attributes:
        source: the digest of the experiment's file, as it was.
        first, seeds, full_seeds: the fresh seeds, at the size of the tests and at the defaults.
        tried: trials done, of how many.
        claimed: by claim, the share of settings in which it is claimed.
        mutants: how many there were, killed, alike (they do the same), excused, alive.
        figures: by mark, how many of the usual run were reproduced, missed, unknown.
        usual_cpu_s, usual_memory_mb: of a run at the defaults; 0 where none was tried.
        not_judged: claims that speak of other stages than that on which everything was tried.
        measured: it was tried in real time: seeds are repetitions, and no digest says whether a mutant does the same.
        undecided: claims of what is measured that this machine decided on less than half of the batches.
    """

    experiment: str
    source: str
    commit: str
    taken: str
    first: int
    seeds: int
    full_seeds: int
    tried: tuple[int, int]
    findings: Sequence[Finding]
    claimed: Mapping[str, float] = field(default_factory=dict)
    mutants: Mapping[str, int] = field(default_factory=dict)
    figures: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    cpu_s: float = 0.0
    usual_cpu_s: float = 0.0
    usual_memory_mb: float = 0.0
    not_judged: Sequence[str] = ()
    measured: bool = False
    undecided: Sequence[str] = ()
    format: int = FORMAT

    @property
    def complete(self) -> bool:
        """Whether everything was tried that was asked for."""
        return self.tried[0] == self.tried[1]


def text_of(report: Report) -> str:
    """The page."""
    tried, of = report.tried
    lines = [
        f"{report.experiment}: {len(report.findings)} finding{'s' if len(report.findings) != 1 else ''}"
        f" in {tried} of {of} trials, {report.cpu_s:.0f} s of CPU",
        f"fresh seeds from {report.first} on: {report.seeds} at the test size, {report.full_seeds} at the defaults",
    ]
    if report.measured:
        lines.append(
            "measured on this machine: a seed is a repetition; digests leave times out, so a mutant that breaks no "
            "claim counts as alive, whether it does something else or not"
        )
    for kind in dict.fromkeys(finding.kind for finding in report.findings):
        lines += ["", kind]
        lines += [f"  ✗ {finding.text}" for finding in report.findings if finding.kind == kind]
    if report.mutants:
        m = report.mutants
        lines += [
            "",
            f"mutants: {m['all']}, of which {m['killed']} broke a claim, {m['alike']} did the same, {m['excused']} are "
            f"excused, {m['alive']} are alive",
        ]
    if report.claimed:
        lines += ["", "share of settings in which each claim is claimed"]
        lines += [f"  {share:4.0%}  {claim}" for claim, share in report.claimed.items()]
    if report.not_judged:
        lines += ["", "not judged, since they speak of other stages"]
        lines += [f"  {claim}" for claim in report.not_judged]
    if report.undecided:
        lines += ["", "not measurable here on most batches, which is no finding about the experiment"]
        lines += [f"  {claim}" for claim in report.undecided]
    if report.usual_cpu_s:
        lines += ["", f"a run at the defaults: {report.usual_cpu_s:.1f} s of CPU, {report.usual_memory_mb:.0f} MB"]
    return "\n".join(lines)


def state_of(report: Report | None, source: str) -> str:
    """ "none", "stale" where the experiment's file has changed since, "n findings", or "ok"."""
    if report is None:
        return "none"
    if report.source != digest_of(source):
        return "stale"
    count = len(report.findings)
    return f"{count} finding{'s' if count != 1 else ''}" if count else "ok"


def save(report: Report, path: Path) -> None:
    """Write the line that is committed."""
    write(path, json.dumps(asdict(report), indent=1, ensure_ascii=False) + "\n")


def read(path: Path) -> Report | None:
    """The committed line, or None where there is none. Raises WrongInput for a damaged one."""
    try:
        said: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return Report(
            **{**said, "tried": tuple(said["tried"]), "findings": [Finding(**one) for one in said["findings"]]}
        )
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        raise WrongInput(f"{path} is no report of windtunnel doubt; make it anew.") from None
