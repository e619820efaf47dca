"""A GitHub App instead of a token, against the emulator, which checks the App's signature."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from adapters.code_host.github import GitHubHost
from prompt_lab.config.github import GitHubConfig
from prompt_lab.errors import CodeHostError
from prompt_lab.names import PullState
from tests.adapters.code_host.hub.emulator import Emulator, installed
from tests.adapters.code_host.hub.wire import Call, Reply
from tests.adapters.code_host.worlds import EmulatedWorld
from tests.adapters.workspace.target import WHEN

pytestmark = pytest.mark.slow


def _pem() -> str:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@pytest.fixture(scope="module")
def key() -> str:
    return _pem()


@pytest.fixture(scope="module")
def emulator(key: str) -> Iterator[Emulator]:
    running = Emulator(installed(), key)
    yield running
    running.close()


@pytest.fixture
def world(tmp_path: Path, emulator: Emulator) -> Iterator[EmulatedWorld]:
    made = EmulatedWorld(tmp_path, emulator)

    def heard(call: Call) -> Reply:
        reply = made.paired(call)
        if call.path.endswith("/access_tokens") and reply.status == 201:
            made.hub.tokens = {reply.json["token"]}
        return reply

    made.hub.api = heard
    made.hub.tokens = set()
    yield made
    made.close()


def _host(world: EmulatedWorld, environ: Mapping[str, str]) -> GitHubHost:
    config = GitHubConfig(repository=world.NAME, base_url=world.hub.url, pause=0)
    return GitHubHost(config, world.target.folder, environ, world.waits.append)


@pytest.mark.parametrize("as_file", [False, True])
def test_an_app_opens_comments_and_merges(
    world: EmulatedWorld, key: str, tmp_path: Path, as_file: bool
) -> None:
    (tmp_path / "key.pem").write_text(key)
    given = str(tmp_path / "key.pem") if as_file else key
    host = _host(world, {"GITHUB_APP_ID": "7", "GITHUB_APP_PRIVATE_KEY": given})
    world.branch("topic", {"prompts/extract.txt": "New.\n"})
    pull = host.open_pull("topic", base="main", title="Try", body="Why.", when=WHEN)
    for body in ("It runs.", "YES"):
        host.comment(pull.number, key="verdict", body=body, when=WHEN)
    assert host.comments(pull.number) == {"verdict": "YES"}
    merged = host.merge(pull.number, expected_head=pull.head, message="Merge", when=WHEN)
    assert world.target.head() == merged
    assert host.get(pull.number).state is PullState.MERGED
    assert f"GET /repos/{world.NAME}/installation" in world.hub.calls


def test_the_installation_may_be_named(world: EmulatedWorld, key: str) -> None:
    environ = {"GITHUB_APP_ID": "7", "GITHUB_APP_PRIVATE_KEY": key}
    _host(world, {**environ, "GITHUB_APP_INSTALLATION_ID": "70"}).refresh("main")
    assert f"GET /repos/{world.NAME}/installation" not in world.hub.calls


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"GITHUB_APP_PRIVATE_KEY": ""}, "neither a PEM key nor the path"),
        ({"GITHUB_APP_PRIVATE_KEY": "/no/such.pem"}, "neither a PEM key nor the path"),
        ({"GITHUB_APP_PRIVATE_KEY": "-----BEGIN NOTHING"}, "private key cannot be used"),
        ({"GITHUB_APP_INSTALLATION_ID": "mine"}, "'mine': give the installation's number"),
        ({"GITHUB_APP_ID": "8"}, r"key is refused \(401"),
    ],
)
def test_what_is_wrong_with_an_app_is_said(
    world: EmulatedWorld, key: str, change: Mapping[str, str], words: str
) -> None:
    environ = {"GITHUB_APP_ID": "7", "GITHUB_APP_PRIVATE_KEY": key, **change}
    with pytest.raises(CodeHostError, match=words) as told:
        _host(world, environ).get(1)
    assert key not in str(told.value)
