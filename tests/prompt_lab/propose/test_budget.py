import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.propose.budget import (
    EXECUTABLE,
    LINK,
    NO_FILE,
    Breach,
    ChangedFile,
    EditBudget,
    covers,
    excesses,
    plain_path,
)

BUDGET = EditBudget(
    paths=("prompts/*.txt", "tests"),
    max_files=2,
    max_lines=10,
    file_types=(".txt", ".py"),
    protected=("prompts/held.txt",),
)


def codes(*changes: ChangedFile, budget: EditBudget = BUDGET) -> set[Breach]:
    return {excess.code for excess in excesses(changes, budget)}


CASES = {
    "within": (ChangedFile("prompts/a.txt", added=6, removed=4), set()),
    "new file": (ChangedFile("prompts/b.txt", mode_before=NO_FILE, added=1), set()),
    "outside": (ChangedFile("src/a.py", added=1), {Breach.OUTSIDE_PATHS}),
    "protected": (ChangedFile("prompts/held.txt"), {Breach.OUTSIDE_PATHS}),
    "protected, other case": (ChangedFile("prompts/HELD.txt"), {Breach.OUTSIDE_PATHS}),
    "type": (ChangedFile("tests/a.sh"), {Breach.FILE_TYPE}),
    "lines": (ChangedFile("prompts/a.txt", added=6, removed=5), {Breach.TOO_MANY_LINES}),
    "link": (ChangedFile("prompts/a.txt", mode_after=LINK), {Breach.NOT_A_FILE}),
    "submodule": (
        ChangedFile("prompts/a.txt", mode_before=NO_FILE, mode_after="160000"),
        {Breach.NOT_A_FILE},
    ),
    "binary": (ChangedFile("prompts/a.txt", binary=True), {Breach.BINARY}),
    "mode": (ChangedFile("prompts/a.txt", mode_after=EXECUTABLE), {Breach.MODE_CHANGED}),
    "new executable": (
        ChangedFile("prompts/a.txt", mode_before=NO_FILE, mode_after=EXECUTABLE),
        {Breach.MODE_CHANGED},
    ),
    "deleted": (ChangedFile("prompts/a.txt", mode_after=NO_FILE, removed=2), {Breach.DELETED}),
    "test file deleted": (
        ChangedFile("tests/test_a.py", mode_after=NO_FILE, removed=2),
        {Breach.DELETED, Breach.TEST_DELETED},
    ),
    "test in a file deleted": (
        ChangedFile("tests/test_a.py", removed=2, lost_tests=("test_sum",)),
        {Breach.TEST_DELETED},
    ),
    "test renamed away": (
        ChangedFile("prompts/a.txt", renamed_from="tests/test_a.py"),
        {Breach.RENAMED, Breach.TEST_DELETED},
    ),
    "renamed from outside": (
        ChangedFile("prompts/a.txt", renamed_from="src/a.txt"),
        {Breach.RENAMED, Breach.OUTSIDE_PATHS},
    ),
    "up": (ChangedFile("prompts/../x.txt"), {Breach.BAD_PATH, Breach.OUTSIDE_PATHS}),
    "git hook": (ChangedFile("tests/.git/a.py"), {Breach.BAD_PATH}),
    "git hook, other case": (ChangedFile("tests/.GiT/a.py"), {Breach.BAD_PATH}),
    "git hook, hidden sign": (ChangedFile("tests/.g\u200cit/a.py"), {Breach.BAD_PATH}),
}


@pytest.mark.parametrize(("change", "expected"), CASES.values(), ids=CASES)
def test_each_way_to_exceed_the_budget_has_its_code(
    change: ChangedFile, expected: set[Breach]
) -> None:
    assert codes(change) == expected


def test_what_counts_for_all_files_together() -> None:
    three = [ChangedFile(f"prompts/{name}.txt", added=4) for name in "abc"]
    assert codes(*three) == {Breach.TOO_MANY_FILES, Breach.TOO_MANY_LINES}
    assert codes() == {Breach.NOTHING_CHANGED}


def test_a_budget_without_paths_allows_nothing() -> None:
    assert codes(ChangedFile("a.txt"), budget=EditBudget((), 9, 9)) == {Breach.OUTSIDE_PATHS}


def test_a_deletion_may_be_allowed_but_never_that_of_a_test() -> None:
    budget = EditBudget(("prompts", "tests"), 9, 9, may_delete=True)
    gone = ChangedFile("prompts/a.txt", mode_after=NO_FILE)
    assert codes(gone, budget=budget) == set()
    test = ChangedFile("tests/a.py", mode_after=NO_FILE)
    assert codes(test, budget=budget) == {Breach.TEST_DELETED}


def test_one_entry_a_code_names_its_files() -> None:
    many = [ChangedFile(f"src/{n}.py") for n in range(7)]
    found = {e.code: e for e in excesses(many, BUDGET)}
    assert len(found[Breach.OUTSIDE_PATHS].paths) == 7
    assert found[Breach.OUTSIDE_PATHS].text.endswith("'src/4.py' and 2 more")


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("prompts", "prompts/a/b.txt", True),
        ("prompts/", "prompts/a.txt", True),
        ("prompts", "prompts2/a.txt", False),
        ("**/*.txt", "a.txt", True),
        ("**/*.txt", "x/y/a.txt", True),
        ("*.txt", "x/a.txt", False),
        ("src/**/p?.txt", "src/p1.txt", True),
        ("src/**/p?.txt", "src/a/b/p1.txt", True),
        ("a.txt", "aXtxt", False),
    ],
)
def test_patterns(pattern: str, path: str, expected: bool) -> None:
    assert covers(pattern, path) is expected


@given(st.text(min_size=1, max_size=30))
def test_a_plain_path_never_leads_out(path: str) -> None:
    if plain_path(path):
        assert not path.startswith("/")
        assert ".." not in path.split("/")
        assert covers("**", path)
        assert excesses([ChangedFile(path)], EditBudget(("**",), 1, 1)) == ()
