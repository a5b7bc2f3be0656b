"""Experiments and results as a notebook shows them: HTML without a script, a style sheet or anything loaded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from windtunnel.lab.claims import interval, number

if TYPE_CHECKING:
    from windtunnel.lab.experiment import Experiment
    from windtunnel.lab.result import Result

SIGNS = {"holds": "✓", "fails": "✗", "unknown": "?", "skipped": "–", "not claimed": "○"}


def experiment_html(one: Experiment[Any]) -> str:
    """The question, the designs with their ideas, the parameters."""
    from windtunnel.lab.experiment import idea
    from windtunnel.lab.params import describe

    designs = [(name, idea(made)) for name, made in one.designs.items()]
    params = [(p.name, number(p.default), p.help) for p in describe(one.params)]
    return "".join(
        [
            f"<h3>{escape(one.question)}</h3><p>{escape(one.title)} (<code>{escape(one.id)}</code>)</p>",
            _table(("design", "its idea"), designs),
            _table(("parameter", "usually", "what it is"), params),
        ]
    )


def result_html(one: Result) -> str:
    """The verdict, what was asked, measurements with their intervals, claims with their numbers."""
    from windtunnel.lab.measures import EXPLAINED

    judged = [c for c in one.claims if c.verdict in ("holds", "fails", "unknown")]
    holding = sum(c.verdict == "holds" for c in judged)
    own = [name for name in one.measures if name not in EXPLAINED] or one.measures
    shown = list(dict.fromkeys([*own, *one.shows]))
    rows = [(name, *(interval(one.interval(design, name)) for design in one.designs)) for name in shown]
    claims = [(SIGNS[c.verdict], c.verdict, c.because, c.shown or c.expression) for c in one.claims]
    asks = [(a.question, a.note or f"{number(a.mean)} {a.unit}".strip()) for a in one.asks]
    seeds = "1 seed" if len(one.seeds) == 1 else f"{len(one.seeds)} seeds"
    return "".join(
        [
            f"<h3>{escape(one.question)}</h3>",
            f"<p><b>{SIGNS[one.verdict]} {holding} of {len(judged)} claims hold</b>: {seeds}, {escape(one.stage)}</p>",
            _table(("asked", "measured"), asks) if asks else "",
            _table(("measure", *one.designs), rows),
            _table(("", "verdict", "claim", "with numbers"), claims),
        ]
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{escape(str(cell))}</{tag}>' for cell in cells)}</tr>"

    return f"<table><thead>{row(head, 'th')}</thead><tbody>{''.join(row(one, 'td') for one in rows)}</tbody></table>"
