"""What a merge would leave: worked out beside the target, which it never touches."""

import pytest

from adapters.workspace.git import GitWorkspace
from prompt_lab.errors import MergeConflict
from tests.adapters.workspace.target import Target

pytestmark = pytest.mark.slow
PROMPT = "prompts/extract.txt"


def test_both_changes_are_in_it_and_the_target_has_no_new_commit(
    target: Target, workspace: GitWorkspace
) -> None:
    topic = target.branch("topic", {PROMPT: "Read {text} well.\n"})
    main = target.commit({"schema.json": "[]\n"})
    everything = target.git("count-objects", "-v")
    merged = workspace.merge_commit("main", "topic")
    assert workspace.merge_commit(main, topic) == merged
    assert workspace.read(merged, PROMPT) == "Read {text} well.\n"
    assert workspace.read(merged, "schema.json") == "[]\n"
    assert (target.head(), target.head("topic"), target.status()) == (main, topic, "")
    assert target.git("count-objects", "-v") == everything


def test_one_that_has_the_other_is_the_merge(target: Target, workspace: GitWorkspace) -> None:
    topic = target.branch("topic", {PROMPT: "Read {text} well.\n"})
    for base, commit in ((target.first, topic), (topic, target.first), (topic, topic)):
        assert workspace.merge_commit(base, commit) == topic


def test_a_conflict_names_its_files(target: Target, workspace: GitWorkspace) -> None:
    target.branch("topic", {PROMPT: "Read {text} well.\n"})
    target.commit({PROMPT: "Read {text} twice.\n"})
    with pytest.raises(MergeConflict, match=PROMPT):
        workspace.merge_commit("main", "topic")
    assert target.status() == ""
