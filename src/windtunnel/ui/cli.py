"""The command line: one contract for people and programs.

Exit status: 0 everything judged holds, 1 a claim or figure fails, 2 the input is wrong, 3 nothing fails but something
cannot be told, 70 a fault of ours, 130 Ctrl-C. With `--json` standard output is one JSON document, errors included;
what designs print goes to standard error.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from windtunnel.lab.errors import DesignError, WrongInput, suggest
from windtunnel.ui.browsing import BROWSING
from windtunnel.ui.challenges import COMMANDS
from windtunnel.ui.checking import CheckCommand, check_file, check_options
from windtunnel.ui.doubting import DOUBTING
from windtunnel.ui.group import Commands
from windtunnel.ui.interviewing import interview
from windtunnel.ui.mapping import map_
from windtunnel.ui.options import check_writable, once_each, params_of, sentence_of, written
from windtunnel.ui.poor import has_screen, prepare
from windtunnel.ui.serving import serve
from windtunnel.ui.why import why

if TYPE_CHECKING:
    from windtunnel.lab.result import Result

F = TypeVar("F", bound=Callable[..., Any])
WRONG, OURS, INTERRUPTED = 2, 70, 130


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its status."""
    asked = list(sys.argv[1:] if arguments is None else arguments)
    prepare("--json" in asked)
    try:
        # Where nobody wants colours (no-color.org) click is told; rich knows by itself.
        color = False if os.environ.get("NO_COLOR") else None
        status = cli.main(asked, "windtunnel", standalone_mode=False, color=color)
        sys.stdout.flush()
    except click.exceptions.Exit as done:
        status = done.exit_code
    except (click.Abort, KeyboardInterrupt):
        status = _complain("Stopped.", INTERRUPTED, asked)
    except click.ClickException as error:
        status = _complain(_sentence(error), WRONG, asked)
    except (BrokenPipeError, SystemExit) as error:
        if isinstance(error, SystemExit) and error.code != 1:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whoever read our output has gone: click exits with 1 then
        status = 0
    except OSError as error:
        status = _complain(sentence_of(error), WRONG, asked)
    except (WrongInput, DesignError) as error:
        status = _complain(str(error), WRONG, asked)
    except MemoryError:
        status = _complain("There was not enough memory; ask for less, or for fewer --jobs.", WRONG, asked)
    except Exception as error:
        import traceback

        traceback.print_exc()
        what = f"{type(error).__name__}: {error}".removesuffix(": ")
        status = _complain(f"Windtunnel itself is broken here: {what}", OURS, asked)
    sys.exit(status if isinstance(status, int) else 0)


def _sentence(error: click.ClickException) -> str:
    """What is wrong; of a parameter's value that stands without its option, also what would be right."""
    said, context = error.format_message().replace("\n", " "), getattr(error, "ctx", None)
    value = next((word.strip("()") for word in said.split() if "=" in word), "")
    sets = context is not None and any("--set" in one.opts for one in context.command.params)
    if value and sets and said.startswith("Got unexpected extra argument"):
        return f"{value} is the value of a parameter: say --set {value}."
    return said


def _complain(sentence: str, status: int, asked: Sequence[str]) -> int:
    sentence = " ".join(sentence.split())
    print(sentence, file=sys.stderr)
    if "--json" in asked:
        try:
            print(json.dumps({"error": sentence, "status": status}), flush=True)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return status


def as_json(function: F) -> F:
    """The option that every command has."""
    return click.option("--json", "json_", is_flag=True, help="One JSON document on standard output.")(function)


