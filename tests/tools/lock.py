"""Resolve the dependencies into locks/, or check that the locks are those of pyproject.toml.

`python -m tests.tools.lock make` needs the network; `check` does not.
"""

import json
import subprocess
import sys
import tomllib
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCKS = {
    "run": ("local", "build"),
    "samples": ("samples",),  # alone: what is installed beside run, in run's versions
    "dev": ("local", "build", "dev", "samples"),
}


def fingerprint() -> str:
    """sha256 over what pyproject.toml says of dependencies."""
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    said = [
        tables["project"]["dependencies"],
        tables["project"]["requires-python"],
        tables["dependency-groups"],
        tables["tool"]["uv"],
    ]
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def make() -> None:
    """Compile the locks with hashes and without the names of any registry."""
    for name, groups in LOCKS.items():
        goal = ROOT / "locks" / f"{name}.txt"
        options = [part for group in groups for part in ("--group", group)]
        if name != "samples":
            options.insert(0, "pyproject.toml")
        if name != "run":
            options += ["-c", "locks/run.txt"]
        done = subprocess.run(
            [
                Path(sys.executable).with_name("uv"),
                *("pip", "compile", "-q", "--universal", "--generate-hashes"),
                *("--no-header", "--no-annotate", "--python-version", "3.11", *options),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        goal.write_text(f"# dependencies {fingerprint()}\n{done.stdout}", "utf-8")
        print(f"{goal.relative_to(ROOT)}: {done.stdout.count('==')} packages")


def check() -> int:
    """0 where the locks were made from pyproject.toml as it is and name no address."""
    wrong = []
    for name in LOCKS:
        text = (ROOT / "locks" / f"{name}.txt").read_text("utf-8")
        if text.splitlines()[0] != f"# dependencies {fingerprint()}":
            wrong.append(f"locks/{name}.txt is not the lock of pyproject.toml: run `make lock`")
        if "://" in text:
            wrong.append(f"locks/{name}.txt names an address: run `make lock`")
    print("\n".join(wrong) or "locks match pyproject.toml")
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["make"]:
        make()
    else:
        sys.exit(check())
