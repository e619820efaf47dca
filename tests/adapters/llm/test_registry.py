"""Every string of the registry leads to a class, and every model of configs/ can be made."""

from pathlib import Path
from typing import get_args

import pytest

from pipeline.wiring import ADAPTERS, load_adapter
from prompt_lab.config.base import load_folder
from prompt_lab.config.models import ModelConfig, Provider
from prompt_lab.errors import UnknownName

MODELS = load_folder(Path(__file__).parents[3] / "configs" / "models", ModelConfig, "alias")


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, table in ADAPTERS.items() for n in table])
def test_every_entry_is_a_class(kind: str, name: str) -> None:
    assert callable(load_adapter(kind, name))


def test_every_provider_has_an_adapter() -> None:
    assert set(ADAPTERS["llm"]) == set(get_args(Provider))


def test_an_unknown_name_is_met_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'openai'"):
        load_adapter("llm", "openia")


@pytest.mark.parametrize("config", MODELS.values(), ids=list(MODELS))
def test_every_model_can_be_made_and_says_what_it_lacks(
    config: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_adapter("llm", config.provider)(config)
    if config.key_env:
        monkeypatch.delenv(config.key_env, raising=False)
        assert config.key_env in model.check()
        monkeypatch.setenv(config.key_env, "x")
    assert model.check() is None


def test_short_names_lead_to_one_model_each() -> None:
    names = [name for m in MODELS.values() for name in {m.alias, m.short} - {""}]
    assert len(names) == len(set(names))


def test_every_price_says_where_it_is_from() -> None:
    assert [m.alias for m in MODELS.values() if m.price is None or not m.price.source] == []
