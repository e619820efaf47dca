"""Started as `<interpreter> -I -B start.py <module>`: loads that module of ours and serves.

The module is named from the folder above, as in `step.worker.loop`.
"""

import importlib
import sys
from pathlib import Path
from types import ModuleType

NAME = "_prompt_lab_worker"
"""A name that no target has; the folder itself never stands on sys.path."""


def main(module: str) -> None:
    """Make the folder of our packages one under the private name, and call the module's `serve`."""
    package = ModuleType(NAME)
    package.__path__ = [str(Path(__file__).resolve().parent.parent.parent)]
    sys.modules[NAME] = package
    importlib.import_module(f"{NAME}.{module}").serve()


if __name__ == "__main__":
    main(sys.argv[1])
