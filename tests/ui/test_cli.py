"""The command line as a program sees it: exit status, one sentence, one JSON document."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from helpers.commands import add_toy_shop, call, catalogue
from windtunnel.lab import cards
from windtunnel.lab.charts import Drawn
from windtunnel.lab.discovery import modules
from windtunnel.ui import cli

NAME = "toy-shop"
QUICK = ("--quick", "--seeds", "2", "--jobs", "1")


@pytest.fixture(autouse=True)
def _a_toy_in_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    add_toy_shop(monkeypatch)


def test_the_list_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom windtunnel.ui.cli import main\n"
        "try:\n    main(['list'])\nfinally:\n"
        "    print([m for m in ('numpy', 'numba', 'rich', 'scipy') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    assert "load-balancing" in done.stdout


def test_the_list_has_every_experiment(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    status, out, _ = call(capsys, "list")
    assert status == 0
    assert all(name in out for name in modules())
    assert max(map(len, out.splitlines())) <= 80
    status, out, _ = call(capsys, "list", "--json")
    assert [e["id"] for e in json.loads(out)] == [*modules(), NAME]


def test_show_tells_everything_without_running(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    status, out, _ = call(capsys, "show", "load-balancing")
    assert status == 0
    assert all(word in out for word in ("Designs", "Parameters", "Claims"))
    assert max(map(len, out.splitlines())) <= 80
    document = json.loads(call(capsys, "show", NAME, "--json")[1])
    assert document["id"] == NAME


def test_hints_are_shown_only_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\nHints" not in call(capsys, "show", "load-balancing")[1]
    assert "\nHints" in call(capsys, "show", "load-balancing", "--hints")[1]


def test_run_prints_a_table_and_verdicts_within_80_columns_into_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    status, out, err = call(capsys, "run", NAME, *QUICK)
    assert status in (0, 1, 3)
    assert err == ""
    assert all(word in out for word in ("Measured", "Claims", "2 seeds"))
    assert max(map(len, out.splitlines())) <= 80
    assert not any(line != line.rstrip() for line in out.splitlines())


def test_run_as_json_is_one_document(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, err = call(capsys, "run", NAME, *QUICK, "--json", "--out", str(tmp_path / "r.json"))
    document = json.loads(out)
    assert document["experiment"] == NAME
    assert document["seeds"] == [0, 1]
    assert status == {"holds": 0, "fails": 1, "unknown": 3}[document["verdict"]]
    assert err == ""
    assert (tmp_path / "r.json").read_text() == out


def test_one_seed_may_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(call(capsys, "run", NAME, "--quick", "--seed", "7", "--json")[1])["seeds"] == [7]


def test_sweep_runs_each_value(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("sweep", NAME, "--over", "stock=3,5", *QUICK)
    status, out, _ = call(capsys, *arguments)
    assert status in (0, 1, 3)
    assert "3 " in out
    assert "5 " in out
    assert ("stock 3" in out, "stock 5" in out) == (True, True)
    documents = json.loads(call(capsys, *arguments, "--json")[1])
    assert [d["settings"][0]["stock"] for d in documents] == [3, 5]


def test_engines_say_how_to_get_them(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = call(capsys, "engines")
    assert status == 0
    assert "sqlite" in out
    assert {"name", "missing"} <= set(json.loads(call(capsys, "engines", "--json")[1])[0])


def test_without_a_terminal_the_list_comes_first_and_then_a_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue(monkeypatch, {NAME: "helpers.toy_shop"})
    status, out, _ = call(capsys)
    assert status == 3  # three seeds are too few for its figure
    assert out.index("windtunnel show NAME") < out.index(f"windtunnel run {NAME}") < out.index("Measured")


WRONG = [
    (("run", "toy-shp"), "There is no experiment toy-shp; did you mean toy-shop?"),
    (("show", "nothing-like-it"), "There is no experiment nothing-like-it; there are"),
    (("rnu", NAME), "There is no command rnu; did you mean run?"),
    (("run", NAME, "--set", "stock=-1"), "stock is -1; it can be 0 to 1,000"),
    (("run", NAME, "--set", "stok=3"), "There is no parameter stok; did you mean stock?"),
    (("run", NAME, "--set", "progress=1"), "There is no parameter progress"),
    (("run", NAME, "--set", "quick=1"), "There is no parameter quick"),
    (("run", NAME, "--set", "stock"), "--set is stock; it takes a parameter and its value"),
    (("run", NAME, "stock=3"), "stock=3 is the value of a parameter: say --set stock=3."),
    (("run", NAME, "--stage", "moon"), "toy-shop runs on stage sim, not on moon."),
    (("run", NAME, "--seeds", "0"), "--seeds is 0; it takes a count (20: seeds 0 to 19), seeds (3,5,7) or a range"),
    (("run", NAME, "--seeds", str(10**20)), f"--seeds is {10**20}; it takes a count"),
    (("run", NAME, "--seeds", "1-99999999999"), "--seeds is 1-99999999999; it takes a count"),
    (("run", NAME, "--seeds", "9-3"), "--seeds is 9-3; it takes a count"),
    (("run", NAME, "--seeds", "3,x"), "--seeds is 3,x; it takes a count"),
    (("run", NAME, "--seed", "1", "--seeds", "2"), "Give --seed or --seeds, not both."),
    (("run", NAME, "--designs", "a,b"), "There is no design a"),
    (("run", NAME, "--with", "nowhere.py"), "There is no file nowhere.py."),
    (("run", NAME, "--out", "/nowhere/at/all.json"), "/nowhere/at/all.json cannot be written"),
    (("run",), "Missing argument 'NAME'."),
    (("sweep", NAME, "--over", "stock"), "--over is stock; it takes a parameter and its values"),
    (("sweep", NAME, "--over", "stok=1"), "There is no parameter stok; did you mean stock?"),
    (("sweep", NAME, "--over", "stock=5,-7"), "stock is -7; it can be"),
    (("bench", "nothing"), "There is no benchmark group nothing"),
    (("check", "nowhere.jsonl", "--model", "register"), "There is no file nowhere.jsonl."),
]


@pytest.mark.parametrize(("arguments", "sentence"), WRONG, ids=lambda x: " ".join(x) if isinstance(x, tuple) else "")
def test_wrong_input_is_one_sentence_and_status_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    status, out, err = call(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith(sentence)
    assert err.count("\n") == 1
    document = json.loads(call(capsys, *arguments, "--json")[1])
    assert document == {"error": err.strip(), "status": 2}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("class Mine(:\n", "cannot be read: invalid syntax in line 1."),
        ("class Mine:\n    def __init__(self, stage, params): ...\n", "Design mine (Mine) has no method buy"),
        ("class Mine:\n    pass\n", "Design mine is broken: its constructor raised TypeError"),
    ],
)
def test_a_wrong_design_file_is_one_sentence_and_status_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, sentence: str
) -> None:
    (tmp_path / "mine.py").write_text(text)
    status, out, err = call(capsys, "run", NAME, *QUICK, "--with", str(tmp_path / "mine.py"))
    assert (status, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_a_missing_server_is_one_sentence_and_status_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from windtunnel.engines.database import postgres

    monkeypatch.setattr(postgres, "missing", lambda: "pip install something")
    status, out, err = call(capsys, "run", "q10-ticketmaster", "--stage", "postgres")
    assert (status, out, err) == (2, "", "A database on postgres cannot be reached: pip install something.\n")


def test_a_result_that_finds_no_room_is_one_sentence_and_status_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    file = tmp_path / "result.json"
    status, _, err = call(capsys, "run", NAME, *QUICK, "--out", str(file))
    assert (status, err) == (2, f"{file} cannot be written: No space left on device.\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_sentence_and_status_2() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "windtunnel", "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (2, "No space left on device.\n")


def test_a_reader_that_goes_away_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "windtunnel", "list"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    import windtunnel

    assert call(capsys, "--version")[1] == f"windtunnel {windtunnel.__version__}\n"


def test_every_command_has_help_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    for name, command in cli.cli.commands.items():
        if name == "watch":
            continue  # goes on until Ctrl-C: it has no one document
        status, out, _ = call(capsys, name, "--help")
        assert status == 0
        assert "--json" in out
        assert command.help


def answers(monkeypatch: pytest.MonkeyPatch, *given: str) -> None:
    """Type these lines at the menu's prompts."""
    import click

    lines = iter(given)
    monkeypatch.setattr(click, "prompt", lambda *_, **__: next(lines))


