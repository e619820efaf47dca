"""Which files a command runs, as far as its words tell; and where they cannot tell."""

import os
import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

Lookup = Callable[[str], str | None]
"""Path from the root -> where it really is, from the root too; None where nothing is there."""
_SHELL = re.compile(r"(ba|da|k|z|a)?sh")
_PYTHON = re.compile(r"(python|pypy)[\d.]*")
_OTHER = re.compile(r"(node|deno|bun|ruby|perl|php|lua|julia|tclsh|guile|java)[\d.]*|Rscript|uv")
_MAKE = re.compile(r"[gb]?make")
_WRAPPER = re.compile(r"env|nice|nohup|timeout|time|stdbuf|setsid|exec|command|xargs")
_HARMLESS = re.compile(r"\w+=.*|\d+[smhd]?|-.*", re.DOTALL)
"""What stands before a program: a variable, a number, an option."""
_LAUNCHER = re.compile(r"(c?[Pp]rofile|runpy|pdb|trace|coverage|timeit|pytest|unittest)(\..*)?")
_FOLDER = ("-C", "--chdir", "--directory", "--cwd")
_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
_PART = re.compile(r"[;|&()\n`{}]+")
_WORD = re.compile(r"[\s;|&()<>'\"`${}=,\[\]]+")
_KEYWORD = re.compile(r"if|then|else|elif|while|until|do|!|exec|time|command")


