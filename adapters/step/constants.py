"""Constants of a Python module by its syntax, without running it."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping

_DEEPEST = 20


def assigned(tree: ast.Module) -> dict[str, ast.expr]:
    """Name -> expression, of the assignments at the top of a module; the last one counts."""
    found: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            found.update({t.id: node.value for t in node.targets if isinstance(t, ast.Name)})
        elif isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name):
            found[node.target.id] = node.value
    return found


def text_constant(source: str, name: str) -> str | None:
    """The text of a module's constant by its syntax; None where only running it would tell.

    Understood: literals, joined ones, `+`, other constants, strip, dedent and cleandoc.

    >>> text_constant('RULE = "Be brief. "\\nPROMPT = (RULE + "List levers.").strip()', "PROMPT")
    'Be brief. List levers.'
    """
    try:
        return _text(assigned(ast.parse(source)), name, 0)
    except (SyntaxError, ValueError):
        return None


_Change = Callable[[str], str]
_METHODS: dict[str, _Change] = {"strip": str.strip, "lstrip": str.lstrip, "rstrip": str.rstrip}
_FUNCTIONS: dict[str, _Change] = {"dedent": textwrap.dedent, "cleandoc": inspect.cleandoc}


def _text(known: Mapping[str, ast.expr], name: str, depth: int) -> str:
    if name not in known or depth > _DEEPEST:
        raise ValueError(name)
    return _value(known, known[name], depth + 1)


def _value(known: Mapping[str, ast.expr], node: ast.expr, depth: int) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return _text(known, name, depth)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return "".join(_value(known, part, depth) for part in (left, right))
        case ast.JoinedStr(values=parts):
            return "".join(_value(known, part, depth) for part in parts)
        case ast.FormattedValue(value=inner, conversion=-1, format_spec=None):
            return _value(known, inner, depth)
    change, inner = _unwrap_call(node)
    return change(_value(known, inner, depth))


def _unwrap_call(node: ast.expr) -> tuple[_Change, ast.expr]:
    """The function that a call applies, and what it applies it to."""
    match node:
        case ast.Call(func=ast.Attribute(value=inner, attr=name), args=[], keywords=[]):
            if name in _METHODS:
                return _METHODS[name], inner
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[inner], keywords=[]):
            if name in _FUNCTIONS:
                return _FUNCTIONS[name], inner
    raise ValueError(f"{type(node).__name__} is not understood")
