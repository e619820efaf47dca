"""Bad input ends in one message with the fix, leaves nothing behind, and the command goes on."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.pipeline.terminal import STOPPED, Said, luigi
from tests.pipeline.world import READS_WELL, World, scripted

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
Undo = Callable[[], object]
Arrange = Callable[[World], Undo]
STEP = {
    "adapter": "extract_invoice",
    "target": "shop",
    "prompt": "prompt.txt",
    "schema_path": "schema.json",
    "primary": "fields",
}
LAB = "step: read_sum\nmodels: [exact]\n"
TASK, PARSE = 30, 40
"""Exit codes of luigi.cfg: a task failed, or the command line could not be meant."""


def stops(said: Said, code: int, *words: str) -> None:
    """One message, no trace, and everything that a person needs in it."""
    assert said.code == code, said.err
    assert said.err.count(STOPPED) == 1, said.err
    assert "Traceback" not in said.err
    for word in words:
        assert word in said.err


def put(path: str, content: str | bytes) -> Arrange:
    """Write a file of the world; the undo puts back what was there."""

    def arrange(world: World) -> Undo:
        file = world.root / path
        before = file.read_bytes() if file.exists() else None
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return lambda: file.unlink() if before is None else file.write_bytes(before)

    return arrange


def folder(path: str) -> Arrange:
    """Make a folder where a file is meant."""

    def arrange(world: World) -> Undo:
        (world.root / path).mkdir()
        return (world.root / path).rmdir

    return arrange


def step(**wrong: str) -> Arrange:
    """The step's config with a wrong value."""
    lines = [f"{key}: {value}\n" for key, value in {**STEP, **wrong}.items()]
    return put("configs/steps/read_sum.yaml", "".join(lines))


def gone(path: str, instead: str | None = None) -> Arrange:
    """Take a file or folder away, and perhaps put a file in its place."""

    def arrange(world: World) -> Undo:
        here, away = world.root / path, world.root / "away"
        here.rename(away)
        if instead is not None:
            here.write_text(instead)

        def undo() -> None:
            here.unlink(missing_ok=True)
            away.rename(here)

        return undo

    return arrange


def committed(path: str, text: str | None) -> Arrange:
    """Commit a file of the target, or its removal, to main."""

    def arrange(world: World) -> Undo:
        file = world.target / path
        file.unlink() if text is None else file.write_text(text)
        world.git("commit", "-q", "-a", "-m", "A mistake")
        return lambda: world.git("revert", "--no-edit", "HEAD")

    return arrange


@dataclass(frozen=True)
class Row:
    """Bad input: how it comes about, what is typed, and what must be said."""

    name: str
    words: tuple[str, ...]
    args: tuple[str, ...] = ("Iteration",)
    code: int = TASK
    arrange: Arrange | None = None


def flags(typed: str, code: int, *words: str) -> Row:
    """A row about the command line alone."""
    return Row(typed, words, tuple(typed.split(" ")), code)


