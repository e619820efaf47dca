"""`prompt-lab prompts deploy`, `pull` and `status` on a folder as the registry."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.cli.prompts import prompts_app
from pipeline.cli.remote_prompts import add_commands
from prompt_lab.errors import LabError
from prompt_lab.store.prompt_registry import PromptRegistry
from tests.pipeline.web.labs import HOSTILE, ID, QUERY, make_lab, why, write_text

if not any(one.name == "deploy" for one in prompts_app.registered_commands):
    add_commands(prompts_app)


@pytest.fixture
def registry(tmp_path: Path) -> PromptRegistry:
    folder = tmp_path / "configs" / "registries"
    folder.mkdir(parents=True)
    (folder / "files.yaml").write_text(f"kind: folder\npath: {tmp_path / 'remote'}\n")
    return make_lab(tmp_path / "lab")


def run(tmp_path: Path, *words: str) -> Result:
    environment = {
        "PROMPTLAB_ROOT": str(tmp_path / "lab"),
        "PROMPTLAB_CONFIGS": str(tmp_path / "configs"),
    }
    return CliRunner().invoke(prompts_app, words, env=environment)


def test_deploys_all_and_reports_the_state(registry: PromptRegistry, tmp_path: Path) -> None:
    assert "has no such label" in run(tmp_path, "status").output
    done = run(tmp_path, "deploy", "--to", "files")
    assert (done.exit_code, done.output.count("published")) == (0, 2)
    assert (tmp_path / "remote" / ID / "production.txt").read_text() == write_text(HOSTILE)
    again = run(tmp_path, "deploy", "--to", "files")
    assert again.output.count("was there already") == 2
    assert run(tmp_path, "status").output.count("has the lab's text") == 2
    registry.roll_back(registry.files.read_journal()[0].to_snapshot, why("back", 9))
    assert "has an earlier text of the lab" in run(tmp_path, "status", "--to", "files").output


def test_an_edit_by_hand_fails_deploy_and_status(registry: PromptRegistry, tmp_path: Path) -> None:
    run(tmp_path, "deploy", "--to", "files")
    (tmp_path / "remote" / "query" / "1.txt").write_text("edited")
    status = run(tmp_path, "status")
    assert (status.exit_code, "was changed by hand" in status.output) == (1, True)
    done = run(tmp_path, "deploy", "--to", "files")
    assert done.exit_code == 1
    assert "query: NOT deployed" in done.output
    assert f"{ID}  files" in done.output  # the others are deployed all the same
    pulled = run(tmp_path, "pull", "query", "--from", "files")
    assert pulled.output.strip() == "edited"


def test_pulls_into_a_folder_that_import_takes(registry: PromptRegistry, tmp_path: Path) -> None:
    run(tmp_path, "deploy", "--to", "files")
    done = run(tmp_path, "pull", "--from", "files", "--output", str(tmp_path / "out"))
    assert done.exit_code == 0
    assert (tmp_path / "out" / "query.txt").read_text() == QUERY


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("deploy", "--to", "none"), "Unknown registry 'none'"),
        (("deploy", "--to", "files", "--over", "00"), "name its prompt"),
        (("deploy", "none", "--to", "files"), "Unknown prompt 'none'"),
        (("pull", "--from", "files"), "Name one prompt"),
        (("pull", "query", "--from", "files"), "has no label"),
    ],
)
def test_bad_input_is_one_sentence(
    registry: PromptRegistry, tmp_path: Path, words: tuple[str, ...], reason: str
) -> None:
    done = run(tmp_path, *words)
    assert isinstance(done.exception, LabError)
    assert reason in str(done.exception)
