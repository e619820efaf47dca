"""Where luigi.cfg and the shipped configs are, in a checkout and in an installation."""

import os
from configparser import ConfigParser
from pathlib import Path

from luigi.configuration import add_config_path, get_config
from luigi.interface import core

from prompt_lab.errors import ConfigError, StoreError
from prompt_lab.experiments.project import PROJECT_FILE

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent
LOGGING = "configs/logging.ini"
_missing_settings: list[Path] = []
_faults: list[str] = []
"""What is wrong with the settings of this process; check_settings() raises it."""


def shipped_folder() -> Path:
    """The folder with the shipped configs, luigi.cfg and examples: the checkout, or the wheel's."""
    installed = PACKAGE / "shipped"
    return installed if installed.is_dir() else CHECKOUT


def default_configs() -> Path:
    """The shipped configs."""
    return shipped_folder() / "configs"


def find_settings() -> None:
    """Let luigi read the shipped luigi.cfg where this folder has none.

    Luigi's own defaults wait minutes for a luigid that is not there, and end failed tasks with 0.
    """
    shipped = shipped_folder()
    named = os.environ.get("LUIGI_CONFIG_PATH", "")
    if named and not Path(named).is_file():
        _faults.append(f"LUIGI_CONFIG_PATH={named}: there is no such file")
        named = ""
    if not get_config().has_option("retcode", "task_failed"):
        _missing_settings.append(shipped)
        add_config_path(str(shipped / "luigi.cfg"))
        if named:
            add_config_path(named)  # what it says has priority over the shipped settings
    logging_file = str(get_config().get("core", "logging_conf_file", ""))
    if logging_file and Path(logging_file).is_file():
        return
    if logging_file not in ("", LOGGING):
        _faults.append(f"luigi.cfg: [core] logging_conf_file: there is no file {logging_file!r}")
    # Luigi ends with a trace where the file is not there.
    get_config().set("core", "logging_conf_file", str(shipped / LOGGING))


def _is_project() -> bool:
    here = "PROMPTLAB_ROOT" in os.environ or Path(PROJECT_FILE).is_file()
    return here or settings_folder() != Path()


def settings_folder() -> Path:
    """Where the relative paths of [lab] start: at the file that LUIGI_CONFIG_PATH names, else here.

    Only a file with such a section counts: the shipped luigid.cfg goes with a project's luigi.cfg.
    """
    named = os.environ.get("LUIGI_CONFIG_PATH", "")
    own = ConfigParser(interpolation=None)
    if named and own.read(named, "utf-8-sig") and own.has_option("lab", "root"):
        return Path(named).resolve().parent
    return Path()


def check_settings() -> None:
    """Raises ConfigError for settings that name no file, StoreError where this is no project."""
    if _faults:
        raise ConfigError(_faults)
    if _missing_settings and not _is_project():
        raise StoreError(
            f"{Path.cwd()}: there is no {PROJECT_FILE} and no luigi.cfg of Prompt Lab here. "
            "Run the command in a project's folder; `prompt-lab init` makes one here."
        )


# luigi's client reads these from [core], where luigi itself takes them for mistakes.
core.ignore_unconsumed |= {"rpc_retry_attempts", "rpc_retry_wait", "rpc_log_retries"}
find_settings()
