"""configs/agents: our own files are right, and each fault of a file is told with its line."""

from pathlib import Path

import pytest

from prompt_lab.config.agents import AgentConfig
from prompt_lab.config.base import load, load_folder
from prompt_lab.errors import ConfigError

FOLDER = Path(__file__).parents[3] / "configs/agents"


def test_our_own_files_are_right() -> None:
    found = load_folder(FOLDER, AgentConfig, "name")
    assert {"claude", "codex"} <= set(found)
    assert all(one.paths and one.file_types for one in found.values())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kind: cursor\n", "a.yaml:1: kind"),
        ("kind: scripted\nmax_file: 3\n", "a.yaml:2: max_file: unknown key"),
        ("kind: scripted\nmax_files: 0\n", "a.yaml:2: max_files"),
        ("kind: scripted\nreach: [api.test]\n", "a.yaml:2: reach: 'api.test' must be host:port"),
        ("kind: scripted\nreach: ['h:99999']\n", "'h:99999' must be host:port"),
        ("kind: codex\nbase_url: 'http://[bad'\n", "a.yaml:2: base_url: 'http://[bad' must be"),
        ("kind: codex\nbase_url: localhost:80\n", "a.yaml:2: base_url"),
        ("kind: codex\nbase_url: http://h:999999\n", "a.yaml:2: base_url"),
        ("kind: codex\nbase_url: https://\n", "a.yaml:2: base_url"),
        ("kind: scripted\nseconds: .inf\n", "a.yaml:2: seconds: must be a number"),
        ("kind: scripted\ncost_usd: .inf\n", "a.yaml:2: cost_usd: must be a number"),
        ("kind: scripted\nfile_types: [txt]\n", "must begin with a dot"),
        ("kind: api\n", "kind api needs 'model:'"),
        ("kind: codex\n", "kind codex needs 'price:'"),
        ("kind: scripted\nscript: [{when: a, say: b}]\n", "a.yaml:2: script.0.say: unknown key"),
    ],
)
def test_each_fault_is_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        load(path, AgentConfig, name="a")
    assert told in str(error.value)
