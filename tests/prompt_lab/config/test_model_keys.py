"""A model's config as records hold it, and the values that no record may hold."""

import json

from prompt_lab.config.model_keys import describe_model, keys_of
from prompt_lab.config.models import CallSettings, ModelConfig

CONFIG = ModelConfig(
    alias="m",
    provider="openai_like",
    id="x",
    base_url="https://user:pass-word-1@host.example/v1?key=query-key-1",
    key_env="SHOP_KEY",
    settings=CallSettings(extra={"api_key": "written-out-1", "top_k": 3}),
    deterministic=True,
)


def test_no_key_is_in_what_is_recorded() -> None:
    text = json.dumps(describe_model(CONFIG))
    for key in ("pass-word-1", "query-key-1", "written-out-1", "user"):
        assert key not in text
    assert "host.example/v1" in text
    assert '"top_k": 3' in text
    assert "client" not in describe_model(CONFIG)
    assert describe_model(CONFIG.model_copy(update={"client": "sdk"}))["client"] == "sdk"


def test_every_key_of_a_model_is_known_by_its_value() -> None:
    found = keys_of(CONFIG, {"SHOP_KEY": "of-the-environment"})
    assert {"pass-word-1", "query-key-1", "written-out-1", "of-the-environment"} <= found
