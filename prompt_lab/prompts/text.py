"""Prompt files: plain text, split into a system and a user message at a line `[user]`.

A placeholder is the name of an input in braces, in one of two styles: `{name}` (single) or
`{{name}}` and `{{ name }}` (double). Everything else in braces is literal text.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Literal, NamedTuple

USER_LINE = "[user]"
PlaceholderStyle = Literal["single", "double", "mixed", "format"]
"""How a prompt is read. `auto` finds `mixed` where a prompt has both; then both are filled.
`format` is that of Python's str.format: `{name}`, and doubled braces mean single ones."""
DeclaredStyle = Literal["auto", "single", "double", "format"]
"""What `placeholder_style` of a step may be."""
_ANY_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_ALMOST = re.compile(r"\{\{-?\s*([^\W\d][\w-]*)[^{}\n]*\}\}|\{\s*([^\W\d][\w-]*)[^{}\n\"']*\}")
"""What a template engine or a slip of the pen makes of a placeholder: {{ text | trim }}, {Text}."""
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
MOST_UNCLOSED = 100
"""Fences without an end that are looked through to the last line; it bounds the time."""
_ROLE_LINES = ("[system]", "[assistant]", USER_LINE)


class PromptMessages(NamedTuple):
    """The two messages of one call."""

    system: str
    user: str


class Placeholder(NamedTuple):
    """An input's name in braces: as it is written, in which style, and on which line (from 1)."""

    name: str
    text: str
    style: Literal["single", "double"]
    line: int


def split(text: str) -> PromptMessages:
    """System and user part of a prompt file, unfilled; without a `[user]` line the user part is ''.

    The first line `[user]` outside of a code fence splits. Blank lines at the start and the end
    of a part are left out, and so is the line end after its last line; all else is kept as it is,
    indents and `\\r\\n` too.

    >>> split("Be brief.\\n[user]\\n\\n  Text: {ticket}\\n")
    PromptMessages(system='Be brief.', user='  Text: {ticket}')
    """
    lines = text.split("\n")  # splitlines() would take U+2028 and a form feed for line ends
    index = find_user_line(lines)
    if index is None:
        return PromptMessages(_trim(lines), "")
    return PromptMessages(_trim(lines[:index]), _trim(lines[index + 1 :]))


def find_user_line(lines: Sequence[str]) -> int | None:
    """The index of the line that separates the system from the user part, or None.

    >>> find_user_line(["```", "[user]", "```", "[user]"]), find_user_line(["```", "[user]"])
    (3, 1)
    """
    end, unclosed = -1, 0
    for index, line in enumerate(lines):
        if index <= end:
            continue
        if line.strip() == USER_LINE:
            return index
        if unclosed < MOST_UNCLOSED and (fence := _FENCE.match(line)):
            end = _fence_end(lines, index, fence[1])
            unclosed += end == index
    return None


def _fence_end(lines: Sequence[str], start: int, mark: str) -> int:
    """The line that closes a fence; `start` itself where none does, and so it is no fence."""
    closing = re.compile(rf" {{0,3}}{re.escape(mark[0])}{{{len(mark)},}}\s*")
    return next((i for i in range(start + 1, len(lines)) if closing.fullmatch(lines[i])), start)


def _trim(lines: Sequence[str]) -> str:
    """The lines without blank ones at the start and the end, and without the last line's end."""
    filled = [index for index, line in enumerate(lines) if line.strip()]
    if not filled:
        return ""
    return "\n".join(lines[filled[0] : filled[-1] + 1]).removesuffix("\r")


def join_messages(messages: PromptMessages) -> str:
    """The prompt file that `split` takes apart again.

    >>> join_messages(PromptMessages("Be brief.", "Text: {ticket}"))
    'Be brief.\\n[user]\\nText: {ticket}\\n'
    """
    if not messages.user:
        return messages.system + "\n"
    return f"{messages.system}\n{USER_LINE}\n{messages.user}\n"


