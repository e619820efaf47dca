"""docs/agents.md is true: its commands run in a clone and end as it says; its template too."""

import json
import re
from pathlib import Path

import pytest

from prompt_lab.task_engine.record import AttemptCode
from tests.docs.readme import ROOT
from tests.examples.test_sample_tasks import REASONS, cloned, results, run

PAGE = (ROOT / "docs" / "agents.md").read_text("utf-8")
COMMANDS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = re.findall(r"^```\w+\n# (vision/\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_every_sample_is_on_the_page_and_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert not [name for name in REASONS if f"`{name}`" not in PAGE or f"`{name}`" not in readme]


def test_every_reason_that_it_names_is_one() -> None:
    rows = PAGE[PAGE.index("| reason |") : PAGE.index("## Never")]
    named = set(re.findall(r"`([a-z]+_[a-z_]+|busy|constraint|noisy|renamed|deleted)`", rows))
    assert len(named) > 15
    assert named <= {code.value for code in AttemptCode}


@pytest.mark.slow
@pytest.mark.long
def test_the_commands_run_and_end_as_the_page_says(tmp_path: Path) -> None:
    clone = cloned(tmp_path)
    (clone / "vision").mkdir()
    for name, text in FILES:
        (clone / name).write_text(text, "utf-8")
    said = ""
    for commands in COMMANDS:
        done = run(clone, "sh", "-ec", commands)
        assert done.returncode == 0, f"{commands}\n{done.stderr}"
        said += done.stdout
    assert "Task skill-quality: a skill file for agents" in said
    assert "+4. Run `make migrate-back`, then `make migrate` again." in said
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    shown = json.loads(re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0])
    assert shown.items() <= lines[0].items()
    [campaign] = [line for line in lines if line["kind"] == "campaign"]
    assert (campaign["attempts"], campaign["kept"]) == ([1, 2, 3], [2])
    last = results(clone)[-1]
    assert (last["task_id"], last["status"], last["unenforced"]) == ("vision", "keep", [])
    assert last["verdict"]["outcome"] == "YES"
