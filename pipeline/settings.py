"""Where luigi.cfg and the shipped configs are, in a checkout and in an installation."""

import os
from pathlib import Path

from luigi.configuration import add_config_path, get_config

from prompt_lab.errors import StoreError

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent
_missing_settings: list[Path] = []


def shipped_folder() -> Path:
    """The folder with the shipped configs, luigi.cfg and examples: the checkout, or the wheel's."""
    return CHECKOUT if (CHECKOUT / "configs").is_dir() else PACKAGE / "shipped"


def default_configs() -> Path:
    """The shipped configs."""
    return shipped_folder() / "configs"


def find_settings() -> None:
    """Let luigi read the shipped luigi.cfg where this folder has none.

    Luigi's own defaults wait minutes for a luigid that is not there, and end failed tasks with 0.
    """
    shipped = shipped_folder()
    if not get_config().has_option("retcode", "task_failed"):
        _missing_settings.append(shipped)
        add_config_path(str(shipped / "luigi.cfg"))
        if named := os.environ.get("LUIGI_CONFIG_PATH"):
            add_config_path(named)  # what it says has priority over the shipped settings
    logging_file = get_config().get("core", "logging_conf_file", "")
    if logging_file and not Path(logging_file).exists():
        get_config().set("core", "logging_conf_file", str(shipped / logging_file))


def check_settings() -> None:
    """Raises StoreError where this folder has no luigi.cfg: a lab belongs to the folder of one."""
    if _missing_settings and "PROMPTLAB_ROOT" not in os.environ:
        raise StoreError(
            f"{Path.cwd()}: there is no luigi.cfg of Prompt Lab here. Run the command in the "
            "checkout, or set LUIGI_CONFIG_PATH to its luigi.cfg."
        )
