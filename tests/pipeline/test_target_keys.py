"""Steps in the target's own process: what is refused before a run, and when runs are used again."""

import json
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.tasks.iteration import Prepare
from pipeline.wiring import lab_context, load_adapter
from prompt_lab.config.lab import GatewayConfig, LimitsConfig, StepConfig
from prompt_lab.errors import ConfigError, ModelUnavailable
from prompt_lab.experiments.batches import settings_text
from prompt_lab.experiments.prepare import plan_iteration
from prompt_lab.names import Side
from tests.pipeline.target_world import BETTER, CORE, DUMMY, TargetWorld

pytestmark = pytest.mark.slow
MakeTarget = Callable[..., TargetWorld]


@pytest.mark.parametrize(
    ("model", "branch", "said"),
    [
        ({**DUMMY, "key_env": "NO_SUCH_KEY"}, "better", "NO_SUCH_KEY"),
        ({"provider": "scripted", "id": "x"}, "better", "one: has no base URL"),
        (DUMMY, "", "'src/notes/core.py', which is not rewritten"),
    ],
    ids=["no key", "no address", "no branch"],
)
def test_what_cannot_be_run_is_refused_before_anything_is_written(
    make_target: MakeTarget, model: dict[str, Any], branch: str, said: str
) -> None:
    world = make_target(models={"one": model}).small()
    world.branch("better", {"src/notes/core.py": BETTER})
    with pytest.raises((ModelUnavailable, ConfigError), match=said):
        plan_iteration(Prepare(step="probe", number=1, branch=branch).experiment)
    assert not world.iterate(branch=branch)
    assert not (world.folder / "meta.json").exists()


@pytest.mark.parametrize("changed", ["nothing", "the limits", "the target's modules"])
def test_what_the_configs_say_of_processes_is_part_of_a_run(
    make_target: MakeTarget, changed: str
) -> None:
    make_target().small()
    ctx = lab_context()
    adapter, step, target = ctx.adapter("probe"), ctx.step("probe"), ctx.target("notes")
    gateway = GatewayConfig()
    before = settings_text(step) + adapter.digest_text(target, gateway)
    if changed == "the limits":
        step = step.model_copy(update={"limits": LimitsConfig(seconds=1)})
    if changed == "the target's modules":
        target = target.model_copy(update={"preload": ("json",)})
    after = settings_text(step) + adapter.digest_text(target, gateway)
    assert (after == before) == (changed == "nothing")


def test_a_step_in_our_process_keeps_the_key_that_it_had(make_target: MakeTarget) -> None:
    make_target().small()
    step = StepConfig(
        name="s", adapter="extract_invoice", target="t", prompt="p.txt", primary="fields"
    )
    adapter = load_adapter("step", step.adapter)(step)
    text = settings_text(step) + adapter.digest_text(lab_context().target("notes"), GatewayConfig())
    assert json.loads(text) == {
        **{"name": "s", "adapter": "extract_invoice", "target": "t", "prompt": "p.txt"},
        **{"schema_path": "", "primary": "fields", "max_tokens": 256},
    }


def test_finished_runs_are_used_again(make_target: MakeTarget) -> None:
    world = make_target().small()
    for name in ("Better", "Best"):
        world.branch(name, {"src/notes/core.py": CORE.replace("List", name)})
        assert world.iterate(branch=name)
    sides = [run["side"] for run in world.runs()]
    assert (sides.count(Side.BASELINE), sides.count(Side.CANDIDATE)) == (3, 6)


def test_another_package_in_the_interpreter_makes_other_runs(
    make_target: MakeTarget, tmp_path: Path
) -> None:
    home = tmp_path / "environment"
    venv.create(home, symlinks=True)
    world = make_target(target_config={"interpreter": str(home / "bin/python")}).small()
    for name in ("Better", "Best"):
        world.branch(name, {"src/notes/core.py": CORE.replace("List", name)})
        assert world.iterate(branch=name)
        adapter = lab_context().adapter("probe")
        adapter.close()  # another day, another process
        dist = next(home.glob("lib/*/site-packages")) / "more-1.0.dist-info"
        world.write(dist, {"METADATA": "Metadata-Version: 2.1\nName: more\nVersion: 1.0\n"})
    sides = [run["side"] for run in world.runs()]
    assert (sides.count(Side.BASELINE), sides.count(Side.CANDIDATE)) == (6, 6)
