"""docs/registry-remote.md: every command and example runs, on a served lab and a stand-in."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from adapters.registry.http_prompts import SILENCE_SECONDS
from pipeline.cli.app import app
from pipeline.web.sessions import LIFETIME_SECONDS
from pipeline.web.shield import RequestLimits
from prompt_lab.config.registries import RegistryConfig
from tests.adapters.registry.worlds import ENVIRON, ServiceWorld
from tests.docs.readme import ROOT, blocks
from tests.pipeline.web.labs import QUERY, make_lab
from tests.pipeline.web.served import serving

PAGE = "docs/registry-remote.md"
TEXT = (ROOT / PAGE).read_text("utf-8")
DOCUMENTED = "http://127.0.0.1:8084"


def configs() -> dict[str, str]:
    found = (
        re.match(r"# configs/registries/(\w+)\.yaml\n", one.text) for one in blocks("yaml", PAGE)
    )
    return {m[1]: one.text for m, one in zip(found, blocks("yaml", PAGE), strict=True) if m}


def commands() -> list[str]:
    return [line for block in blocks("sh", PAGE) for line in block.text.splitlines()]


def test_every_config_validates() -> None:
    assert set(configs()) == {"layer", "fuse", "files"}
    for name, text in configs().items():
        RegistryConfig.model_validate({**yaml.safe_load(text), "name": name})


def test_its_numbers_are_those_of_the_code() -> None:
    limits = RequestLimits()
    assert f"{SILENCE_SECONDS:g} seconds" in TEXT
    assert LIFETIME_SECONDS == 8 * 3600
    assert (limits.body_bytes, limits.logins) == (64 * 1024, (0.2, 10))


@pytest.fixture
def world() -> Iterator[ServiceWorld]:
    made = ServiceWorld("langfuse")
    made.add("query", QUERY, "production")
    yield made
    made.close()


@pytest.mark.slow
def test_every_command_and_example_runs(
    tmp_path: Path, world: ServiceWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a new lab on an empty one; the others on a lab with history."""
    lab, new_lab = tmp_path / "lab", tmp_path / "new"
    make_lab(lab)
    folder = tmp_path / "configs" / "registries"
    folder.mkdir(parents=True)
    fuse = configs()["fuse"].replace("https://cloud.langfuse.com", world.stand_in.server.address)
    (folder / "fuse.yaml").write_text(fuse)
    monkeypatch.chdir(tmp_path)
    environment = {**ENVIRON, "PROMPTLAB_CONFIGS": "configs", "PROMPTLAB_ROOT": str(lab)}
    with serving(lab) as (served, _):
        for line in commands():
            words = shlex.split(line.replace(DOCUMENTED, served))
            if words[:2] == ["prompt-lab", "serve"]:
                continue  # it is what `served` is
            if words[0] == "curl":
                said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
                assert "query" in said, f"{line}: {said}"
                continue
            if "--output" in words:  # from here on it is about a lab that has no prompts
                environment["PROMPTLAB_ROOT"] = str(new_lab)
            done = CliRunner().invoke(app, words[1:], env=environment)
            assert done.exit_code == 0, f"{line}: {done.output} {done.exception}"
        code = blocks("python", PAGE)[0].text.replace(DOCUMENTED, served)
        done_by_python = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done_by_python.stdout == blocks("text", PAGE)[0].text, done_by_python.stderr
    assert (tmp_path / "prompts" / "query.txt").read_text() == QUERY
