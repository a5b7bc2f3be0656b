"""The first hour: the menu, keys, poor terminals, files that are none, and what is said while one waits."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.commands import call
from windtunnel.lab.discovery import modules
from windtunnel.ui import cli

RUN = ("run", "up-or-out", "--quick", "--seeds", "1", "--jobs", "1", "--designs", "shared_queue")
unix = pytest.mark.skipif(os.name != "posix", reason="devices, pipes and terminals of Unix")
Typed = Callable[..., tuple[str, list[list[str]]]]


# --- the menu ----------------------------------------------------------------------------------------------------
@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Typed:
    """Type lines at the menu; what it said, and with which parameters it ran."""
    import click

    from windtunnel.ui.numbered import menu

    monkeypatch.chdir(tmp_path)

    def play(*given: str | type[BaseException]) -> tuple[str, list[list[str]]]:
        lines, ran = iter(given), list[list[str]]()

        def prompt(*_: object, **__: object) -> str:
            line = next(lines)
            if isinstance(line, str):
                return line
            raise line

        monkeypatch.setattr(click, "prompt", prompt)
        monkeypatch.setattr(cli, "measured", lambda experiment, sets: ran.append(sets))
        monkeypatch.setattr(cli, "show_result", lambda *_: None)
        assert menu() == 0
        assert next(lines, None) is None
        return capsys.readouterr().out, ran

    return play


NUMBER = str(1 + list(modules()).index("load-balancing"))


@pytest.mark.parametrize("answer", ["load-balancing", "Load_Balancing", "load", "LOAD B", NUMBER])
def test_an_experiment_is_chosen_by_number_by_name_and_by_how_it_begins(typed: Typed, answer: str) -> None:
    assert "Which server should the next request go to" in typed(answer, "Q")[0].rpartition("all there is")[2]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("²", "There is no experiment ²"),
        ("-1", "There is no experiment -1"),
        ("0", "There is no 0; take a number from 1 to"),
        ("load-balancign", "did you mean load-balancing?"),
        ("meta", "There is no experiment meta; did you mean metastable-map or metastable-failure?"),
        ("?", "Everywhere"),
        ("HELP", "Everywhere"),
    ],
)
def test_whatever_is_typed_in_the_list_has_an_answer(typed: Typed, answer: str, said: str) -> None:
    assert said.partition("; did")[0] in typed(answer, "", "q")[0]


def test_keys_mean_the_same_in_any_case(typed: Typed) -> None:
    out, _ = typed("1", "S", "?", "B", "QUIT")
    assert "\nHints" in out
    assert "Everywhere" in out
    assert out.count("all there is") == 2


def test_an_error_leaves_what_was_changed_before(typed: Typed) -> None:
    out, ran = typed("up-or-out", "load=0.5 nodes=4", "load=2", "lod=1", "load=many", "junk", "", "load=", "q")
    assert ran == [["load=0.5", "nodes=4"], ["load=0.5", "nodes=4"], ["nodes=4"]]
    assert "changed: load=0.5, nodes=4" in out
    assert "There is no parameter lod; did you mean load" in out
    assert "'junk' means nothing here; ? says what does." in out


def test_the_way_from_the_menu_to_a_challenge_is_one_key(typed: Typed, tmp_path: Path) -> None:
    out, _ = typed("up-or-out", "n", "N", "q")
    assert 'challenge = "up-or-out"' in (tmp_path / "up_or_out.py").read_text()
    assert "windtunnel watch up_or_out.py" in out
    assert "up_or_out.py is there already" in out


def test_ctrl_c_and_ctrl_d_at_a_prompt_leave_without_a_failure(typed: Typed) -> None:
    import click

    typed(click.Abort)
    typed("1", click.Abort)


def test_list_show_and_menu_name_the_commands_of_a_challenge(capsys: pytest.CaptureFixture[str], typed: Typed) -> None:
    assert "windtunnel new NAME" in call(capsys, "list")[1]
    assert "windtunnel new up-or-out" in call(capsys, "show", "up-or-out")[1]
    assert all(word in typed("?", "q")[0] for word in ("windtunnel watch", "windtunnel grade"))


@unix
def test_keys_typed_during_a_run_are_neither_shown_nor_taken_for_an_answer() -> None:
    import pty

    script = (
        "import sys, termios\nfrom windtunnel.ui.progress import bar\n"
        "with bar('toy'):\n"
        "    print('at work', termios.tcgetattr(0)[3] & termios.ECHO, flush=True)\n"
        "    sys.stderr.flush(); open(sys.argv[1]).read()\n"
        "print('done', termios.tcgetattr(0)[3] & termios.ECHO != 0, flush=True)\n"
        "print('answered', input(), flush=True)\n"
    )
    ours, theirs = pty.openpty()
    gate_read, gate_write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", f"import os; os.setsid(); import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
         f"{script}", f"/dev/fd/{gate_read}"],
        stdin=theirs, stdout=theirs, stderr=theirs, pass_fds=(gate_read,),
    )  # fmt: skip
    os.close(gate_read)
    seen = b""
    while b"at work 0" not in seen:
        seen += os.read(ours, 4096)
    os.write(ours, b"nonsense\n")
    select.select([theirs], [], [])  # on a busy machine the terminal passes on later what was typed
    os.close(theirs)
    os.close(gate_write)
    while b"done True" not in seen:
        seen += os.read(ours, 4096)
    assert b"nonsense" not in seen
    os.write(ours, b"yes\n")
    while b"answered " not in seen or not seen.endswith(b"\n"):
        seen += os.read(ours, 4096)
    assert b"answered yes" in seen
    assert process.wait(30) == 0
    os.close(ours)


# --- files that are none -----------------------------------------------------------------------------------------
@unix
@pytest.mark.parametrize("option", ["--out", "--trace"])
def test_what_is_no_regular_file_is_never_replaced(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in (str(tmp_path / "pipe"), str(tmp_path / "link"), os.devnull):
        status, out, err = call(capsys, *RUN, option, name)
        assert (status, out) == (2, "")
        assert err == f"{name} is no regular file, and {option} replaces nothing else; give another name.\n"
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link").is_symlink()


@unix
def test_a_history_never_replaces_a_pipe(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "shared_queue-0.jsonl")
    status, out, err = call(capsys, *RUN, "--histories", str(tmp_path))
    assert (status, out) == (2, "")
    assert "shared_queue-0.jsonl cannot be written: it is there already, and no file." in err
    assert (tmp_path / "shared_queue-0.jsonl").is_fifo()


@unix
def test_a_link_is_written_through(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    call(capsys, *RUN, "--out", str(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink()
    assert json.loads((tmp_path / "real").read_text())["experiment"] == "up-or-out"


# --- poor terminals ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_encoding_with_few_characters_is_no_fault(encoding: str) -> None:
    command = [sys.executable, "-m", "windtunnel", *RUN]
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "80"}
    plain = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (plain.returncode, plain.stderr) == (0, b"")
    assert b"\nMeasured ----" in plain.stdout
    found = json.loads(subprocess.run([*command, "--json"], env=environment, capture_output=True, check=False).stdout)
    assert found["experiment"] == "up-or-out"


def test_ctrl_c_while_the_command_is_imported_is_ctrl_c() -> None:
    script = (
        "import sys\n"
        "class Impatient:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'click':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Impatient())\n"
        "from windtunnel.__main__ import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Stopped.\n")


def test_the_command_begins_where_ctrl_c_is_caught() -> None:
    pyproject = (Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8")
    assert 'windtunnel = "windtunnel.__main__:main"' in pyproject


def test_no_line_of_help_is_cut_or_too_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for arguments in ((), *((name,) for name in cli.cli.commands)):
        lines = call(capsys, *arguments, "--help")[1].splitlines()
        assert not [line for line in lines if line.endswith("...") and "Usage" not in line]
        assert max(map(len, lines)) <= 80


# --- what is given twice -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*RUN, "--set", "load=0.5", "--set", "load=0.6"), "--set gives load twice, 0.5 and 0.6; give it once."),
        (("sweep", "up-or-out", "--over", "load=0.5,0.6", "--set", "load=0.7"), "--over and --set both give load"),
        ((*RUN, "--set", "=3"), "--set is =3; it takes a parameter and its value"),
    ],
)
def test_a_parameter_is_given_once(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str) -> None:
    status, out, err = call(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith(said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("doubt", "up-or-out", "--budget", "nan"), "nan is no number of seconds; give one from 0 on."),
        (("grade", "mine.py", "--cpu", "nan"), "nan is no number of seconds; give one from 1 to 86400."),
    ],
)
def test_what_is_no_number_is_no_number_of_seconds(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    status, out, err = call(capsys, *arguments)
    assert (status, out) == (2, "")
    assert said in err


# --- what is said ------------------------------------------------------------------------------------------------
def test_marks_are_explained_where_they_are_printed() -> None:
    from windtunnel.lab.experiment import MARKS
    from windtunnel.lab.result import JudgedFigure
    from windtunnel.ui.terminal import legend

    fields = dict.fromkeys(JudgedFigure.__dataclass_fields__)
    found = [JudgedFigure(**{**fields, "mark": mark}) for mark in ("V", "D")]  # type: ignore[arg-type]
    told = str(legend(found)[0])
    assert all(f"{mark}: {MARKS[mark]}" in told for mark in ("V", "D"))
    assert MARKS["R"] not in told


@pytest.mark.parametrize("text", ['x = "\0"\n', "class Yours(:\n"])
def test_a_file_that_is_no_python_is_said_in_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str
) -> None:
    (tmp_path / "mine.py").write_text(text)
    for arguments in (("grade", str(tmp_path / "mine.py")), (*RUN[:3], "--with", str(tmp_path / "mine.py"))):
        status, _, err = call(capsys, *arguments)
        assert status == 2
        assert err.endswith(".\n")
        assert "None" not in err


def test_an_exception_that_says_nothing_is_named_alone() -> None:
    from windtunnel.lab.errors import raised

    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert raised(MemoryError()) == "MemoryError"
    assert raised(KeyError("x")) == "KeyError: 'x'"
    assert raised(ValueError("One.\nTwo.")) == "ValueError: One"
    assert raised(Mute()) == "Mute: an exception that cannot say what it is"


@pytest.mark.parametrize("columns", [40, 80])
def test_a_grade_is_as_wide_as_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    from windtunnel.lab.diagram import Diagram, Mark
    from windtunnel.ui.verdicts import verdict

    monkeypatch.setenv("COLUMNS", str(columns))
    lanes = ("buyer 1", "buyer 2", "database")
    marks = [Mark(float(i), lane, "buys, and waits for the answer", "begin") for i, lane in enumerate(lanes)]
    sentence = "yours.sold_twice == 0 fails, 1 == 0: No ticket is sold twice, to whomever it may be."
    demand = {
        "expression": "yours.sold_twice == 0", "verdict": "fails", "shown": "1 == 0", "because": sentence,
        "always": True, "judged": "judged on 22 of 22 trials", "held": 21, "trials": 22,
    }  # fmt: skip
    case = {
        "seed": 7001, "sentence": sentence, "events": [], "faults": [{"at_s": 1.0, "for_s": 2.0, "text": "pause db"}],
        "text": Diagram(lanes, tuple(marks)).text(columns), "machines": ["server: " + 9 * "3 s of work, "],
    }  # fmt: skip
    table = {"measures": {"ok": 1.0}, "par": "hold_then_pay", "par_measures": {"ok": 2.0}}
    verdict({"passed": False, "demands": [demand], "case": case, "why": sentence, **table}, Path("mine.py"))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, [line for line in lines if "windtunnel grade" not in line])) <= columns
    assert sum("buys" in line for line in lines) == 3
