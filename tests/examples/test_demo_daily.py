"""`make demo-daily` on the embedded model: found, tried, approved, deployed, measured; twice."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from prompt_lab.prompts.snapshots import PromotionKind
from prompt_lab.store.prompt_files import PromptFiles

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.model]
ROOT = Path(__file__).parents[2]


def demo(lab: Path) -> str:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PROMPTLAB", "LUIGI", "MAKE"))}
    done = subprocess.run(
        ["make", "-o", "setup", "demo-daily", f"DAILY={lab}"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_three_days_of_the_agent(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    said = demo(lab)
    for planted in (
        "write_article failed",
        "generate_image was never called",
        "'Style guide' is in the prompt blog_writer twice",
        "writer-large-2 takes",
        "blog_writer got worse with version",
    ):
        assert planted in said, planted
    assert said.count("🔍 Agent Self-Analysis") == 3
    kinds = [row.kind for row in PromptFiles(lab / "prompts").read_journal()]
    assert kinds == [PromotionKind.IMPORT, PromotionKind.FORCE, PromotionKind.PROMOTE]
    [change] = re.findall(r"cost [0-9.]+ -> [0-9.]+ \((-[0-9.]+)% to (-[0-9.]+)%\)", said)[-1:]
    assert all(float(limit) < 0 for limit in change), "both ends of the interval say cheaper"
    again = demo(lab)
    assert again.count("🔍 Agent Self-Analysis") == 3
    assert [row.kind for row in PromptFiles(lab / "prompts").read_journal()] == kinds
