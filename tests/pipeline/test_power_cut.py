"""A power cut between the runs and the lab's commit: what was reported is not paid for again."""

import shutil
from collections.abc import Callable

import luigi

from pipeline.tasks.iteration import Scout
from prompt_lab.store.files import read_rows
from prompt_lab.store.run_journal import FOLDER, boot_id
from tests.pipeline.world import World

MakeWorld = Callable[..., World]


def records(world: World) -> dict[str, str]:
    """path -> text of every run record."""
    found = sorted((world.lab / "history").rglob("run.json"))
    return {str(path): path.read_text() for path in found}


def scouted() -> bool:
    return bool(luigi.build([Scout(number=1)], local_scheduler=True, log_level="ERROR"))


def test_runs_that_a_power_cut_took_are_there_again_and_the_commit_drops_their_journal(
    make_world: MakeWorld,
) -> None:
    world = make_world(train=6, verify=6, scout=4)
    assert scouted()
    before = records(world)
    [journal] = (world.lab / "work" / FOLDER).iterdir()
    assert len(before) == len(read_rows(journal)) == 4
    journal.rename(journal.with_name(journal.name.replace(boot_id(), "boot-before")))
    for outputs in (world.lab / "history").rglob("outputs"):
        shutil.rmtree(outputs)
    (world.folder(1) / "scout.json").unlink()
    assert scouted()
    assert records(world) == before
    assert world.iterate()
    assert not any((world.lab / "work" / FOLDER).iterdir())
