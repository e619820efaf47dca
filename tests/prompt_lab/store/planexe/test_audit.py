"""The prompts that runs of another tool used: stale ones are found by their raw outputs."""

import json
from pathlib import Path

import pytest

from prompt_lab.store.layout import Lab
from prompt_lab.store.planexe.audit import audit_prompts, render_audit
from tests.prompt_lab.store.planexe import other_tool


def _iteration(lab: Lab, number: int, prompts: dict[int, str], pull: int) -> None:
    for run, prompt in prompts.items():
        folder = other_tool.run_folder(lab, run, "m", {"one": ["a"]})
        [raw] = folder.glob("outputs/one/*_raw.json")
        raw.write_text(json.dumps({**json.loads(raw.read_text()), "system_prompt": prompt}))
    meta = other_tool.analysis(lab, number, list(prompts)) / "meta.json"
    told = json.loads(meta.read_text())
    meta.write_text(json.dumps({**told, "pr_url": f"https://github.com/a/b/pull/{pull}"}))


def test_each_way_to_be_stale_is_told_with_its_evidence(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    _iteration(lab, 1, {11: "old", 12: "old"}, pull=5)
    _iteration(lab, 2, {21: "old", 22: "old"}, pull=6)
    _iteration(lab, 3, {31: "new", 32: "new"}, pull=6)
    _iteration(lab, 4, {41: "other", 42: "another"}, pull=7)
    told, found = audit_prompts(lab)
    assert [len(prompts) for _, prompts in told] == [1, 1, 1, 2]
    assert [one.number for one in found] == [2, 3, 4]
    assert "as those of iteration 1 did" in found[0].text
    assert "pull request #6 was run with prompt" in found[1].text
    assert "in iteration 2" in found[1].text
    assert "used 2 prompts" in found[2].text
    assert all((tmp_path / path).is_file() for one in found for path in one.evidence)
    assert "Suspicious:" in render_audit(told, found)


@pytest.mark.parametrize("raw", ["{", "[]", "null", '{"system_prompt": 7}'])
def test_a_raw_output_that_tells_nothing_is_passed_over(tmp_path: Path, raw: str) -> None:
    lab = Lab(tmp_path)
    _iteration(lab, 1, {11: "a"}, pull=5)
    for path in lab.history.rglob("*_raw.json"):
        path.write_text(raw)
    told, found = audit_prompts(lab)
    assert (found, [dict(prompts) for _, prompts in told]) == ([], [{}])
    assert "Nothing is suspicious." in render_audit(told, found)
