"""Each way in which runs fail to be evidence is found, told apart, and counted."""

from collections.abc import Mapping
from typing import Any

import pytest

from prompt_lab.decide.verdict import Code
from prompt_lab.evaluate.evidence import (
    SideFacts,
    examine,
    no_observable_effect,
    not_exercised,
    nothing_ran,
)
from prompt_lab.evaluate.pairs import evidence_of, valid_by_plan
from prompt_lab.names import Side, Split, Status
from prompt_lab.records import (
    ProcessRecord,
    PromptVersion,
    RunError,
    RunRecord,
    RunRow,
    SentEvidence,
    Usage,
)

PROMPT, SCHEMA = "prompts/extract.txt", "schema.json"
FACTS = {
    Side.BASELINE: SideFacts("a" * 40, {PROMPT: "p0", SCHEMA: "s0"}, "sha0"),
    Side.CANDIDATE: SideFacts("c" * 40, {PROMPT: "p1", SCHEMA: "s0"}, "sha1"),
}


def row(
    side: Side,
    plan: str = "p1",
    *,
    outputs: Mapping[str, str] | None = None,
    reused: bool = False,
    error: RunError | None = None,
    **sent: Any,
) -> RunRow:
    """A run that used what its side stands for, but for what is given."""
    facts = FACTS[side]
    used = {
        "wanted_commit": facts.commit,
        "head": facts.commit,
        "tree_clean": True,
        "files": dict(facts.blobs),
        "prompt_sha256": facts.prompt_sha256,
        **sent,
    }
    record = RunRecord(
        iteration=1, step="extract_invoice", split=Split.TRAIN, side=side, model="m", plan=plan,
        replicate=0, status=Status.ERROR if error else Status.OK, error=error, scores={},
        primary=0.0, valid=not error, usage=Usage(), sent=SentEvidence.model_validate(used),
        content_key="k", answered_by="m", started="", ended="", duration_seconds=0.0,
    )  # fmt: skip
    path = f"history/0/{side.value}/outputs/{plan}"
    return RunRow(record=record, path=path, outputs=dict(outputs or {}), reused=reused)


def sound() -> list[RunRow]:
    return [row(side, plan) for side in Side for plan in ("p1", "p2", "p3")]


def test_sound_runs_have_no_finding() -> None:
    assert examine(sound(), FACTS) == ()


@pytest.mark.parametrize(
    ("sent", "code", "expected", "found"),
    [
        ({"head": "d" * 40}, Code.WRONG_COMMIT, "c" * 40, "d" * 40),
        ({"wanted_commit": "d" * 40}, Code.WRONG_COMMIT, "c" * 40, "d" * 40),
        ({"tree_clean": False}, Code.DIRTY_TREE, "clean", "uncommitted changes"),
        ({"files": {PROMPT: "x", SCHEMA: "s0"}}, Code.BLOB_MISMATCH, "p1", "x"),
        (
            {"files": {PROMPT: "p1", "new.txt": "n"}},
            Code.BLOB_MISMATCH,
            "no such file",
            "n",
        ),
        ({"prompt_sha256": "sha0"}, Code.PROMPT_MISMATCH, "sha1", "sha0"),
        ({"prompt_sha256": ""}, Code.PROMPT_MISMATCH, "sha1", ""),
    ],
)
def test_one_run_gone_wrong_is_one_finding(
    sent: dict[str, Any], code: Code, expected: str, found: str
) -> None:
    (finding,) = examine([*sound(), row(Side.CANDIDATE, "p4", **sent)], FACTS)
    assert finding.code is code
    assert (finding.facts["expected"], finding.facts["found"]) == (expected, found)
    assert (finding.facts["side"], finding.facts["runs"]) == ("candidate", "1 of 4")
    assert finding.facts["example"] == "history/0/candidate/outputs/p4"
    assert "1 of 4 candidate runs" in finding.text


