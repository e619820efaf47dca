"""Started as `<interpreter> -I -B start.py`: loads the worker beside it and serves."""

import importlib
import importlib.util
import sys
from pathlib import Path

NAME = "_prompt_lab_worker"
"""A name that no target has; the folder itself never stands on sys.path."""


def main() -> None:
    """Load the folder as a package under the private name, and answer requests until the end."""
    here = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(
        NAME, str(here / "__init__.py"), submodule_search_locations=[str(here)]
    )
    if spec is None or spec.loader is None:
        raise SystemExit(f"{here}: the worker is incomplete")
    package = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = package
    spec.loader.exec_module(package)
    importlib.import_module(NAME + ".loop").serve()


if __name__ == "__main__":
    main()
