"""A large target with its own interpreter: each kind of candidate ends as what it is."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from pipeline.tasks.iteration import Iteration
from pipeline.wiring import lab_context
from prompt_lab.decide.verdict import Code
from prompt_lab.names import Outcome
from tests.adapters.step.speaking import speak
from tests.pipeline.large_target import (
    BETTER_TEXT,
    SENDS_KEPT,
    TEXT,
    core,
    large_files,
    make_interpreter,
    write_copy,
)
from tests.pipeline.target_world import DUMMY, TargetWorld
from tests.pipeline.test_target_gateway import asks

pytestmark = [pytest.mark.slow, pytest.mark.long]
CORE_PY = "src/notes/core.py"
MakeTarget = Callable[..., TargetWorld]
Lay = Callable[[Mapping[str, Any]], TargetWorld]


@pytest.fixture
def lay(make_target: MakeTarget, httpserver: HTTPServer, tmp_path: Path) -> Lay:
    """Lay the target out with an interpreter of its own, and a model that likes 'all'."""

    def answer(system: str, _: str) -> str:
        return "yes " * 20 if "all" in system else "no"

    def laid(target: Mapping[str, Any]) -> TargetWorld:
        config = {"interpreter": make_interpreter(tmp_path / "own"), **target}
        model = {**DUMMY, "base_url": speak(httpserver, answer)}
        lab = {"train_plans": 12, "policy": "strict"}
        world = make_target(models={"one": model}, target_config=config, lab_config=lab)
        body = asks().replace('"content": core.PROMPT', '"content": core.sent()')
        world.small(body=body.replace('{"prompt": core.PROMPT}', "RETURNED"), plans=12)
        step = world.root / "probe.py"
        step.write_text(step.read_text().replace("RETURNED", '{"prompt": core.PROMPT.strip()}'))
        world.write(world.target, large_files())
        world.git("add", "-A")
        world.git("commit", "-q", "-m", "Grow")
        return world

    return laid


def returns_nothing(world: TargetWorld) -> None:
    step = world.root / "probe.py"
    step.write_text(step.read_text().replace('{"prompt": core.PROMPT.strip()}', "{}"))


def test_it_is_large() -> None:
    assert sum(path.endswith(".py") for path in large_files()) >= 300


def test_a_valid_candidate_is_merged(lay: Lay) -> None:
    """Its constant ends in newlines, the code sends it stripped, and the step says so."""
    world = lay({})
    world.branch("idea", {CORE_PY: core(BETTER_TEXT)})
    assert world.iterate(branch="idea")
    assert world.verdict().outcome is Outcome.YES
    checks = [run["sent"]["prompt_check"] for run in world.runs()]
    assert {(c["rule"], c["requests"], c["own"], c["other"]) for c in checks} == {
        ("requests", 1, 1, 0)
    }
    assert all(len(run["sent"]["files"]) < 60 for run in world.runs())
    page = (world.folder / "report.html").read_text()
    assert "found in the requests that the gateway recorded (white space folded): 24 runs" in page


def test_a_stale_prompt_is_seen_where_the_step_returns_none(lay: Lay) -> None:
    world = lay({})
    returns_nothing(world)
    world.branch("idea", {CORE_PY: core(BETTER_TEXT, SENDS_KEPT)})
    assert world.iterate(branch="idea")
    verdict = world.verdict()
    assert (verdict.outcome, verdict.reasons[0].code) == (Outcome.INVALID, Code.PROMPT_MISMATCH)
    assert verdict.reasons[0].facts["found"] == "the other side's"
    assert verdict.reasons[0].facts["runs"] == "12 of 12"
    assert all(r["sent"]["prompt_sha256"] == "" for r in world.runs() if r["side"] == "candidate")


def test_a_shadowed_package_is_one_reason(lay: Lay, tmp_path: Path) -> None:
    copy = write_copy(tmp_path / "copy", large_files())
    theirs = make_interpreter(tmp_path / "theirs", shadow=copy)
    world = lay({"candidate_interpreter": theirs, "visible": [str(copy)]})
    world.branch("idea", {CORE_PY: core(BETTER_TEXT)})
    assert world.iterate(branch="idea")
    verdict = world.verdict()
    assert verdict.outcome is Outcome.INVALID
    (reason,) = [r for r in verdict.reasons if r.code is not Code.NO_EFFECT]
    assert reason.code is Code.SHADOWED_IMPORT
    assert "and 43 more" in reason.text
    assert str(copy) in reason.facts["found"]


def test_a_dirty_worktree_is_no_evidence(lay: Lay) -> None:
    world = lay({})
    commit = world.branch("idea", {CORE_PY: core(BETTER_TEXT)})
    tree = lab_context().workspace("notes").worktree(commit)
    (tree / CORE_PY).write_text(core(TEXT))
    assert world.iterate(branch="idea")
    verdict = world.verdict()
    assert verdict.outcome is Outcome.INVALID
    assert Code.DIRTY_TREE in {reason.code for reason in verdict.reasons}
    sides = {r.facts["side"] for r in verdict.reasons if "side" in r.facts}
    assert sides == {"candidate"}


def test_a_change_of_docs_alone_runs_nothing(lay: Lay) -> None:
    world = lay({})
    world.branch("idea", {"README.md": "Notes about notes.\n"})
    assert world.iterate(Iteration, branch="idea")
    verdict = world.verdict()
    assert (verdict.outcome, verdict.reasons[0].code) == (Outcome.INVALID, Code.NOT_EXERCISED)
    assert world.runs() == []