@pytest.mark.parametrize(
    ("elsewhere", "error", "found"),
    [
        ({}, None, []),
        ({"pkg.core": "/copy/core.py"}, None, ["/copy/core.py"]),
        ({"pkg.core": "/copy/core.py"}, RunError(kind="x", message=""), ["/copy/core.py"]),
        ({f"pkg.m{n:02}": f"/copy/m{n:02}.py" for n in range(40)}, None, ["/copy/m00.py"]),
        ({"pkg": ""}, None, ["never loaded"]),
        ({"pkg": ""}, RunError(kind="time_limit", message=""), []),
    ],
)
def test_a_module_from_outside_the_worktree_voids_the_run(
    elsewhere: dict[str, str], error: RunError | None, found: list[str]
) -> None:
    bad = row(Side.CANDIDATE, "p4", error=error)
    process = ProcessRecord(elsewhere=elsewhere)
    record = bad.record.model_copy(update={"process": process})
    findings = examine([*sound(), bad.model_copy(update={"record": record})], FACTS)
    assert [finding.facts["found"] for finding in findings] == found
    assert {finding.code for finding in findings} <= {Code.SHADOWED_IMPORT}


def test_the_cause_of_a_shadowed_import_is_said_first_and_once() -> None:
    """Forty modules from another checkout, and so its prompt too: one reason, which says why."""
    elsewhere = {f"pkg.m{n:02}": f"/copy/m{n:02}.py" for n in range(40)}
    rows = []
    for one in (row(Side.CANDIDATE, f"p{n}", prompt_sha256="sha0") for n in range(3)):
        record = one.record.model_copy(update={"process": ProcessRecord(elsewhere=elsewhere)})
        rows.append(one.model_copy(update={"record": record}))
    baseline = [one for one in sound() if one.record.side is Side.BASELINE]
    (finding,) = examine([*baseline, *rows], FACTS)
    assert finding.code is Code.SHADOWED_IMPORT
    assert finding.text.startswith(
        "3 of 3 candidate runs: module pkg.m00 and 39 more was '/copy/m00.py'"
    )
    wrong = row(Side.BASELINE, "p4", prompt_sha256="x")  # the other side's own fault stays
    codes = [found.code for found in examine([*baseline, wrong, *rows], FACTS)]
    assert codes == [Code.SHADOWED_IMPORT, Code.PROMPT_MISMATCH]


def test_a_process_that_names_no_prompt_is_judged_by_its_files() -> None:
    silent = row(Side.CANDIDATE, "p4", prompt_sha256="")
    record = silent.record.model_copy(update={"process": ProcessRecord()})
    assert examine([*sound(), silent.model_copy(update={"record": record})], FACTS) == ()


def test_the_same_fault_of_many_runs_is_told_once() -> None:
    rows = [row(Side.BASELINE, f"p{n}", head="d" * 40) for n in range(5)]
    (finding,) = examine([*rows, row(Side.CANDIDATE)], FACTS)
    assert finding.facts["runs"] == "5 of 5"


def test_different_faults_are_all_told_in_a_fixed_order() -> None:
    rows = [
        row(Side.CANDIDATE, prompt_sha256="x", tree_clean=False),
        row(Side.BASELINE, head="e" * 40),
        row(Side.BASELINE, "p2", head="d" * 40),
    ]
    codes = [finding.code for finding in examine(rows, FACTS)]
    assert codes == [
        Code.WRONG_COMMIT, Code.WRONG_COMMIT, Code.DIRTY_TREE, Code.PROMPT_MISMATCH
    ]  # fmt: skip
    assert examine(rows[::-1], FACTS) == examine(rows, FACTS)


def test_a_reused_run_of_an_older_commit_with_the_same_contents_is_evidence() -> None:
    older: dict[str, Any] = {"wanted_commit": "b" * 40, "head": "b" * 40}
    assert examine([*sound(), row(Side.BASELINE, "p4", reused=True, **older)], FACTS) == ()
    (finding,) = examine([*sound(), row(Side.BASELINE, "p4", **older)], FACTS)
    assert finding.code is Code.WRONG_COMMIT


def test_a_reused_run_is_held_to_its_own_commit_and_to_our_contents() -> None:
    moved = row(Side.BASELINE, "p4", reused=True, wanted_commit="b" * 40, head="d" * 40)
    other = row(Side.BASELINE, "p5", reused=True, files={PROMPT: "p9", SCHEMA: "s0"})
    codes = [finding.code for finding in examine([*sound(), moved, other], FACTS)]
    assert codes == [Code.WRONG_COMMIT, Code.BLOB_MISMATCH]


def test_a_run_that_failed_before_it_sent_anything_mismatches_no_prompt() -> None:
    error = RunError(kind="refused", message="no")
    assert (
        examine([*sound(), row(Side.CANDIDATE, "p4", prompt_sha256="", error=error)], FACTS) == ()
    )


