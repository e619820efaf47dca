"""Profiles as PlanExe's users have them: where they are found, what they say, what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.config.arguments import masked, resolved, secrets_in, unset
from prompt_lab.config.profiles import profile_path, read_profile, without_class
from prompt_lab.errors import ConfigError

PAID: dict[str, Any] = {
    "comment": "Fast.",
    "priority": 1,
    "luigi_workers": 4,
    "class": "OpenRouter",
    "arguments": {
        "model": "maker/model-1",
        "api_key": "${SOME_KEY}",
        "temperature": 0.1,
        "timeout": 60.0,
        "max_tokens": 8192,
        "max_retries": 5,
    },
    "pricing": {"input_per_million_tokens": 0.1, "output_per_million_tokens": 0.4},
    "pricing_kind": "paid",
}
LOCAL: dict[str, Any] = {
    "class": "LMStudio",
    "arguments": {"model_name": "local", "base_url": "${STUDIO}", "request_timeout": 9},
}


def written(folder: Path, name: str, data: object) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def test_a_profile_as_it_is(tmp_path: Path) -> None:
    path = written(tmp_path, "p.json", {"paid": PAID, "local": LOCAL})
    models = read_profile(path, {"STUDIO": "http://127.0.0.1:1234/v1", "SOME_KEY": "sk-secret"})
    paid, local = models["paid"], models["local"]
    assert (paid.provider, paid.id, paid.workers) == ("llama_index", "maker/model-1", 4)
    assert (paid.key_env, paid.timeout_seconds, paid.settings.temperature) == ("SOME_KEY", 60, 0.1)
    assert paid.cost(1_000_000, 2_000_000) == pytest.approx(0.9)
    assert paid.settings.extra == {"class": "OpenRouter", "arguments": PAID["arguments"]}
    assert "sk-secret" not in paid.model_dump_json()
    assert (local.id, local.base_url, local.workers) == ("local", "http://127.0.0.1:1234/v1", 1)
    assert (local.key_env, local.timeout_seconds, local.price) == ("", 9, None)


def test_every_fault_is_told_with_file_and_key(tmp_path: Path) -> None:
    bad = {
        "a": {"class": "OpenAI", "arguments": {"api_key": "x"}},
        "b": {"arguments": {"model": "m"}, "luigi_workers": 0},
        "c": [],
        "d": PAID | {"pricing": {"input_per_million_tokens": -1, "output_per_million_tokens": 1}},
    }
    path = written(tmp_path, "p.json", bad)
    with pytest.raises(ConfigError) as caught:
        read_profile(path, {})
    places = [fault.removeprefix(f"{path}: ").split(": ")[0] for fault in caught.value.faults]
    assert places == [
        "a.arguments.model",
        "b.class",
        "b.luigi_workers",
        "c",
        "d.pricing.input_per_million_tokens",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": }', ":1: is not JSON"),
        ("[]", ":1: must be an object"),
        ('{"a": null}', "a: must be an object"),
    ],
)
def test_what_is_no_profile(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_profile(written(tmp_path, "p.json", text), {})


def test_comments_and_a_key_that_stands_twice_are_read_as_the_original_does(tmp_path: Path) -> None:
    path = tmp_path / "custom.json"
    entry = '{"class": "OpenAI", "_comment": "x", "arguments": {"model": "%s", "_comment": ["y"]}}'
    one, two = entry % "one", entry % "two"
    path.write_text(
        f'\ufeff{{"_comment": "models", "m": {one}, "_notes": {{}}, "m": {two}}}', "utf-8"
    )
    found = read_profile(path, {})
    assert [(name, model.id) for name, model in found.items()] == [("m", "two")]


def test_an_address_that_no_call_can_reach(tmp_path: Path) -> None:
    local = {"class": "OpenAILike", "arguments": {"model": "m", "api_base": "localhost:1234/v1"}}
    with pytest.raises(ConfigError, match=r"a\.arguments\.api_base: 'localhost:1234/v1' must be"):
        read_profile(written(tmp_path, "p.json", {"a": local}), {})


def test_what_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(b'{"\xff": 1}')
    with pytest.raises(ConfigError, match="byte 2"):
        read_profile(path, {})


def test_no_profile_is_asked_for(tmp_path: Path) -> None:
    written(tmp_path, "llm_config/baseline.json", {})
    assert profile_path({}, tmp_path) is None
    assert profile_path({"PLANEXE_CONFIG_PATH": str(tmp_path)}, tmp_path) is None


@pytest.mark.parametrize(
    ("profile", "custom", "file"),
    [
        ("baseline", "", "llm_config/baseline.json"),
        ("premium", "mine.json", "llm_config/premium.json"),
        ("custom", "", "llm_config/custom.json"),
        ("custom", "mine.json", "llm_config/mine.json"),
        ("", "mine.json", "llm_config/mine.json"),
        ("custom", "mine.json", "mine.json"),
        ("baseline", "", "llm_config.json"),
        ("frontier", "", "llm_config.frontier.json"),
    ],
)
def test_where_a_profile_is_found(tmp_path: Path, profile: str, custom: str, file: str) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    path = written(home, file, {})
    environ = {"PLANEXE_MODEL_PROFILE": profile, "PLANEXE_LLM_CONFIG_CUSTOM_FILENAME": custom}
    assert profile_path(environ | {"PLANEXE_CONFIG_PATH": str(home)}, here) == path
    assert profile_path(environ, home) == path
    with pytest.raises(ConfigError, match="looked for"):
        profile_path(environ, here)


@pytest.mark.parametrize(
    ("profile", "custom", "said"),
    [
        ("premum", "", "baseline, premium, frontier, custom"),
        ("custom", "../secret.json", "the name of a file alone"),
        ("custom", "/etc/passwd", "the name of a file alone"),
        ("custom", "a\\b.json", "the name of a file alone"),
    ],
)
def test_names_that_mean_no_file(tmp_path: Path, profile: str, custom: str, said: str) -> None:
    environ = {"PLANEXE_MODEL_PROFILE": profile, "PLANEXE_LLM_CONFIG_CUSTOM_FILENAME": custom}
    with pytest.raises(ConfigError, match=said):
        profile_path(environ, tmp_path)


def test_only_a_whole_text_is_a_variable() -> None:
    given_ = {"a": "${ONE}", "b": ["x ${ONE}", {"c": "${TWO}"}], "n": 3}
    assert resolved(given_, {"ONE": "1"}) == {
        "a": "1",
        "b": ["x ${ONE}", {"c": "${TWO}"}],
        "n": 3,
    }
    assert unset(given_, {"ONE": "1"}) == ["TWO"]


def test_secrets_are_known_by_their_names() -> None:
    given_ = {
        "api_key": "sk-1",
        "model": "${MODEL}",
        "max_tokens": 5,
        "default_headers": {"X-Anything": "sk-2"},
        "mcp_servers": [{"authorization_token": "${THREE}"}],
    }
    hidden = masked(given_)
    assert secrets_in(hidden, {"THREE": "sk-3", "MODEL": "m"}) == {"sk-1", "sk-2", "sk-3"}
    assert not {"sk-1", "sk-2"} & set(str(hidden).split("'"))
    assert hidden["max_tokens"] == 5
    assert resolved(hidden, {}) == given_


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["api_key", "headers", "model", "x"]), JSON))
def test_what_is_hidden_comes_back_as_it_was(arguments: dict[str, Any]) -> None:
    assert resolved(masked(arguments), {}) == arguments


@given(JSON | st.dictionaries(st.text(max_size=3), st.fixed_dictionaries({"class": JSON})))
def test_any_json_is_a_profile_or_a_fault(tmp_path_factory: Any, data: object) -> None:
    path = tmp_path_factory.mktemp("p") / "p.json"
    path.write_text(json.dumps(data))
    try:
        read_profile(path, {})
    except ConfigError as error:
        assert all(fault.startswith(str(path)) for fault in error.faults)  # noqa: PT017


def test_a_model_without_its_class_is_one_of_its_provider(tmp_path: Path) -> None:
    path = written(tmp_path, "p.json", {"paid": PAID, "local": LOCAL})
    models = {name: without_class(model) for name, model in read_profile(path, {}).items()}
    paid, local = models["paid"], models["local"]
    assert (paid.provider, paid.key_env, paid.settings.extra) == ("openrouter", "SOME_KEY", {})
    assert (local.provider, local.base_url) == ("openai_like", "${STUDIO}")
    assert without_class(paid) is paid
