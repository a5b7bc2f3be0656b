"""`windtunnel why`: from when on a failed run could not be saved, and what it would not have failed without."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from windtunnel.lab.errors import WrongInput
from windtunnel.ui.options import claim_of, params_of

if TYPE_CHECKING:
    from windtunnel.lab.causes import Blame, Case, NoReturn
    from windtunnel.lab.experiment import Claim, Experiment


@click.command()
@click.argument("name")
@click.option("--design", metavar="D", help="The design that fails; the first one that a claim breaks by default.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, metavar="K", help="The failed run's seed."
)
@click.option("--claim", "wanted", metavar="TEXT", help="A part of the claim by which it fails.")
@click.option("--set", "sets", multiple=True, metavar="p=v", help="A parameter's value; again for more.")
@click.option("--quick", is_flag=True, help="The small setting that the tests use.")
@click.option("--jobs", type=click.IntRange(1), help="Processes; as many as cores by default.")
@click.option("--json", "json_", is_flag=True, help="One JSON document on standard output.")
def why(
    name: str,
    design: str | None,
    seed: int,
    wanted: str | None,
    sets: Sequence[str],
    quick: bool,
    jobs: int | None,
    json_: bool,
) -> int:
    """Why a run failed: its point of no return, and what it would not have failed without."""
    from windtunnel.lab.causes import blame, case_of, point_of_no_return
    from windtunnel.lab.discovery import find
    from windtunnel.ui.progress import bar

    experiment = find(name)
    failing, claim = _asked(experiment, design, wanted)
    given = params_of(experiment, sets)
    with bar(f"{experiment.id}: {failing}", hidden=json_) as told, contextlib.redirect_stdout(sys.stderr):
        case = case_of(experiment, failing, seed, claim, quick=quick, jobs=jobs, progress=told, params=given)
        moment, blamed = point_of_no_return(case), blame(case)
    if json_:
        document = {"experiment": experiment.id, "design": failing, "seed": seed, "claim": claim.expression}
        document |= {"no_return": asdict(moment), "blame": asdict(blamed)}
        click.echo(json.dumps(document, ensure_ascii=False))
    else:
        from windtunnel.ui import terminal

        for part in _told(case, moment, blamed, terminal.console().width):
            click.echo(part)
    return 0


def _asked(experiment: Experiment[Any], design: str | None, wanted: str | None) -> tuple[str, Claim]:
    """Which design fails, by which claim."""
    from windtunnel.lab.claims import speaks_of

    if design is not None:
        experiment.choose([design])
    spoken = [c for c in experiment.claims if design is None or design in speaks_of(c.expression)]
    broken = [c for c in spoken if c.breaks and design in (None, c.breaks)]
    if wanted is not None:
        claim = claim_of(experiment, wanted, spoken)
    elif broken:
        claim = broken[0]
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
    from windtunnel.lab.claims import number
    from windtunnel.ui.chart import chart

    lines = [f"{case.design}, seed {case.seed}: {case.claim.because}", f"  {case.claim.expression}", ""]
    if moment.high_s == 0:
        share = moment.curve[0]
        low, high = share.interval()
        lines.append(
            f"No point of no return: with other luck from the very beginning {share.failing} of {share.futures} runs "
            f"fail ({low:.0%} to {high:.0%}). It is the setting that fails, more often than not."
        )
    else:
        at = {share.at_s: share for share in moment.curve}
        before, after = at[moment.low_s], at[moment.high_s]
        lines.append(
            f"Point of no return: between {number(round(moment.low_s, 3))} and {number(round(moment.high_s, 3))} s. "
            f"With other luck from then on {before.failing} of {before.futures} futures still fail, and "
            f"{after.failing} of {after.futures}."
        )
        curve = {"futures that fail": [(share.at_s, share.share) for share in moment.curve]}
        rows = chart(curve, ("second from which on the luck is another", "share of futures"), "", max(30, width - 2))
        lines += ["", *("".join(text for text, _ in row).rstrip() for row in rows)]
    lines += ["", "Taken away alone, all other luck kept:" if blamed.effects else "Nothing goes wrong in this setting."]
    for one in blamed.effects:
        lines.append(
            f"  {'still fails' if one.fails else 'is saved':<12} {one.what} ({number(one.moved)} in the claim)"
        )
    if blamed.enough:
        lines += ["", "The run is saved without these, and of them none can be put back:"]
        lines += [f"  {what}" for what in blamed.enough]
    else:
        lines += ["", "No set of faults, and no requests in a row, were found whose absence saves it."]
    lines += ["", f"{moment.runs + blamed.runs} runs"]
    return lines