@dataclass
class Reader:
    """Reads commands of a task whose folder is `home`, both paths from the root `root`.

    `programs` are the files that they run. `mentioned` are the files that a shell line names and
    may run. `hidden` says why the words do not show what is run; '' if they do.
    """

    root: str
    home: str
    real: Lookup
    programs: list[str] = field(default_factory=list)
    mentioned: list[str] = field(default_factory=list)
    hidden: str = ""

    def run(self, words: Iterable[str], cwd: str) -> None:
        """Read a command that runs in `cwd`."""
        rest, sure = list(words), True
        while rest:
            word = rest.pop(0)
            if self._interpreted(word, rest, cwd):
                return
            if (folder := _folder(word, rest)) is not None:
                cwd = os.path.join(cwd, folder)
            elif word.startswith(("-S", "--split-string")):
                self._line([word.removeprefix("-S").removeprefix("--split-string="), *rest], cwd)
                return
            elif sure and "/" in word and not _HARMLESS.fullmatch(word):
                if self._program(word, cwd):
                    return
                sure = False
            elif not (_WRAPPER.fullmatch(word) or _HARMLESS.fullmatch(word)):
                sure = False
            if not sure:
                self._mark_unreadable("runs a program of the machine")
        self._mark_unreadable("names no program that is there")

    def _interpreted(self, word: str, rest: list[str], cwd: str) -> bool:
        name = PurePosixPath(word).name
        for kind, read in (
            (_PYTHON, self._python), (_SHELL, self._shell), (_OTHER, self._other),
            (_MAKE, self._make),
        ):  # fmt: skip
            if kind.fullmatch(name):
                if "/" in word:
                    self._program(word, cwd)
                read(rest, cwd)
                return True
        return False

    def _python(self, rest: list[str], cwd: str) -> None:
        while rest:
            word = rest.pop(0)
            letter, value = _option(word, rest, "cmWX")
            if letter == "c":
                break
            if letter == "m":
                self._runs_module(value, rest, cwd)
                return
            if self._program(word, cwd):
                return
        self._mark_unreadable("gives Python code, and names no program")

    def _runs_module(self, name: str, rest: list[str], cwd: str) -> None:
        if self._module(name, cwd):
            return
        self._mark_unreadable(f"runs the module {name!r}, which is none of the repository")
        if not _LAUNCHER.fullmatch(name):
            return
        found = False
        for word in rest:
            self._record_word(word, cwd)
            found = found or self._program(word, cwd) or self._module(word, cwd)

    def _shell(self, rest: list[str], cwd: str) -> None:
        while rest:
            word = rest.pop(0)
            if word.startswith("--"):
                self._mark_unreadable("gives a shell options")
            elif word.startswith(("-", "+")):
                if word.startswith("-") and "c" in word:
                    self._line(rest, cwd)
                    return
                if word.endswith(("o", "O")):
                    del rest[:1]
            elif self._program(word, cwd):
                return
        self._mark_unreadable("names no program that is there")

    def _other(self, rest: list[str], cwd: str) -> None:
        while rest:
            word = rest.pop(0)
            if (folder := _folder(word, rest)) is not None:
                cwd = os.path.join(cwd, folder)
            elif word.startswith("-"):
                self._mark_unreadable("gives an interpreter options")
                if word in ("-e", "-p", "-r"):
                    return
            elif self._interpreted(word, rest, cwd) or self._program(word, cwd):
                return
        self._mark_unreadable("names no program that is there")

    def _make(self, rest: list[str], cwd: str) -> None:
        self._mark_unreadable("is make, whose program its recipe names")
        files = []
        while rest:
            word = rest.pop(0)
            name, _, value = word.partition("=")
            if name in ("--directory", "--file", "--makefile"):
                letter = "C" if name == "--directory" else "f"
                value = value or (rest.pop(0) if rest else "")
            else:
                letter, value = _option(word, rest, "CfIoW")
            if letter == "C":
                cwd = os.path.join(cwd, value)
            elif letter == "f":
                files.append(value)
        for file in files or _MAKEFILES:
            self._program(file, cwd)

    def _line(self, texts: Iterable[str], cwd: str) -> None:
        """A shell's line and its input: every file that it names may be what it runs."""
        self._mark_unreadable("is a shell's line")
        folders = [cwd]
        for text in map(self._expanded, texts):
            for part in _PART.split(text):
                words = _split(part)
                while words and _KEYWORD.fullmatch(words[0]):
                    del words[0]
                if words[:1] in (["cd"], ["pushd"]):
                    to = next((word for word in words[1:] if not word.startswith("-")), "")
                    folders.append(os.path.join(folders[-1], to))
                elif words[:1] in (["."], ["source"]):
                    self._program("".join(words[1:2]), folders[-1])
                elif words:
                    self.run(words, folders[-1])
            for word in _WORD.split(text):
                for folder in folders:
                    self._record_word(word, folder)

    def _expanded(self, text: str) -> str:
        for name, path in (("TASK_DIR", self.home), ("OUT", "work")):
            whole = os.path.join(self.root, path)
            for sign in (f"${{PROMPTLAB_{name}}}", f"$PROMPTLAB_{name}"):
                text = text.replace(sign, whole)
        return text

    def _module(self, name: str, cwd: str) -> bool:
        """Where Python looks for a module of the repository, with the packages it runs first."""
        parts = name.split(".")
        whole = "/".join(parts)
        own = [self._program(f"{whole}{end}", cwd) for end in (".py", "/__main__.py")]
        for count in range(1, len(parts) + 1):
            self._program("/".join(parts[:count]) + "/__init__.py", cwd)
        return any(own)

    def _program(self, word: str, cwd: str) -> bool:
        """Take a word for a program of the repository; whether there is one."""
        path = from_root(word, cwd, self.root)
        if path is None:
            return False
        self.programs.append(path)
        return self.real(path) is not None

    def _record_word(self, word: str, cwd: str) -> None:
        path = from_root(word, cwd, self.root)
        if path is not None and (where := self.real(path)) is not None:
            self.mentioned += (path, where)

    def _mark_unreadable(self, why: str) -> None:
        self.hidden = self.hidden or why


def from_root(word: str, cwd: str, root: str) -> str | None:
    """A word as a path from the root; None where it can be none in the repository."""
    if not word or word.startswith("-") or "\0" in word or len(word) > 4096:
        return None
    path = os.path.relpath(os.path.join(root, cwd, word), root)
    return None if path in (".", "..") or path.startswith("../") else path


def _option(word: str, rest: list[str], takes: str) -> tuple[str, str]:
    """The first letter of an option that takes a value, and the value; ('', '') for none."""
    if not word.startswith("-") or word.startswith("--"):
        return "", ""
    for at, letter in enumerate(word):
        if letter in takes:
            return letter, word[at + 1 :] or (rest.pop(0) if rest else "")
    return "", ""


def _folder(word: str, rest: list[str]) -> str | None:
    """The folder that an option goes to; None where it is no such option."""
    name, _, value = word.partition("=")
    if name in _FOLDER:
        return value or (rest.pop(0) if rest else "")
    return word[2:] if word.startswith("-C") else None


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()