def run_options(function: F) -> F:
    """What `run` and `sweep` share."""
    for option in (
        click.option(
            "--jobs", type=click.IntRange(1), help="Processes; as many as cores by default, one for a short run."
        ),
        click.option("--with", "with_file", default="", metavar="FILE.py", help="A file with one more design."),
        click.option("--designs", metavar="a,b", help="Only these designs."),
        click.option("--set", "sets", multiple=True, metavar="p=v", help="A parameter's value; again for more."),
        click.option("--seeds", metavar="N|a-b|a,b", help="How many seeds (0 to N-1), or which: 100-119, or 3,5,7."),
        click.option("--seed", type=int, metavar="K", help="This seed only."),
        click.option(
            "--on", "on", multiple=True, metavar="port=engine", help="One port on something else; again for more."
        ),
        click.option("--stage", metavar="S", help="Where: sim, machine, or an engine."),
        click.option("--quick", is_flag=True, help="The small setting that the tests use."),
    ):
        function = option(function)
    return function


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="windtunnel", message="windtunnel %(version)s")
@click.option("--plain", is_flag=True, help="The menu line by line: numbers, names, ? and q.")
@click.pass_context
def cli(context: click.Context, plain: bool) -> int | None:
    """A wind tunnel for backend architectures: which box breaks, before production does it."""
    if context.invoked_subcommand is not None:
        return None
    if sys.stdin.isatty() and sys.stdout.isatty():
        if plain or not has_screen():
            from windtunnel.ui.numbered import menu
        else:
            from windtunnel.ui.menu import menu

        return menu()
    from windtunnel.lab.discovery import modules

    status = context.invoke(list_)
    names = list(modules())
    if not names:
        return int(status)
    click.echo(f"\nThis is no terminal, so here is the first: windtunnel run {names[0]}\n")
    return int(context.invoke(run, name=names[0]))


@cli.command("list")
@as_json
def list_(json_: bool = False) -> int:
    """What there is: every experiment and its question."""
    from windtunnel.lab.cards import cards
    from windtunnel.ui.plain import listing

    found = cards()
    if json_:
        click.echo(json.dumps([card._asdict() for card in found], indent=1, ensure_ascii=False))
    else:
        click.echo(listing(found))
    return 0


@cli.command()
@click.argument("name")
@click.option("--hints", is_flag=True, help="Show the hints too.")
@as_json
def show(name: str, hints: bool, json_: bool) -> int:
    """An experiment's lesson, designs, parameters, claims and sources."""
    from windtunnel.lab.discovery import find

    found = find(name)
    if json_:
        from windtunnel.lab.described import described

        click.echo(json.dumps(described(found), indent=1, ensure_ascii=False))
    else:
        from windtunnel.ui import terminal

        terminal.show(terminal.experiment(found, hints, terminal.console().width))
    return 0


@cli.command()
@click.argument("name")
@run_options
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write the result there as JSON.")
@click.option("--histories", type=click.Path(path_type=Path), metavar="DIR", help="Write every history there.")
@click.option(
    "--trace", "trace_file", type=click.Path(path_type=Path), metavar="FILE", help="Record the first seed there."
)
@click.option("--tables", is_flag=True, help="Print each chart's values as a table, too.")
@as_json
def run(
    name: str,
    out: Path | None = None,
    histories: Path | None = None,
    trace_file: Path | None = None,
    tables: bool = False,
    json_: bool = False,
    **options: Any,
) -> int:
    """Measure every design of an experiment, and judge its claims."""
    from windtunnel.lab.discovery import find

    experiment = find(name)
    check_writable("--out", out)
    check_writable("--trace", trace_file)
    found = measured(experiment, histories=histories, trace=trace_file is not None, **options)
    written(out, found.save)
    if (trace := found.trace) is not None:
        from windtunnel.lab.trace.columns import save

        written(trace_file, lambda path: save(trace, path))
    if json_:
        click.echo(found.to_json(), nl=False)
    else:
        show_result(experiment, found, options.get("with_file", ""), tables)
        click.echo(f"\n{_next(name, experiment, found, options)}")
    return found.exit_status


