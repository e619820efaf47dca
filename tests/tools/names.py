"""Check that names and wording are plain: `python -m tests.tools.names`, part of `make check`.

A class name identifies one thing in the whole product. A function is a verb phrase, never a bare
participle. Names and prose use the terms of the field. `words.txt` beside this file has the words
that count; each kind has a limit, which may only go down.
"""

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("pipeline", "adapters", "prompt_lab")
LIMITS = {"duplicate class": 10, "bare name": 20, "metaphor": 0, "prose": 0}


def read_words() -> dict[str, frozenset[str]]:
    """Kind -> words, from the sections '[kind]' of words.txt."""
    found: dict[str, frozenset[str]] = {}
    kind = ""
    for line in Path(__file__).with_name("words.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            kind = line.strip("[]")
        elif line.strip():
            found[kind] = found.get(kind, frozenset()) | {w.strip() for w in line.split(",")}
    return found


def find_offenders(sources: dict[str, str]) -> list[tuple[str, str]]:
    """(kind, place and word) of everything that breaks a rule, in `sources` (path -> text)."""
    words = read_words()
    classes: Counter[str] = Counter()
    found = []
    for path, text in sources.items():
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                classes[node.name] += 1
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                found += [(k, f"{path}:{node.lineno} {node.name}") for k in _kinds(node, words)]
        found += [("prose", f"{path}:{line} {word}") for line, word in _prose(text, words["prose"])]
    found += [("duplicate class", name) for name, count in classes.items() if count > 1]
    return found


def _kinds(node: ast.AST, words: dict[str, frozenset[str]]) -> Iterator[str]:
    name = str(getattr(node, "name", "")).strip("_").lower()
    if not isinstance(node, ast.ClassDef) and name in words["bare name"]:
        yield "bare name"
    if name in words["metaphor"]:
        yield "metaphor"


def _prose(text: str, words: frozenset[str]) -> Iterator[tuple[int, str]]:
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, sorted(words)))})\b", re.IGNORECASE)
    kinds = {
        tokenize.COMMENT,
        tokenize.STRING,
        getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING),
    }
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in kinds:
            for word in pattern.findall(token.string):
                yield token.start[0], word


def find_excess(offenders: list[tuple[str, str]]) -> list[str]:
    """A line for each kind that is over its limit, then its offenders."""
    counts = Counter(kind for kind, _ in offenders)
    lines = []
    for kind, limit in LIMITS.items():
        if counts[kind] > limit:
            lines.append(f"{kind}: {counts[kind]}, at most {limit}: rename or reword some of these")
            lines += [f"  {place}" for other, place in offenders if other == kind]
    return lines


def main() -> int:
    """The exit code: 1 where a kind is over its limit."""
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    sources = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in files}
    lines = find_excess(find_offenders(sources))
    print("\n".join(lines) or f"names and wording of {len(files)} modules: within the limits")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
