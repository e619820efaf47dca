"""`prompt-lab show-request` prints what would be sent, without a key, a call or a file."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.app import main
from tests.pipeline.model_server import ModelServer
from tests.pipeline.runner.runner import runner
from tests.pipeline.target_world import TargetWorld
from tests.pipeline.terminal import Said, forked
from tests.pipeline.test_bad_input import stops
from tests.pipeline.world import SCHEMA, World

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
MakeTarget = Callable[..., TargetWorld]
FEW: dict[str, Any] = {"train": 2, "verify": 2, "scout": 2}
PLAN = "plan_train_000"
TEXT = "Invoice 9000 of shop train. To pay: 1.50 euros."
PAID = {
    "provider": "openai_like",
    "id": "big-model",
    "base_url": "https://user:hunter22@api.example.com/v1",
    "key_env": "SHOP_KEY",
    "deterministic": False,
    "settings": {
        "temperature": 0.3,
        "seeded": True,
        "extra": {"top_p": 0.5, "note": "sk-abcdefghijklmnop"},
    },
}


def prompt_lab(world: World | TargetWorld, *args: object) -> Said:
    """The command in a fork of this process."""
    return forked(world, lambda: main(list(map(str, args))), {})


def _files(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def test_it_prints_both_messages_and_the_settings_without_a_key(make_world: MakeWorld) -> None:
    world = make_world(models={"paid": PAID}, **FEW)
    world.branch("idea", {"prompt.txt": 'Like {"amount": 1}.\n[user]\nRead: {{ invoice }}\n'})
    before = _files(world.root)
    said = prompt_lab(world, "show-request", PLAN)
    assert said.code == 0, said.err
    assert "'{invoice}' (single braces, detected)" in said.out
    assert "--- system message (19 characters) ---\nExtract the amount.\n" in said.out
    assert f"--- user message ({len(TEXT)} characters) ---\n{TEXT}\n" in said.out
    assert json.dumps(SCHEMA, indent=2) in said.out
    assert "temperature: 0.3\nmax_tokens: 256\nseed: " in said.out
    assert "top_p: 0.5" in said.out
    assert "https://api.example.com/v1" in said.out
    assert not any(secret in said.out for secret in ("hunter22", "sk-abc"))
    assert _files(world.root) == before
    branch = prompt_lab(world, "show-request", PLAN, "--commit", "idea")
    assert 'Like {"amount": 1}.' in branch.out
    assert f"\nRead: {TEXT}\n" in branch.out
    assert "'{{ invoice }}' (double braces, detected)" in branch.out


@pytest.mark.parametrize(
    ("prompt", "style"),
    [
        ("Extract.\n[user]\n<{{invoice}}>\n", None),
        ("Extract.\n[user]\n<{invoice}> {{invoice}}\n", "single"),
        ("Read <{{ invoice }}>.\n", None),
        ("Read.\n", None),
    ],
)
def test_it_shows_what_a_run_sends(make_world: MakeWorld, prompt: str, style: str | None) -> None:
    sent: list[Sequence[str]] = []

    def answer(system: str, user: str) -> str:
        sent.append((system, user))
        return '{"amount": 1.5}'

    with ModelServer(answer) as server:
        step = {"placeholder_style": style} if style else {}
        world = make_world(models={"one": server.config()}, step=step, **FEW)
        world.write(world.target, {"prompt.txt": prompt})
        world.committed()
        shown = prompt_lab(world, "show-request", world.lab / "baseline/train" / PLAN)
        assert (shown.code, server.calls.total()) == (0, 0), shown.err
        args = ["--plan-dir", world.lab / "baseline/train" / PLAN, "--prompt-lab-dir", world.lab]
        made = runner(world, *args, "--model", "one")
        assert made.code == 0, made.err
    [(system, user)] = sent
    assert f"({len(system)} characters) ---\n{system}\n" in shown.out
    assert f"({len(user)} characters) ---\n{user}\n" in shown.out
    assert f"{system}\n{user}".count(TEXT) == 1


MISTAKES = [
    (["plan_train_99"], ["Unknown plan 'plan_train_99'", "Did you mean 'plan_train_0"]),
    (["{lab}/baseline/verify/plan_verify_000"], ["is a verify plan", "Name a train plan"]),
    (["plan_verify_000"], ["Unknown plan"]),
    (["{lab}/nothing"], ["there is no such folder"]),
    (["{lab}/baseline/train"], ["holds no 'invoice.txt'"]),
    ([PLAN, "--commit", "nowhere"], ["no branch, tag or commit 'nowhere'"]),
    ([PLAN, "--model", "exakt"], ["model 'exakt'", "'exact'?"]),
    ([PLAN, "--step", "sums"], ["Unknown step 'sums'"]),
    ([PLAN, "--commit", "lost"], ["'prompt.txt' at commit", "holds no '{{invoice}}'"]),
    ([PLAN, "--commit", "both"], ["two styles", "in line 2", "in line 3"]),
]


def test_every_mistake_is_one_message(make_world: MakeWorld) -> None:
    world = make_world(**FEW)
    world.branch("lost", {"prompt.txt": "Extract.\n[user]\nThe invoice.\n"})
    world.branch("both", {"prompt.txt": "[user]\n{invoice}\n{{invoice}}\n"})
    for args, words in MISTAKES:
        given = [arg.format(lab=world.lab) for arg in args]
        said = prompt_lab(world, "show-request", *given)
        stops(said, 1, *(word.format() for word in words))


def test_a_step_of_the_target_says_where_its_requests_are(make_target: MakeTarget) -> None:
    world = make_target().small(plans=1)
    stops(prompt_lab(world, "show-request", "anything"), 1, "own process", "calls.jsonl")


def test_the_console_script_lists_its_commands() -> None:
    command = Path(sys.executable).with_name("prompt-lab")
    said = subprocess.run([command, "--help"], capture_output=True, text=True, check=True)
    assert "show-request" in said.stdout


@pytest.mark.parametrize("command", ["prompt-lab show-request nope", "prompt-lab-run --step x"])
def test_an_error_ends_the_installed_command_in_one_sentence(
    make_world: MakeWorld, command: str
) -> None:
    name, *args = command.split()
    done = subprocess.run(
        [Path(sys.executable).with_name(name), *args],
        env={**os.environ, **make_world(**FEW).env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("\nStopped: ")
    assert "Traceback" not in done.stderr