@cli.command()
@click.argument("name")
@click.option("--over", required=True, metavar="p=1,2,3", help="The parameter and its values.")
@click.option("--measure", metavar="M", help="What to compare; the experiment's first by default.")
@run_options
@as_json
def sweep(name: str, over: str, measure: str | None, json_: bool, **options: Any) -> int:
    """Run an experiment for each value of a parameter."""
    from windtunnel.lab import sweep as lab
    from windtunnel.lab.discovery import find

    experiment = find(name)
    parameter, equals, values = over.partition("=")
    if not equals:
        raise WrongInput(f"--over is {over}; it takes a parameter and its values, as in load=0.5,0.7,0.9.")
    if (parameter := parameter.strip()) in params_of(experiment, options["sets"]):
        raise WrongInput(f"--over and --set both give {parameter}; leave it out of --set.")
    from windtunnel.ui.progress import bar

    given = [value.strip() for value in values.split(",") if value.strip()]
    with bar(f"{experiment.id}, {len(given)} values", hidden=json_) as told, _prints_aside():

        def heard(i: int, one: Result) -> None:
            if measure and measure not in one.measures:
                raise WrongInput(suggest(measure, one.measures, "measurement"))
            told(i + 1, len(given), f"{parameter} = {given[i]}", one.seeds[-1])

        found = lab.sweep(experiment, parameter, given, told=heard, **_arguments(experiment, **options))
    if json_:
        click.echo(json.dumps([one.to_dict() for one in found], ensure_ascii=False))
    else:
        from windtunnel.ui import terminal

        wanted = measure or _first_own(found[0].measures)
        terminal.show(terminal.swept(found, parameter, wanted, terminal.console().width))
    return max((one.exit_status for one in found), key=(0, 3, 1).index)


@cli.command()
@click.argument("name", required=False)
@as_json
def figures(name: str | None, json_: bool) -> int:
    """The numbers of the sources beside ours, each with its verdict."""
    from windtunnel.lab.discovery import every, find

    experiments = [find(name)] if name else [e for e in every() if e.figures]
    results = [measured(e, hidden=json_) for e in experiments]
    rows = [(r.experiment, f) for r in results for f in r.figures]
    if json_:
        from dataclasses import asdict

        from windtunnel.lab.result import plain

        click.echo(json.dumps([plain({"experiment": n, **asdict(f)}) for n, f in rows], indent=1, ensure_ascii=False))
    elif rows:
        from windtunnel.ui import terminal

        terminal.show(terminal.all_figures(results, terminal.console().width))
    else:
        click.echo(f"{name} reproduces no figure." if name else "No experiment reproduces a figure yet.")
    verdicts = {f.verdict for _, f in rows}
    return 1 if "missed" in verdicts else 3 if "unknown" in verdicts else 0


@cli.command()
@click.argument("name", required=False)
@as_json
def bench(name: str | None, json_: bool) -> int:
    """Peers and ours side by side, from a checkout of the project."""
    import subprocess

    import windtunnel

    root = Path(windtunnel.__file__).resolve().parents[2]
    if not (root / "bench" / "__main__.py").is_file():
        raise WrongInput("The benchmarks live in a checkout of the project, and this is an installed package.")
    groups = sorted(p.stem.removeprefix("bench_") for p in (root / "bench").glob("bench_*.py"))
    if name and name not in groups:
        raise WrongInput(suggest(name, groups, "benchmark group"))
    wanted = [name] if name else groups
    command = [sys.executable, "-m", "bench", *wanted]
    status = subprocess.run(command, cwd=root, stdout=sys.stderr if json_ else None, check=False).returncode
    if json_ and not status:
        written = {n: json.loads((root / "results" / "bench" / f"{n}.json").read_text("utf-8")) for n in wanted}
        click.echo(json.dumps(written, indent=1))
    return status


@cli.command()
@as_json
def engines(json_: bool) -> int:
    """Which real engines can be reached here, and how to get the rest."""
    from dataclasses import asdict

    from windtunnel.engines.registry import engines as registered

    found = registered()
    if json_:
        click.echo(json.dumps([asdict(e) for e in found], indent=1))
    else:
        for e in found:
            sign = click.style("✔", fg="green") if e.missing is None else click.style("–", dim=True)
            click.echo(f"{sign} {e.port:<10} {e.name:<10} {e.what}")
            if e.missing is not None:
                click.echo(f"  {'':<10} {'':<10} to get it: {e.missing}")
    return 0


