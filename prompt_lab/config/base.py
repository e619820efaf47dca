"""Read YAML into typed configs; every fault of every file is reported at once, with its line."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, get_args
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from prompt_lab.errors import ConfigError, UnknownName


class Config(BaseModel):
    """A config file's class: frozen, and a key that it does not know is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _a_number(cls, value: object, info: ValidationInfo) -> object:
        """Python would take `true` for 1."""
        said = cls.model_fields[info.field_name or ""].annotation
        kinds = {said, *get_args(said)}
        if isinstance(value, bool) and kinds & {int, float} and bool not in kinds:
            raise ValueError(f"must be a number, not {str(value).lower()}")
        return value


MOST_FAULTS = 100
_WORDS = {
    "extra_forbidden": "unknown key; remove it or correct its name",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "string_type": "must be text: put it in quotes",
}
"""In YAML's words, where pydantic has Python's."""

C = TypeVar("C", bound=BaseModel)


def address(value: str) -> str:
    """The address of a server itself, or ''. Raises ValueError where no call could reach it.

    >>> address("http://127.0.0.1:8080/v1")
    'http://127.0.0.1:8080/v1'
    """
    try:
        url = urlsplit(value)
        good = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # a port that is no number
        good = False
    if value and (not good or any(char.isspace() for char in value)):
        raise ValueError(f"{value!r} must be an address like 'https://host:8080/v1'")
    return value


def load(path: Path, kind: type[C], **given: object) -> C:
    """One file as `kind`; `given` adds keys that the file does not hold (its own name, say).

    Raises ConfigError with `file:line: key: what is wrong` for every fault.
    """
    config, faults = _load(path, kind, given)
    if config is None:
        raise ConfigError(faults)
    return config


def parse_config(text: str, place: Path, kind: type[C], **given: object) -> C:
    """The same of a text that was read elsewhere; `place` names it in the faults."""
    config, faults = _parse(text, place, kind, given)
    if config is None:
        raise ConfigError(faults)
    return config


def load_folder(folder: Path, kind: type[C], name_key: str) -> dict[str, C]:
    """Every *.yaml of a folder, by its stem, which also becomes the key `name_key`."""
    found: dict[str, C] = {}
    faults: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        config, wrong = _load(path, kind, {name_key: path.stem})
        faults += wrong
        if config is not None:
            found[path.stem] = config
    if faults:
        raise ConfigError(faults)
    return found


def load_named(folder: Path, kind: type[C], what: str, name: str) -> C:
    """The file `<name>.yaml` of a folder. Raises UnknownName where there is none."""
    known = {path.stem: path for path in folder.glob("*.yaml")}
    if name not in known:
        raise UnknownName(what, name, known, str(folder))
    return load(known[name], kind, name=name)


def _load(path: Path, kind: type[C], given: dict[str, object]) -> tuple[C | None, list[str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        return None, [_unread(path, error)]
    except UnicodeDecodeError:
        return None, [f"{path}: is not UTF-8 text"]
    config, faults = _parse_once(text, path, kind, tuple(given.items()))
    return config, list(faults)


@lru_cache(maxsize=512)
def _parse_once(
    text: str, path: Path, kind: type[C], given: tuple[tuple[str, object], ...]
) -> tuple[C | None, tuple[str, ...]]:
    """What _parse says. An iteration reads the same few files all the time; configs are frozen."""
    config, faults = _parse(text, path, kind, dict(given))
    return config, tuple(faults)


def _parse(
    text: str, path: Path, kind: type[C], given: dict[str, object]
) -> tuple[C | None, list[str]]:
    try:
        root, raw = _parse_yaml(text)
    except (yaml.YAMLError, RecursionError) as error:
        return None, [_yaml_fault(path, error)]
    if not isinstance(raw if raw is not None else {}, dict):
        return None, [f"{path}:1: must be a mapping of keys to values"]
    twice = list(_twice(path, root))
    data: dict[str, object] = {**(raw or {}), **given}
    try:
        config = kind.model_validate(data)
    except ValidationError as error:
        return None, twice + [_fault(path, root, dict(e)) for e in error.errors()[:MOST_FAULTS]]
    return (None, twice) if twice else (config, [])


@lru_cache(maxsize=256)
def _parse_yaml(text: str) -> tuple[yaml.Node | None, Any]:
    """The nodes of a text, and its values."""
    return yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)


def _unread(path: Path, error: OSError) -> str:
    if path.is_dir():
        return f"{path}: is a folder; put a file in its place"
    hint = "" if path.exists() else ": make it, or correct PROMPTLAB_CONFIGS"
    return f"{path}: cannot be read: {error.strerror}{hint}"


def _twice(path: Path, root: yaml.Node | None) -> Iterator[str]:
    """A fault for each key that its mapping holds twice, of which YAML would take the last."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
            continue  # an alias may lead back to where it stands
        seen.add(id(node))
        keys: set[str] = set()
        for key, value in _children(node):
            waiting.append(value)
            if isinstance(node, yaml.MappingNode) and key.value in keys:
                yield f"{path}:{key.start_mark.line + 1}: {key.value}: is there twice"
            keys.add(key.value)


def _yaml_fault(path: Path, error: yaml.YAMLError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return f"{path}: is nested too deeply"
    mark = getattr(error, "problem_mark", None)
    line = f":{mark.line + 1}" if mark else ""
    return f"{path}{line}: is not YAML: {getattr(error, 'problem', None) or error}"


def _fault(path: Path, root: yaml.Node | None, error: dict[str, Any]) -> str:
    place = tuple(error["loc"])
    key = ".".join(str(p) for p in place) or "the file"
    text = _WORDS.get(error["type"]) or str(error["msg"]).removeprefix("Value error, ")
    return f"{path}:{_line(root, place)}: {key}: {text}"


def _line(node: yaml.Node | None, place: tuple[str | int, ...]) -> int:
    """The line of a key, or of the closest parent that the file holds. Lines count from 1."""
    line = 1
    for part in place:
        for key, value in _children(node):
            if key.value == str(part):
                line, node = key.start_mark.line + 1, value
                break
        else:
            return line
    return line


def _children(node: yaml.Node | None) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield key, value
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield yaml.ScalarNode("", str(index), value.start_mark, value.end_mark), value
