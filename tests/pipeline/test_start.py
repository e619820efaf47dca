"""What commands may import: modules are counted, since times depend on the machine."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer.main

import pipeline
from pipeline.cli.app import COMMANDS, app
from tests.pipeline.world import World

ROOT = Path(__file__).parents[2]
PACKAGES = ("pipeline", "adapters", "prompt_lab")
NEVER = frozenset(
    {
        *("scipy.stats", "llama_index", "openai", "anthropic", "ollama", "statsmodels", "github"),
        *("fastapi", "uvicorn", "sqlalchemy", "aiohttp", "httpx", "prompt_lab.task_engine.attempt"),
    }
)
"""What none of the three commands needs."""
WORK = frozenset(
    {"numpy", "scipy", "jinja2", "markdown_it", "rapidfuzz", "prompt_lab.analyze", "adapters.llm"}
)
"""What a command needs that reads or makes runs."""
SCRIPT = """
import atexit, json, runpy, sys
out, sys.argv = sys.argv[1], sys.argv[2:]
atexit.register(lambda: open(out, "w").write(json.dumps(sorted(sys.modules))))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def modules_of(tmp_path: Path, *words: str, **env: str) -> list[str]:
    """The modules that a command in a new interpreter has imported when it ends."""
    out = tmp_path / "modules.json"
    program = [sys.executable, "-c", SCRIPT, str(out), str(Path(sys.executable).parent / words[0])]
    done = subprocess.run(
        [*program, *words[1:]],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(out.read_text())
    return found


def loaded(modules: list[str], names: frozenset[str]) -> set[str]:
    return {n for n in names for m in modules if m == n or m.startswith(f"{n}.")}


def count_own(modules: list[str]) -> int:
    return sum(name.partition(".")[0] in PACKAGES for name in modules)


def test_help_imports_neither_luigi_nor_any_task(tmp_path: Path) -> None:
    modules = modules_of(tmp_path, "prompt-lab", "--help")
    assert loaded(modules, NEVER | WORK | {"luigi", "pydantic", "yaml", "pipeline.tasks"}) == set()
    assert count_own(modules) < 15


@pytest.mark.slow
def test_a_dry_run_and_a_rerun_import_what_they_use(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world(train=3, verify=3, scout=2)
    command = ["luigi", "--module", "pipeline", "Iteration"]
    dry = modules_of(tmp_path, *command, "--dry-run", **world.env)
    assert loaded(dry, NEVER) == set()
    assert count_own(dry) < 330
    assert world.iterate()
    again = modules_of(tmp_path, *command, "--number", "1", **world.env)
    assert loaded(again, NEVER | WORK) == set()
    assert count_own(again) < 115
    assert len(again) < len(dry)


def test_the_list_of_commands_says_what_their_help_says() -> None:
    group = typer.main.get_command(app)
    for name, (_, text) in COMMANDS.items():
        told = " ".join((group.commands[name].help or "").split())  # type: ignore[attr-defined]
        assert text.rstrip(".") in told


def test_every_name_of_the_dag_is_found_on_use() -> None:
    assert [
        name for name in pipeline.__all__ if not isinstance(getattr(pipeline, name), type)
    ] == []
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = pipeline.Nothing


def lazy_modules() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text("utf-8")
            if path.name != "lazy.py" and ("call_on_use(" in text or "find_lazily(" in text):
                yield path, ast.parse(text)


@pytest.mark.parametrize(
    ("path", "tree"),
    [pytest.param(*one, id=one[0].relative_to(ROOT).as_posix()) for one in lazy_modules()],
)
def test_a_table_of_lazy_names_agrees_with_the_imports_for_type_checkers(
    path: Path, tree: ast.Module
) -> None:
    tables: dict[tuple[str, str], str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in (
            "call_on_use",
            "find_lazily",
        ):
            for module, names in ast.literal_eval(node.args[1]).items():
                for word in names.split():
                    name, _, own = word.partition("=")
                    tables[module, name] = own or name
    typed = {
        (node.module or "", alias.name): alias.asname or alias.name
        for block in tree.body
        if isinstance(block, ast.If) and getattr(block.test, "id", "") == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert tables.items() <= typed.items()
    if "find_lazily(" in path.read_text("utf-8"):
        assert tables == typed