class TestNotExercised:
    """Whether what changed was in use at all."""

    same = SideFacts("d" * 40, FACTS[Side.BASELINE].blobs, "sha0")

    def test_before_the_runs_by_the_facts(self) -> None:
        finding = not_exercised(FACTS[Side.BASELINE], self.same)
        assert finding is not None
        assert finding.code is Code.NOT_EXERCISED
        assert finding.facts["files"] == f"{PROMPT}, {SCHEMA}"
        assert not_exercised(FACTS[Side.BASELINE], FACTS[Side.CANDIDATE]) is None

    def test_a_file_that_only_one_side_has_differs(self) -> None:
        more = SideFacts("d" * 40, {**self.same.blobs, "new.txt": "n"}, "sha0")
        assert not_exercised(FACTS[Side.BASELINE], more) is None
        absent = SideFacts("d" * 40, {**self.same.blobs, "new.txt": ""}, "sha0")
        assert not_exercised(FACTS[Side.BASELINE], absent) is not None

    def test_a_change_that_no_run_loaded_does_not_count(self) -> None:
        facts = {
            Side.BASELINE: SideFacts("a" * 40, {PROMPT: "p0", SCHEMA: "s0"}, "sha0"),
            Side.CANDIDATE: SideFacts("c" * 40, {PROMPT: "p0", SCHEMA: "s1"}, "sha0"),
        }
        rows = [row(side, prompt_sha256="sha0", files={PROMPT: "p0"}) for side in facts]
        (finding,) = examine(rows, facts)
        assert finding.code is Code.NOT_EXERCISED
        rows[1] = row(Side.CANDIDATE, prompt_sha256="sha0", files={PROMPT: "p0", SCHEMA: "s1"})
        assert examine(rows, facts) == ()

    def test_without_any_run_the_facts_decide(self) -> None:
        wanted = {Side.BASELINE: FACTS[Side.BASELINE], Side.CANDIDATE: self.same}
        assert [f.code for f in examine([], wanted)] == [Code.NOT_EXERCISED]
        assert examine([], FACTS) == ()


class TestNoObservableEffect:
    """A warning beside the verdict, never a fault of the evidence."""

    def pair(self, before: str, after: str, plan: str = "p1") -> list[RunRow]:
        return [
            row(Side.BASELINE, plan, outputs={"answer.json": before}),
            row(Side.CANDIDATE, plan, outputs={"answer.json": after}),
        ]

    def test_equal_outputs_everywhere_are_said(self) -> None:
        rows = [*self.pair("1", "1"), *self.pair("2", "2", "p2")]
        finding = no_observable_effect(rows)
        assert finding is not None
        assert finding.facts == {"pairs": "2"}
        assert examine(rows, FACTS) == ()

    def test_one_difference_is_an_effect(self) -> None:
        assert no_observable_effect([*self.pair("1", "1"), *self.pair("2", "3", "p2")]) is None

    def test_another_kind_of_error_is_an_effect(self) -> None:
        broken = row(Side.CANDIDATE, error=RunError(kind="truncated", message=""))
        assert no_observable_effect([row(Side.BASELINE), broken]) is None

    def test_runs_without_their_pair_say_nothing(self) -> None:
        assert no_observable_effect([row(Side.BASELINE), row(Side.CANDIDATE, "p2")]) is None


def test_a_side_without_a_run_is_told_apart_from_bad_evidence() -> None:
    assert nothing_ran(sound()) is None
    for rows, counts in (([], ("0", "0")), ([row(Side.BASELINE)], ("1", "0"))):
        finding = nothing_ran(rows)
        assert finding is not None
        assert (finding.facts["baseline"], finding.facts["candidate"]) == counts
        assert finding.facts["finding"] == "nothing_ran"


def test_valid_answers_are_counted_by_plan() -> None:
    """Models fail on the same plans, so the plan is the unit of the guard."""
    bad = RunError(kind="not_json", message="")
    rows = [
        *(row(Side.BASELINE, plan) for plan in ("p1", "p1", "p2", "alone")),
        row(Side.CANDIDATE, "p1", error=bad),
        row(Side.CANDIDATE, "p1"),
        row(Side.CANDIDATE, "p2", error=bad),
    ]
    assert valid_by_plan(rows) == (-0.5, -1.0)
    prompts = (
        PromptVersion(commit="a", path=PROMPT, text="x", schema_path="", schema_text=""),
    ) * 2
    validity = evidence_of(rows, [], prompts=prompts).validity
    assert validity is not None
    assert validity.by_plan == (-0.5, -1.0)
