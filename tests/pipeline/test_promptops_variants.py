"""`prompt-lab promptops selector | pause | resume | library`, in process."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.cli.app import app
from prompt_lab.prompts.snapshots import digest_text
from prompt_lab.store.layout import Lab
from tests.pipeline.web.labs import ID, make_lab, write_text
from tests.pipeline.web.test_selection_pages import fill_library

SECOND = digest_text(write_text("second"))


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setenv("PROMPTLAB_ROOT", str(tmp_path))
    make_lab(tmp_path)
    return Lab(tmp_path)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["promptops", *words])


def test_a_text_is_paused_listed_and_resumed(lab: Lab) -> None:
    assert "on for: no task class" in run("selector").output
    paused = run("pause", ID, SECOND[:8], "--reason", "it was rude")
    assert f"{SECOND[:12]} is paused" in paused.output
    assert "it was rude" in run("selector").output
    assert "may be served again" in run("resume", ID, SECOND, "--reason", "fixed").output
    assert "rude" not in run("selector").output


@pytest.mark.parametrize("words", [(ID, "ffffff", "--reason", "r"), (ID, SECOND)])
def test_a_wrong_pause_changes_nothing_and_says_what_to_do(
    lab: Lab, words: tuple[str, ...]
) -> None:
    result = run("pause", *words)
    assert result.exit_code != 0
    assert not (lab.root / "promptops" / "selection").exists()


def test_the_library_lists_templates_with_codes_and_lineage(lab: Lab) -> None:
    assert "No text has won" in run("library").output
    fill_library(lab)
    output = run("library").output
    assert "accepted" in output
    assert "refused [secret]" in output
    assert "trial 7_triage, promotion 4" in output
