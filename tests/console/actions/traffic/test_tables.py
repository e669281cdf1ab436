"""What balancers say of their servers."""

from __future__ import annotations

import pytest

from console.actions.targets.haproxy.tables import Unreadable, figures, servers

STATE = (
    "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight\n"
    "4 origin 1 a 10.0.0.1 2 0 100 100\n4 origin 2 b 10.0.0.2 2 8 50 100\n4 origin 3 c 10.0.0.3 0 0 100 100\n"
    "4 origin 4 d 10.0.0.4 2 32 100 100\n5 other 1 a 10.0.1.1 2 0 0 1\n"
)
STAT = "# pxname,svname,scur,slim,stot,status,hrsp_5xx,\norigin,a,12,500,900,UP,3,\norigin,BACKEND,12,,900,UP,3,\n"


def test_a_server_takes_traffic_when_it_runs_is_ready_and_has_weight():
    found = servers(STATE, "origin")
    assert {name: each.admin for name, each in found.items()} == {"a": "ready", "b": "drain", "c": "ready", "d": "maint"}
    assert [name for name, each in found.items() if each.takes_traffic] == ["a"]
    assert found["b"].field("weight") == "50" and found["b"].configured == 100
    assert not servers(STATE, "other")["a"].takes_traffic  # of weight 0


def test_figures_know_their_limit_or_that_there_is_none():
    found = figures(STAT, "origin")
    assert (found["a"].sessions, found["a"].limit, found["a"].errors) == (12, 500, 3)
    assert found["BACKEND"].limit is None


@pytest.mark.parametrize("text", ["", "Can't find backend.\n", STATE[:200], STATE.replace("2 0 100 100", "2 x 100 100"), "1\nx"])
def test_what_is_no_table_of_servers_is_told_and_not_guessed(text: str):
    with pytest.raises(Unreadable):
        servers(text, "origin")


@pytest.mark.parametrize("text", ["", "No such proxy.\n", STAT[:70], STAT.replace("12,500", "-1,500")])
def test_what_is_no_statistics_is_told_and_not_guessed(text: str):
    with pytest.raises(Unreadable):
        figures(text, "origin")
