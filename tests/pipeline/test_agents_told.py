"""What is told of agents, and to them: costs, who took part, and what is known to go wrong."""

import json
from collections.abc import Callable

import luigi
import pytest

from pipeline.tasks.loop import Loop
from prompt_lab.names import Outcome
from tests.pipeline.finished_worlds import CopyWorld, make_improved
from tests.pipeline.github.github_world import OTHER
from tests.pipeline.test_agents import BETTER, agent, analyst, finding, write
from tests.pipeline.world import World, scripted

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
RUN = "history/0/01_read_sum/outputs/plan_train_000"


def test_the_costs_of_agents_are_told_wherever_costs_are(make_world: MakeWorld) -> None:
    world = make_world()
    agent(world, says="prose", cost_usd=0.25)
    assert not world.iterate(agent="helper")
    agent(world, cost_usd=0.5)
    assert world.iterate()
    words = "$0.75 of it for 2 tasks of agents"
    assert words in (world.folder(1) / "summary.txt").read_text()
    assert words in (world.folder(1) / "report.html").read_text()
    [comment] = json.loads((world.lab / "pulls/0001.json").read_text())["comments"]
    assert "for 2 tasks of agents" in comment["body"]
    assert "$0.75" in (world.lab / "index.html").read_text()


def test_a_loops_budget_is_for_its_agents_too(make_world: MakeWorld) -> None:
    world = make_world()
    agent(world, cost_usd=0.6)
    flags = {"iterations": 3, "budget_usd": 1.5, "agent": "helper"}
    assert luigi.build([Loop(**flags)], local_scheduler=True, log_level="ERROR")
    end = json.loads((world.lab / "loops/1_read_sum/ended.json").read_text())
    assert (end["stop"]["code"], end["iterations"]) == ("budget", [1])
    assert end["cost_usd"] == pytest.approx(0.6)


def test_what_refused_work_has_cost_stays_spent(make_world: MakeWorld) -> None:
    world = make_world()
    agent(world, says="prose", cost_usd=0.6)
    flags = {"iterations": 3, "budget_usd": 1.5, "agent": "helper"}
    assert not luigi.build([Loop(**flags)], local_scheduler=True, log_level="ERROR")
    assert luigi.build([Loop(**flags)], local_scheduler=True, log_level="ERROR")
    end = json.loads((world.lab / "loops/1_read_sum/ended.json").read_text())
    assert (end["stop"]["code"], end["iterations"]) == ("budget", [])


def test_a_loop_counts_that_an_answer_may_be_sent_back(make_world: MakeWorld) -> None:
    world = make_world()
    again = {"when": "Your answer was not accepted", "says": "prose", "cost_usd": 1.0}
    write(world, "dear", {"kind": "scripted", "cost_usd": 1.0,
                          "script": [again, {"says": "prose", "cost_usd": 0.5}]})  # fmt: skip
    for budget, made in ((2.0, []), (4.0, [1])):
        flags = {"iterations": 1, "budget_usd": budget, "analysts": "metrics,dear"}
        assert luigi.build([Loop(**flags)], local_scheduler=True, log_level="ERROR")
        end = json.loads(max(world.lab.glob("loops/*/ended.json")).read_text())
        assert end["iterations"] == made
        assert end["cost_usd"] <= budget
    second = world.record(1, "agent_insight_dear_2")
    assert second["refused"] == {"cost_limit": "it cost $1.0000, $0.5 allowed"}


@pytest.mark.parametrize("price", [None, {"input": 0, "output": 0}])
def test_what_is_free_takes_nothing_of_a_budget(
    make_world: MakeWorld, price: dict[str, int] | None
) -> None:
    free = scripted({"rules": [{"answer": "prose"}]}, price=price)
    world = make_world(judges={"free": free})
    flags = {"iterations": 1, "budget_usd": 0.01, "analysts": "metrics,free"}
    assert luigi.build([Loop(**flags)], local_scheduler=True, log_level="ERROR")
    assert json.loads(next(world.lab.glob("loops/*/ended.json")).read_text())["iterations"] == [1]


def test_the_report_shows_every_analysts_pages_and_who_took_part(make_world: MakeWorld) -> None:
    world = make_world()
    agent(world)
    analyst(world, "first", finding(RUN))
    analyst(world, "bare", finding("nowhere"))
    assert world.iterate(agent="helper", analysts="metrics,first,bare")
    page = (world.folder(1) / "report.html").read_text()
    for one in ("metrics", "first", "bare"):
        for name in (f"insight_{one}.md", f"code_{one}.md"):
            assert f"<summary>{name}</summary>" in page
    assert "It reads better." in page
    who = page[page.index('id="who"') : page.index('id="documents"')]
    assert '<th scope="row">metrics</th><td class="tight">read</td>' in who
    assert '<th scope="row">bare</th><td class="tight worse">failed</td>' in who
    assert '<th scope="row">helper</th><td>implement</td>' in who
    assert "no_evidence" in who


def test_a_report_without_agents_names_the_metrics_analyst_alone(copy_world: CopyWorld) -> None:
    world = copy_world(make_improved)
    page = (world.folder(1) / "report.html").read_text()
    assert '<th scope="row">metrics</th>' in page
    assert "Work of agents" not in page
    assert "of agents" not in (world.folder(1) / "summary.txt").read_text()


def test_an_agent_is_told_what_is_known_to_go_wrong(make_world: MakeWorld) -> None:
    given = {"title": "Say which sum", "description": "Why.", "files": {"prompt.txt": BETTER}}
    writer = scripted({"rules": [{"answer": f"```json\n{json.dumps(given)}\n```"}]})
    world = make_world(judges={"writer": writer})
    write(world, "author", {"kind": "api", "model": "writer", "paths": ["prompt.txt"]})
    world.branch("other", {"prompt.txt": OTHER})
    assert world.iterate(branch="other")
    assert world.verdict(1).outcome is Outcome.NO
    assert world.iterate(agent="author")
    record = world.record(2, "agent_implement_author_1")
    asked = (world.folder(2) / record["transcript"]).read_text()
    known = asked[asked.index("BEGIN KNOWN") : asked.index("END KNOWN")]
    assert "amount" in known
    assert "history/" in known
    assert (world.lab / "instructions/read_sum.md").exists()
