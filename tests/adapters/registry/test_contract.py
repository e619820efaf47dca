"""One contract for every remote registry: what fails, and what must then be true of it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from prompt_lab.deploy.records import DeployRecords
from prompt_lab.deploy.remote import Deployment, RemoteDeployer
from prompt_lab.deploy.status import RemoteReader
from prompt_lab.errors import OutcomeUnknown, RegistryError, RemoteChanged
from prompt_lab.prompts.snapshots import Actor, ActorKind
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_registry import PromptRegistry
from tests.adapters.registry.stand_ins import KEY
from tests.adapters.registry.worlds import ENVIRON, KINDS, ServiceWorld, World, open_world

WHY = PromotionReason(Actor(name="ann", kind=ActorKind.PERSON), "spring", "2026-01-01T00:00:00Z")
OLD = "Greet {name} in one sentence. @@@house_style@@@\n" + "Be brief. " * 20
NEW = OLD.replace("one sentence", "two sentences")
EDIT = OLD.replace("brief", "kind")


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    yield from open_world(request.param, tmp_path)


@pytest.fixture(params=KINDS[1:])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    yield from open_world(request.param, tmp_path)


@pytest.fixture
def registry(tmp_path: Path) -> PromptRegistry:
    """A lab whose first text was OLD and whose current one is NEW."""
    made = PromptRegistry(PromptFiles(tmp_path / "prompts"), lambda _: None)
    made.import_texts({"greet": OLD}, {}, WHY)
    made.force("greet", NEW, WHY)
    return made


def deploy(world: World, registry: PromptRegistry, over: str = "") -> Deployment:
    deployer = RemoteDeployer(registry.files, world.remote, world.config, world.slept.append)
    return deployer.deploy("greet", WHY, over=over)


def read_state(world: World, registry: PromptRegistry) -> str:
    return RemoteReader(registry.files, world.remote, world.config).read_status("greet").state


def assert_sound(world: World, served: str) -> None:
    """No text twice, the label on one version, and that version has this text."""
    texts = world.list_texts("greet")
    assert len(set(texts)) == len(texts)
    (number,) = world.find_labelled("greet", "production")
    assert world.remote.read_version("greet", number).text == served


def test_deploys_reads_back_and_goes_back(world: World, registry: PromptRegistry) -> None:
    world.add("greet", OLD, "production")
    assert read_state(world, registry) == "behind"
    done = deploy(world, registry)
    assert (done.is_published, done.version.text, done.previous) == (True, NEW, (1, OLD))
    assert read_state(world, registry) == "current"
    assert deploy(world, registry).is_unchanged
    registry.roll_back(registry.files.read_journal()[0].to_snapshot, WHY)
    assert read_state(world, registry) == "behind"
    back = deploy(world, registry)
    assert (back.is_published, back.version) == (False, (1, OLD))
    assert world.count("publish") == 1
    assert_sound(world, OLD)


@pytest.mark.parametrize(
    ("prefix", "variable", "name"),
    [
        ("", "", "greet"),
        ("blog_writer", "", "blog_writer_greet"),
        ("blog_writer", "shop", "shop_greet"),
        ("", "greet", "greet"),
    ],
)
def test_names_at_promptlayer_begin_with_the_prefix(
    registry: PromptRegistry, monkeypatch: pytest.MonkeyPatch, prefix: str, variable: str, name: str
) -> None:
    monkeypatch.setenv("PROMPTLAYER_PROMPT_PREFIX", variable)
    world = ServiceWorld("promptlayer")
    try:
        config = world.config.model_copy(update={"prefix": prefix})
        done = RemoteDeployer(registry.files, world.remote, config).deploy("greet", WHY)
        assert done.is_published
        assert world.list_texts(name) == [NEW]
        named = config.model_copy(update={"name": "other", "prompts": {"greet": "hello"}})
        RemoteDeployer(registry.files, world.remote, named).deploy("greet", WHY)
        assert world.list_texts("hello") == [NEW], "a name that is given is taken as it is"
    finally:
        world.close()


def test_makes_prompt_and_label_where_there_are_none(
    world: World, registry: PromptRegistry
) -> None:
    assert read_state(world, registry) == "absent"
    assert deploy(world, registry).previous is None
    assert_sound(world, NEW)


@pytest.mark.parametrize("status", [401, 404, 409, 422])
@pytest.mark.parametrize("operation", ["publish", "label"])
def test_a_refusal_is_no_success(
    world: World, registry: PromptRegistry, operation: str, status: int
) -> None:
    world.add("greet", OLD, "production")
    world.fail(operation, *[status] * 9)
    with pytest.raises(RegistryError, match=str(status)) as caught:
        deploy(world, registry)
    assert KEY not in str(caught.value)
    assert_sound(world, OLD)
    assert DeployRecords(registry.files, "live").read() == []


@pytest.mark.parametrize("status", [429, 500])
@pytest.mark.parametrize("operation", ["publish", "label", "read"])
def test_what_passes_is_tried_again_and_leaves_one_version(
    world: World, registry: PromptRegistry, operation: str, status: int
) -> None:
    world.add("greet", OLD, "production")
    world.fail(operation, status, status)
    assert deploy(world, registry).version.text == NEW
    assert_sound(world, NEW)


@pytest.mark.parametrize("status", [429, 500])
@pytest.mark.parametrize("operation", ["publish", "label"])
def test_what_does_not_pass_is_no_success(
    world: World, registry: PromptRegistry, operation: str, status: int
) -> None:
    world.add("greet", OLD, "production")
    world.fail(operation, *[status] * 9)
    with pytest.raises(RegistryError):
        deploy(world, registry)
    assert world.count(operation) == world.config.tries
    assert_sound(world, OLD)


@pytest.mark.parametrize("operation", ["publish", "label"])
def test_a_connection_dropped_after_it_was_accepted_is_found_out(
    world: World, registry: PromptRegistry, operation: str
) -> None:
    world.add("greet", OLD, "production")
    world.fail(operation, "drop")
    assert deploy(world, registry).version.text == NEW
    assert world.count(operation) == 1
    assert_sound(world, NEW)


def test_a_publish_that_may_still_arrive_is_left_to_the_next_command(
    world: World, registry: PromptRegistry
) -> None:
    world.add("greet", OLD, "production")
    world.fail("publish", "lost")
    with pytest.raises(OutcomeUnknown, match="Run the same command again"):
        deploy(world, registry)
    assert world.count("publish") == 1
    assert_sound(world, OLD)
    world.add("greet", NEW)  # it arrives late
    assert not deploy(world, registry).is_published
    assert_sound(world, NEW)


def test_a_label_that_was_not_moved_is_no_success(world: World, registry: PromptRegistry) -> None:
    world.add("greet", OLD, "production")
    world.fail("label", "ignore")
    with pytest.raises(RegistryError, match="is still on version 1"):
        deploy(world, registry)
    assert_sound(world, OLD)


def test_a_label_on_two_versions_is_reported(world: World, registry: PromptRegistry) -> None:
    world.add("greet", OLD, "production")
    world.add("greet", EDIT)
    world.duplicate_label("greet", "production", 2)
    with pytest.raises(RegistryError, match="label"):
        deploy(world, registry)
    assert world.list_texts("greet") == [OLD, EDIT]


def test_an_edit_by_hand_is_reported_and_replaced_only_by_name(
    world: World, registry: PromptRegistry
) -> None:
    world.add("greet", OLD, "production")
    deploy(world, registry)
    world.add("greet", EDIT, "production")
    assert read_state(world, registry) == "edited"
    registry.force("greet", NEW + "Sign it.\n", WHY)
    for over in ("", "0" * 64, "ab"):
        with pytest.raises(RemoteChanged, match="changed by hand"):
            deploy(world, registry, over)
    assert_sound(world, EDIT)
    digest = world.remote.read_version("greet", 3).digest
    assert deploy(world, registry, digest[:12]).version.text == NEW + "Sign it.\n"
    row = DeployRecords(registry.files, "live").read()[-1]
    assert (row.replaced, row.replaced_edit) == (digest, True)
    assert registry.files.read_version(digest) == EDIT  # what was replaced is kept


def test_a_first_deployment_does_not_replace_an_unknown_text(
    world: World, registry: PromptRegistry
) -> None:
    world.add("greet", EDIT, "production")
    with pytest.raises(RemoteChanged, match="not on a text of the lab"):
        deploy(world, registry)
    assert_sound(world, EDIT)


def test_a_label_moved_between_read_and_publish_stays_there(
    world: World, registry: PromptRegistry
) -> None:
    world.add("greet", OLD, "production")
    world.before("publish", lambda: world.add("greet", EDIT, "production"))
    with pytest.raises(RemoteChanged, match="was left there"):
        deploy(world, registry)
    assert_sound(world, EDIT)
    assert read_state(world, registry) == "edited"


def test_a_label_taken_off_by_hand_is_reported(service: World, registry: PromptRegistry) -> None:
    service.add("greet", OLD, "production")
    deploy(service, registry)
    assert isinstance(service, ServiceWorld)
    service.stand_in.labels["greet"] = []
    assert read_state(service, registry) == "edited"
    with pytest.raises(RemoteChanged, match="is gone"):
        deploy(service, registry)


def test_the_lab_moving_on_meanwhile_leaves_the_label(
    world: World, registry: PromptRegistry
) -> None:
    world.add("greet", OLD, "production")
    first = registry.files.read_journal()[0].to_snapshot
    world.before("publish", lambda: registry.roll_back(first, WHY))
    with pytest.raises(RemoteChanged, match="in the lab while it was published"):
        deploy(world, registry)
    assert_sound(world, OLD)


def test_a_publish_that_filled_in_a_snippet_is_aborted(
    world: World, registry: PromptRegistry
) -> None:
    world.add("greet", OLD, "production")
    world.resolve_snippets()
    for _ in range(2):  # the second does not publish once more
        with pytest.raises(RegistryError, match="version 2"):
            deploy(world, registry)
    assert world.count("publish") == 1
    assert_sound(world, OLD)


def test_a_version_edited_in_place_takes_the_label_back(
    world: World, registry: PromptRegistry
) -> None:
    world.add("greet", OLD, "production")
    world.before("label", lambda: world.edit_version("greet", 2, EDIT))
    with pytest.raises(RemoteChanged, match="back on version 1"):
        deploy(world, registry)
    assert_sound(world, OLD)


def test_nothing_is_published_over_what_could_not_be_restored(
    world: World, registry: PromptRegistry
) -> None:
    world.add("greet", OLD, "production")
    reads = iter(range(9))

    def vanish() -> None:
        """The version goes after it was read once."""
        if next(reads) == limit:
            world.delete_version("greet", 1)
        else:
            world.before("read", vanish)

    limit = {"folder": 1, "promptlayer": 2, "langfuse": 2}[world.config.kind]
    world.before("read", vanish)
    with pytest.raises(RegistryError, match="could not restore it"):
        deploy(world, registry)
    assert world.count("publish") == 0


def test_what_is_published_keeps_the_settings_beside_the_text(
    service: World, registry: PromptRegistry
) -> None:
    service.add("greet", OLD, "production")
    deploy(service, registry)
    assert isinstance(service, ServiceWorld)
    old, new = service.stand_in.texts["greet"]
    assert json.loads(json.dumps(old).replace("one sentence", "two sentences")) == new


def test_a_wrong_key_is_refused_and_in_no_message(service: World, registry: PromptRegistry) -> None:
    assert isinstance(service, ServiceWorld)
    wrong = {name: f"{value}-other" for name, value in ENVIRON.items()}
    remote = service.connect(wrong)
    deployer = RemoteDeployer(registry.files, remote, service.config, service.slept.append)
    with pytest.raises(RegistryError, match="Check the key") as caught:
        deployer.deploy("greet", WHY)
    assert KEY not in str(caught.value)
    remote.close()
    with pytest.raises(RegistryError, match=r"set (PROMPTLAYER|LANGFUSE)_\w+ in the environment"):
        service.connect({})


def test_a_service_that_is_down_is_reported(registry: PromptRegistry, tmp_path: Path) -> None:
    for made in open_world("langfuse", tmp_path):
        assert isinstance(made, ServiceWorld)
        made.stand_in.server.__exit__()
        with pytest.raises(RegistryError, match="no connection"):
            deploy(made, registry)
        assert len(made.slept) == made.config.tries - 1