def detect_style(text: str, inputs: Iterable[str]) -> PlaceholderStyle:
    """The style in which a prompt names its inputs; single where it names none.

    >>> detect_style("Read {{ note }} as {json}", ["note"])
    'double'
    >>> detect_style("Read {note} or {{note}}", ["note"])
    'mixed'
    """
    found = {one.style for one in _find_inputs(text, inputs)}
    return "mixed" if len(found) > 1 else found.pop() if found else "single"


def resolve_style(text: str, inputs: Iterable[str], declared: DeclaredStyle) -> PlaceholderStyle:
    """The declared style, or where that is `auto` the one that the prompt is written in."""
    return detect_style(text, inputs) if declared == "auto" else declared


def find_placeholders(
    text: str, inputs: Iterable[str], style: PlaceholderStyle
) -> list[Placeholder]:
    """Where the inputs go, in the order of the text."""
    if style == "format":
        names = _compile_format(_alternatives(inputs))
        return [
            Placeholder(match[1], match[0], "single", text.count("\n", 0, match.start()) + 1)
            for match in names.finditer(text)
            if match[1]
        ]
    return [one for one in _find_inputs(text, inputs) if style in ("mixed", one.style)]


def fill_placeholders(
    messages: PromptMessages, inputs: Mapping[str, str], style: PlaceholderStyle
) -> PromptMessages:
    """Put the inputs (placeholder name -> text) in, in one pass: an input's own braces stay text.

    Where the user part is empty it becomes the inputs that the system part does not hold, one
    after another.

    >>> fill_placeholders(PromptMessages("S", "Text: {a}"), {"a": "{b}", "b": "x"}, "single").user
    'Text: {b}'
    >>> fill_placeholders(PromptMessages("Read {{ a }}", ""), {"a": "x", "b": "y"}, "double")
    PromptMessages(system='Read x', user='y')
    >>> fill_placeholders(PromptMessages("S", 'As {{"a": {a}}}'), {"a": "{b}"}, "format").user
    'As {"a": {b}}'
    """
    user = _substitute(messages.user, inputs, style)
    if not messages.user:
        there = {one.name for one in find_placeholders(messages.system, inputs, style)}
        user = "\n\n".join(text for name, text in inputs.items() if name not in there)
    return PromptMessages(_substitute(messages.system, inputs, style), user)


def placeholders(text: str) -> frozenset[str]:
    """Names in braces that a prompt file holds, in either style.

    >>> sorted(placeholders("{a} and {b_2} and {{ d }} but not {} or { c }"))
    ['a', 'b_2', 'd']
    """
    return frozenset(double or single for double, single in _compile(_ANY_NAME).findall(text))


def find_prompt_fault(text: str, inputs: Iterable[str], declared: DeclaredStyle) -> str | None:
    """Why an input would not reach the model as it was meant to, or None.

    A placeholder is missing, perhaps misspelt or in another style, or both styles are used.

    >>> find_prompt_fault("Be brief.\\n[user]\\nRead: {txt}", ["text"], "auto")
    "holds no '{text}', where the input goes: it says '{txt}'"
    >>> find_prompt_fault("[user]\\nRead: {text} and {other}", ["text"], "auto")
    """
    names = tuple(inputs)
    style = resolve_style(text, names, declared)
    found = find_placeholders(text, names, style)
    if style == "mixed":
        one, other = found[0], next(each for each in found if each.style != found[0].style)
        return (
            f"names its inputs in two styles, {one.text!r} in line {one.line} and {other.text!r} "
            f"in line {other.line}: use one of them, or declare placeholder_style (single or "
            "double) in the step's file; the other then is literal text"
        )
    torn = style != "format" and re.search(rf"\{{\{{\s*({_alternatives(names)})\s*\}}(?!\}})", text)
    if torn:
        line = text.count("\n", 0, torn.start()) + 1
        return f"says {torn[0]!r} in line {line}, whose braces do not match"
    there = {one.name for one in found}
    missing = [name for name in names if name not in there]
    written = {each.text for each in found}
    strange = {m[0]: m[1] or m[2] for m in _ALMOST.finditer(text) if m[0] not in written}
    close = {m: [s for s, n in strange.items() if _is_close(n, m)] for m in missing}
    wrong = next((name for name in missing if close[name]), None)
    if wrong is None and (not split(text).user or len(missing) < len(names) or not names):
        return None
    name = wrong or missing[0]
    said = close[name] or list(strange)
    wanted = f"{{{{{name}}}}}" if style == "double" else f"{{{name}}}"
    instead = f": it says {said[0]!r}" if said else ""
    return f"holds no {wanted!r}, where the input goes{instead}"


