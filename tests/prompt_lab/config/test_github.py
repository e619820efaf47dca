"""The section `github:` of a target: what is refused, and what follows from the rest."""

import pytest

from prompt_lab.config.github import GitHubConfig


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"base_url": "http://git.shop.example/api/v3"}, "https"),
        ({"remote": "https://me:secret@github.com/a/b.git"}, "environment alone"),
        ({"remote": "--upload-pack=sh"}, "name of a remote"),
        ({"repository": "../../etc"}, "repository"),
        ({"base_ulr": "https://github.com"}, "base_ulr"),
    ],
)
def test_a_config_that_would_harm_is_refused(given: dict[str, str], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        GitHubConfig.model_validate({"repository": "a/b", **given})


def test_the_config_of_an_enterprise_server() -> None:
    config = GitHubConfig(repository="a/b", base_url="https://git.shop.example/api/v3/")
    assert config.git_remote == "https://git.shop.example/a/b.git"
