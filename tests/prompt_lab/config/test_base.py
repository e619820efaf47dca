"""Config files: every fault at once, each with its line."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from prompt_lab.config.agents import AgentConfig
from prompt_lab.config.base import load, load_folder, load_named
from prompt_lab.config.lab import LabConfig, StepConfig
from prompt_lab.config.models import ModelConfig
from prompt_lab.decide.policy import Policy
from prompt_lab.errors import ConfigError, UnknownName

GOOD = "provider: scripted\nid: x\ndeterministic: true\n"


def test_three_faults_are_all_reported_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text("step: s\nmodels: []\nreplicates: 0\nrepicates: 2\n")
    with pytest.raises(ConfigError) as caught:
        load(path, LabConfig)
    faults = "\n".join(caught.value.faults)
    assert len(caught.value.faults) == 3
    assert "lab.yaml:2: models" in faults
    assert "lab.yaml:3: replicates" in faults
    assert "lab.yaml:4: repicates: unknown key" in faults


def test_faults_of_several_files_come_together(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("provider: nobody\n" + GOOD.split("\n", 1)[1])
    (tmp_path / "b.yaml").write_text(GOOD + "settings:\n  temperatur: 1\n")
    with pytest.raises(ConfigError, match=r"(?s)a\.yaml:1: provider.*b\.yaml:5: settings\.temp"):
        load_folder(tmp_path, ModelConfig, "alias")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", r"lab\.yaml:\d: is not YAML"),
        ("- a\n", "must be a mapping"),
        ("", "step: Field required"),
    ],
)
def test_what_is_no_mapping_is_said(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        load(path, LabConfig)


def test_a_missing_file_and_binary_are_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.yaml", LabConfig)
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(tmp_path / "b.yaml", LabConfig)


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (
            LabConfig,
            "step: s\nmodels: [m]\ntrain_plans: true\n",
            "lab.yaml:3: train_plans: must be",
        ),
        (
            LabConfig,
            "step: s\nmodels: [m]\ndrift_sample: no\n",
            "lab.yaml:3: drift_sample: must be",
        ),
        (Policy, "ledger:\n  iterations: yes\n", r"lab.yaml:2: ledger.iterations: .*not true"),
        (ModelConfig, GOOD + "alias: m\nsettings: {temperature: on}\n", "lab.yaml:5: .*not true"),
    ],
)
def test_a_yes_is_no_number(tmp_path: Path, kind: type[BaseModel], text: str, said: str) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        load(path, kind)


@pytest.mark.parametrize(
    "url", ["host:8080/v1", "//host/v1", "ftp://host", "http://", "http://a b/v1", "http://h:x"]
)
def test_an_address_that_no_call_can_reach_is_refused_when_it_is_read(
    tmp_path: Path, url: str
) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(GOOD + f"base_url: {url!r}\n")
    with pytest.raises(ConfigError, match=r"m\.yaml:4: base_url: .* must be an address like"):
        load(path, ModelConfig, alias="m")
    path.write_text(f"kind: codex\nprice: {{input: 1, output: 1}}\nbase_url: {url!r}\n")
    with pytest.raises(ConfigError, match=r"m\.yaml:3: base_url: .* must be an address like"):
        load(path, AgentConfig, name="m")


def test_a_folder_in_the_place_of_a_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder; put a file in its place"):
        load(tmp_path, LabConfig)


def test_a_key_that_is_there_twice_is_said_with_the_line_of_the_second(tmp_path: Path) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text("step: s\nmodels: [m]\ngateway:\n  by: call\n  by: request\nstep: t\n")
    with pytest.raises(ConfigError) as caught:
        load(path, LabConfig)
    said = {fault.removeprefix(str(path)) for fault in caught.value.faults}
    assert said == {":5: by: is there twice", ":6: step: is there twice"}


def test_a_wrong_name_gets_a_hint(tmp_path: Path) -> None:
    (tmp_path / "extract_invoice.yaml").write_text("")
    with pytest.raises(UnknownName, match="Did you mean 'extract_invoice'"):
        load_named(tmp_path, StepConfig, "step", "extract_invoces")


def test_a_removed_model_must_say_why(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(GOOD + "status: removed\n")
    with pytest.raises(ConfigError, match="must say why"):
        load(path, ModelConfig, alias="m")


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.integers(), max_size=4))
def test_any_mapping_loads_or_is_a_config_error(
    tmp_path_factory: pytest.TempPathFactory, keys: dict[str, object]
) -> None:
    path = tmp_path_factory.mktemp("c") / "x.yaml"
    path.write_text(yaml.safe_dump(keys), "utf-8")
    with pytest.raises(ConfigError, match=r"x\.yaml:\d+: "):
        load(path, LabConfig)
