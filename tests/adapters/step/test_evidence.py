"""A step in the target's process: it ran what its worktree holds, and what it says shows it."""

import os
import py_compile
import sys
import venv
from hashlib import sha256
from pathlib import Path

import pytest

from prompt_lab.errors import TargetError
from tests.adapters.step.bench import CANDIDATE, CORE, Bench, model

pytestmark = pytest.mark.slow


def test_what_was_loaded_has_the_blobs_of_the_commit(bench: Bench) -> None:
    result = bench.run(bench.step())
    assert result.error is None
    assert set(result.files) == {"src/pkg/__init__.py", "src/pkg/core.py"}
    assert result.files == bench.blobs(bench.main, result.files)
    assert result.process is not None
    assert result.process.elsewhere == {}
    assert result.prompt_sha256 == sha256(b"List what matters.").hexdigest()


def test_two_commits_run_side_by_side_each_with_its_own_code(bench: Bench) -> None:
    other = bench.target.branch("b", {"src/pkg/core.py": CORE.replace('"main"', '"branch"')})
    step = bench.step()
    jobs = [bench.job(bench.main), bench.job(other), bench.job(bench.main)]
    results = [step.execute(job) for job in jobs]
    said = [(job.out_dir / "out.txt").read_text() for job in jobs]
    assert said == ["main", "branch", "main"]
    assert results[0].files["src/pkg/core.py"] != results[1].files["src/pkg/core.py"]
    assert results[1].files == bench.blobs(other, results[1].files)


def test_a_module_and_a_text_that_only_the_run_reads_are_evidence(bench: Bench) -> None:
    commit = bench.target.commit({"src/pkg/late.py": "X = 1\n", "src/pkg/rule.txt": "Be brief."})
    body = "import pkg.late\nopen(core.__file__.replace('core.py', 'rule.txt')).read()"
    result = bench.run(bench.step(body), commit)
    assert {"src/pkg/late.py", "src/pkg/rule.txt"} <= set(result.files)
    assert result.files == bench.blobs(commit, result.files)


def test_the_worktree_stays_clean(bench: Bench) -> None:
    bench.run(bench.step("open('scribble', 'w').write('x')"))
    assert bench.work.observe(bench.work.worktree(bench.main)) == (bench.main, True)


def test_an_old_pyc_of_equal_size_and_second_does_not_run(bench: Bench) -> None:
    tree = bench.work.worktree(bench.main)
    core = tree / "src/pkg/core.py"
    stale = tree / "src/pkg/__pycache__" / f"core.{sys.implementation.cache_tag}.pyc"
    old = bench.root / "old.py"
    old.write_text(CORE.replace('"main"', '"niam"'))
    os.utime(old, (core.stat().st_atime, core.stat().st_mtime))
    py_compile.compile(str(old), str(stale))
    job = bench.job()
    bench.step().execute(job)
    assert (job.out_dir / "out.txt").read_text() == "main"


def test_another_checkout_that_shadows_the_import_is_found(bench: Bench) -> None:
    """An environment that imports its own copy when Python starts, as some installs do."""
    copy = bench.root / "copy"
    (copy / "pkg").mkdir(parents=True)
    (copy / "pkg/__init__.py").touch()
    (copy / "pkg/core.py").write_text(CORE)
    home = bench.root / "environment"
    venv.create(home, symlinks=True)
    site = next(home.glob("lib/*/site-packages"))
    (site / "shadow.pth").write_text(f"import sys; sys.path.insert(0, {str(copy)!r}); import pkg\n")
    target = {"interpreter": str(home / "bin/python"), "visible": [str(copy)]}
    step = bench.step(target=target)
    result = bench.run(step)
    assert result.process is not None
    expected = {"pkg": copy / "pkg/__init__.py", "pkg.core": copy / "pkg/core.py"}
    assert {name: Path(file) for name, file in result.process.elsewhere.items()} == expected
    assert step.describe(bench.work.worktree(bench.main)).elsewhere


