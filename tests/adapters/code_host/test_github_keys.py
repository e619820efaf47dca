"""Who we are on GitHub, what becomes of the key, and what is said where it does not do."""

import multiprocessing
import os
import subprocess
from base64 import b64encode
from pathlib import Path

import pytest

from adapters.code_host._github_auth import Access
from adapters.code_host._github_calls import GitHubCalls
from prompt_lab.config.github import GitHubConfig
from prompt_lab.errors import CodeHostError
from prompt_lab.names import Outcome, PullState
from tests.adapters.code_host.hub.emulator import TOKEN
from tests.adapters.code_host.hub.wire import Call, Reply
from tests.adapters.code_host.ready import commented, merged, ready
from tests.adapters.code_host.worlds import GitHubWorld
from tests.adapters.workspace.target import WHEN

pytestmark = pytest.mark.slow


def _command_lines() -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it has ended
    return found


def test_without_one_nothing_is_asked(github: GitHubWorld) -> None:
    with pytest.raises(CodeHostError, match="set GITHUB_TOKEN"):
        github.another(token="").get(1)
    assert github.hub.calls == []


def test_a_wrong_one_is_refused(github: GitHubWorld) -> None:
    with pytest.raises(CodeHostError, match=r"key is refused \(401, 'Bad credentials'\)"):
        github.another(token="ghp_wrong").get(1)
    with pytest.raises(CodeHostError, match=r"key is refused \(401, 'Bad credentials'\)"):
        github.another(token="ghp_wrong").refresh("main")
    assert not [call for call in github.hub.calls if ".git/" in call]


@pytest.mark.parametrize("token", ["ghp_a\nb", "ghp_\u200bwrong", "schl\u00fcssel\u2026", "a b"])
def test_one_that_cannot_be_is_said_and_not_sent(github: GitHubWorld, token: str) -> None:
    host = github.another(token=token)
    with pytest.raises(CodeHostError, match="GITHUB_TOKEN contains a character") as told:
        host.get(1)
    assert token not in str(told.value)
    with pytest.raises(CodeHostError, match="GITHUB_TOKEN contains a character"):
        host.refresh("main")
    assert github.hub.calls == []


def test_a_second_factor_is_named(github: GitHubWorld) -> None:
    otp = Reply(401, {"message": "Must specify two-factor authentication OTP code."},
                {"X-GitHub-OTP": "required; app"})  # fmt: skip
    github.hub.fail("GET", "/pulls/1", otp)
    with pytest.raises(CodeHostError, match="second factor: create a token"):
        github.host.get(1)


def test_a_missing_right_is_named(github: GitHubWorld) -> None:
    pull = ready(github)
    github.stand_in.tokens["ghp_reader"] = {"pull_requests"}
    reader = github.another(token="ghp_reader")
    commented(reader, pull)
    with pytest.raises(CodeHostError, match=r"no right .*'contents=write'.*docs/github.md"):
        merged(reader, pull)
    with pytest.raises(CodeHostError, match="'statuses=write'"):
        reader.status(1, commit=pull.head, outcome=Outcome.YES, text="x", when=WHEN)
    assert github.host.get(1).state is PullState.OPEN
    assert merged(github.host, pull) == github.target.head()


def test_single_sign_on_is_named(github: GitHubWorld) -> None:
    sso = {"X-GitHub-SSO": "required; url=https://github.com/orgs/lab/sso"}
    github.hub.fail("GET", "/pulls/1", Reply(403, {"message": "Resource protected"}, sso))
    with pytest.raises(CodeHostError, match="single sign-on"):
        github.host.get(1)


def test_it_is_in_no_file_no_argument_and_no_message(
    github: GitHubWorld, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []

    def watched(call: Call) -> Reply:
        seen.extend(_command_lines())
        return github.stand_in(call)

    github.hub.pushed, github.hub.api = lambda: seen.extend(_command_lines()), watched
    merged(github.host, ready(github))
    assert any("git push" in line or "send-pack" in line for line in seen)
    basic = b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    assert not [line for line in seen if TOKEN in line or basic in line]
    said = Reply(418, {"message": f"what is {TOKEN}?"})
    github.hub.fail("GET", "/pulls/1", said)
    with pytest.raises(CodeHostError) as told:
        github.host.get(1)
    assert TOKEN not in str(told.value)
    for key in (TOKEN, basic):
        command = ["grep", "-rlF", key, str(github.target.folder)]
        assert subprocess.run(command, capture_output=True, check=False).stdout == b""
    assert TOKEN not in "".join(capfd.readouterr())


def test_a_fork_has_a_connection_of_its_own() -> None:
    config = GitHubConfig(repository="a/b")
    access = Access(config, {"GITHUB_TOKEN": TOKEN}, GitHubCalls(config))
    mine = access.client
    child = multiprocessing.get_context("fork").Process(
        target=lambda: os._exit(access.client is mine)
    )
    child.start()
    child.join()
    assert child.exitcode == 0
    assert access.client is mine
