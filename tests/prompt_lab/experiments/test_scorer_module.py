"""`score: my_module:function`: beside promptlab.yaml it is used, in the target it is refused."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.wiring import project_context
from prompt_lab.errors import ConfigError

PROJECT = """
lab: lab
defaults: {step: read, models: [smollm2]}
targets: {shop: {repository: %s}}
steps:
  read:
    adapter: prompt_file
    target: shop
    prompt: prompt.txt
    inputs: [note.txt]
    answer: text
    score: own_scores_of_a_test:score_length
    primary: short
"""
SCORER = "def score_length(gold, answer):\n    return {'short': float(len(answer) < 9)}\n"
CODE = """
import sys; from pathlib import Path; from pipeline.wiring import project_context
context = project_context(Path(sys.argv[1]))
print(context.adapter("read").score(Path(sys.argv[1], "plan"), Path(sys.argv[1], "run")))
"""


def write_project(folder: Path, repository: str) -> None:
    (folder / "promptlab.yaml").write_text(PROJECT % repository)
    (folder / "own_scores_of_a_test.py").write_text(SCORER)


def test_a_module_beside_the_project_scores(tmp_path: Path) -> None:
    write_project(tmp_path, "target")
    for path, text in (("plan/note.txt", "x"), ("run/answer.txt", "short")):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", CODE, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "{'short': 1.0}", done.stderr


def test_a_module_of_the_target_is_refused(tmp_path: Path) -> None:
    write_project(tmp_path, "..")
    with pytest.raises(ConfigError, match="a candidate could change its own score"):
        project_context(tmp_path).adapter("read")
