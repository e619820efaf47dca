"""What is OpenAI's and OpenRouter's own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.wire.addresses import ADDRESSES
from pipeline.wiring import load_adapter
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import CallRefused, ModelUnavailable, TransientError
from prompt_lab.ports import Request
from tests.adapters.llm.conftest import World
from tests.adapters.llm.vendors import KEY, KEY_ENV

PLAIN = Request("Extract the amount.", "Pay 12 EUR.", max_tokens=99)
WorldOf = Callable[[str], World]


@pytest.fixture(name="world_of", params=["", "-wire"], ids=["sdk", "wire"])
def _world_of(request: pytest.FixtureRequest, world_of: WorldOf) -> WorldOf:
    """Vendors by their provider, spoken to by the SDK and by our own client."""
    return lambda provider: world_of(provider + request.param)


def test_openai_limits_a_reasoning_model_by_its_own_key(world_of: WorldOf) -> None:
    world = world_of("openai")
    world.reply(200, world.vendor.answer("x"))
    world.model(id="gpt-5-nano", settings={"temperature": None}).ask(PLAIN)
    sent = world.sent[0]
    assert sent["max_completion_tokens"] == 99
    assert "max_tokens" not in sent
    assert "temperature" not in sent


@pytest.mark.parametrize("provider", ["openrouter", "openai_like"])
def test_others_are_limited_by_the_old_key(world_of: WorldOf, provider: str) -> None:
    world = world_of(provider)
    world.reply(200, world.vendor.answer("x")).model(id="openai/gpt-5-nano").ask(PLAIN)
    assert world.sent[0]["max_tokens"] == 99
    assert "max_completion_tokens" not in world.sent[0]


NEWER = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. "
    "Use 'max_completion_tokens' instead."
)
REFUSALS = [
    ("openai_like", NEWER, {}, "change 'provider' to openai, which sends max_completion_tokens"),
    ("openai", "Unrecognized request argument supplied: max_completion_tokens", {}, "openai_like"),
    ("openai_like", "max_tokens is too large: 99999", {}, "'max_tokens' in its settings"),
    ("openai", "'temperature' does not support 0.0 with this model", {}, "null leaves it out"),
    ("openai_like", "top_k: not permitted", {"top_k": 3}, "'top_k' in 'extra' of its settings"),
    ("openai_like", "The messages are too long.", {}, "too long."),
]


@pytest.mark.parametrize(("provider", "said", "extra", "words"), REFUSALS)
def test_a_refused_setting_is_quoted_with_the_key_to_change(
    world_of: WorldOf, provider: str, said: str, extra: dict[str, object], words: str
) -> None:
    world = world_of(provider)
    model = world.reply(400, {"error": {"message": said}}).model(settings={"extra": extra})
    with pytest.raises(CallRefused) as refused:
        model.ask(PLAIN)
    assert said in str(refused.value)
    assert words in str(refused.value)
    assert ("in the file of" in str(refused.value)) == (words != "too long.")


def test_extra_keys_win_over_our_own(world_of: WorldOf) -> None:
    world = world_of("openrouter")
    wanted = {"response_format": {"type": "json_object"}, "provider": {"order": ["one"]}}
    world.reply(200, world.vendor.answer("{}")).model(settings={"extra": wanted})
    world.model(settings={"extra": wanted}).ask(Request("s", "u", {"type": "object"}))
    assert {k: world.sent[0][k] for k in wanted} == wanted


def test_an_optional_field_is_not_asked_for_strictly(world_of: WorldOf) -> None:
    world = world_of("openai")
    model = world.reply(200, world.vendor.answer("{}")).model()
    schema = {"type": "object", "properties": {"a": {}}, "additionalProperties": False}
    for required in ([], ["a"]):
        model.ask(Request("s", "u", {**schema, "required": required}))
    asked = [sent["response_format"]["json_schema"]["strict"] for sent in world.sent]
    assert asked == [False, True]


def test_a_choice_that_is_an_error_is_asked_again(world_of: WorldOf) -> None:
    world = world_of("openrouter")
    broken = world.vendor.answer("")
    broken["choices"][0]["finish_reason"] = "error"
    world.reply(200, broken).reply(200, world.vendor.answer("x"))
    assert world.model().ask(PLAIN).retries == 1


def test_a_date_is_a_wish_for_patience_too(world_of: WorldOf) -> None:
    world = world_of("openai")
    world.reply(429, {}, Retry_After="Fri, 01 Jan 2100 00:00:00 GMT")
    world.reply(429, {}, Retry_After="Thu, 01 Jan 1970 00:00:00 GMT")
    world.reply(429, {}, Retry_After="soon")
    world.reply(200, world.vendor.answer("x")).model().ask(PLAIN)
    assert world.pauses == [60.0, 0.0, 2.0]


@pytest.mark.parametrize("kind", ["llm", "llm_sdk"])
def test_a_vendor_without_a_base_url_is_never_openai_by_accident(kind: str) -> None:
    config = ModelConfig(alias="m", provider="openai_like", id="x", deterministic=True)
    model = load_adapter(kind, "openai_like")(config)
    assert "base_url" in (model.check() or "")
    with pytest.raises(ModelUnavailable, match="base_url"):
        model.ask(PLAIN)
    assert "openai_like" not in ADDRESSES


def test_a_model_without_chat_completions_cannot_be_used(world_of: WorldOf) -> None:
    world = world_of("openai")
    world.reply(404, world.vendor.error("gpt-5.2-pro is no chat model"))
    with pytest.raises(ModelUnavailable, match=r"gpt-5\.2-pro"):
        world.model(id="gpt-5.2-pro").ask(PLAIN)


def test_an_unanswered_call_gives_its_place_away(world_of: WorldOf) -> None:
    world = world_of("openai")
    world.reply(500, {})
    model = world.model(workers=1)
    for _ in range(2):  # a place that is not given back would block the second
        with pytest.raises(TransientError):
            model.ask(PLAIN)


def test_the_key_is_read_at_every_call_and_kept_nowhere(
    world_of: WorldOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_of("openai")
    model = world.reply(200, world.vendor.answer("x")).model()
    model.ask(PLAIN)
    assert KEY not in repr(vars(model))
    monkeypatch.setenv(KEY_ENV, "a-new-one")
    model.ask(PLAIN)
    assert world.keys == [f"Bearer {KEY}", "Bearer a-new-one"]
    monkeypatch.delenv(KEY_ENV)
    with pytest.raises(ModelUnavailable, match=KEY_ENV):
        model.ask(PLAIN)


def test_calls_at_the_same_time_all_get_their_answers(world_of: WorldOf) -> None:
    world = world_of("openai")
    model = world.reply(200, world.vendor.answer("x")).model(workers=16)
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(model.ask, [PLAIN] * 32))
    assert [answer.text for answer in answers] == ["x"] * 32
