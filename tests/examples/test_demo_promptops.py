"""`make demo-promptops` on the embedded model: improved, promoted, and a bad text aborted."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from prompt_lab.promptops.canary import read_canary
from prompt_lab.prompts.snapshots import PromotionKind
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_files import PromptFiles

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.model]
ROOT = Path(__file__).parents[2]


def test_a_service_whose_prompt_fails(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PROMPTLAB", "LUIGI", "MAKE"))}
    done = subprocess.run(
        ["make", "-o", "setup", "demo-promptops", f"PROMPTOPS={lab}"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    kinds = [row.kind for row in PromptFiles(lab / "prompts").read_journal()]
    assert kinds == [PromotionKind.IMPORT, PromotionKind.PROMOTE], done.stdout
    canary = read_canary(Lab(lab), "orders")
    assert canary is not None
    assert (canary.state, canary.verdict_id) == ("aborted", "")
    assert "3 candidates" in done.stdout
    right, of = map(int, re.findall(r"all: (\d+) of (\d+) answers", done.stdout)[0])
    assert 0.35 <= right / of <= 0.65, "about half of the class fails"
    closed, opened = done.stdout.split("== May this be released?")
    assert "forced_canary: orders" in closed
    assert "(the gate is closed: exit code 1)" in closed
    assert "The release may go on" in opened
