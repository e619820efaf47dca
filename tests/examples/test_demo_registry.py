"""`make demo-registry` on the embedded model: YES, promoted, rolled back, seen by a reader."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from prompt_lab.prompts.snapshots import PromotionKind
from prompt_lab.store.prompt_files import PromptFiles

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.model
def test_a_reader_sees_the_promotion_and_its_rollback(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    (clone / ".venv").symlink_to(ROOT / ".venv")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PROMPTLAB", "LUIGI", "MAKE"))}
    done = subprocess.run(
        ["make", "-o", "setup", "demo-registry"],
        cwd=clone,
        env={**env, "PYTHONPATH": str(clone)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    rows = PromptFiles(clone / "lab-registry/prompts").read_journal()
    assert [row.kind for row in rows] == [
        PromotionKind.IMPORT,
        PromotionKind.PROMOTE,
        PromotionKind.ROLLBACK,
    ]
    served = (clone / "lab-registry/seen.txt").read_text().splitlines()
    wanted = [rows[at].to_snapshot[:12] for at in range(3)]
    assert [re.findall(r"snapshot (\w+)", line)[0] for line in served] == wanted
    assert "3 rows verified" in done.stdout
    assert "1_extract_invoice" in (clone / "lab-registry/index.html").read_text()
