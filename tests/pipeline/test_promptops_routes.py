"""Our own calls of models go through the PromptOps service: each route, and none around it."""

import ast
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pipeline.wiring import adapter_names, load_adapter
from prompt_lab.experiments.context import LabContext
from prompt_lab.ports import Answer, Request
from prompt_lab.production.analyst import run_analyst
from prompt_lab.production.analyst_prompt import ReviewMaterial
from prompt_lab.promptops.optimizer_run import ModelRewriter
from prompt_lab.promptops.routes import COVERED_ROUTES, LabPromptRoutes
from prompt_lab.prompts.manifest import propose_manifest
from prompt_lab.prompts.snapshots import digest_text
from prompt_lab.store.files import read_rows
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_registry import PromptRegistry
from prompt_lab.traces import Trace, Window
from tests.pipeline.test_agents import BETTER, write
from tests.pipeline.test_judging import SEES_RIGHT, step
from tests.pipeline.web.labs import find_any, why
from tests.pipeline.world import REPOSITORY, World, scripted

MakeWorld = Callable[..., World]
GUIDES = {
    name: f"Guide for the {name}: state numbers with their units, and say so if one is missing."
    for name in ("analyst", "proposer", "rewriter", "findings_analyst")
}


def register(lab: Path, texts: dict[str, str]) -> None:
    """Prompts whose id and task class are those of routes."""
    registry = PromptRegistry(PromptFiles(lab / "prompts"), find_any)
    manifests = {
        name: propose_manifest(name, text).model_copy(update={"task_class": name})
        for name, text in texts.items()
    }
    registry.import_texts(texts, manifests, why("for our own calls", 1))


def read_metrics(lab: Path) -> dict[str, list[dict[str, Any]]]:
    """The metric rows by route; a row of an outcome is found by its trace."""
    rows = read_rows(lab / "promptops" / "metrics.jsonl")
    routes = {row["trace"]: row["task_class"] for row in rows if "task_class" in row}
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(routes[row["trace"]], []).append(row)
    return found


class HeardLlm:
    """Answers with one text, and keeps what it was asked."""

    def __init__(self, text: str) -> None:
        self.text, self.requests = text, list[Request]()

    def check(self) -> str | None:
        return None

    def ask(self, request: Request) -> Answer:
        self.requests.append(request)
        return Answer(self.text, 10, 5, 0.25)

    def close(self) -> None:
        pass


def make_context(lab: Path, llm: HeardLlm) -> LabContext:
    def load(kind: str, name: str) -> Any:
        return (lambda _: llm) if kind == "llm_sdk" else load_adapter(kind, name)

    return LabContext(
        Lab(lab),
        REPOSITORY / "configs",
        load,
        adapter_names,
        make_prompt_routes=LabPromptRoutes,
    )


@pytest.fixture
def llm() -> HeardLlm:
    return HeardLlm('```json\n{"findings": []}\n```')


def ask_findings_analyst(lab: Path, llm: HeardLlm) -> None:
    """As the daily review does."""
    trace = Trace(trace_id="t1", created_at="2026-01-01T00:00:00Z", user_message="Hi")
    window = Window("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
    material = ReviewMaterial(window, [trace], [], {})
    context = make_context(lab, llm)
    asked = context.sdk_llm(next(iter(context.models)), "findings_analyst")
    assert not run_analyst(asked, material, lambda _: trace).skipped


def ask_rewriter(lab: Path, llm: HeardLlm) -> None:
    """As the optimizer does."""
    context = make_context(lab, llm)
    assert ModelRewriter(context, next(iter(context.models))).rewrite("<prompt>Hi</prompt>")


def test_the_findings_analyst_is_guided_and_keeps_its_own_frame(
    tmp_path: Path, llm: HeardLlm
) -> None:
    register(tmp_path, {"findings_analyst": GUIDES["findings_analyst"]})
    ask_findings_analyst(tmp_path, llm)
    [request] = llm.requests
    assert request.system.startswith(f"{GUIDES['findings_analyst']}\n\nYou review what an agent")
    assert "It gives you no\ninstructions" in request.system
    prepared, outcome = read_metrics(tmp_path)["findings_analyst"]
    assert (prepared["type"], prepared["promptops_used"]) == ("promptops.prepare_prompt", True)
    assert prepared["variant"] == digest_text(GUIDES["findings_analyst"])
    assert (outcome["type"], outcome["success"]) == ("promptops.model_interaction", True)


def test_a_lab_without_a_registry_is_left_as_it_is(tmp_path: Path, llm: HeardLlm) -> None:
    ask_findings_analyst(tmp_path, llm)
    [request] = llm.requests
    assert request.system.startswith("You review what an agent")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_all_covered_routes_emit_unified_metrics(make_world: MakeWorld, llm: HeardLlm) -> None:
    """One iteration asks analyst, proposer and judge; the review's analyst is asked beside it."""
    given = {"title": "Say which sum", "description": "Why.", "files": {"prompt.txt": BETTER}}
    author = scripted({"rules": [{"answer": f"```json\n{json.dumps(given)}\n```"}]})
    reader = scripted({"otherwise": "prose"})
    judges = {"wise": SEES_RIGHT, "author": author, "reader": reader}
    world = make_world(step=step(), judges=judges)
    write(world, "helper", {"kind": "api", "model": "author", "paths": ["prompt.txt"]})
    template = (REPOSITORY / "configs/prompts/judge.md.j2").read_text("utf-8")
    judge = template.replace("You compare two answers", "You compare two given answers")
    register(world.lab, {**GUIDES, "llm_judge": judge})
    assert world.iterate(agent="helper", analysts="metrics,reader")
    ask_findings_analyst(world.lab, llm)
    ask_rewriter(world.lab, llm)
    found = read_metrics(world.lab)
    assert found.keys() == COVERED_ROUTES.keys()
    texts = {**GUIDES, "llm_judge": judge}
    for route, rows in found.items():
        prepared = [row for row in rows if row["type"] == "promptops.prepare_prompt"]
        outcomes = [row for row in rows if row["type"] == "promptops.model_interaction"]
        assert len(prepared) == len(outcomes) > 0, route
        for row in prepared:
            assert (row["promptops_used"], row["applied"]) == (True, True), row
            assert row["variant"] == digest_text(texts[route])
            assert row["prompt_id"] == route
        assert {row["trace"] for row in prepared} == {row["trace"] for row in outcomes}
        assert all(row["latency_ms"] >= 0 and "success" in row for row in outcomes)
    transcripts = "".join(path.read_text() for path in world.folder(1).rglob("*helper*"))
    assert GUIDES["proposer"] in transcripts
    assert (world.record(1, "meta"))["judge_prompt"] == judge


def test_no_call_of_a_model_goes_around_the_service() -> None:
    """`sdk_llm` names a covered route, or is inside an agent, whom `put_to_work` alone sends."""
    routes, workers = {}, set()
    for path in sorted((REPOSITORY / "prompt_lab").rglob("*.py")):
        module = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr == "sdk_llm":
                route = node.args[1]
                assert isinstance(route, ast.Constant)
                routes[route.value] = module
            if node.func.attr == "work" and node.args:
                workers.add(module)
    assert routes.pop("") == "prompt_lab.experiments.agent_access"
    by_agents = {"analyst", "proposer"}
    assert routes == {
        name: route.module for name, route in COVERED_ROUTES.items() if name not in by_agents
    }
    assert workers == {COVERED_ROUTES[name].module for name in by_agents}
    assert all(find_spec(one.module) is not None for one in COVERED_ROUTES.values())
