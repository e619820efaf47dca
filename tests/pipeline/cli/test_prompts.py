"""`prompt-lab prompts` from import to verify."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.cli.prompts import prompts_app
from prompt_lab.errors import LabError
from tests.prompt_lab.store.prompt_worker import write_text

ID = "master_system_core"
RunPrompts = Callable[..., Result]


@pytest.fixture
def run_prompts(tmp_path: Path) -> RunPrompts:
    """Runs a command on a lab; its standard input is no terminal."""
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / f"{ID}.txt").write_text(write_text("first"))
    (tmp_path / "new.txt").write_text(write_text("b"))
    environment = {"PROMPTLAB_ROOT": str(tmp_path / "lab")}

    def run(*words: str) -> Result:
        return CliRunner().invoke(prompts_app, words, env=environment, input=f"{ID}\n")

    return run


def test_from_import_to_verify(run_prompts: RunPrompts, tmp_path: Path) -> None:
    assert "prompts import" in str(run_prompts("list").exception)
    assert "import" in run_prompts("import", str(tmp_path / "texts")).output
    assert run_prompts("show", ID).output.strip() == write_text("first").strip()
    assert run_prompts("check", ID, str(tmp_path / "new.txt")).output == "passes\n"
    assert "IMPORT" in run_prompts("blame", ID).output
    assert run_prompts("history").output.count("\n") == 1
    assert "1 rows verified" in run_prompts("verify").output


def test_names_each_refusal(run_prompts: RunPrompts, tmp_path: Path) -> None:
    run_prompts("import", str(tmp_path / "texts"))
    (tmp_path / "texts" / f"{ID}.txt").write_text(write_text("c"))
    text = str(tmp_path / "new.txt")
    for words, why in (
        (("promote", ID, text), "has no verdict"),
        (("promote", ID, text, "--verdict", "7_triage"), "there is no verdict '7_triage'"),
        (("force", ID, text, "--reason", "now"), "Only a person at a terminal"),
        (("rollback", "00", "--reason", "now"), "names 0 snapshots"),
        (("import", str(tmp_path / "texts")), "with another text"),
    ):
        refused = run_prompts(*words)
        assert isinstance(refused.exception, LabError)
        assert why in str(refused.exception)
    assert run_prompts("show", ID).output.strip() == write_text("first").strip()
