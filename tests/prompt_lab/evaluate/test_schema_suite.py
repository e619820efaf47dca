"""The official tests of draft 2020-12, as the source archive of jsonschema carries them."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from prompt_lab.evaluate.schema import first_fault

RELEASE = "4.26.0"
REMOTES = "http://localhost:1234/"
SKIPPED = ("vocabulary.json", "no validation: invalid number, but it still validates")
"""jsonschema does not read $vocabulary, and leaves this test out itself."""


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("suite")
    wanted = f"jsonschema=={RELEASE}"
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
    done = subprocess.run(
        [*pip, "--no-binary", "jsonschema", wanted], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("pip cannot download the source archive of jsonschema")
    with tarfile.open(folder / f"jsonschema-{RELEASE}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / f"jsonschema-{RELEASE}" / "json"


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


@pytest.mark.long
def test_the_official_tests_of_draft_2020_12_pass(suite: Path) -> None:
    remotes = suite / "remotes"
    documents = {
        REMOTES + path.relative_to(remotes).as_posix(): _read(path)
        for path in remotes.rglob("*.json")
    }
    passed, failed = 0, []
    for path in sorted((suite / "tests/draft2020-12").glob("*.json")):
        for case in _read(path):
            for test in case["tests"]:
                if (path.name, test["description"]) == SKIPPED:
                    continue
                valid = first_fault(test["data"], case["schema"], documents) is None
                passed += valid == test["valid"]
                if valid != test["valid"]:
                    failed.append(f"{path.name}: {case['description']}: {test['description']}")
    assert failed == []
    assert passed > 1200
