"""The programs beside `chaos`: wrong input is one sentence and status 2, Ctrl-C one word and 130, nothing is left."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from windtunnel import WrongInput
from windtunnel.catalogue.scale.chaos import aspirator, search
from windtunnel.catalogue.scale.chaos.programs import write_whole

PACKAGE = "windtunnel.catalogue.scale.chaos"
STOPPED = f"""
import runpy, signal, sys
signal.signal(signal.SIGVTALRM, signal.default_int_handler)
# Python drops what is raised in the callback of a weak reference, and a wrong handler under test may swallow it:
# whoever sees that nothing happens asks again.
signal.setitimer(signal.ITIMER_VIRTUAL, {{cpu_s}}, 3)
sys.argv = ["search", "--all", {{file!r}}]
runpy.run_module("{PACKAGE}.search", run_name="__main__")
"""
DROPPED = re.compile(r"^Exception ignored in: <function Weak.*?^KeyboardInterrupt: \n", re.DOTALL | re.MULTILINE)
"""What Python says when it has dropped one so."""
WHILE_IMPORTED = """
import sys
sys.argv = ["-m"]
sys.orig_argv = ["python", "-m", "{program}"]
import windtunnel.catalogue
raise {what}
"""


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def one_sentence(text: str) -> bool:
    return text.endswith(".\n") and text.count("\n") == 1


WRONG_FILES = {
    "missing": None,
    "a bracket that nobody closes": b"try:\n    work(\n",
    "bytes that are no text": bytes(range(128, 256)) * 4,
    "a zero byte": b"x = 1\0\n",
    "an encoding that nobody knows": b"# coding: nonsense\n",
    "deeper than the parser goes": b"x = " + b"-" * 200_000 + b"1\n",
}


@pytest.mark.parametrize("what", WRONG_FILES)
def test_a_file_that_is_no_program_is_named_in_one_sentence(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, good = tmp_path / "program.py", tmp_path / "good.py"
    if (content := WRONG_FILES[what]) is not None:
        file.write_bytes(content)
    good.write_text("try:\n    work()\nexcept OSError:\n    pass\n", "utf-8")
    assert aspirator.main([str(file), str(good)]) == 2
    said = capsys.readouterr()
    assert one_sentence(said.err)
    assert str(file) in said.err
    assert said.out == f"{good}:3: empty\n", "the others are looked at"


@pytest.mark.parametrize("paths", [[], [""], ["--all"]])
def test_who_names_no_file_is_told_what_to_name(paths: list[str]) -> None:
    with pytest.raises(WrongInput, match="names of files and folders"):
        aspirator.main(paths)


def test_a_folder_without_a_program_is_no_clean_bill(tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match="no file of Python"):
        aspirator.main([str(tmp_path)])


def test_a_program_is_read_in_its_own_encoding_and_its_lines_counted_as_python_does(tmp_path: Path) -> None:
    handler = "try:\n    work()\nexcept OSError:\n    again()\n"
    marked, latin, fed = (tmp_path / f"{name}.py" for name in ("marked", "latin", "fed"))
    marked.write_bytes(b"\xef\xbb\xbf" + handler.encode())
    latin.write_bytes(b"# coding: latin-1\nx = '\xe9'  # TODO\n" + handler.encode())
    fed.write_text("\f\n# TODO: not in a handler\n" + handler, "utf-8")
    assert [aspirator.look(file) for file in (marked, latin, fed)] == [[], [], []]


def test_what_the_compiler_thinks_of_a_program_is_not_said() -> None:
    assert aspirator.findings("x = '\\d'\n") == []


WRONG_WORDS = [["file"], ["--all", "one", "two"], ["--al"], ["--all", ""], ["--all", "--help"]]


@pytest.mark.parametrize("arguments", WRONG_WORDS)
def test_a_search_is_told_all_or_nothing(arguments: list[str]) -> None:
    with pytest.raises(WrongInput, match="takes nothing, or --all"):
        search.main(arguments)


def test_a_search_asks_before_its_work_whether_it_can_be_written_down(tmp_path: Path) -> None:
    for file in (tmp_path, tmp_path / "no" / "file", Path("/dev/null")):
        with pytest.raises(WrongInput, match=r"^.*[.]$"):
            search.main(["--all", str(file)])


def test_what_is_written_is_there_wholly_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "search.json"
    write_whole(file, "before")
    with pytest.raises(UnicodeEncodeError):
        write_whole(file, "half \ud800")
    assert [(one.name, one.read_text("utf-8")) for one in tmp_path.iterdir()] == [("search.json", "before")]


def test_wrong_input_ends_a_program_with_status_2() -> None:
    for module, word in (("aspirator", "no-such-file.py"), ("search", "nothing")):
        done = python("-m", f"{PACKAGE}.{module}", word)
        assert done.returncode == 2
        assert one_sentence(done.stderr)
        assert not done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="timers of the processor's time are Unix's")
@pytest.mark.parametrize("cpu_s", [0.9, pytest.param(1.1, marks=pytest.mark.soak)])
def test_ctrl_c_in_the_middle_of_a_search_is_one_word_and_leaves_no_file(cpu_s: float, tmp_path: Path) -> None:
    done = python("-c", STOPPED.format(cpu_s=cpu_s, file=str(tmp_path / "search.json")))
    said = DROPPED.sub("", done.stderr)
    assert (done.returncode, done.stdout, said) == (130, "", "Stopped.\n")
    assert not list(tmp_path.iterdir())


def test_so_it_is_while_a_program_is_still_being_imported() -> None:
    def ended(program: str, what: str) -> subprocess.CompletedProcess[str]:
        return python("-c", WHILE_IMPORTED.format(program=program, what=what))

    done = ended(f"{PACKAGE}.search", "KeyboardInterrupt")
    assert (done.returncode, done.stderr) == (130, "Stopped.\n")
    assert "Traceback" in ended(f"{PACKAGE}.search", "ValueError").stderr, "a fault is still a fault"
    assert "Traceback" in ended("theirs", "KeyboardInterrupt").stderr, "another's program ends as it likes"
