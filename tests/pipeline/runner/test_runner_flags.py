"""Every mistake on the runner's command line is one message, and costs the lab no number."""

from collections.abc import Callable

import pytest

from tests.pipeline.model_server import ModelServer
from tests.pipeline.runner.runner import FEW, GOOD, models, runner, started, train
from tests.pipeline.test_bad_input import stops
from tests.pipeline.world import PLAIN, World, scripted
from tests.processes import HANG_SECONDS, until

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
PAIRS = ("--baseline-dir", "--plan-dir", "--prompt-lab-dir", "--output-dir")


def test_two_in_one_folder_are_refused(make_world: MakeWorld) -> None:
    with ModelServer(latency=30) as server:
        world = make_world(models={"one": server.config()}, **FEW)
        args = ("--baseline-dir", train(world), "--output-dir", world.root / "out", "--model")
        first = started(world, *args, "one")
        until((world.root / "out/events.jsonl").exists)
        stops(runner(world, *args, "one"), 1, "another runner is at work")
        first.kill()
        first.communicate(timeout=HANG_SECONDS)


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        ([], 1, [*PAIRS, "--model"]),
        (["--model", "good", "--output-dir", "{out}"], 1, PAIRS[:2]),
        (["--model", "good", "--plan-dir", "{plan}"], 1, PAIRS[2:]),
        (["--plan-dir", "{plan}", "--output-dir", "{out}"], 1, ["give --model"]),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    make_world: MakeWorld, args: list[str], code: int, words: list[str]
) -> None:
    world = make_world(models=models(), **FEW)
    said = runner(world, *_filled(world, args))
    stops(said, code, *words)
    assert len(said.err.strip().splitlines()) == 1
    assert said.out == ""


@pytest.mark.parametrize(
    ("args", "code", "word"),
    [
        (["--model", "godo"], 1, "Did you mean 'good'"),
        (["--step", "read"], 1, "Unknown step 'read'"),
        (["--commit", "nowhere"], 1, "no branch, tag or commit 'nowhere'"),
        (["--commit", "--help"], 1, "no branch, tag or commit '--help'"),
        (["--baseline-dir", "{out}"], 1, "is no folder"),
        (["--baseline-dir", "{target}"], 1, "'invoice.txt'"),
        (["--plan-dir", "{target}"], 1, "holds no 'invoice.txt'"),
        (["--prompt-lab-dir", "{out}"], 1, "there is no such folder"),
        (["--output-dir", "{target}/prompt.txt"], 1, "prompt.txt: File exists"),
        (["--output-dir", "{foreign}"], 1, "It is no run folder of this command"),
        (["--output-dir", "{busy}"], 1, "holds files of something else"),
        (["--output-dir", "{target}"], 1, "something else ('.git', 'README.md', 'prompt.txt', …)"),
        (["--workers", "0"], 2, "--workers"),
        (["--workers", "two"], 2, "--workers"),
        *(
            (["--plan-timeout", given], 2, "--plan-timeout")
            for given in ["-1", "0", "nan", "inf", "1e12"]
        ),
        (["--plans", "x"], 2, "--plans"),
    ],
)
def test_every_mistake_is_one_message(
    make_world: MakeWorld, args: list[str], code: int, word: str
) -> None:
    world = make_world(models=models(), **FEW)
    (world.root / "foreign").mkdir()
    (world.root / "foreign/meta.json").write_text('{"step": "levers"}')
    (world.root / "busy/outputs/plan").mkdir(parents=True)
    usual = {"--model": "good", "--output-dir": "{out}", "--baseline-dir": "{train}"}
    if args[0] in ("--plan-dir", "--prompt-lab-dir"):
        del usual["--baseline-dir" if args[0] == "--plan-dir" else "--output-dir"]
    given = [part for pair in usual.items() if pair[0] != args[0] for part in pair]
    said = runner(world, *_filled(world, [*given, *args]))
    assert said.code == code, said.err
    assert word in said.err
    assert "Traceback" not in said.err
    assert not (world.lab / "history").exists()
    assert not list(world.target.glob(".lock"))


def test_a_folder_of_another_commit_or_config_is_not_gone_on_with(make_world: MakeWorld) -> None:
    world = make_world(models=models(other=scripted(GOOD)), **FEW)
    world.branch("idea", {"prompt.txt": PLAIN + "Please.\n"})
    args = ("--baseline-dir", train(world), "--output-dir", world.root / "out", "--model")
    assert runner(world, *args, "good").code == 0
    stops(runner(world, *args, "other"), 1, "begun with model 'good', not 'other'")
    stops(runner(world, *args, "good", "--commit", "idea"), 1, "begun with commit")
    path = world.root / "configs/models/good.yaml"
    path.write_text(path.read_text().replace("temperature: 0", "temperature: 1"))
    stops(runner(world, *args, "good"), 1, "begun with config_sha256")


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("Extract.\n[user]\nThe invoice.\n", ["holds no '{invoice}'"]),
        ("Extract.\n[user]\n{{ invoce }}\n", ["holds no '{invoice}'", "'{{ invoce }}'"]),
        ("Of {invoice}.\n[user]\n{{invoice}}\n", ["two styles", "placeholder_style"]),
    ],
)
def test_a_prompt_that_lacks_its_placeholder_is_refused(
    make_world: MakeWorld, prompt: str, words: list[str]
) -> None:
    world = make_world(models=models(), **FEW)
    world.branch("idea", {"prompt.txt": prompt})
    place = ("--prompt-lab-dir", world.lab, "--model", "good", "--commit", "idea")
    said = runner(world, "--baseline-dir", train(world), *place)
    stops(said, 1, "'prompt.txt' at commit", *words)
    assert not (world.lab / "history").exists()


def _filled(world: World, args: list[str]) -> list[str]:
    places = {name: world.root / name for name in ("out", "foreign", "busy")}
    plan = train(world) / "plan_train_000"
    return [
        arg.format(train=train(world), plan=plan, target=world.target, **places) for arg in args
    ]
