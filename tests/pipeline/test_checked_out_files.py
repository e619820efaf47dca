"""An iteration on files that git changes at checkout, or that are not where they seem to be."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from prompt_lab.names import Outcome
from tests.adapters.workspace.git_lfs import pointer
from tests.pipeline.target_world import TargetWorld
from tests.pipeline.terminal import luigi
from tests.pipeline.test_bad_input import TASK, stops
from tests.pipeline.world import HINT, PLAIN, World

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
MakeTarget = Callable[..., TargetWorld]
BETTER = PLAIN.replace("amount.", f"amount. {HINT}")
ALLOWED = ("-c", "protocol.file.allow=always")


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(train=6, verify=6)


def _commit(world: World | TargetWorld, message: str = "Theirs") -> None:
    world.git("add", "-A")
    world.git("commit", "-q", "-m", message)


def _crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def _utf16(text: str) -> bytes:
    return b"\xff\xfe" + text.encode("utf-16-le")


@pytest.mark.parametrize(
    ("line", "saved"),
    [
        ("*.txt text eol=crlf", _crlf),
        ("*.txt text working-tree-encoding=UTF-16LE-BOM", _utf16),
        ("*.txt ident", str.encode),
        ("*.txt filter=half", str.encode),
        ("*.txt filter=not-configured", str.encode),
    ],
)
@pytest.mark.parametrize("given", [True, False])
def test_a_change_is_judged_on_what_git_checks_out(
    world: World, line: str, saved: Callable[[str], bytes], given: bool
) -> None:
    if "half" in line:
        world.git("config", "filter.half.smudge", "sed 's/Extract/Please extract/'")
        world.git("config", "filter.half.clean", "sed 's/Please extract/Extract/'")
    plain = f"$Id$\n{PLAIN}" if "ident" in line else PLAIN
    world.git("rm", "-q", "--cached", "prompt.txt")
    (world.target / ".gitattributes").write_text(f"{line}\n")
    (world.target / "prompt.txt").write_bytes(saved(plain))
    _commit(world)
    world.git("rm", "-q", "-r", "--cached", ".")
    world.git("reset", "-q", "--hard")
    if given:
        world.git("checkout", "-q", "-b", "idea")
        (world.target / "prompt.txt").write_bytes(
            saved(plain.replace("amount.", f"amount. {HINT}"))
        )
        _commit(world)
        world.git("checkout", "-q", "main")
    assert world.iterate(**({"branch": "idea"} if given else {}))
    assert world.verdict(1).outcome is Outcome.YES, world.verdict(1).reasons
    assert HINT in world.git("show", "main:prompt.txt")
    assert "\r" not in world.git("show", "main:prompt.txt")
    assert world.git("status", "--porcelain") == ""


def test_a_verdict_from_before_is_replayed_as_it_was_made(world: World) -> None:
    """Iterations without the key compared runs with the blobs that the commit stores."""
    (world.target / ".gitattributes").write_text("*.txt eol=crlf\n")
    _commit(world)
    world.git("rm", "-q", "-r", "--cached", ".")
    world.git("reset", "-q", "--hard")
    assert world.iterate()
    assert luigi(world, "Replay").code == 0
    meta = world.record(1, "meta")
    assert meta.pop("compares_checked_out") is True
    (world.folder(1) / "meta.json").write_text(json.dumps(meta))
    (world.folder(1) / "verdict_facts.json").unlink()  # such iterations recorded none
    said = luigi(world, "Replay")
    assert "INVALID" in said.out, said


def test_a_prompt_that_is_a_pointer_is_refused_before_any_call(world: World) -> None:
    text = pointer(PLAIN)
    (world.target / ".gitattributes").write_text("*.txt filter=lfs diff=lfs merge=lfs -text\n")
    (world.target / "prompt.txt").write_text(text)
    _commit(world)
    world.branch("idea", {"prompt.txt": pointer(BETTER)})
    for more in (("--dry-run",), (), ("--branch", "idea")):
        said = luigi(world, "Iteration", *more)
        stops(said, TASK, "'prompt.txt' at commit", "Git LFS pointer", "lfs pull'")
    assert not world.folder(1).exists()
    assert not (world.lab / "history").exists()


@pytest.mark.parametrize(("split", "name"), [("train", "invoice.txt"), ("verify", "invoice.json")])
def test_a_plan_that_is_a_pointer_is_refused_before_any_call(
    world: World, split: str, name: str
) -> None:
    plan = world.lab / f"baseline/{split}/plan_{split}_003"
    (plan / name).write_text(pointer("x"))
    world.branch("idea", {"prompt.txt": BETTER})
    for command in (("Iteration", "--dry-run"), ("Iteration", "--branch", "idea")):
        said = luigi(world, *command)
        stops(said, TASK, f"{plan / name}: is a Git LFS pointer", f"git -C {plan} lfs pull")
    assert not (world.lab / "history").exists()
    if split == "train":
        stops(luigi(world, "NoiseFloor"), TASK, f"git -C {plan} lfs pull")
        assert not list(world.lab.glob("history/*/*/outputs/*/run.json"))


def test_a_step_of_the_targets_own_gets_no_pointer_in_its_plan_or_its_package(
    make_target: MakeTarget,
) -> None:
    world = make_target().small()
    more = world.lab / "baseline/train/plan_1/more.bin"
    more.write_text(pointer("x"))
    stops(luigi(world, "Iteration", "--branch", "idea"), TASK, f"{more}: is a Git LFS pointer")
    more.unlink()
    world.branch("idea", {"src/notes/words.txt": pointer("x")})
    said = luigi(world, "Iteration", "--branch", "idea")
    stops(said, TASK, "'src/notes/words.txt' at commit", "Git LFS pointer")
    assert not (world.lab / "history").exists()


def test_a_prompt_in_a_submodule_is_read_once_it_is_checked_out(world: World) -> None:
    other = world.root / "texts"
    world.write(other, {"prompt.txt": PLAIN})
    world.git("init", "-q", "-b", "main", at=other)
    world.git("add", "-A", at=other)
    world.git("commit", "-q", "-m", "Texts", at=other)
    world.git(*ALLOWED, "submodule", "add", "-q", str(other), "texts")
    _commit(world)
    world.git("checkout", "-q", "-b", "idea")
    (world.target / "texts/prompt.txt").write_text(BETTER)
    world.git("commit", "-q", "-a", "-m", "Better", at=world.target / "texts")
    _commit(world)
    world.git("checkout", "-q", "main")
    world.git("submodule", "-q", "update")
    world.git("submodule", "-q", "deinit", "-f", "texts")
    modules = world.target / ".git/modules"
    modules.rename(world.root / "modules")
    path = world.root / "configs/steps/read_sum.yaml"
    path.write_text(
        yaml.safe_dump(yaml.safe_load(path.read_text()) | {"prompt": "texts/prompt.txt"})
    )
    said = luigi(world, "Iteration", "--branch", "idea")
    stops(said, TASK, f"run 'git -C {world.target} submodule update --init texts'")
    assert not (world.lab / "history").exists()
    (world.root / "modules").rename(modules)
    world.git(*ALLOWED, "submodule", "-q", "update", "--init", "texts")
    assert luigi(world, "Iteration", "--branch", "idea").code == 0
    assert world.verdict(1).outcome is Outcome.YES, world.verdict(1).reasons


def test_a_prompt_behind_a_link_is_refused_where_it_leads_out(world: World, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text(PLAIN)
    (world.target / "prompt.txt").unlink()
    (world.target / "prompt.txt").symlink_to(tmp_path / "outside.txt")
    _commit(world)
    for more in (("--dry-run",), ()):
        said = luigi(world, "Iteration", *more)
        stops(said, TASK, "'prompt.txt' is a symbolic link that leads out of the target")
    assert not (world.lab / "history").exists()
