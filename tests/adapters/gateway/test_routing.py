"""Calls that are routed by the lab's table, and models that rest after failures."""

import json
from pathlib import Path

import pytest

from prompt_lab.benchmark.cooldowns import read_cooldowns
from prompt_lab.benchmark.enforce_routing import read_decisions
from prompt_lab.benchmark.routing_rules import RoutingConfig, RoutingRule, write_routing
from prompt_lab.config.routing import GatewayRouting, RoutingSwitches
from prompt_lab.store.layout import Lab
from tests.adapters.gateway.conftest import Start, ask, issue, route
from tests.adapters.gateway.stand_in import Fault, StandIn
from tests.processes import until

pytestmark = pytest.mark.slow  # each test starts a gateway


def keep_away(model: str, fallback: str = "") -> RoutingRule:
    return RoutingRule(
        model=model, phase="extended", allow=False, fallback_model=fallback, reason="0 of 20"
    )


def routing(lab: Path, **switches: object) -> GatewayRouting:
    return GatewayRouting(lab=lab, switches=RoutingSwitches.model_validate(switches))


def test_a_phase_is_routed_blocked_and_let_through_as_the_table_changes(
    start: Start, tmp_path: Path
) -> None:
    lab = Lab(tmp_path)
    write_routing(lab, RoutingConfig(rules=(keep_away("first", "second"),)))
    with StandIn("of the first") as one, StandIn("of the second") as two:
        routes = route(one.address), route(two.address, "second")
        gateway = start(*routes, routing=routing(tmp_path))
        token, forced = issue(gateway, phase="extended"), issue(gateway)
        assert ask(gateway, token).headers["x-answered-by"] == "second"
        assert ask(gateway, forced).headers["x-answered-by"] == "first"
        assert ask(gateway, issue(gateway, phase="atomic")).headers["x-answered-by"] == "first"
        write_routing(lab, RoutingConfig(rules=(keep_away("first"),)))
        until(lambda: ask(gateway, token).status_code == 503)
        said = ask(gateway, token).json()["error"]["message"]
        assert said == "routing keeps first from phase extended: 0 of 20"
        write_routing(lab, RoutingConfig())
        until(lambda: ask(gateway, token).status_code == 200)
        until(lambda: len(read_decisions(lab)) == 2)
    assert [row["decision"] for row in read_decisions(lab)] == ["routed", "blocked"]
    assert read_decisions(lab)[0]["fallback_model"] == "second"


def test_failures_that_were_retried_count_and_the_model_rests_after_a_restart(
    start: Start, tmp_path: Path
) -> None:
    settings = routing(tmp_path, cooldown_failures=2, cooldown_seconds=600)
    with StandIn(faults=[Fault(503), Fault(503)]) as one, StandIn("of the second") as two:
        routes = route(one.address), route(two.address, "second")
        gateway = start(*routes, routing=settings)
        assert ask(gateway, issue(gateway, "first", "second")).headers["x-answered-by"] == "first"
        until(lambda: read_cooldowns(Lab(tmp_path)).models.get("first") is not None)
        assert read_cooldowns(Lab(tmp_path)).models["first"].failures == 2
        gateway.close()
        again = start(*routes, routing=settings)
        assert ask(again, issue(again, "first", "second")).headers["x-answered-by"] == "second"
        assert ask(again, issue(again, "first")).headers["x-answered-by"] == "first"


def test_a_table_that_cannot_be_read_is_named_with_its_fix(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "routing/routing_config.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"rules": [{"model": 3}]}))
    with StandIn() as one:
        gateway = start(route(one.address), routing=routing(tmp_path))
        said = ask(gateway, issue(gateway, phase="extended"))
    assert said.status_code == 500
    assert str(path) in said.json()["error"]["message"]
    assert "Restore it" in said.json()["error"]["message"]