def test_the_menu_runs_what_is_chosen(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from windtunnel.ui.numbered import menu

    number = len(modules()) + 1
    answers(monkeypatch, "99", str(number), "stock=-7", "nonsense", "buyers=20", "s", "b", "q")
    assert menu() == 0
    out = capsys.readouterr().out
    assert "There is no 99; take a number from 1 to" in out
    assert "stock is -7; it can be" in out
    assert "'nonsense' means nothing here" in out
    assert "buyers 20" in out
    assert "A shop that sells a few tickets" in out


def test_quitting_inside_an_experiment_leaves_the_menu(monkeypatch: pytest.MonkeyPatch) -> None:
    from windtunnel.ui.numbered import menu

    answers(monkeypatch, "1", "q")
    assert menu() == 0


def test_a_history_is_checked_from_its_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    event: dict[str, Any] = {"client": "a", "start": 0.0, "end": 1.0, "outcome": "ok"}
    good = [{**event, "name": "write", "args": [1]}, {**event, "name": "read", "args": [], "start": 2.0, "end": 3.0}]
    for value, expected in ((1, 0), (2, 1)):
        file = tmp_path / f"{value}.jsonl"
        lines = [good[0] | {"value": None}, good[1] | {"value": value}]
        file.write_text("\n".join(map(json.dumps, lines)) + "\n")
        assert call(capsys, "check", str(file), "--model", "register")[0] == expected


STALE = """\
{"client": "a", "name": "put", "args": ["x", 1], "start": 0, "end": 1}
{"client": "b", "name": "put", "args": ["x", 2], "start": 2, "end": 3}
{"client": "c", "name": "get", "args": ["x"], "start": 4, "end": 5, "value": 2}
{"client": "c\\u001b\\ud800", "name": "get", "args": ["x"], "start": 6, "end": 7, "value": 1}
"""


def test_a_history_comes_from_standard_input_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for text, expected in ((STALE, 1), ("", 3), ("[", 2)):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        status, out, err = call(capsys, "check", "-", "--model", "key-value")
        assert status == expected
        assert out.startswith({1: "invalid: ", 3: "unknown: ", 2: ""}[status])
        assert err == (
            "" if status != 2 else "standard input, line 1: this is not JSON (Expecting value at column 2).\n"
        )


def test_every_option_of_a_model_is_one_of_the_command_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from windtunnel.checkers import MODELS
    from windtunnel.lab.checkers.registry import options_of
    from windtunnel.ui.checking import OPTIONS

    assert {name for model in MODELS for name in options_of(model)} == set(OPTIONS)
    file = tmp_path / "history.jsonl"
    file.write_text(STALE)
    told = ("check", str(file), "--model", "sessions")
    assert call(capsys, *told)[0] == 0
    assert call(capsys, *told, "--only", "monotonic-reads", "--no-real-time")[0] == 0
    assert call(capsys, *told, "--only", "all")[0] == 2
    assert call(capsys, "check", str(file), "--model", "key-value", "--budget-steps", "0")[0] in (1, 3)
    assert "has no option 'level'" in call(capsys, *told, "--level", "serializable")[2]
    shown = call(capsys, "check", "--help")[1]
    assert all(f"--{name.replace('_', '-')}" in shown for name in OPTIONS)
    assert all(f"\n  {model} " in shown for model in MODELS)


def test_a_verdict_on_names_that_no_terminal_has_is_printed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text(STALE)
    for options in ((), ("--json",)):
        status, out, _ = call(capsys, "check", str(file), "--model", "key-value", *options)
        assert status == 1
        assert "\x1b" not in out
        assert "\\ud800" in out


def test_a_folder_is_no_history(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, err = call(capsys, "check", str(tmp_path), "--model", "register")
    assert (status, out) == (2, "")
    assert "is a directory" in err


def test_ctrl_c_in_the_menu_stops_the_run_and_not_the_menu(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from windtunnel.ui.numbered import menu

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "measured", interrupted)
    answers(monkeypatch, "1", "", "b", "q")
    assert menu() == 0
    assert "Stopped." in capsys.readouterr().out


@pytest.mark.parametrize("columns", [40, 60, 200])
def test_lines_are_as_wide_as_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    from windtunnel.ui import drawings

    monkeypatch.setenv("COLUMNS", str(columns))
    for arguments in (("list",), ("show", "load-balancing"), ("run", NAME, *QUICK)):
        lines = call(capsys, *arguments)[1].splitlines()
        # Commands are there to be copied: the last line is never broken.
        widest = max(map(len, lines[:-1]))
        assert widest <= columns, arguments
    assert columns < 200 or widest > 100
    rows: dict[str, list[tuple[Any, ...]]] = {"line": [(0.0, 1.0), (3.0, 4.0)]}
    drawn = drawings.drawing(Drawn("", "x", "y", "", "lines"), rows, columns)
    assert drawn is not None
    assert columns - 10 < max(map(len, drawn.plain.splitlines())) <= columns


def test_text_breaks_between_words_at_40_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    wide = set(call(capsys, "show", "metastable-failure")[1].split())
    monkeypatch.setenv("COLUMNS", "40")
    narrow = call(capsys, "show", "metastable-failure")[1].split()
    assert [word for word in narrow if word.isalpha() and word not in wide] == []


def seeds(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[int]:
    found: list[int] = json.loads(call(capsys, "run", NAME, "--quick", "--jobs", "1", *arguments, "--json")[1])["seeds"]
    return found


def test_seeds_are_a_count_or_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert seeds(capsys, "--seeds", "3") == [0, 1, 2]
    assert seeds(capsys, "--seeds", "100-102") == [100, 101, 102]
    assert seeds(capsys, "--seeds", "3,5,7") == [3, 5, 7]
    assert seeds(capsys, "--seeds", "5-5") == [5]


def test_more_seeds_are_advised_with_everything_else_kept(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--quick", "--set", "buyers=60", "--set", "stock=10", "--jobs", "1")
    out = call(capsys, "run", NAME, "--seeds", "1", *options)[1]
    command = f"windtunnel run {NAME} --seeds 20 --quick --set buyers=60 --set stock=10"
    assert out.endswith(f"More seeds may decide: {command}\n")


def test_no_more_seeds_are_advised_where_designs_were_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert "More seeds" not in call(capsys, "run", NAME, *QUICK, "--designs", "naive")[1]


def test_a_chart_can_be_printed_as_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    out = call(capsys, "run", NAME, *QUICK, "--tables")[1]
    assert out.count("Tickets sold") == 2
    assert out.split("Tickets sold")[2].split()[:3] == ["second", "naive", "one"]


@pytest.mark.skipif(os.name != "posix", reason="needs a terminal of its own")
def test_without_colour_nothing_is_coloured() -> None:
    environment = {**os.environ, "NO_COLOR": "1", "FORCE_COLOR": ""}
    script = (
        "import os, pty, sys\n"
        "pid, terminal = pty.fork()\n"
        "if not pid:\n    os.execv(sys.executable, [sys.executable, '-m', 'windtunnel', 'list'])\n"
        "said = b''\n"
        "try:\n    while part := os.read(terminal, 4096):\n        said += part\n"
        "except OSError:\n    pass\n"
        "os.waitpid(pid, 0)\nprint(b'\\x1b[' in said, b'load-balancing' in said)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "False True\n"


def test_a_lesson_breaks_where_the_screen_ends_and_keeps_its_lists() -> None:
    from windtunnel.ui.terminal import reflowed

    assert reflowed("One line\nand another.\n\n- first\n- second\n\n    code\n    more\n\nThe\nend.") == (
        "One line and another.\n\n- first\n- second\n\n    code\n    more\n\nThe end."
    )


def test_the_list_says_whose_doubt_is_stale_or_found_something(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {NAME: "stale", "up-or-out": "2 findings", "load-balancing": "ok"}
    monkeypatch.setattr(cards, "doubted", lambda name: said.get(name, ""))
    out = call(capsys, "list")[1]
    assert out.count("✗") == 2
    assert "the file has changed since it was doubted" in out
    assert "doubt: 2 findings" in out


def test_the_audit_has_a_row_for_each_experiment_and_is_red_without_doubt(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from windtunnel.lab import audit

    catalogue(monkeypatch, {NAME: "helpers.toy_shop"})
    monkeypatch.setattr(audit, "committed", lambda name: tmp_path / f"{name}.json")
    status, out, _ = call(capsys, "audit")
    assert status == 1
    assert f"{NAME} " in out
    assert "✗ none" in out
    assert json.loads(call(capsys, "audit", "--json")[1])[0]["doubt"] == "none"
