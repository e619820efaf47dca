"""What git is started with."""

from pathlib import Path

import pytest

from adapters.git import Git


def test_git_is_not_handed_a_token_that_it_was_not_meant_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_TOKEN", "GH_TOKEN", "GITHUB_APP_PRIVATE_KEY"):
        monkeypatch.setenv(name, "very-secret")
    show = ("-c", "alias.show-me=!env", "show-me")
    assert "PATH=" in Git(tmp_path)(*show)
    assert "very-secret" not in Git(tmp_path, ours=False)(*show)
