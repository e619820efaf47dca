"""configs/targets/*.yaml: what a target may not be told, and where its pull requests live."""

from math import inf, nan
from typing import Any

import pytest
from pydantic import ValidationError

from prompt_lab.config.lab import LimitsConfig, TargetConfig

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


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"variables": {"A=B": "x"}}, "'A=B' is no name"),
        ({"variables": {"A\0B": "x"}}, "is no name"),
        ({"variables": {"": "x"}}, "'' is no name"),
        ({"variables": {"A": "x\0y"}}, "'A' holds a NUL"),
        ({"environment": ["A=B"]}, "'A=B' is no name"),
    ],
)
def test_what_no_process_can_be_given_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TargetConfig(name="t", repository="r", **given)


@pytest.mark.parametrize("seconds", [0, -1, inf, nan, 1e12])
def test_a_limit_that_no_clock_can_keep_is_refused(seconds: float) -> None:
    with pytest.raises(ValidationError, match="seconds"):
        LimitsConfig(seconds=seconds)
