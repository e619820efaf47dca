"""The step file in the target's process, and the three ways in which a step runs a plan."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

_PLACE = re.compile(r"\{(\w+)\}")


class StepFailed(Exception):
    """The step ended without what it had to give: data, not a fault of the lab."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


def load(path: str) -> types.ModuleType:
    """The step file as a module."""
    data = Path(path).read_bytes()
    module = types.ModuleType("_step_" + Path(path).stem)
    module.__file__ = path
    sys.modules[module.__name__] = module
    exec(compile(data, path, "exec"), module.__dict__)
    return module


def import_reference(reference: str) -> Any:
    """What `package.module:attribute` names."""
    module, _, attribute = reference.partition(":")
    return getattr(importlib.import_module(module), attribute)


def prompt_text(step: types.ModuleType, said: dict[str, Any]) -> str | None:
    """The prompt that the step says it sent, else the one that it names; None for neither."""
    text = said.get("prompt")
    reference = getattr(step, "PROMPT", "")
    if text is None and reference:
        text = import_reference(reference)
    return text if isinstance(text, str) else None


def prompt_sha256(step: types.ModuleType, said: dict[str, Any]) -> str:
    """Of that prompt; '' for none."""
    text = prompt_text(step, said)
    return "" if text is None else hashlib.sha256(text.encode()).hexdigest()


def execute(step: types.ModuleType, setup: dict[str, Any], job: dict[str, Any]) -> dict[str, Any]:
    """Run one plan. Gives what the step says of itself: `prompt`, `error`, `calls`, …"""
    prepare = getattr(step, "prepare", None)
    if prepare is not None:
        prepare(job["plan_dir"], job["out_dir"], job["models"])
    way = {"python": _python, "luigi": _luigi, "command": _command}[setup["mode"]]
    said = way(step, setup, job)
    return said if isinstance(said, dict) else {}


def score(step: types.ModuleType, job: dict[str, Any]) -> dict[str, float]:
    """The named parts, as numbers."""
    parts = step.score(job["plan_dir"], job["out_dir"])
    if not isinstance(parts, dict):
        raise StepFailed("no_parts", f"gives {parts!r}, not a dict of named parts")
    return {str(name): float(value) for name, value in parts.items()}


def _python(step: types.ModuleType, _: dict[str, Any], job: dict[str, Any]) -> Any:
    return step.execute(job["plan_dir"], job["out_dir"], job["models"])


def _luigi(step: types.ModuleType, setup: dict[str, Any], job: dict[str, Any]) -> Any:
    """Run one task by itself: what it requires must be there, and what it outputs must come."""
    with _filled(setup, job) as fill:
        kind = import_reference(step.TASK)
        task = kind(
            **_parse_parameters(kind, {key: fill(text) for key, text in step.PARAMETERS.items()})
        )
        laid = _lay_out(task.deps(), job["plan_dir"], job["out_dir"])
        _demand(task.deps(), "needs")
        running = task.run()
        if hasattr(running, "send"):  # a generator: each yield asks for further tasks
            answer = None
            with contextlib.suppress(StopIteration):
                while True:
                    wanted = running.send(answer)
                    _demand(_flat(wanted), "asks in run() for")
                    answer = _outputs(wanted)
    for path in laid:
        os.unlink(path)
    missing = [_place(o) for o in _flat(task.output()) if not o.exists()]
    if missing:
        raise StepFailed("no_output", f"{task.task_family} ended without {', '.join(missing)}")
    return {}


def _parse_parameters(kind: Any, texts: Mapping[str, str]) -> dict[str, Any]:
    """Parameters as their own classes read them from a command line: lists, numbers, paths."""
    known = dict(kind.get_params())
    values = {}
    for name, text in texts.items():
        if name not in known:
            raise StepFailed(
                "wrong_parameter", f"{kind.__name__} has no parameter {name!r}: see PARAMETERS"
            )
        try:
            values[name] = known[name].parse(text)
        except (ValueError, TypeError, KeyError) as error:
            raise StepFailed(
                "wrong_parameter",
                f"{kind.__name__}.{name} cannot read {text!r}: {error}. Correct PARAMETERS.",
            ) from error
    return values


def _lay_out(tasks: Iterable[Any], plan_dir: str, out_dir: str) -> list[str]:
    """Copy what tasks output, by its name, from the plan to where this run looks for it.

    Needed where one folder holds inputs and outputs alike. Gives the copies that were made.
    """
    made = []
    for output in [o for task in tasks for o in _flat(task.output())]:
        goal = os.path.abspath(str(getattr(output, "path", "")))
        if output.exists() or not goal.startswith(os.path.abspath(out_dir) + os.sep):
            continue
        source = os.path.join(plan_dir, os.path.relpath(goal, os.path.abspath(out_dir)))
        if os.path.isfile(source):
            os.makedirs(os.path.dirname(goal), exist_ok=True)
            shutil.copyfile(source, goal)
            made.append(goal)
    return made


def _demand(tasks: Iterable[Any], verb: str) -> None:
    for task in tasks:
        if not task.complete():
            places = ", ".join(_place(o) for o in _flat(task.output()))
            raise StepFailed(
                "missing_input",
                f"the task {verb} {task.task_family}, whose output is not there: {places}",
            )


def _command(step: types.ModuleType, setup: dict[str, Any], job: dict[str, Any]) -> Any:
    """One process, by a list of arguments; no shell reads any of them."""
    with _filled(setup, job) as fill:
        argv = [fill(item) for item in step.COMMAND]
        try:
            code = subprocess.run(argv, stdin=subprocess.DEVNULL, check=False).returncode
        except OSError as error:
            raise StepFailed("no_command", f"{argv[0]!r} cannot start: {error}") from error
    if code:
        how = f"exit code {code}" if code > 0 else f"signal {-code}"
        raise StepFailed("exit_code", f"{argv[0]!r} ended with {how}")
    return {}


@contextlib.contextmanager
def _filled(setup: dict[str, Any], job: dict[str, Any]) -> Iterator[Any]:
    """Gives a function that puts the places and models of a job into a text."""
    first = (job["models"] or [{}])[0]
    with tempfile.TemporaryDirectory(prefix="prompt-lab-") as folder:
        models = Path(folder) / "models.json"
        models.write_text(json.dumps(job["models"]), encoding="utf-8")
        values = {
            "plan_dir": job["plan_dir"],
            "out_dir": job["out_dir"],
            "worktree": setup["worktree"],
            "python": sys.executable,
            "models": json.dumps(job["models"]),
            "models_file": str(models),
            "base_url": first.get("base_url", ""),
            "model": first.get("model", ""),
        }

        def fill(text: str) -> str:
            return _PLACE.sub(lambda found: values.get(found[1], found[0]), text)

        yield fill


def _flat(struct: Any) -> list[Any]:
    """The tasks or targets of a Luigi structure: one, a list, a dict, or nothing."""
    if struct is None:
        return []
    if isinstance(struct, dict):
        return [item for value in struct.values() for item in _flat(value)]
    if isinstance(struct, (list, tuple, set)) or hasattr(struct, "__next__"):
        return [item for value in struct for item in _flat(value)]
    return [struct]


def _outputs(struct: Any) -> Any:
    """The same structure with each task's output in its place, as Luigi hands it back."""
    if isinstance(struct, dict):
        return {key: _outputs(value) for key, value in struct.items()}
    if isinstance(struct, (list, tuple)):
        return [_outputs(value) for value in struct]
    return struct.output()


def _place(target: Any) -> str:
    return os.path.basename(str(getattr(target, "path", target)))