def test_a_package_that_never_loads_is_found(bench: Bench) -> None:
    step = bench.step(target={"packages": ["pkg"]}, text=_PLAIN.replace("BODY", "pass"))
    result = bench.run(step)
    assert result.process is not None
    assert result.process.elsewhere == {"pkg": ""}


def test_the_environment_is_a_whitelist(bench: Bench) -> None:
    os.environ["PROBE_SEEN"], os.environ["PROBE_HIDDEN"] = "1", "2"
    try:
        body = "import os\nopen(out_dir + '/env', 'w').write(' '.join(sorted(os.environ)))"
        job = bench.job()
        target = {"environment": ["PROBE_SEEN"], "variables": {"PROBE_SET": "x"}}
        result = bench.step(body, target=target).execute(job)
    finally:
        del os.environ["PROBE_SEEN"], os.environ["PROBE_HIDDEN"]
    seen = (job.out_dir / "env").read_text().split()
    assert {"PROBE_SEEN", "PROBE_SET"} <= set(seen)
    assert "PROBE_HIDDEN" not in seen
    assert not [name for name in seen if name.startswith("PYTHON")]
    assert result.process is not None
    assert set(result.process.environment) >= {"PROBE_SEEN", "PROBE_SET"}


def test_our_packages_are_not_in_the_target_s_process(bench: Bench) -> None:
    body = """
import sys
ours = [n for n in sys.modules if n.partition(".")[0] in ("prompt_lab", "adapters", "pipeline")]
on_path = [p for p in sys.path if "worker" in p]
return {"ours": ours, "on_path": on_path}
"""
    result = bench.run(bench.step(body))
    assert result.process is not None
    assert result.process.said == {"ours": [], "on_path": []}


def test_a_prompt_handed_in_from_outside_is_the_one_that_counts(bench: Bench) -> None:
    result = bench.run(bench.step('return {"prompt": "another"}'))
    assert result.prompt_sha256 == sha256(b"another").hexdigest()


def test_the_prompt_of_a_commit_is_read_without_running_it(bench: Bench) -> None:
    step = bench.step()
    prompt = step.prompt_in(bench.work.read(bench.main, step.sources[0]))
    assert prompt == "List what matters."
    described = step.describe(bench.work.worktree(bench.main))
    assert described.prompt_sha256 == sha256(prompt.encode()).hexdigest()


def test_every_file_of_the_packages_is_a_source(bench: Bench) -> None:
    commit = bench.target.commit({"src/pkg/late.py": "X = 1\n", "docs/page.md": "words"})
    found = bench.step().sources_in(bench.work.worktree(commit))
    assert found == ("src/pkg/core.py", "src/pkg/__init__.py", "src/pkg/late.py")


def test_each_side_has_its_own_interpreter(bench: Bench) -> None:
    home = bench.root / "environment"
    venv.create(home, symlinks=True)
    place = next(home.glob("lib/*/site-packages"))
    (place / "extra-1.0.dist-info").mkdir()
    step = bench.step(target={"candidate_interpreter": str(home / "bin/python")})
    ours, theirs = bench.run(step).process, bench.run(step, side=CANDIDATE).process
    assert ours is not None
    assert theirs is not None
    assert ours.installed_sha256 != theirs.installed_sha256
    assert ours.python == theirs.python


def test_an_interpreter_that_is_not_there_is_named(bench: Bench) -> None:
    with pytest.raises(TargetError, match=r"no/python.*Correct 'interpreter'"):
        bench.run(bench.step(target={"interpreter": "no/python"}))


def test_the_log_does_not_hold_the_url_of_a_model(bench: Bench) -> None:
    job = bench.job(models=(model("http://127.0.0.1:1/run/secret/v1"),))
    bench.step("print('asked', models[0]['base_url'])").execute(job)
    assert (job.out_dir / "step.log").read_text() == "asked <model>\n"


_PLAIN = """
NAME = "plain"
INPUTS = ("in.txt",)
OUTPUTS = ("out.txt",)


def execute(plan_dir, out_dir, models):
    BODY


def score(plan_dir, out_dir):
    return {"good": 1.0}
"""
