"""A grade as a person reads it, as wide as the terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

PRINTED_LINES = 20
WIDEST, NARROWEST, BESIDE = 120, 40, 66


def columns() -> int:
    """Columns to write in."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size().columns))


def verdict(found: Mapping[str, Any], file: Path, brief: bool = False) -> None:
    """Print it. `brief`: for somebody who watches."""
    if "sentence" in found:
        _say(found["sentence"], fg="red")
        _printed(found)
        _hint(found)
        return
    if not (brief and not found["passed"]):
        click.echo()
    for demand in found["demands"]:
        good = demand["verdict"] == "holds"
        shown = f"   {demand['shown']}" if demand["shown"] else ""
        _say(f"{demand['expression']}{shown}", click.style("✔", fg="green") if good else click.style("✘", fg="red"))
        where = "whatever else goes wrong" if demand["always"] else "under the experiment's own faults alone"
        _say(demand["because"], "   ", dim=True)
        _say(f"{demand['judged']}, {where}; held on {demand['held']}", "   ", dim=True)
    _par(found)
    if found["case"] is not None:
        _case(found["case"])
    _printed(found)
    _hint(found)
    if found["passed"]:
        _passed(found)
        return
    if found["why"] and found["case"] is None:
        click.echo()
        _say(found["why"], fg="red")
    if not brief and found.get("hint_number", 0) < found.get("hints", 1):
        which = "The next" if "hint" in found else "A"
        click.secho(f"\nNot yet. {which} hint: windtunnel grade {file} --hint", dim=True)


def _say(text: str, sign: str = "", **style: Any) -> None:
    """A sentence, broken between words where the screen ends; what follows the sign stands below its beginning."""
    indent = len(click.unstyle(sign)) + 1 if sign else 0
    # What is longer than a line is an expression to be copied: it is not broken.
    lines = textwrap.wrap(text, columns() - indent, break_long_words=False, break_on_hyphens=False) or [""]
    for number, line in enumerate(lines):
        lead = (f"{sign} " if number == 0 else " " * indent) if sign else ""
        click.echo(lead + click.style(line, **style))


def _case(case: Mapping[str, Any]) -> None:
    parts = [_count(len(case["events"]), "request"), _count(len(case["faults"]), "fault"), f"seed {case['seed']}"]
    click.echo()
    _say(f"The smallest case that still fails: {', '.join(parts)}")
    _say(case["sentence"], " ")
    for fault in case["faults"]:
        length = f" for {fault['for_s']:.3g} s" if fault["for_s"] is not None else ""
        _say(f"at {fault['at_s']:.6f} s: {fault['text']}{length}", " ")
    click.echo(case["text"])
    for line in case["machines"]:
        _say(line, " ")


def _passed(found: Mapping[str, Any]) -> None:
    judged = [demand["trials"] for demand in found["demands"]]
    trials = found["trials"] + found["unjudged"]
    few = f" (each demand on {min(judged)} or more of them)" if min(judged, default=trials) < trials else ""
    click.echo()
    _say(f"Passed: {trials} trials were played{few}.", fg="green", bold=True)
    if found["unjudged"]:
        _say(f"{found['unjudged']} of them could not be judged: no report could be had.", dim=True)


def _printed(found: Mapping[str, Any]) -> None:
    """The beginning of what the design printed: it runs some dozens of times."""
    lines = found.get("printed", "").splitlines()
    if lines:
        click.echo("\nYour design printed:")
        for line in lines[:PRINTED_LINES]:
            click.echo(f"  {line}")
        if len(lines) > PRINTED_LINES:
            click.secho("  and more: it is run many times", dim=True)


def _hint(found: Mapping[str, Any]) -> None:
    if "hint" in found:
        click.echo()
        _say(f"Hint {found['hint_number']} of {found['hints']}: {found['hint']}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _par(found: Mapping[str, Any]) -> None:
    """Your own numbers beside the reference's, on the first seed."""
    from windtunnel.lab.claims import number

    names = ["ok", "fail", "unknown", "latency_p50_ms", "latency_p99_ms"]
    names += [n for n in found["measures"] if n not in names and not n.startswith(("latency", "ops", "throughput"))]
    beside = columns() >= BESIDE
    click.echo(f"\n{'first hidden seed':<28}{'yours':>14}{found['par']:>24}" if beside else "\nfirst hidden seed")
    for name in names:
        cells = (found["measures"].get(name), found["par_measures"].get(name))
        mine, theirs = ("–" if c is None else number(c) for c in cells)
        click.echo(f"{name:<28}{mine:>14}{theirs:>24}" if beside else f"{name}\n  {mine}, {found['par']} {theirs}")
