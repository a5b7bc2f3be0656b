"""What the name of a stage says: the engine of every port."""

from __future__ import annotations

import pytest

from windtunnel import WrongInput
from windtunnel.engines.registry import Port, ports
from windtunnel.lab.footing import choose, footing, name_of, speaks_of, told
from windtunnel.lab.stage import open_stage

STAGES = ("sim", "sqlite", "postgres", {"database": "sqlite", "server": "machine"})


def test_in_the_tunnel_every_port_stands_on_its_model() -> None:
    assert footing("sim") == dict.fromkeys(ports(), "sim")


def test_a_real_stage_takes_of_each_port_what_it_is_told_and_else_the_live_one() -> None:
    assert footing("machine") == {name: port.live for name, port in ports().items()}
    assert footing("postgres") == {**footing("machine"), "database": "postgres"}
    assert footing("database=postgres,server=machine") == footing("postgres")


def test_a_table_of_engines_has_one_name_in_whatever_order() -> None:
    assert name_of({"server": "machine", "database": "sqlite"}) == name_of({"database": "sqlite", "server": "machine"})
    assert told(name_of({"database": "sqlite"})) == {"database": "sqlite"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("postgre", "did you mean postgres"),
        ("database=postgre", "did you mean postgres"),
        ("databse=postgres", "did you mean database"),
        ("database=", "engine of a database"),
    ],
)
def test_what_there_is_not_is_one_sentence_with_the_nearest(name: str, said: str) -> None:
    with pytest.raises(WrongInput, match=said):
        footing(name)


def test_single_ports_can_stand_elsewhere_where_the_experiment_was_tried_so() -> None:
    assert choose("shop", STAGES, None, None) == "sim"
    assert choose("shop", STAGES, "sqlite", None) == "sqlite"
    assert choose("shop", STAGES, None, {"database": "sqlite"}) == "sqlite"
    assert choose("shop", STAGES, {"server": "machine", "database": "sqlite"}, None) == "database=sqlite,server=machine"
    with pytest.raises(WrongInput, match="shop runs on stage sim or sqlite or postgres or database=sqlite"):
        choose("shop", STAGES, "machine", None)
    with pytest.raises(WrongInput, match="shop was not tried on database=sqlite; it was on its models only"):
        choose("shop", ("sim",), None, {"database": "sqlite"})


def test_what_is_said_of_an_engine_is_said_of_every_stage_that_stands_on_it() -> None:
    assert speaks_of((), "sim")
    assert speaks_of(("sim",), "sim")
    assert not speaks_of(("sim",), "sqlite")
    assert speaks_of(("sqlite",), "database=sqlite,server=machine")
    assert not speaks_of(("database=sqlite,server=machine",), "sqlite")
    assert not speaks_of(("sqlite",), "machine")


def test_a_port_needs_a_model_and_its_live_engine() -> None:
    with pytest.raises(ValueError, match="needs a model under 'sim'"):
        Port("cache", on={"valkey": "valkey:ValkeyCache"}, live="valkey")
    with pytest.raises(ValueError, match="its live engine among those"):
        Port("cache", on={"sim": "model:ModelCache"}, live="valkey")


def test_a_stage_opens_any_port_by_its_name() -> None:
    stage = open_stage("sim", 1)
    assert stage.open("server", workers=2) is stage.thing("server")
    with pytest.raises(WrongInput, match="did you mean server"):
        stage.open("sever")
