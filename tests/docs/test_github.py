"""docs/github.md: its config validates, names every key, and its words are those of the code."""

from pathlib import Path

import pytest

from adapters.code_host import _github_auth
from prompt_lab.config.base import load
from prompt_lab.config.github import GitHubConfig
from prompt_lab.config.lab import TargetConfig
from prompt_lab.experiments.conclude import CONFLICT, LABELS, REFUSED
from prompt_lab.names import Outcome
from tests.docs.readme import ROOT, blocks

TEXT = (ROOT / "docs/github.md").read_text("utf-8")


def _github(text: str, folder: Path) -> GitHubConfig:
    path = folder / "shop.yaml"
    path.write_text(text)
    found = load(path, TargetConfig, name="shop").github
    assert found is not None
    return found


def test_its_config_has_every_key_and_its_defaults_are_true(tmp_path: Path) -> None:
    [block] = blocks("yaml", "docs/github.md")
    given = _github(block.text, tmp_path)
    assert given.model_fields_set == set(GitHubConfig.model_fields)
    alike = given.model_copy(update={"remote": ""})
    assert alike == GitHubConfig(repository=given.repository)


@pytest.mark.parametrize(
    "word",
    [
        _github_auth.TOKEN,
        _github_auth.APP_ID,
        _github_auth.APP_KEY,
        _github_auth.INSTALLATION,
        LABELS[Outcome.INVALID],
        CONFLICT,
        REFUSED,
    ],
)
def test_it_knows_the_words_of_the_code(word: str) -> None:
    assert f"`{word}`" in TEXT