ROWS = [
    flags("Iteration --models exakt", TASK, "model 'exakt'", "'exact'?", "configs/models"),
    flags("Iteration --step sums", PARSE, "Unknown step 'sums'", "configs/steps: read_sum"),
    flags("Iteration --plans nobody", TASK, "Unknown plan 'nobody'", "baseline/train"),
    flags("Iteration --number abc", PARSE, "--number abc: give a whole number"),
    flags("Iteration --number -3", PARSE, "--number -3: give a whole number"),
    flags("Iteration --number 7", PARSE, "no iteration 7", "next one is 1"),
    flags("Iteration --number 0", PARSE, "no iteration 0", "next one is 1"),
    flags("Iteration --replicates 0", PARSE, "--replicates 0: give a whole number from 1"),
    flags("Iteration --pr -2", PARSE, "--pr -2: give a whole number from 1"),
    flags("Iteration --pr 99", TASK, "no pull request #99"),
    flags("Iteration --branch nobody", TASK, "--branch nobody", "no such branch"),
    flags("Iteration --branch main", TASK, "--branch main", "commit the change first"),
    flags("Iteration --branch a --pr 1", PARSE, "--branch and --pr", "give one of them"),
    flags("Iteration --skip-implement", TASK, "--skip-implement", "--branch or --pr"),
    flags("Iteration --skip-runner", TASK, "Leave --skip-runner out"),
    flags("Insight --analyst nobody", PARSE, "Unknown analyst 'nobody'", "metrics"),
    flags("Runs --split test", PARSE, "--split test: give 'train' or 'verify'"),
    flags("ExampleLab --example none", TASK, "Unknown example 'none'", "invoices"),
    flags("Run --number x", PARSE, "--number x: give a whole number"),
    flags("Run --number 1", PARSE, "Stopped: Run: requires the 'step' parameter to be set"),
    flags("Iteratoin", 1, "No task Iteratoin", "Iteration"),
    Row(
        "three faults",
        ("3 faults", "lab.yaml:3: train_plans", "lab.yaml:4: replicates", "lab.yaml:5: bogus"),
        code=PARSE,
        arrange=put("configs/lab.yaml", LAB + "train_plans: 0\nreplicates: x\nbogus: 1\n"),
    ),
    Row("no yaml", ("lab.yaml:2: is not YAML",), (), PARSE, put("configs/lab.yaml", "step: [\n")),
    Row("lab.yaml a folder", ("lab/lab.yaml: is a folder",), (), PARSE, folder("lab/lab.yaml")),
    Row("no configs", ("configs/lab.yaml", "PROMPTLAB_CONFIGS"), (), PARSE, gone("configs")),
    Row(
        "policy",
        ("Unknown policy 'stern'", "default"),
        arrange=put("configs/lab.yaml", LAB + "policy: stern\n"),
    ),
    Row(
        "analyst in lab.yaml",
        ("Unknown analyst 'nobody'",),
        code=PARSE,
        arrange=put("configs/lab.yaml", LAB + "analysts: [nobody]\n"),
    ),
    Row(
        "no analyst",
        ("lab.yaml:3: analysts",),
        code=PARSE,
        arrange=put("configs/lab.yaml", LAB + "analysts: []\n"),
    ),
    Row("target", ("target 'shoop'", "'shop'?"), arrange=step(target="shoop")),
    Row("step adapter", ("Unknown step adapter 'extract'",), arrange=step(adapter="extract")),
    Row("primary", ("'feelds'", "fields, amount", "configs/steps"), arrange=step(primary="feelds")),
    Row(
        "prompt outside",
        ("read_sum.yaml:3: prompt: must be a path inside the target",),
        code=PARSE,
        arrange=step(prompt="../secret"),
    ),
    Row(
        "code host",
        ("'gitlab'", "local"),
        arrange=put("configs/targets/shop.yaml", "repository: target\ncode_host: gitlab\n"),
    ),
    Row("target away", ("lab/target does not exist", "'repository'"), arrange=gone("lab/target")),
    Row("target not git", ("no git repository", "git init"), arrange=gone("lab/target/.git")),
    Row(
        "no main",
        ("no branch 'trunk'", "'main' in its config"),
        arrange=put("configs/targets/shop.yaml", "repository: target\nmain: trunk\n"),
    ),
    Row(
        "dirty tree",
        ("uncommitted changes in 'prompt.txt'", "git commit"),
        arrange=put("lab/target/prompt.txt", "Half a thought"),
    ),
    Row(
        "no prompt",
        ("'prompt.txt' is no file at commit", "commit it there", "read_sum.yaml"),
        arrange=committed("prompt.txt", None),
    ),
    Row(
        "placeholder misspelt",
        ("'prompt.txt' at commit", "holds no '{invoice}'", "it says '{{ invoce }}'"),
        arrange=committed("prompt.txt", "Be brief.\n[user]\nText: {{ invoce }}\n"),
    ),
    Row(
        "placeholder in two styles",
        ("'prompt.txt' at commit", "two styles", "'{{invoice}}' in line 2", "placeholder_style"),
        arrange=committed("prompt.txt", "[user]\n{{invoice}} as {amount}\nor {invoice}\n"),
    ),
    Row(
        "schema not JSON",
        ("'schema.json' at commit", "Correct it in the target"),
        arrange=committed("schema.json", '{"properties":'),
    ),
    Row(
        "schema of nothing",
        ("'schema.json' at commit", "Correct it in the target"),
        arrange=committed("schema.json", '{"properties": [1]}'),
    ),
    Row(
        "no baseline", ("baseline/train: no plan holds", "make demo"), arrange=gone("lab/baseline")
    ),
    Row("no verify", ("baseline/verify: no plan holds",), arrange=gone("lab/baseline/verify")),
    Row(
        "input not UTF-8",
        ("plan_train_001/invoice.txt: is not UTF-8 text", "Save it"),
        arrange=put("lab/baseline/train/plan_train_001/invoice.txt", b"\xff\xfeInvoice"),
    ),
    Row(
        "no gold",
        ("plan_train_001/invoice.json: is missing", "Add the right answer"),
        arrange=gone("lab/baseline/train/plan_train_001/invoice.json"),
    ),
    Row(
        "gold broken",
        ("plan_verify_002/invoice.json: is no gold answer", "Correct it"),
        arrange=put("lab/baseline/verify/plan_verify_002/invoice.json", '{"amount'),
    ),
    Row(
        "lab is a file",
        ("/lab: File exists", "Move away what is in its place"),
        arrange=gone("lab", "not a folder"),
    ),
    Row(
        "history is a file",
        ("lab/history", "Move away what is in its place"),
        ("Scout",),
        arrange=put("lab/history", "not a folder"),
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_one_message_and_then_the_command_goes_on(make_world: MakeWorld, row: Row) -> None:
    world = make_world(train=3, verify=3, scout=2)
    undo = row.arrange(world) if row.arrange else lambda: None
    stops(luigi(world, *(row.args or ("Iteration",))), row.code, *row.words)
    assert not (world.folder(1) / "change.json").exists()
    undo()
    assert luigi(world, "Prepare").code == 0


def test_a_plan_that_lacks_its_input_is_named(make_world: MakeWorld) -> None:
    world = make_world(train=4, verify=3, scout=2)
    train = world.lab / "baseline/train"
    (train / "plan_train_001/invoice.txt").unlink()
    (train / "of_another_step").mkdir()
    (train / "of_another_step/ticket.txt").write_text("x")
    words = "Left out of train, since there is no 'invoice.txt': 'plan_train_001' ("
    for args in (("Iteration", "--dry-run"), ("Prepare",)):
        said = luigi(world, *args)
        assert said.code == 0, said.err
        assert words in said.out


def test_every_model_that_cannot_be_used_says_why(make_world: MakeWorld) -> None:
    paid = {"provider": "openai", "id": "x", "key_env": "SHOP_KEY", "deterministic": False}
    gone_model = scripted(READS_WELL, status="removed", reason="answered in Latin")
    world = make_world(models={"old": gone_model, "paid": paid}, train=3, verify=3)
    stops(luigi(world, "Iteration"), TASK, "old: was removed: answered in Latin", "SHOP_KEY")
    assert not list(Path(world.lab).glob("analysis/*/*"))
    assert luigi(world, "Prepare", "--models", "paid", env={"SHOP_KEY": "sk-x"}).code == 0


def test_flags_that_differ_from_those_of_the_open_iteration_are_refused(
    make_world: MakeWorld,
) -> None:
    world = make_world(models={"exact": scripted(READS_WELL), "two": scripted(READS_WELL)})
    assert luigi(world, "Implement", "--models", "exact").code == 0
    said = luigi(world, "Iteration", "--models", "two")
    stops(said, PARSE, "--models: iteration 1 was prepared with 'exact', not 'two'")
    stops(luigi(world, "Iteration", "--replicates", "3"), PARSE, "--replicates", "--number")
    shutil.copy(world.root / "configs/steps/read_sum.yaml", world.root / "configs/steps/other.yaml")
    other = luigi(world, "Iteration", "--step", "other", "--number", "1")
    stops(other, PARSE, "iteration 1 is one of step 'read_sum'")
    assert luigi(world, "Runs").code == 0
