"""What a step leaves and how it is scored: a fault there is an error of the run, with its text."""

from pathlib import Path

import pytest

from prompt_lab.errors import ConfigError, ScoreFailed, TargetError
from tests.adapters.step.bench import STEP, Bench, kind

pytestmark = pytest.mark.slow
WHOLE = STEP.format(body="return {}")
SCORE = WHOLE[WHOLE.index("def score") :]


def scoring(body: str) -> str:
    """The usual step file, with another body of score()."""
    return WHOLE.replace(SCORE, f"def score(plan_dir, out_dir):\n    {body}\n")


def test_a_step_that_ends_without_an_output_says_which(bench: Bench) -> None:
    text = WHOLE.replace('OUTPUTS = ("out.txt",)', 'OUTPUTS = ("out.txt", "more/raw.txt")')
    result = bench.run(bench.step(text=text))
    assert kind(result) == "outputs_missing"
    assert result.error is not None
    assert "'more/raw.txt'" in result.error.message
    assert "'out.txt'" not in result.error.message


@pytest.mark.parametrize("after", ["", "os.symlink(plan_dir, out_dir)", "open(out_dir, 'w')"])
def test_a_step_that_takes_its_folder_away_has_no_outputs(bench: Bench, after: str) -> None:
    """What lies behind a link in its place is neither counted nor taken."""
    body = f"""
import os, shutil
for name in ("one", "two"):
    open(os.path.join(plan_dir, name), "wb").truncate(40 << 20)
shutil.rmtree(out_dir)
{after}
"""
    job = bench.job()
    result = bench.step(body, limits={"output_mb": 64}).execute(job)
    assert kind(result) == "outputs_missing"
    assert job.out_dir.is_dir()
    assert not job.out_dir.is_symlink()
    assert list(job.out_dir.iterdir()) == []


@pytest.mark.parametrize(
    "harm", ["Path(plan_dir, 'in.txt').write_text('x')", "import shutil; shutil.rmtree(plan_dir)"]
)
def test_a_step_harms_a_copy_of_its_plan(bench: Bench, harm: str) -> None:
    (bench.plan / "deep").mkdir()
    (bench.plan / "deep/link").symlink_to(bench.plan / "in.txt")
    (bench.plan / "deep/loop").symlink_to(bench.plan)
    (bench.plan / "nowhere").symlink_to("not-there")
    says = (
        "Path(out_dir, 'seen').write_text(plan_dir + '|' + Path(plan_dir, 'deep/link').read_text())"
    )
    reads = "return {'good': 1.0 if open(plan_dir + '/in.txt').read() == 'text' else 0.0}"
    text = scoring(reads).replace("return {}", f"{says}\n    {harm}\n    return {{}}")
    step, job = bench.step(text=text), bench.job()
    assert step.execute(job).error is None
    assert step.score(job.plan_dir, job.out_dir) == {"good": 1.0}
    assert (bench.plan / "in.txt").read_text() == "text"
    place, _, linked = (job.out_dir / "seen").read_text().partition("|")
    assert (Path(place).name, linked) == (bench.plan.name, "text")
    assert not Path(place).parent.exists()


NO_SCORES = {
    "raise ValueError('no gold here')": "ValueError: no gold here$",
    "return None": "gives None, not a dict",
    "return 0.5": "gives 0.5, not a dict",
    "return {'good': None}": "score.. failed",
    "return {'good': 'much'}": "could not convert",
    "return {'good': float('nan')}": "'good' = nan; parts are in",
    "return {'good': float('inf')}": "'good' = inf; parts are in",
    "return {'good': 1.01}": "'good' = 1.01; parts are in",
    "return {'good': 1.0, 'other': -0.5}": "'other' = -0.5; parts are in",
    "return {'other': 1.0}": "gives other, but the primary part",
    "return {}": "gives nothing, but the primary part",
}


def test_what_is_no_score_is_told_as_such(bench: Bench) -> None:
    """All by one step, whose plan says which of them it gives."""
    cases = [f"if case == {number}: {body}" for number, body in enumerate(NO_SCORES)]
    body = "\n    ".join(["case = int(open(plan_dir + '/case').read())", *cases])
    step, job = bench.step(text=scoring(body)), bench.job()
    assert step.execute(job).error is None
    for number, said in enumerate(NO_SCORES.values()):
        (bench.plan / "case").write_text(str(number))
        with pytest.raises(ScoreFailed, match=said):
            step.score(job.plan_dir, job.out_dir)


@pytest.mark.parametrize(
    "given", ["prompt", "pkg.core", "pkg.core:", ":PROMPT", "pkg:a:b", "a b:c"]
)
def test_a_prompt_must_name_module_and_attribute(bench: Bench, given: str) -> None:
    with pytest.raises(ConfigError, match=r"step0\.py:7: PROMPT is .*package\.module:attribute"):
        bench.step(text=WHOLE.replace("pkg.core:PROMPT", given))


@pytest.mark.parametrize("name", ["run.json", "calls.jsonl", "step.log", "attempts/x"])
def test_an_output_must_not_be_called_as_a_file_of_ours(bench: Bench, name: str) -> None:
    with pytest.raises(ConfigError, match=f"OUTPUTS holds '{name}', which Prompt Lab itself"):
        bench.step(text=WHOLE.replace("out.txt", name))


def test_a_sound_step_passes_its_check(bench: Bench) -> None:
    bench.step().check()


def test_a_name_that_is_not_the_config_s_is_refused(bench: Bench) -> None:
    with pytest.raises(ConfigError, match=r"NAME is 'other', but .* 'probe'"):
        bench.step(text=WHOLE.replace('"probe"', '"other"')).check()


@pytest.mark.parametrize("side", ["interpreter", "candidate_interpreter"])
@pytest.mark.parametrize(
    ("interpreter", "said"),
    [("no/python", "cannot start"), ("/bin/false", "is no Python"), ("/bin/cat", "is no Python")],
)
def test_an_interpreter_that_does_not_run_is_named(
    bench: Bench, side: str, interpreter: str, said: str
) -> None:
    with pytest.raises(TargetError, match=f"{interpreter}' {said}.*Correct 'interpreter'"):
        bench.step(target={side: interpreter}).check()


def test_a_step_file_that_needs_the_target_to_score_is_refused(bench: Bench) -> None:
    with pytest.raises(TargetError, match=r"No module named 'pkg'[\s\S]*inside execute"):
        bench.step(text="import pkg\n" + WHOLE).check()


def test_a_visible_path_that_is_not_there_is_named(bench: Bench) -> None:
    with pytest.raises(TargetError, match=r"'../gold' of 'visible' .*/gold does not exist"):
        bench.step(target={"visible": ["../gold"]}).check()
