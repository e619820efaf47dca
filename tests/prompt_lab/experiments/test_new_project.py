"""Where a new project's prompt is tested: in the user's repository, or on a copy."""

from functools import partial
from pathlib import Path

import pytest

from pipeline.wiring import load_adapter
from prompt_lab.errors import StoreError
from prompt_lab.experiments.new_project import PromptPlace, find_place, write_project
from prompt_lab.experiments.project_choice import ModelChoice, ProjectChoice
from tests.pipeline.lab_folder import LabFolder

pytestmark = pytest.mark.slow
OPEN_GIT = partial(load_adapter("git", "git"), ours=False)
COPY = PromptPlace("target", "main", "prompts/p.txt", "", is_copy=True)


def choice_of(prompt: Path) -> ProjectChoice:
    model = ModelChoice("smollm2")
    return ProjectChoice("p", prompt, Path("d.csv"), {"x": "x"}, ("y",), "text", "exact", model)


def commit_prompt(root: Path) -> Path:
    prompt = root / "texts/p.txt"
    prompt.parent.mkdir(parents=True)
    prompt.write_text("Sort {x}")
    owner = LabFolder(root)
    owner.git("init", "-q", "-b", "trunk", at=root)
    owner.git("add", "-A", at=root)
    owner.git("commit", "-q", "-m", "Add it", at=root)
    return prompt


def test_a_committed_prompt_is_tested_in_its_repository_and_a_changed_one_on_a_copy(
    tmp_path: Path,
) -> None:
    prompt = commit_prompt(tmp_path / "shop")
    within = find_place(tmp_path / "shop", choice_of(prompt), OPEN_GIT)
    assert within == PromptPlace("..", "trunk", "texts/p.txt", "", is_copy=False)
    beside = find_place(tmp_path / "lab-of-shop", choice_of(prompt), OPEN_GIT)
    assert beside.repository == str(tmp_path / "shop")
    prompt.write_text("Sort {x}!")
    assert find_place(tmp_path / "shop", choice_of(prompt), OPEN_GIT) == COPY
    alone = tmp_path / "p.txt"
    alone.write_text("Sort {x}")
    assert find_place(tmp_path, choice_of(alone), OPEN_GIT) == COPY


def test_an_interrupted_project_is_completed_and_another_one_is_not_overwritten(
    tmp_path: Path,
) -> None:
    prompt, create = tmp_path / "p.txt", load_adapter("git", "create")
    prompt.write_text("Sort {x}")
    half = tmp_path / "lab/.target.part"
    half.mkdir(parents=True)
    (half / "rest").write_text("of a killed command")
    text = write_project(tmp_path, choice_of(prompt), COPY, create)
    assert (tmp_path / "promptlab.yaml").read_text() == text
    assert not (tmp_path / "lab/target/rest").exists()
    shown = LabFolder(tmp_path).git("show", "main:prompts/p.txt")
    assert (shown, half.exists()) == ("Sort {x}", False)
    assert write_project(tmp_path, choice_of(prompt), COPY, create) == text
    (tmp_path / "promptlab.yaml").write_text("lab: mine\n")
    with pytest.raises(StoreError, match="it was not changed"):
        write_project(tmp_path, choice_of(prompt), COPY, create)
    assert (tmp_path / "promptlab.yaml").read_text() == "lab: mine\n"
