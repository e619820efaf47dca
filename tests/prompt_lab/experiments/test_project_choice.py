"""What `prompt-lab init` chooses of a prompt and a table, and what it asks for."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prompt_lab.errors import LabError, StoreError
from prompt_lab.experiments.look_around import look_around
from prompt_lab.experiments.new_project import PromptPlace, render_project
from prompt_lab.experiments.project import ProjectConfig
from prompt_lab.experiments.project_choice import (
    ModelChoice,
    ProjectChoice,
    choose_model,
    choose_project,
)

MODEL = ModelChoice("smollm2")


def choose(folder: Path, prompt: str, rows: Sequence[Any], **given_: Any) -> ProjectChoice:
    (folder / "p.txt").write_text(prompt, "utf-8")
    (folder / "d.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    options: dict[str, Any] = {"inputs": {}, "gold": (), "score": "", "schema": None, **given_}
    return choose_project(folder / "p.txt", folder / "d.jsonl", MODEL, **options)


@pytest.mark.parametrize(
    ("prompt", "row", "inputs", "gold", "kind"),
    [
        ("Sort {note}", {"note": "x", "label": "A"}, {"note": "note"}, ("label",), "normalized"),
        ("Sort {{Note}}", {"note": "x", "kind": "A"}, {"Note": "note"}, ("kind",), "normalized"),
        ("Sort it", {"text": "x", "expected": "12"}, {"input": "text"}, ("expected",), "number"),
        ("Read {it}", {"mail": "x", "ideal": "1.5"}, {"it": "mail"}, ("ideal",), "number"),
        ("{q}", {"q": "x", "answer": "long " * 40}, {"q": "q"}, ("answer",), "rouge_l"),
        ("{q}", {"q": "x", "gold": {"sum": 1}}, {"q": "q"}, ("gold",), ""),
        ("{q} {id}", {"q": "x", "id": "1", "who": "y"}, {"q": "q", "id": "id"}, ("who",), "n"),
    ],
)
def test_columns_and_scoring_follow_from_names_and_values(
    tmp_path: Path, prompt: str, row: Any, inputs: Any, gold: Any, kind: str
) -> None:
    found = choose(tmp_path, prompt, [row])
    assert (dict(found.inputs), found.gold) == (inputs, gold)
    assert found.score.startswith(kind) if kind else found.answer == "json"


@pytest.mark.parametrize(
    ("prompt", "row", "given_", "says"),
    [
        ("{q}", {"q": "x", "a": "1", "b": "2"}, {}, "which column holds the right answer"),
        ("{q} {r}", {"s": "x", "label": "1"}, {}, "name the input with --input NAME=COLUMN"),
        ("{q}", {"q": "x", "label": "1"}, {"gold": ("lable",)}, "Did you mean 'label'"),
        ("{q}", {"q": "x", "a": "1", "b": "2"}, {"gold": ("a", "b"), "score": "exact"}, "field by"),
        (" ", {"q": "x", "label": "1"}, {}, "is empty"),
    ],
)
def test_what_stays_open_is_asked_for_by_its_flag(
    tmp_path: Path, prompt: str, row: Any, given_: Any, says: str
) -> None:
    with pytest.raises(LabError, match=says):
        choose(tmp_path, prompt, [row], **given_)


@pytest.mark.parametrize(
    ("name", "base_url", "wanted"),
    [
        ("openai/gpt-4o-mini", "", ("gpt-4o-mini", "openai", "gpt-4o-mini", "OPENAI_API_KEY")),
        ("openai/gpt-x", "http://h/v1", ("gpt-x", "openai_like", "gpt-x", "")),
        ("meta/Llama-3", "http://h/v1", ("llama-3", "openai_like", "meta/Llama-3", "")),
        ("openrouter/a/b:free", "", ("b-free", "openrouter", "a/b:free", "OPENROUTER_API_KEY")),
        ("smollm2", "", ("smollm2", "", "", "")),
    ],
)
def test_a_model_by_its_name(name: str, base_url: str, wanted: tuple[str, ...]) -> None:
    found = choose_model(name, base_url=base_url, key_env="", shipped={"smollm2": "x"}, prices={})
    assert (found.alias, found.provider, found.id, found.key_env) == wanted


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=st.text(max_size=12), url=st.sampled_from(["", "http://127.0.0.1:1/v1"]))
def test_whatever_a_file_or_a_model_is_called_the_written_project_can_be_read(
    tmp_path: Path, name: str, url: str
) -> None:
    try:
        model = choose_model(f"openai/{name}", base_url=url, key_env="", shipped={}, prices={})
        choice = ProjectChoice(
            name or "s", Path(f"{name}.txt"), Path("d.csv"), {name: "c"}, ("g",), "text", "exact",
            model,
        )  # fmt: skip
        text = render_project(choice, PromptPlace("target", "main", f"prompts/{name}", "", True))
    except LabError:
        return
    raw = yaml.safe_load(text)
    [(step, config)] = raw["steps"].items()
    assert (step, config["inputs"]) == (name or "s", [f"{name}.txt"])
    if ".." not in name and raw["models"]:
        assert ProjectConfig.model_validate(raw).defaults.models == (model.alias,)


def test_looking_around_finds_prompt_table_and_names_of_keys_and_never_a_value(
    tmp_path: Path,
) -> None:
    files = {
        "README.md": "Read {ticket}",
        "notes.txt": "nothing",
        "prompts/sort.txt": "Sort {ticket}",
        "cases.csv": "ticket,label\n" + "x,y\n" * 9,
        "few.csv": "a,b\n1,2\n",
        "broken.csv": 'a,b\n"',
        "package.json": "[]",
        ".env": "export OPENAI_API_KEY=sk-secret\nDEBUG=1\n# X_KEY=1\n",
        "promptfooconfig.yaml": "prompts: []",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "image.txt").write_bytes(b"\xff\xfe\xfa")
    found = look_around(tmp_path)
    assert [path.name for path in found.prompts] == ["sort.txt"]
    assert [path.name for path in found.tables] == ["cases.csv"]
    assert (found.keys, found.promptfoo) == (("OPENAI_API_KEY",), tmp_path / "promptfooconfig.yaml")
    assert "sk-secret" not in repr(found)
    assert look_around(tmp_path / "none") == type(found)()


def test_control_characters_in_names_are_refused() -> None:
    choice = ProjectChoice("s", Path("a\n.txt"), Path("d"), {"x": "c"}, ("g",), "json", "", MODEL)
    with pytest.raises(StoreError, match="control characters"):
        render_project(choice, PromptPlace("target", "main", "a\n.txt", "", True))
