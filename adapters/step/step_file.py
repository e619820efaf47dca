"""A step file as we read it: its constants by its syntax alone, never by running it here."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

from adapters.step.constants import assigned
from prompt_lab.errors import ConfigError
from prompt_lab.store.runs import OWN_FILES

_DEMANDED = {
    "python": ("NAME", "INPUTS", "OUTPUTS"),
    "luigi": ("NAME", "INPUTS", "OUTPUTS", "TASK", "PARAMETERS"),
    "command": ("NAME", "INPUTS", "OUTPUTS", "COMMAND"),
}
_MAPPINGS = {"PARAMETERS"}
_LISTS = {"INPUTS", "OUTPUTS", "IMPORT_ROOTS", "PACKAGES", "SOURCES", "COMMAND", "GOLD"}
_TEXTS = {"NAME", "PROMPT", "TASK"}
_REFERENCES = {"PROMPT", "TASK"}
_REFERENCE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
_FUNCTIONS = {"python": ("execute", "score"), "luigi": ("score",), "command": ("score",)}


@dataclass(frozen=True)
class StepFile:
    """What a step file says about itself."""

    path: Path
    sha256: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    import_roots: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    prompt: str = ""
    task: str = ""
    gold: tuple[str, ...] = ()
    """Names in a plan folder, beside those of the outputs, that only score() is given."""
    answer_sha256: str = ""
    """Of the code without score(), where nothing else uses it; of the whole file otherwise."""

    @property
    def scoring_files(self) -> tuple[str, ...]:
        """Names in a plan folder that execute() is not given."""
        return tuple(n for n in dict.fromkeys((*self.outputs, *self.gold)) if n not in self.inputs)

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that the step names: of its task and of its prompt."""
        return tuple(dict.fromkeys(n.partition(":")[0] for n in (self.task, self.prompt) if n))


def read_step_file(path: Path, mode: str) -> StepFile:
    """Read it for a mode: python, luigi or command. Raises ConfigError with every fault."""
    try:
        data = path.read_bytes()
        tree = ast.parse(data, str(path))
    except OSError as error:
        raise ConfigError(
            [f"{path}: cannot be read: {error.strerror}: correct 'file' of the step's config"]
        ) from error
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise ConfigError([f"{path}:{line}: is no Python: {error}"]) from error
    values: dict[str, object] = {}
    faults = [*_read_constants(path, tree, values), *_missing_names(path, tree, values, mode)]
    if faults:
        raise ConfigError(faults)

    def items(name: str) -> tuple[str, ...]:
        value = values.get(name, ())
        return tuple(value) if isinstance(value, list | tuple) else ()

    def text(name: str) -> str:
        return str(values.get(name, ""))

    return StepFile(
        path=path,
        sha256=sha256(data).hexdigest(),
        name=text("NAME"),
        inputs=items("INPUTS"),
        outputs=items("OUTPUTS"),
        import_roots=items("IMPORT_ROOTS"),
        packages=items("PACKAGES"),
        sources=items("SOURCES"),
        prompt=text("PROMPT"),
        task=text("TASK"),
        gold=items("GOLD"),
        answer_sha256=_hash_without_score(tree, data),
    )


def _hash_without_score(tree: ast.Module, data: bytes) -> str:
    """Of the code as it is parsed: comments and line numbers do not count."""
    rest = [node for node in tree.body if getattr(node, "name", "") != "score"]
    text = ast.dump(ast.Module(rest, []))
    # A name, an attribute or a text could all be a way to call it.
    return sha256(data if "score" in text else text.encode()).hexdigest()


def _read_constants(path: Path, tree: ast.Module, values: dict[str, object]) -> Iterator[str]:
    for name, node in assigned(tree).items():
        if name not in _LISTS | _TEXTS | _MAPPINGS:
            continue
        try:
            values[name] = value = ast.literal_eval(node)
        except ValueError:
            yield f"{path}:{node.lineno}: {name} must be a literal, since the file is not run here"
            continue
        wrong = _type_fault(name, value)
        if wrong:
            yield f"{path}:{node.lineno}: {name} {wrong}"


def _type_fault(name: str, value: object) -> str:
    if name in _TEXTS:
        return _wrong_text(name, value)
    if name in _MAPPINGS:
        shape = isinstance(value, dict) and all(isinstance(v, str) for v in value.values())
        return "" if shape else "must be a dict of texts"
    items = value if isinstance(value, list | tuple) else None
    if items is None or not all(isinstance(item, str) for item in items):
        return "must be a list of texts"
    if name == "COMMAND":
        return "" if items else "must name a program"
    return _wrong_place(name, [PurePosixPath(item) for item in items])


def _wrong_text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        return "must be a text that is not empty"
    whole = name not in _REFERENCES or _REFERENCE.fullmatch(value)
    return "" if whole else f"is {value!r}: it must name `package.module:attribute`"


def _wrong_place(name: str, items: Sequence[PurePosixPath]) -> str:
    for item in items:
        if item.is_absolute() or ".." in item.parts:
            return f"holds {str(item)!r}, which leads outside"
        if name == "OUTPUTS" and OWN_FILES.intersection(item.parts[:1]):
            return f"holds {str(item)!r}, which Prompt Lab itself writes there: choose another name"
    return ""


def _missing_names(
    path: Path, tree: ast.Module, values: dict[str, object], mode: str
) -> Iterator[str]:
    known = set(assigned(tree))
    for name in _DEMANDED[mode]:
        if name not in known:
            yield f"{path}:1: has no {name}, which a {mode} step needs"
        elif name in ("INPUTS", "OUTPUTS") and values.get(name) in ((), []):
            yield f"{path}:1: {name} must name a file"
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for name in _FUNCTIONS[mode]:
        if name not in defined:
            yield f"{path}:1: has no function {name}(), which a {mode} step needs"