def describe_placeholders(text: str, inputs: Iterable[str], declared: DeclaredStyle) -> str:
    """One line for a dry run: which placeholders, in which style, and who chose the style.

    >>> describe_placeholders("Read {{ note }}", ["note"], "auto")
    "'{{ note }}' (double braces, detected)"
    >>> describe_placeholders("Read {a}\\n[assistant]", ["a"], "single")
    "'{a}' (single braces, declared); the line '[assistant]' in line 2 is sent as text"
    """
    names = tuple(inputs)
    style = resolve_style(text, names, declared)
    found = dict.fromkeys(repr(one.text) for one in find_placeholders(text, names, style))
    origin = "detected" if declared == "auto" else "declared"
    notes = "".join(f"; {note}" for note in _notes(text, style))
    if not found:
        return f"none; the input is the user message{notes}"
    kind = "str.format" if style == "format" else f"{style} braces"
    return f"{', '.join(found)} ({kind}, {origin}){notes}"


def _notes(text: str, style: PlaceholderStyle) -> Iterator[str]:
    """What of a prompt is sent as text although its author may have meant more by it."""
    lines = text.split("\n")
    user = find_user_line(lines)
    for index, line in enumerate(lines):
        if line.strip() in _ROLE_LINES and index != user:
            yield f"the line {line.strip()!r} in line {index + 1} is sent as text"
    doubled = re.search(r"\{\{(?![\s-]*[\w.]+[^{}\n]*\}\})|(?<!\{)\{\{\s*\}\}", text)
    if style == "single" and doubled:
        yield (
            f"doubled braces in line {text.count(chr(10), 0, doubled.start()) + 1} are sent "
            "doubled (placeholder_style: format sends them single)"
        )


def _find_inputs(text: str, inputs: Iterable[str]) -> Iterator[Placeholder]:
    for match in _compile(_alternatives(inputs)).finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        double, single = match.groups()
        yield Placeholder(double or single, match[0], "double" if double else "single", line)


def _substitute(text: str, inputs: Mapping[str, str], style: PlaceholderStyle) -> str:
    if style == "format":
        names = _compile_format(_alternatives(inputs))
        return names.sub(lambda match: inputs[match[1]] if match[1] else match[0][0], text)

    def replace(match: re.Match[str]) -> str:
        double, single = match.groups()
        wanted = style in ("mixed", "double" if double else "single")
        return inputs[double or single] if wanted else match[0]

    return _compile(_alternatives(inputs)).sub(replace, text)


def _compile(names: str) -> re.Pattern[str]:
    """Matches a placeholder whose name matches `names`.

    Group 1 is a name in double braces, group 2 one in single braces.
    """
    return re.compile(rf"\{{\{{\s*({names})\s*\}}\}}|(?<!\{{)\{{({names})\}}")


def _compile_format(names: str) -> re.Pattern[str]:
    """As str.format reads: a doubled brace, or a placeholder in group 1."""
    return re.compile(rf"\{{\{{|\}}\}}|\{{({names})\}}")


def _alternatives(names: Iterable[str]) -> str:
    """A pattern for any of the names; for none of them one that never matches."""
    return "|".join(map(re.escape, names)) or "(?!)"


def _is_close(written: str, name: str) -> bool:
    """Whether a name in a prompt may be meant for an input: misspelt, or in other letters' case."""
    return bool(get_close_matches(written.lower(), [name.lower()]))
