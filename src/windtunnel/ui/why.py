"""`windtunnel why`: from when on a failed run could not be saved, and what it would not have failed without."""

from __future__ import annotations

import contextlib
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from textwrap import TextWrapper
from typing import TYPE_CHECKING, Any

import click

from windtunnel.lab.errors import WrongInput
from windtunnel.ui.options import Seconds, check_writable, claim_of, params_of, written

if TYPE_CHECKING:
    from windtunnel.lab.blame import Blame
    from windtunnel.lab.causes import Case
    from windtunnel.lab.experiment import Claim, Experiment
    from windtunnel.lab.no_return import NoReturn
    from windtunnel.lab.notes import Notes

UNFINISHED = 3


@click.command()
@click.argument("name")
@click.option("--design", metavar="D", help="The design that fails; the first one that a claim breaks by default.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, metavar="K", help="The failed run's seed."
)
@click.option(
    "--claim", "wanted", metavar="TEXT", help="A part of the claim by which it fails, or a condition of your own."
)
@click.option("--set", "sets", multiple=True, metavar="p=v", help="A parameter's value; again for more.")
@click.option("--quick", is_flag=True, help="The small setting that the tests use.")
@click.option("--budget", type=Seconds(0), metavar="S", help="Begin no further run after so many seconds.")
@click.option("--jobs", type=click.IntRange(1), help="Processes; as many as cores by default.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write what was found there as JSON.")
@click.option("--json", "json_", is_flag=True, help="One JSON document on standard output.")
def why(
    name: str,
    design: str | None,
    seed: int,
    wanted: str | None,
    sets: Sequence[str],
    quick: bool,
    budget: float | None,
    jobs: int | None,
    out: Path | None,
    json_: bool,
) -> int:
    """Why a run failed: its point of no return, and what it would not have failed without.

    Stopped, it goes on where it was when it is called again with the same options.
    """
    from windtunnel.lab.blame import blame
    from windtunnel.lab.causes import OutOfTime, case_of
    from windtunnel.lab.discovery import find
    from windtunnel.lab.doubt.changed import text_digest
    from windtunnel.lab.no_return import point_of_no_return
    from windtunnel.lab.result import plain, write
    from windtunnel.ui.progress import bar

    until = math.inf if budget is None else time.monotonic() + budget
    experiment = find(name)
    check_writable("--out", out)
    failing, claim = _asked(experiment, design, wanted)
    given = params_of(experiment, sets)
    with bar(f"{experiment.id}: {failing}", hidden=json_) as told, contextlib.redirect_stdout(sys.stderr):
        case = case_of(experiment, failing, seed, claim, quick=quick, jobs=jobs, progress=told, params=given)
        case.notes, case.until = _notes(case), until
        try:
            found = point_of_no_return(case), blame(case)
        except OutOfTime:
            found = None
    if found is None:
        sentence = f"Out of time; {len(case.notes.known):,} runs are noted, and the same command goes on from there."
        click.echo(json.dumps({"error": sentence, "status": UNFINISHED}) if json_ else sentence, err=not json_)
        return UNFINISHED
    moment, blamed = found
    document = {"experiment": experiment.id, "design": failing, "seed": seed, "claim": claim.expression}
    document |= {"params": case.params, "no_return": asdict(moment), "blame": asdict(blamed)}
    document["source"] = text_digest(case.experiment)
    written(out, lambda path: write(path, json.dumps(plain(document), indent=1, ensure_ascii=False) + "\n"))
    case.notes.drop()
    if json_:
        click.echo(json.dumps(plain(document), ensure_ascii=False))
    else:
        from windtunnel.ui import terminal

        for part in _told(case, moment, blamed, terminal.console().width):
            click.echo(part)
    return 0


def _notes(case: Case) -> Notes:
    """What is known of this case from a call that was stopped."""
    from windtunnel.lab.doubt.changed import source_of
    from windtunnel.lab.doubt.source import digest_of
    from windtunnel.lab.notes import Notes, folder
    from windtunnel.lab.provenance import commit

    text = source_of(case.experiment)
    asked = [commit(), text, case.design, case.seed, case.claim.expression, case.params]
    return Notes(folder("why") / f"{case.experiment.id}-{digest_of(json.dumps(asked))}.jsonl")