@cli.command(cls=CheckCommand)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--model", required=True, metavar="NAME", help="What the history is held to: see below.")
@check_options
@as_json
def check(file: Path, model: str, json_: bool, **options: Any) -> int:
    """Judge a history (a line of JSON an event, as `run --histories` writes it); - is standard input."""
    return check_file(file, model, json_, **options)


for _command in (map_, why, interview, *COMMANDS, *DOUBTING, *BROWSING, serve):
    cli.add_command(_command)


# --- shared with the menu ----------------------------------------------------------------------------------------
def measured(experiment: Any, *, hidden: bool = False, **options: Any) -> Result:
    """Run an experiment with the options of the command line, behind a progress bar where there is a terminal."""
    from windtunnel.lab.run import run as lab_run
    from windtunnel.ui.progress import bar

    with bar(experiment.id, hidden=hidden) as told, _prints_aside():
        return lab_run(experiment, progress=told, **_arguments(experiment, **options))


def _prints_aside() -> contextlib.AbstractContextManager[object]:
    """What designs print while this lasts goes to standard error: standard output is for results."""
    return contextlib.redirect_stdout(sys.stderr)


def show_result(experiment: Any, found: Result, with_file: str = "", tables: bool = False) -> None:
    """Print a result as a person reads it."""
    from windtunnel.ui import terminal

    if with_file:
        from windtunnel.lab.outside import with_design

        experiment = with_design(experiment, with_file)
    terminal.show(terminal.result(found, experiment, terminal.console().width, tables))


def _arguments(
    experiment: Any,
    stage: str | None = None,
    seed: int | None = None,
    seeds: str | None = None,
    sets: Sequence[str] = (),
    designs: str | None = None,
    on: Sequence[str] = (),
    **rest: Any,
) -> dict[str, Any]:
    """The options as arguments of `windtunnel.lab.run.run`."""
    if seed is not None and seeds is not None:
        raise WrongInput("Give --seed or --seeds, not both.")
    from windtunnel.ui.options import seeds_of

    params = params_of(experiment, sets)
    engine_of = once_each("--on", on, "a port and its engine, as in --on database=postgres")
    chosen = [name.strip() for name in designs.split(",")] if designs else None
    return {
        "stage": stage,
        "on": engine_of,
        "seeds": seeds_of(seeds) if seeds is not None else None if seed is None else [seed],
        "designs": chosen,
        **rest,
        **params,
    }


def _first_own(names: Sequence[str]) -> str:
    from windtunnel.lab.measures import EXPLAINED

    return next((name for name in names if name not in EXPLAINED), "latency_p99_ms")


def _next(name: str, experiment: Any, found: Result, options: Mapping[str, Any]) -> str:
    """One thing worth doing after this result; `name` is how the experiment was asked for."""
    if len(found.seeds) < 20 and found.more_seeds_may_decide:
        from windtunnel.ui.options import more_seeds

        kept = {k: v for k, v in options.items() if k in ("stage", "quick", "sets", "designs", "on", "with_file")}
        more = more_seeds(name, max(20, 4 * len(found.seeds)), **kept)
        return click.style(f"More seeds may decide: {more}", dim=True)
    # The parameter that a claim turns is where something changes.
    for turned, there in ((k, v) for claim in experiment.claims for k, v in claim.given.items()):
        here = found.params[turned]
        if isinstance(here, int | float) and not isinstance(here, bool) and here != there:
            steps = [here + (there - here) * i / 4 for i in range(5)]
            values = ",".join(dict.fromkeys(f"{round(x) if isinstance(here, int) else x:g}" for x in steps))
            return click.style(f"Next: windtunnel sweep {name} --over {turned}={values}", dim=True)
    return click.style(f"Next: windtunnel show {name} --hints", dim=True)
