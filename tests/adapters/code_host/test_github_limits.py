"""Limits and failures of GitHub that pass: waited for, or said with the time at which they end."""

import time

import pytest

from prompt_lab.errors import CodeHostError
from prompt_lab.names import PullState
from tests.adapters.code_host.hub.wire import Reply
from tests.adapters.code_host.ready import commented, merged, opened, ready
from tests.adapters.code_host.worlds import GitHubWorld

pytestmark = pytest.mark.slow
BAD_GATEWAY = Reply(502, None, {"Content-Type": "text/html"}, b"<h1>Bad Gateway</h1>")


def test_a_rate_limit_says_when_it_ends(github: GitHubWorld) -> None:
    pull, reset = opened(github), int(time.time()) + 1800
    used_up = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
    limit = Reply(403, {"message": "API rate limit exceeded for user ID 1."}, used_up)
    github.hub.fail("POST", "/comments", limit)
    until = time.strftime("%Y-%m-%d %H:%M", time.gmtime(reset))
    with pytest.raises(CodeHostError, match=f"rate limit is used up until {until}"):
        commented(github.host, pull)
    assert github.waits == []
    commented(github.host, pull)
    assert github.host.comments(1) == {"verdict": "YES"}


@pytest.mark.parametrize(
    ("status", "headers", "waits"),
    [
        (403, {"Retry-After": "7"}, [7.0]),
        (429, {"Retry-After": "7"}, [7.0]),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, [1.0]),
        (403, {}, [60.0]),
    ],
)
def test_a_short_one_is_waited_for(
    github: GitHubWorld, status: int, headers: dict[str, str], waits: list[float]
) -> None:
    pull = opened(github)
    message = "You have exceeded a secondary rate limit. Please wait."
    github.hub.fail("POST", "/comments", Reply(status, {"message": message}, headers))
    commented(github.host, pull)
    assert github.waits == waits
    assert len(github.stand_in.pulls[1].comments) == 1


@pytest.mark.parametrize("took_effect", [False, True])
def test_502_three_times_then_well(github: GitHubWorld, took_effect: bool) -> None:
    pull = opened(github)
    github.hub.fail("POST", "/comments", BAD_GATEWAY, times=3, after=took_effect)
    commented(github.host, pull)
    assert [event for event, _ in github.stand_in.pulls.events] == ["opened", "commented"]
    assert len(github.waits) == (1 if took_effect else 3)


def test_502_for_good_ends_in_words(github: GitHubWorld) -> None:
    pull = ready(github)
    github.hub.fail("PUT", "/merge", BAD_GATEWAY, times=4)
    with pytest.raises(CodeHostError, match=r"answered 502, 4 times\. The same command goes on"):
        merged(github.host, pull)
    assert github.host.get(1).state is PullState.OPEN
    assert merged(github.host, pull) == github.target.head()


def test_a_merge_whose_answer_was_lost_is_found(github: GitHubWorld) -> None:
    pull = ready(github)
    github.hub.fail("PUT", "/merge", BAD_GATEWAY, after=True)
    assert merged(github.host, pull) == github.target.head()
    assert [event for event, _ in github.stand_in.pulls.events].count("merged") == 1


def test_a_pull_request_whose_answer_was_lost_is_found(github: GitHubWorld) -> None:
    github.hub.fail("POST", "/pulls", BAD_GATEWAY, after=True)
    assert opened(github).number == 1
    assert len(github.stand_in.pulls.all) == 1


def test_a_dead_network_ends_in_words(github: GitHubWorld) -> None:
    host = github.another()
    host.refresh("main")
    github.close()
    with pytest.raises(CodeHostError, match="could not be reached in 4 tries"):
        host.get(1)
    with pytest.raises(CodeHostError, match=r"could not be reached.*same command goes on"):
        github.another().refresh("main")
    with pytest.raises(CodeHostError, match=r"git fetch.*same command goes on"):
        host.refresh("main")


def test_git_is_tried_again_too(github: GitHubWorld) -> None:
    github.hub.fail("GET", "/info/refs", BAD_GATEWAY, times=3)
    github.host.refresh("main")
    assert len(github.waits) == 3


def test_an_answer_that_is_not_githubs_ends_in_words(github: GitHubWorld) -> None:
    github.hub.fail("GET", "/pulls/1", Reply(200, {"number": "one", "state": 3}))
    with pytest.raises(CodeHostError, match="is not a GitHub API"):
        github.host.get(1)
