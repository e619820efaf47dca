"""What commands commit to a lab that its user keeps in git: their own files, and no others."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import luigi
import pytest

from pipeline.tasks.loop import Revert
from pipeline.tasks.noise_floor import NoiseFloor
from tests.pipeline.runner.runner import FEW, models, runner, train
from tests.pipeline.world import World

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
WRITTEN = ("analysis/", "history/", "instructions/", "front/", "pulls/", "noise_floor/", "loops/")
FILES = ("index.html", "journal.jsonl")
USERS = (".gitignore", "a.txt", "b.txt", "c.txt", "lab.yaml")


def user_repository(world: World, at: Path | None = None) -> Path:
    """A lab whose user keeps it in git, with plans, and with changes of every kind under way."""
    root = at or world.lab
    (root / ".gitignore").write_text("*.pyc\nsummary.txt\n/lab/target/\n/target/\n")
    for name in ("a.txt", "b.txt", "c.txt", "d.txt"):
        (root / name).write_text(f"{name}, as committed\n")
    world.git("init", "-q", "-b", "main", at=root)
    world.git("add", "-A", at=root)
    world.git("commit", "-q", "-m", "The user's own", at=root)
    (root / "a.txt").write_text("half-written\n")
    (root / "b.txt").unlink()
    world.git("mv", "c.txt", "moved.txt", at=root)
    (root / "d.txt").write_text("staged\n")
    world.git("add", "d.txt", at=root)
    (root / "private.txt").write_text("secret\n")
    (world.lab / "analysis").mkdir()
    (world.lab / "analysis/private.md").write_text("secret\n")
    return root


def status(world: World, at: Path | None = None) -> list[str]:
    return world.git("status", "--porcelain", "-uall", at=at or world.lab).splitlines()


def committed(world: World, at: Path | None = None) -> list[str]:
    """Paths that the newest commit of the lab changed."""
    names = world.git("show", "--name-only", "--no-renames", "--format=", at=at or world.lab)
    return names.splitlines()


def is_ours(path: str) -> bool:
    return path in FILES or path.startswith(WRITTEN)


def test_an_iteration_commits_what_it_wrote_and_leaves_the_rest(make_world: MakeWorld) -> None:
    world = make_world(**FEW)
    root = user_repository(world)
    before = status(world)
    ignored = (root / ".gitignore").read_bytes()
    for number in (1, 2):
        assert world.iterate()
        assert status(world) == before
        names = committed(world)
        assert [name for name in names if not is_ours(name)] == []
        assert f"analysis/{number}_read_sum/summary.txt" in names
        assert "index.html" in names
    assert (root / ".gitignore").read_bytes() == ignored
    would_remove = world.git("clean", "-nd", at=root)
    assert "work" not in would_remove
    assert "lock" not in would_remove


def test_every_file_of_ours_is_committed_in_a_lab_that_had_no_repository(
    make_world: MakeWorld,
) -> None:
    world = make_world(train=6, verify=6, scout=2)
    assert luigi.build([NoiseFloor()], local_scheduler=True, log_level="ERROR")
    assert world.iterate()
    assert luigi.build([Revert(number=1)], local_scheduler=True, log_level="ERROR")
    left = {line[3:].split("/")[0] for line in status(world)}
    assert left == {"baseline"}  # the plans are the user's
    tracked = world.git("ls-files", at=world.lab).splitlines()
    assert "noise_floor/read_sum.json" in tracked
    assert "analysis/1_read_sum/reverted.json" in tracked
    assert not (world.lab / ".gitignore").exists()


def test_a_lab_in_a_larger_repository_gets_no_commit_and_no_repository_of_its_own(
    make_world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_world(**FEW)
    root = user_repository(world, world.root)
    before, head = status(world, root), world.git("rev-parse", "HEAD", at=root)
    assert world.iterate()
    assert "part of a larger git repository" in capsys.readouterr().out
    assert not (world.lab / ".git").exists()
    assert world.git("rev-parse", "HEAD", at=root) == head
    new = [line for line in status(world, root) if line not in before]
    assert new
    assert all(is_ours(line.removeprefix("?? lab/")) for line in new), new
    assert not [line for line in new if ".lock" in line]
    assert [line for line in before if line not in status(world, root)] == []


def test_a_lab_in_a_linked_worktree_is_committed_there_and_hides_nothing_elsewhere(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world(**FEW)
    main = tmp_path / "main"
    main.mkdir()
    (main / "a.txt").write_text("a\n")
    world.git("init", "-q", "-b", "main", at=main)
    world.git("add", "-A", at=main)
    world.git("commit", "-q", "-m", "The user's own", at=main)
    (main / "work").mkdir()
    (main / "work/mine.txt").write_text("mine\n")
    world.git("worktree", "add", "-q", "-b", "lab", str(tmp_path / "linked"), at=main)
    (tmp_path / "linked/.git").rename(world.lab / ".git")
    (tmp_path / "linked/a.txt").rename(world.lab / "a.txt")
    world.git("worktree", "repair", str(world.lab), at=main)
    assert world.iterate()
    assert world.git("log", "--format=%an", "-1", "lab", at=main) == "Prompt Lab"
    assert world.git("log", "--format=%an", "-1", "main", at=main) == "Owner"
    assert {line[3:].split("/")[0] for line in status(world)} == {"baseline", "target"}
    assert status(world, main) == ["?? work/mine.txt"]


def test_a_merge_of_the_user_is_left_alone_and_the_next_iteration_commits_both(
    make_world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_world(**FEW)
    root = user_repository(world)
    world.git("stash", "-q", at=root)
    world.git("checkout", "-q", "-b", "other", at=root)
    (root / "a.txt").write_text("theirs\n")
    world.git("commit", "-q", "-a", "-m", "Theirs", at=root)
    world.git("checkout", "-q", "main", at=root)
    (root / "a.txt").write_text("mine\n")
    world.git("commit", "-q", "-a", "-m", "Mine", at=root)
    with pytest.raises(subprocess.CalledProcessError):
        world.git("merge", "other", at=root)
    before, head = status(world), world.git("rev-parse", "HEAD", at=root)
    assert world.iterate()
    assert "a merge is in progress" in capsys.readouterr().out
    assert world.git("rev-parse", "HEAD", at=root) == head
    assert [line for line in status(world) if not is_ours(line[3:]) or "private" in line] == before
    world.git("merge", "--abort", at=root)
    assert world.iterate()
    names = committed(world)
    for number in (1, 2):
        assert f"analysis/{number}_read_sum/summary.txt" in names
    assert sorted(status(world)) == ["?? analysis/private.md", "?? private.txt"]


def test_a_commit_that_git_refuses_does_not_hold_up_the_verdict(
    make_world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_world(**FEW)
    root = user_repository(world)
    attributes = root / ".git/info/attributes"
    attributes.write_text("*.jsonl filter=gone\n")
    world.git("config", "filter.gone.clean", "no-such-program", at=root)
    world.git("config", "filter.gone.required", "true", at=root)
    before, head = status(world), world.git("rev-parse", "HEAD", at=root)
    assert world.iterate()
    said = capsys.readouterr().out
    assert "were not committed" in said
    assert "no-such-program" in said
    assert world.git("rev-parse", "HEAD", at=root) == head
    attributes.unlink()
    assert world.iterate()
    assert "analysis/1_read_sum/summary.txt" in committed(world)
    assert status(world) == before


def test_the_runner_leaves_only_its_run_folder_to_be_seen(make_world: MakeWorld) -> None:
    world = make_world(models=models(), **FEW)
    root = user_repository(world)
    before = status(world)
    said = runner(
        world, "--prompt-lab-dir", world.lab, "--baseline-dir", train(world), "--model", "good"
    )
    assert said.code == 0, said.err
    new = [line[3:] for line in status(world) if line not in before]
    assert new
    assert all(name.startswith("history/0/00_read_sum/") for name in new), new
    assert not [name for name in new if name.endswith(".lock")]
    assert "work" not in world.git("clean", "-nd", at=root)
    assert world.iterate()  # what no iteration made is committed with the next one
    assert status(world) == before


def test_an_output_folder_in_a_repository_shows_no_lock(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world(models=models(), **FEW)
    other = tmp_path / "other [1]"
    other.mkdir()
    world.git("init", "-q", at=other)
    said = runner(
        world, "--output-dir", other / "run", "--baseline-dir", train(world), "--model", "good"
    )
    assert said.code == 0, said.err
    assert (other / "run/.lock").exists()
    assert [line for line in status(world, other) if ".lock" in line] == []
    assert "?? run/meta.json" in status(world, other)
