"""Candidates that quote verify plans: where the text is, and why there can be no verdict.

The gate reads the verify plans once, to confirm what was found on others. A prompt that quotes
texts or answers is confirmed by them whatever it is worth, so such a candidate is INVALID.
"""

import ast
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence

from prompt_lab.analyze.leaks import Leak, leaks, spaced
from prompt_lab.analyze.texts import NOT_JSON, parse_json
from prompt_lab.analyze.words import line, split_words, tokens, visible, weight
from prompt_lab.decide.verdict import Code, Reason
from prompt_lab.names import count
from prompt_lab.records import PlanText, Record

NUMBERS_TOGETHER = 3
"""Common numbers of this many plans, all different, are not a coincidence."""
SHORT_NUMBER = 4
ROUND_DIGITS = 2
NAMES_SHOWN = 3


class LeakLocation(Record):
    """Where text of a verify plan stands; line 0 where no line of the file spells it out."""

    file: str
    line: int
    plan: str
    source: str


def leaked(
    changed: Mapping[str, tuple[str, str]],
    stood: Sequence[str],
    *,
    train: Sequence[PlanText],
    verify: Sequence[PlanText],
) -> tuple[LeakLocation, ...]:
    """Every place where a changed file quotes what neither the baseline nor a train plan does.

    In each file the longest text is first: many plans may share a few words of it.
    `changed` is path -> (text before, text after); `stood` are the other texts of the baseline.
    """
    honest = "\n".join([*stood, *(decoded_text(path, old) for path, (old, _) in changed.items())])
    found = {
        path: leaks(honest, decoded_text(path, new), train, verify)
        for path, (_, new) in changed.items()
    }
    every = [leak for of in found.values() for leak in of]
    numbers = [leak for leak in every if _is_common(leak)]
    plans, values = {leak.plan for leak in numbers}, {leak.text for leak in numbers}
    together = min(len(plans), len(values)) >= NUMBERS_TOGETHER
    return tuple(
        dict.fromkeys(
            LeakLocation(
                file=path, line=_line(changed[path][1], leak), plan=leak.plan, source=leak.source
            )
            for path, of in found.items()
            for leak in sorted(of, key=lambda leak: -len(leak.text))
            if together or not _is_common(leak)
        )
    )


def decoded_text(path: str, text: str) -> str:
    r"""A file's text, and what its JSON or Python says where it is spelt in another way.

    >>> decoded_text("a.json", '{"a": "caf\\u00e9"}').splitlines()[1]
    '{"a": "café"}'
    >>> decoded_text("a.py", 'A = "pay\\nnow"').splitlines()[1:]
    ['pay', 'now']
    """
    said = ""
    if path.endswith(".json"):
        value = parse_json(text)
        said = "" if value is NOT_JSON else json.dumps(value, ensure_ascii=False)
    elif path.endswith(".py"):
        said = "\n".join(_constants(text))
    return f"{text}\n{said}"


def void(places: Sequence[LeakLocation], branch: str) -> tuple[Reason, ...]:
    """The finding that makes a verdict INVALID, with the fix; () without places.

    It names files, lines and plans, never what stands there: a comment is read by who tunes next.
    """
    if not places:
        return ()
    first = places[0]
    names = list(dict.fromkeys(place.plan for place in places))
    more = ", …" if len(names) > NAMES_SHOWN else ""
    at = f"{first.file!r}" + (f", line {first.line}" if first.line else "")
    text = (
        f"Text of {count(len(names), 'verify plan')} is in what the candidate sends"
        f" ({', '.join(map(repr, names[:NAMES_SHOWN]))}{more}; first in {at}), so these plans"
        " could confirm nothing. Take it out in a commit on the branch (an example of a train"
        f" plan may stay) and test that with --branch {branch}."
    )
    facts = {
        "file": first.file,
        "line": str(first.line or ""),
        "plan": first.plan,
        "source": first.source,
        "places": str(len(places)),
        "plans": ", ".join(names),
        "files": ", ".join(sorted({place.file for place in places})),
    }
    return (Reason(code=Code.VERIFY_LEAK, text=text, facts=facts),)


def _constants(source: str) -> Iterator[str]:
    """The texts in a module by its syntax; none where it is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in a target's text
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _is_common(leak: Leak) -> bool:
    """A year, a count or a round sum, which is in a prompt by chance."""
    digits = "".join(char for char in leak.text if char.isdigit())
    parts = tokens(visible(leak.text))
    if not digits or weight(parts) > 2 or any(char.isalpha() for char in leak.text):
        return False
    is_short = len(parts) == 1 and len(digits) <= SHORT_NUMBER
    return is_short or len(digits.strip("0")) <= ROUND_DIGITS


def _line(text: str, leak: Leak) -> int:
    """The line where it begins, from 1; 0 where the file does not spell it out."""
    seen = spaced(text)
    found = split_words(seen)
    whole, wanted = line([word.text for word in found]), line(tokens(spaced(leak.text)))
    at = whole.find(wanted)
    if at < 0:
        return 0
    return seen.count("\n", 0, found[whole.count(" ", 0, at)].start) + 1
