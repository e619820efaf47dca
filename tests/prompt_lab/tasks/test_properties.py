"""Made task files: valid ones load and come back equal, spoilt ones name the key that is spoilt."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from prompt_lab.errors import ConfigError
from prompt_lab.task_engine.schema import Task, read_task

NAME = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
PATH = st.lists(NAME, min_size=1, max_size=3).map("/".join)
COUNT = st.integers(1, 500)
SECONDS = st.floats(0.01, 1000, allow_nan=False)
NUMBER = st.floats(-1e6, 1e6, allow_nan=False)
WORD = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1).filter(str.strip)


def _some(**keys: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    """Any of the keys, or none."""
    return st.fixed_dictionaries({}, optional=keys)


WORDS = st.lists(WORD, min_size=1, max_size=4)
WHERE: dict[str, SearchStrategy[Any]] = {
    "cwd": PATH | st.just("."), "timeout_seconds": SECONDS,
}  # fmt: skip
COMMAND = st.fixed_dictionaries({"command": WORDS}, optional=WHERE)
BOUND = st.tuples(NUMBER, NUMBER).map(lambda ends: {"min": min(ends), "max": max(ends)})
REQUIRED: dict[str, SearchStrategy[Any]] = {
    "id": NAME,
    "artifacts": st.lists(NAME, min_size=1, max_size=3, unique=True),
    "scorer": st.fixed_dictionaries(
        {"command": WORDS},
        optional={
            "cwd": PATH, "timeout_seconds": SECONDS,
            "parse": _some(score_field=NAME, metrics_field=NAME, format=st.just("json")),
        },
    ),
}  # fmt: skip
OPTIONAL: dict[str, SearchStrategy[Any]] = {
    "description": WORD,
    "mutation": _some(max_files=COUNT, max_lines=COUNT, may_delete=st.booleans(),
                      file_types=st.lists(NAME.map(lambda name: f".{name}"), max_size=3)),
    "mutator": COMMAND,
    "runner": COMMAND,
    "evaluator": st.lists(PATH, max_size=3),
    "outputs": st.lists(PATH, min_size=1, max_size=3),
    "objective": _some(direction=st.sampled_from(["maximize", "minimize"]), goal=NUMBER,
                       minimum_gain=st.floats(0, 100)),
    "constraints": st.dictionaries(NAME, BOUND, max_size=3),
    "policy": _some(replicates=COUNT, alpha=st.floats(0.01, 0.4),
                    without_baseline=st.sampled_from(["keep", "discard"])),
    "budget": _some(seconds=SECONDS, iterations=COUNT, usd=st.floats(0, 100)),
    "limits": _some(memory_mb=st.integers(16, 4096), processes=COUNT, file_mb=COUNT),
    "network": st.booleans(),
    "jail": st.sampled_from(["auto", "required", "off"]),
    "logging": _some(output_kb=COUNT),
}  # fmt: skip
TASKS = st.fixed_dictionaries(REQUIRED, optional=OPTIONAL)

SPOILT: dict[str, tuple[tuple[str, ...], Any]] = {
    "id": (("id",), "No Spaces"),
    "artifacts.0": (("artifacts",), ["../up"]),
    "scorer.command": (("scorer", "command"), []),
    "scorer.timeout_seconds": (("scorer", "timeout_seconds"), -1),
    "scorer.cwd": (("scorer", "cwd"), "/etc"),
    "scorer.parse.format": (("scorer", "parse"), {"format": "xml"}),
    "mutation.max_files": (("mutation",), {"max_files": 0}),
    "mutation.file_types.0": (("mutation",), {"file_types": ["md"]}),
    "mutator.command": (("mutator",), {"cwd": "."}),
    "runner.cwd": (("runner",), {"command": "x", "cwd": "a/../.."}),
    "evaluator.0": (("evaluator",), [".git"]),
    "outputs": (("outputs",), []),
    "objective.direction": (("objective",), {"direction": "up"}),
    "objective.minimum_gain": (("objective",), {"minimum_gain": float("nan")}),
    "objective": (("objective",), {"low": 1, "high": 0}),
    "constraints.late": (("constraints",), {"late": {}}),
    "policy.alpha": (("policy",), {"alpha": 2}),
    "policy.mode": (("policy",), {"mode": "lucky"}),
    "budget.usd": (("budget",), {"usd": -1}),
    "limits.memory_mb": (("limits",), {"memory_mb": 1}),
    "network": (("network",), "perhaps"),
    "environment.0": (("environment",), ["MY_TOKEN"]),
    "jail": (("jail",), "open"),
    "logging.output_kb": (("logging",), {"output_kb": 0}),
    "surprise": (("surprise",), 1),
}


@given(TASKS)
@settings(max_examples=40, deadline=None)
def test_what_is_valid_loads_and_comes_back_equal(told: dict[str, Any]) -> None:
    task = _read(told)
    assert _read(task.model_dump(mode="json", exclude_none=True)) == task
    assert [*task.artifacts] == told["artifacts"]


@pytest.mark.parametrize("key", SPOILT)
@given(told=TASKS)
@settings(max_examples=6, deadline=None)
def test_what_is_spoilt_names_its_key(key: str, told: dict[str, Any]) -> None:
    place, value = SPOILT[key]
    inner = told
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = value
    with pytest.raises(ConfigError) as caught:
        _read(told)
    [fault] = caught.value.faults
    line, named = fault.split("task.yaml:")[1].split(": ")[:2]
    assert named == key
    assert int(line) >= 1


def _read(told: dict[str, Any]) -> Task:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "task.yaml"
        path.write_text(yaml.safe_dump(told, allow_unicode=True), encoding="utf-8")
        return read_task(path)
