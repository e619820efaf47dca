"""Model profiles: JSON files of name -> {class, arguments, luigi_workers, …}, read as they are.

The format and the names of the variables are PlanExe's: https://github.com/PlanExeOrg/PlanExe
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from prompt_lab.config.arguments import masked, resolved, variable
from prompt_lab.config.base import address
from prompt_lab.config.models import CallSettings, ModelConfig, Provider, TokenPrice
from prompt_lab.errors import ConfigError

PROFILE = "PLANEXE_MODEL_PROFILE"
CUSTOM_FILE = "PLANEXE_LLM_CONFIG_CUSTOM_FILENAME"
HOME = "PLANEXE_CONFIG_PATH"
FOLDER = "llm_config"
PROFILES = ("baseline", "premium", "frontier", "custom")
KEYS = {
    "OpenAI": "OPENAI_API_KEY",
    "OpenRouter": "OPENROUTER_API_KEY",
    "Anthropic": "ANTHROPIC_API_KEY",
}
"""The variable that a class takes its key from where its arguments hold none."""
PROVIDERS: dict[str, Provider] = {
    "OpenAI": "openai",
    "OpenRouter": "openrouter",
    "OpenAILike": "openai_like",
    "LMStudio": "openai_like",
    "Anthropic": "anthropic",
    "Ollama": "ollama",
}
"""Whose wire format a class speaks."""
ADDRESSES = {"LMStudio": "http://localhost:1234/v1"}
"""Of classes whose provider has none of its own."""


class _Pricing(BaseModel):
    input_per_million_tokens: float = Field(ge=0)
    output_per_million_tokens: float = Field(ge=0)


class _Entry(BaseModel):
    """One model of a profile. Other keys (comment, priority, model_info_url …) are not ours."""

    model_config = ConfigDict(extra="ignore")

    kind: str = Field(validation_alias="class", min_length=1)
    arguments: dict[str, Any]
    workers: int = Field(default=1, ge=1, validation_alias=AliasChoices("luigi_workers", "workers"))
    pricing: _Pricing | None = None


def profile_path(environ: Mapping[str, str], here: Path) -> Path | None:
    """The file that the environment names; None where it names none.

    Looked for under PLANEXE_CONFIG_PATH, then under `here`. Raises ConfigError.
    """
    profile, custom = (environ.get(name, "").strip() for name in (PROFILE, CUSTOM_FILE))
    if not profile and not custom:
        return None
    profile = profile or "custom"
    if profile not in PROFILES:
        raise ConfigError([f"{PROFILE}={profile!r}: give one of {', '.join(PROFILES)}"])
    name = custom if profile == "custom" and custom else f"{profile}.json"
    if Path(name).name != name or "\\" in name:
        raise ConfigError(
            [f"{CUSTOM_FILE}={name!r}: give the name of a file alone, and its folder by {HOME}"]
        )
    places = _places(environ, here, name)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        looked = ", ".join(map(str, places))
        raise ConfigError([f"{PROFILE}={profile!r}: there is no {name!r}: looked for {looked}"])
    return found


def _places(environ: Mapping[str, str], here: Path, name: str) -> list[Path]:
    """Of today's layout, then of the older one, with its files side by side."""
    stem, folders = Path(name).stem, [here]
    if home := environ.get(HOME, "").strip():
        folders.insert(0, Path(home).expanduser())
    old = {"baseline": "llm_config.json"}.get(stem, f"llm_config.{name}")
    own = [] if stem not in PROFILES else [old]
    return [f / part for f in folders for part in (f"{FOLDER}/{name}", name, *own)]


def read_profile(path: Path, environ: Mapping[str, str]) -> dict[str, ModelConfig]:
    """name -> model. Raises ConfigError with `file: name.key: what is wrong` for every fault."""
    found: dict[str, ModelConfig] = {}
    faults: list[str] = []
    for name, raw in _entries(path).items():
        try:
            found[name] = model_of(name, raw, environ)
        except ValidationError as error:
            faults += [f"{path}: {_place(name, dict(e))}" for e in error.errors()]
        except ValueError as error:
            faults.append(f"{path}: {name}.{error}")
    if faults:
        raise ConfigError(faults)
    return found


def model_of(name: str, raw: object, environ: Mapping[str, str]) -> ModelConfig:
    """One entry as a model. Raises ValueError that begins with the key, or ValidationError."""
    entry = _Entry.model_validate(raw)
    given = entry.arguments
    model = given.get("model", given.get("model_name"))
    if not isinstance(model, str) or not model:
        raise ValueError("arguments.model: name the model")
    known = resolved(given, environ)
    where = "api_base" if known.get("api_base") else "base_url"
    url = str(known.get(where) or "")
    try:
        _ = url if variable(url) else address(url)
    except ValueError as error:
        raise ValueError(f"arguments.{where}: {error}") from None
    seconds = given.get("request_timeout", given.get("timeout"))
    price = entry.pricing
    return ModelConfig(
        alias=name,
        provider="llama_index",
        id=str(known.get("model", known.get("model_name"))),
        base_url=url,
        key_env=variable(given.get("api_key")) or _default_key(entry),
        settings=CallSettings(
            temperature=_number(given.get("temperature")),
            extra={"class": entry.kind, "arguments": masked(given)},
        ),
        deterministic=False,
        workers=entry.workers,
        timeout_seconds=_number(seconds) or 120.0,
        price=TokenPrice(
            input=price.input_per_million_tokens,
            output=price.output_per_million_tokens,
            source="the profile",
        )
        if price
        else None,
    )


def without_class(config: ModelConfig) -> ModelConfig:
    """The same model for a client that asks its server directly: a target, by a URL.

    What its arguments say of temperature stays; a key that is written out there does not.
    """
    kind = str(config.settings.extra.get("class", ""))
    if config.provider != "llama_index" or kind not in PROVIDERS:
        return config
    settings = config.settings.model_copy(update={"extra": {}})
    base_url = config.base_url or ADDRESSES.get(kind, "")
    update = {"provider": PROVIDERS[kind], "base_url": base_url, "settings": settings}
    return config.model_copy(update=update)


def _default_key(entry: _Entry) -> str:
    return "" if "api_key" in entry.arguments else KEYS.get(entry.kind, "")


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _entries(path: Path) -> dict[str, object]:
    """What the file holds, but for keys that begin with an underscore, which are comments.

    Of a key that stands twice the last one counts, as for the tool that the format is from.
    """
    try:
        data = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: is not UTF-8 text (byte {error.start})"]) from error
    except json.JSONDecodeError as error:
        raise ConfigError([f"{path}:{error.lineno}: is not JSON: {error.msg}"]) from error
    if not isinstance(data, dict):
        raise ConfigError([f"{path}:1: must be an object of name -> model"])
    return {name: entry for name, entry in data.items() if not name.startswith("_")}


def _place(name: str, error: dict[str, Any]) -> str:
    key = ".".join([name, *map(str, error["loc"])])
    text = "must be an object" if error["type"] == "model_type" else str(error["msg"])
    return f"{key}: {text}"
