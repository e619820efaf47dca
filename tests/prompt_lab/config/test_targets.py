"""configs/targets/*.yaml: what a target may not be told, and where its pull requests live."""

import pytest

from prompt_lab.config.lab import TargetConfig

SHOP = {"name": "shop", "repository": "target"}


@pytest.mark.parametrize(
    "name", ["GITHUB_TOKEN", "gh_token", "GITHUB_APP_PRIVATE_KEY", "OPENAI_API_KEY"]
)
def test_no_key_reaches_a_target(name: str) -> None:
    for given in ({"environment": [name]}, {"variables": {name: "x"}}):
        with pytest.raises(ValueError, match="keys never reach a target"):
            TargetConfig.model_validate({**SHOP, **given})


@pytest.mark.parametrize(
    "given", [{"code_host": "github"}, {"github": {"repository": "owner/shop"}}]
)
def test_the_host_and_its_section_go_together(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="go together"):
        TargetConfig.model_validate({**SHOP, **given})
