"""The store of `chaos` as real processes: what real faults find, and that nothing of it is left behind."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from pathlib import Path

import pytest

from helpers.chaos_live import DEVICE, LIMIT, compare, found
from helpers.left import Place

pytestmark = [pytest.mark.live, pytest.mark.skipif(sys.platform != "linux", reason="mounts, and looks into /proc")]
TESTS = Path(__file__).parents[1]
PROGRAM = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from helpers.chaos_live import main
main({{arguments!r}})
"""


def running(place: Place, arguments: list[str]) -> None:
    """Start a trial and wait until its three replicas listen."""
    place.launch(PROGRAM.format(arguments=arguments))
    end = time.monotonic() + 60
    while len(place.now().processes) < 3 or not place.now().files:
        assert time.monotonic() < end, "three replicas were to run"
        time.sleep(0.1)  # the work of other processes, on a real clock: nothing to await


def test_real_faults_find_at_least_six_of_the_ten_bugs() -> None:
    told = asyncio.run(compare())
    assert len(found(told)) >= 6, json.dumps(told, indent=1)


@pytest.mark.parametrize("way", [DEVICE, LIMIT])
def test_a_disk_that_refuses_in_another_way_finds_the_same(way: str) -> None:
    told = asyncio.run(compare(names=["never_opens_again", "says_no"], way=way))
    assert len(found(told)) == 2, json.dumps(told, indent=1)


def test_where_nothing_may_be_mounted_nothing_is_left_either(place: Place) -> None:
    running(place, ["--no-mounts", "", "0", "full:0:0:60", "limit:1:0:60"])
    assert place.starter is not None
    assert not place.now().mounts
    place.starter.send_signal(signal.SIGINT)
    place.starter.wait(60)
    assert not place.after().anything()


def test_a_trial_with_all_its_faults_leaves_nothing_behind(place: Place) -> None:
    running(place, ["", "0", "full:0:1:1", "kill:1:1:0.5", "pause:2:1:1", "cut:0:3:1"])
    assert place.starter is not None
    assert place.starter.wait(120) == 0
    assert not place.after().anything()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_nor_does_one_that_is_stopped_in_the_middle(place: Place, how: signal.Signals) -> None:
    running(place, ["", "0", "full:0:0:60", "pause:1:0:60"])
    assert place.starter is not None
    time.sleep(2.0)  # so that the faults have begun
    place.starter.send_signal(how)
    place.starter.wait(60)
    assert not place.after().anything()


def test_after_a_kill_no_process_port_or_mount_is_left(place: Place) -> None:
    running(place, ["", "0", "full:0:0:60"])
    assert place.starter is not None
    place.starter.kill()
    left = place.after()
    assert not left.processes
    assert not left.sockets
    assert not left.mounts