def _asked(experiment: Experiment[Any], design: str | None, wanted: str | None) -> tuple[str, Claim]:
    """Which design fails, by which claim."""
    from windtunnel.lab.claims import speaks_of

    if design is not None:
        experiment.choose([design])
    spoken = [c for c in experiment.claims if design is None or design in speaks_of(c.expression)]
    broken = [c for c in spoken if c.breaks and design in (None, c.breaks)]
    if wanted is not None:
        claim = claim_of(experiment, wanted, spoken)
    elif broken or len(spoken) == 1:
        claim = (broken or spoken)[0]
    else:
        what = f"of {design} " if design else ""
        raise WrongInput(f"Say by which claim {what}it fails, with --claim; {len(spoken)} of {experiment.id} would do.")
    named = speaks_of(claim.expression)
    if not named:
        raise WrongInput(
            f"The claim {claim.expression!r} speaks of no design, so none fails by it; take one that does."
        )
    return design or claim.breaks or named[0], claim


def _told(case: Case, moment: NoReturn, blamed: Blame, width: int) -> list[str]:
    """Both as a person reads them."""
    head = [f"{case.design}, seed {case.seed}: {case.claim.because}", f"  {case.claim.expression}", ""]
    said, curve = _told_moment(moment), _drawn(moment, width) if moment.high_s else []
    rest = ["", *_told_blame(blamed), "", f"{moment.runs + blamed.runs} runs"]
    return [*_wrapped([*head, *said], width), *curve, *_wrapped(rest, width)]


def _wrapped(lines: Sequence[str], width: int) -> list[str]:
    """No line wider than the screen, but for words that are; what goes on is indented."""
    found = []
    for line in lines:
        inside = " " * (len(line) - len(line.lstrip())) + "  " * line.startswith(" ")
        wrap = TextWrapper(width, subsequent_indent=inside, break_long_words=False, break_on_hyphens=False)
        found += wrap.wrap(line) or [""]
    return found


def _drawn(moment: NoReturn, width: int) -> list[str]:
    from windtunnel.ui.chart import chart

    curve = {"futures that fail": [(share.at_s, share.share) for share in moment.curve]}
    rows = chart(curve, ("second from which on the luck is another", "share of futures"), "", max(30, width - 2))
    return ["", *("".join(text for text, _ in row).rstrip() for row in rows)]


def _told_moment(moment: NoReturn) -> list[str]:
    from windtunnel.lab.claims import number

    if moment.high_s == 0:
        share = moment.curve[0]
        low, high = share.interval()
        return [
            f"No point of no return: with other luck from the very beginning {share.failing} of {share.futures} runs "
            f"fail ({low:.0%} to {high:.0%}). It is the setting that fails, more often than not."
        ]
    at = {share.at_s: share for share in moment.curve}
    before, after = at[moment.low_s], at[moment.high_s]
    lines = [
        f"Point of no return: between {number(round(moment.low_s, 3))} and {number(round(moment.high_s, 3))} s. "
        f"With other luck from then on {before.failing} of {before.futures} futures still fail, and "
        f"{after.failing} of {after.futures}."
    ]
    if not moment.sure:
        lines.append("That does not bracket one half: the runs were spent before a moment was found that does.")
    return lines


def _told_blame(blamed: Blame) -> list[str]:
    from windtunnel.lab.claims import number

    if blamed.effects:
        lines = ["Taken away alone, all other luck kept:"]
        lines += [
            f"  {'still fails' if one.fails else 'is saved':<12} {one.what} ({number(one.moved)} in the claim)"
            for one in blamed.effects
        ]
    else:
        lines = ["Nothing was found that changes it when it is taken away alone."]
    if not blamed.enough:
        whole = "faults, and no requests" + (" or messages" if blamed.messages else "")
        return [*lines, "", f"No set of {whole} in a row, were found whose absence saves it."]
    put_back = "of them none can be put back" if blamed.minimal else "perhaps without fewer: the tries ran out"
    return [*lines, "", f"The run is saved without these, and {put_back}:", *(f"  {what}" for what in blamed.enough)]
