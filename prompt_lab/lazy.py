"""The one way in which imports wait for their first use: a table of names.

`call_on_use` binds names of a module to what imports them when they are first called. They are
imported once more under `if TYPE_CHECKING:`, for type checkers, readers and the import contracts:

    if TYPE_CHECKING:
        from prompt_lab.experiments.conclude import conclude, write_report
    call_on_use(globals(), {"prompt_lab.experiments.conclude": "conclude write_report"})

`find_lazily` is the `__getattr__` of a module that only passes names on, as `prompt_lab` itself.
tests/pipeline/test_start.py compares tables with imports, and says what a command may import.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def call_on_use(namespace: dict[str, Any], table: Mapping[str, str]) -> None:
    """Bind names to functions and classes that are imported on their first use.

    `table`: module -> its names, separated by spaces. They may be called, and asked for attributes;
    a constant, or a type in isinstance, in except or as a value, must be imported as usual.
    """
    for module, names in table.items():
        for name in names.split():
            namespace[name] = _StandIn(namespace, module, name)


class _StandIn:
    """What a name is bound to until its first use; then the namespace holds the thing itself."""

    def __init__(self, namespace: dict[str, Any], module: str, name: str) -> None:
        self._place = namespace, module, name

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._load()(*args, **options)

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._load(), attribute)

    @property
    def __wrapped__(self) -> Any:
        """The thing itself, for `inspect`."""
        return self._load()

    def _load(self) -> Any:
        namespace, module, name = self._place
        found = getattr(import_module(module), name)
        if namespace.get(name) is self:
            namespace[name] = found
        return found


def find_lazily(namespace: dict[str, Any], table: Mapping[str, str]) -> Callable[[str], Any]:
    """A module's `__getattr__`: a name is imported when it is asked for, and kept.

    `table`: module -> the names that it has, separated by spaces; `its_name=our_name` renames one.
    """
    places: dict[str, tuple[str, str]] = {}
    for module, names in table.items():
        for word in names.split():
            original, _, name = word.partition("=")
            places[name or original] = (module, original)

    def find(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
        module, original = places[name]
        value = namespace[name] = getattr(import_module(module), original)
        return value

    return find
