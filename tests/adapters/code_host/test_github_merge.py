"""A merge that GitHub refuses, or tells of late: each its own outcome."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.code_host.github import GitHubHost
from adapters.git import Git
from prompt_lab.errors import CodeHostError, HeadMoved, MergeConflict, MergeRefused, PullEnded
from prompt_lab.names import Outcome, PullState
from tests.adapters.code_host.hub.emulator import TOKEN
from tests.adapters.code_host.hub.wire import Call, Reply
from tests.adapters.code_host.ready import merged, ready
from tests.adapters.code_host.worlds import GitHubWorld
from tests.adapters.workspace.target import WHEN

pytestmark = pytest.mark.slow
PROMPT = "prompts/extract.txt"


def test_a_required_review_is_respected(github: GitHubWorld) -> None:
    pull = ready(github)
    github.stand_in.rules.reviews = 1
    with pytest.raises(MergeRefused, match="At least 1 approving review is required"):
        merged(github.host, pull)
    assert github.host.get(1).state is PullState.OPEN
    github.stand_in.rules.reviews = 0
    assert merged(github.host, pull) == github.target.head()


def test_the_verdict_as_a_required_status(github: GitHubWorld) -> None:
    pull = ready(github)
    github.stand_in.rules.required_status = "prompt-lab/verdict"
    with pytest.raises(MergeRefused, match='"prompt-lab/verdict" is expected'):
        merged(github.host, pull)
    github.host.status(1, commit=pull.head, outcome=Outcome.YES, text="Better.", when=WHEN)
    merged(github.host, pull)


def test_a_head_that_moves_at_that_moment(github: GitHubWorld) -> None:
    pull = ready(github)

    def pushed_first(call: Call) -> Reply:
        if call.method == "PUT":
            github.branch("topic", {PROMPT: "Later.\n"})
        return github.stand_in(call)

    github.hub.api = pushed_first
    with pytest.raises(HeadMoved, match="moved"):
        merged(github.host, pull)


def test_409_while_the_head_stands_is_in_github_s_own_words(github: GitHubWorld) -> None:
    pull = ready(github)
    words = "Base branch was modified. Review and try the merge again."
    github.hub.fail("PUT", "/merge", Reply(409, {"message": words}))
    with pytest.raises(MergeRefused, match=words):
        merged(github.host, pull)
    assert merged(github.host, pull) == github.target.head()


def test_a_conflict_that_came_with_the_merge(github: GitHubWorld) -> None:
    pull = ready(github)
    github.on_main({PROMPT: "Theirs.\n"})
    with pytest.raises(MergeConflict, match="'topic' conflicts with 'main'"):
        merged(github.host, pull)


def test_closed_by_somebody_else_at_that_moment(github: GitHubWorld) -> None:
    pull = ready(github)

    def closed_first(call: Call) -> Reply:
        if call.method == "PUT":
            github.stand_in.pulls.end(github.stand_in.pulls[1], "closed")
        return github.stand_in(call)

    github.hub.api = closed_first
    with pytest.raises(PullEnded, match="closed by another user"):
        merged(github.host, pull)


def test_squash_where_the_config_says_so(github: GitHubWorld) -> None:
    pull = ready(github)
    asked: list[Any] = []

    def heard(call: Call) -> Reply:
        asked.append(call.json)
        return github.stand_in(call)

    github.hub.api = heard
    merged(github.another(merge_method="squash"), pull)
    assert [a["merge_method"] for a in asked if "merge_method" in a] == ["squash"]


def test_main_of_the_target_with_commits_of_its_own(github: GitHubWorld) -> None:
    pull = ready(github)
    github.target.commit({"mine.txt": "mine\n"})
    with pytest.raises(CodeHostError, match=r"'main' has commits that .* lacks: push them"):
        merged(github.host, pull)
    github.target.git("reset", "-q", "--hard", "HEAD~1")
    assert merged(github.host, pull) == github.target.head()


def test_a_merge_that_shows_late_is_waited_for(github: GitHubWorld) -> None:
    pull = ready(github)
    stale: list[Any] = []
    git = Git(github.bare)
    main = git("rev-parse", "main")

    def late(call: Call) -> Reply:
        if call.method == "PUT":
            stale.append(github.stand_in(replace(call, method="GET", path=call.path[:-6])))
            reply = github.stand_in(call)
            stale.append(git("rev-parse", "main"))
            git("update-ref", "refs/heads/main", main)
            return reply
        return stale.pop(0) if len(stale) == 2 else github.stand_in(call)

    def slept(seconds: float) -> None:
        github.waits.append(seconds)
        if len(github.waits) == 2:
            git("update-ref", "refs/heads/main", stale[0])

    github.hub.api = late
    host = GitHubHost(github.config(), github.target.folder, {"GITHUB_TOKEN": TOKEN}, slept)
    assert merged(host, pull) == github.target.head() == git("rev-parse", "main") != main
    assert len(github.waits) == 2
