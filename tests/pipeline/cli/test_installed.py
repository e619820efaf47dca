"""The wheel in a fresh environment, in a folder outside the clone: from `init` to the ledger."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.cli.own_project import (
    answer_ticket,
    find_missing_lines,
    transcript,
    write_files,
)
from tests.pipeline.model_server import ModelServer

REPOSITORY = Path(__file__).parents[3]
MODELS = """models:
  echo:
    provider: scripted
    id: by-rule
    deterministic: true
    settings:
      temperature: 0
      extra: {rules: [{answer: '{"amount": {0}}', answer_regex: '\\d+(?:\\.\\d+)?'}]}
"""

pytestmark = [pytest.mark.long, pytest.mark.slow]


class Installed:
    """An environment with the wheel, and a project's folder. The clone is on no path."""

    def __init__(self, root: Path) -> None:
        self.bin, self.project = root / "venv/bin", root / "project"
        self.project.mkdir()
        kept = {"PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE"}
        self.env = {
            name: value
            for name, value in os.environ.items()
            if name in kept or name.startswith(("UV_", "PIP_")) or name.lower().endswith("_proxy")
        }
        self._do(REPOSITORY, sys.executable, "-c", BUILD, str(root))
        [wheel] = root.glob("*.whl")
        self._do(root, sys.executable, "-m", "venv", "venv")
        uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "-q"]
        lock = str(REPOSITORY / "locks/run.txt")
        self._do(root, *uv, "--python", str(self.bin / "python"), "-c", lock, str(wheel))

    def run(self, program: str, *args: str, folder: Path | None = None) -> str:
        """Standard output of a program of the environment, which must end with 0."""
        return self._do(folder or self.project, str(self.bin / program), *args)

    def _do(self, folder: Path, *command: str) -> str:
        done = subprocess.run(
            command, cwd=folder, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


BUILD = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("installed"))


def test_two_files_and_a_server_come_to_a_decision_as_the_readme_shows(
    installed: Installed, tmp_path: Path
) -> None:
    """The README's transcript; its first command, pip, is what the fixture has done."""
    write_files(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with ModelServer(answer_ticket) as server:
        for command, shown in transcript()[1:]:
            words = command.replace("http://127.0.0.1:8000/v1", server.address).split()
            said = installed.run(*words, folder=tmp_path)
            assert list(find_missing_lines(shown, said)) == [], said
        said = installed.run("prompt-lab", "try", "same.txt", folder=tmp_path)
    assert "Iteration 2  prompt  NO" in said
    assert {name: (tmp_path / name).read_bytes() for name in before} == before


def use_scripted_model(path: Path) -> None:
    """Let the project ask a model that needs no download, on few plans."""
    text = path.read_text()
    for old, new in (
        ("models: [smollm2]", "models: [echo]"),
        ("train_plans: 60", "train_plans: 3"),
        ("verify_plans: 1000", "verify_plans: 3"),
        ("scout_plans: 10", "scout_plans: 2"),
        ("\nmodels:\n", f"\n{MODELS}"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)


def test_a_project_outside_the_clone_goes_from_init_to_the_ledger(installed: Installed) -> None:
    where = installed.run("python", "-c", "import pipeline; print(pipeline.__file__)")
    assert str(REPOSITORY) not in where
    said = installed.run("prompt-lab", "init")
    assert "install-local-model" in said
    use_scripted_model(installed.project / "promptlab.yaml")
    assert "Dry run of iteration 1" in installed.run("prompt-lab", "iterate", "--dry-run")
    assert "Dry run" in installed.run("luigi", "--module", "pipeline", "Iteration", "--dry-run")
    made = json.loads(installed.run("prompt-lab", "iterate", "--json"))
    assert made["records"]["verdict"]["outcome"]
    again = installed.run("luigi", "--module", "pipeline", "Iteration", "--number", "1")
    assert "Iteration 1  extract_invoice" in again
    ledger = json.loads(installed.run("prompt-lab", "ledger", "--json"))
    assert [row["iteration"] for row in ledger["iterations"]] == [1]
    assert (installed.project / "lab/index.html").is_file()
    assert "prompt-lab-run" in installed.run("prompt-lab-run", "--help")
