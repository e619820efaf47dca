"""The trial of a review's item by Luigi: a YES waits for a person, then the file follows."""

from collections.abc import Iterator
from pathlib import Path

import luigi
import pytest

from pipeline.tasks.iteration import Iteration
from pipeline.wiring import lab_context
from prompt_lab.experiments.conclude import APPROVAL
from prompt_lab.production.item_trials import ItemTrial, follow_deployments, read_trial
from prompt_lab.production.review_items import analyse, build_session, run_trials
from prompt_lab.production.review_run import ReviewRun, detect, observe
from prompt_lab.production.simulated_prompts import PROMPT_ID
from prompt_lab.prompts.snapshots import Actor, ActorKind, PromotionKind
from prompt_lab.reviews import Item, ItemState
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_registry import PromptRegistry
from prompt_lab.store.prompt_verdicts import open_registry
from tests.prompt_lab.production.review_world import make_context, make_run

pytestmark = pytest.mark.slow
EDITOR = Actor(name="Ada", kind=ActorKind.PERSON)


@pytest.fixture
def tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReviewRun]:
    """A review whose prompt changes were tried."""
    context = make_context(tmp_path)
    monkeypatch.setenv("PROMPTLAB_ROOT", str(tmp_path))
    monkeypatch.setenv("PROMPTLAB_CONFIGS", str(tmp_path / "configs"))
    run = make_run(context)
    observe(run)
    detect(run)
    analyse(run)
    for trial in run_trials(run):
        make_iteration(trial)
    yield run
    lab_context().close_gateways()


def make_iteration(trial: ItemTrial) -> None:
    task = Iteration(step=trial.step, number=trial.number, branch=trial.branch)
    assert luigi.build([task], local_scheduler=True, log_level="ERROR")


def find_saving(run: ReviewRun) -> Item:
    [item] = [one for one in build_session(run).items if one.detector == "repeated_blocks"]
    return item


def promotions(registry: PromptRegistry) -> list[PromotionKind]:
    return [row.kind for row in registry.files.read_journal()]


def test_a_yes_promotes_nothing_until_a_person_does_and_then_the_file_follows(
    tried: ReviewRun,
) -> None:
    context, registry = tried.context, open_registry(tried.context.lab)
    item = find_saving(tried)
    assert item.deployable, item.note
    assert (item.verdict, item.verdict_id.endswith("_write_article")) == ("YES", True)
    assert item.screening_effect == 0.0
    # The door: a trial by the Luigi task leaves the pointer where it was.
    assert promotions(registry) == [PromotionKind.IMPORT]
    assert registry.read_text(PROMPT_ID) != item.prompt_text
    number = int(item.verdict_id.partition("_")[0])
    folder = context.lab.iteration(number, "write_article")
    assert '"action":"awaits approval"' in (folder / "conclusion.json").read_text().replace(
        '": "', '":"'
    )
    host = context.code_host("blog")
    pull = next(n for n in range(1, 9) if APPROVAL in host.get(n).labels)
    assert list(follow_deployments(context, [item])) == []
    assert host.get(pull).state.value == "open", "an item that is not deployed is not merged"

    why = PromotionReason(EDITOR, "review 1 item 1", tried.now)
    registry.promote({PROMPT_ID: item.prompt_text}, {PROMPT_ID: item.verdict_id}, why)
    deployed = item.model_copy(update={"state": ItemState.DEPLOYED})
    assert list(follow_deployments(context, [deployed])) == []
    assert host.get(pull).state.value == "merged"
    assert context.workspace("blog").read("main", "prompts/writer.txt") == item.prompt_text
    assert promotions(registry) == [PromotionKind.IMPORT, PromotionKind.PROMOTE]
    assert list(follow_deployments(context, [deployed])) == []
    assert promotions(registry) == [PromotionKind.IMPORT, PromotionKind.PROMOTE]


def test_a_trial_without_a_verdict_leaves_the_item_untested(tried: ReviewRun) -> None:
    item = find_saving(tried)
    missing = ItemTrial(item=item.id, step="write_article", number=99, branch="b", plans="")
    found = read_trial(tried.context, item.model_copy(update={"verdict_id": ""}), missing)
    assert found.state is ItemState.UNTESTED
    assert not found.deployable
