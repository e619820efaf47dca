"""The filter drivers of the user's git configuration, which our clone checks files out with."""

import os

from adapters.git import Git, git_path

_FILE = "filters.config"
# What the target has not fetched is not downloaded: the pointer is left, and refused.
_NO_DOWNLOAD = (("lfs.url", f"file://{os.devnull}/none"), ("lfs.skipdownloaderrors", "true"))
_KEYS = r"^(filter\..*|lfs\.storage)$"


def copy_filters(clone: Git, target: Git) -> None:
    """Let the clone have the drivers that the target has now. The caller holds the lock.

    Without them a file that a filter makes would be run as git stores it, not as it is used.
    """
    told = target.raw("config", "-z", "--get-regexp", _KEYS, no_is_fine=True)
    settings = []
    for line in told.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        key, equals, value = line.partition("\n")
        settings.append((key, value if equals else "true"))
    lfs = any(key.startswith("filter.lfs.") for key, _ in settings)
    if lfs and not has_lfs(target):  # git would fail at each file of its, and name no pointer
        settings = [(key, value) for key, value in settings if not key.startswith("filter.lfs.")]
    elif lfs:
        settings.append(("lfs.storage", _lfs_storage(target, dict(settings))))
        settings += _NO_DOWNLOAD
    text = "".join(_line(*setting) for setting in settings)
    path = clone.folder / _FILE
    data = text.encode("utf-8", "surrogateescape")
    if path.is_file() and path.read_bytes() == data:
        return
    fresh = path.with_name(f"{_FILE}.fresh")
    fresh.write_bytes(data)
    os.replace(fresh, path)
    if clone.ask("config", "--local", "include.path") is None:
        clone("config", "--local", "include.path", _FILE)


def has_lfs(target: Git) -> bool:
    """Whether Git LFS is installed."""
    return target.ask("lfs", "version") is not None


def _lfs_storage(target: Git, settings: dict[str, str]) -> str:
    """Where the target keeps what Git LFS has fetched: looked up there, never downloaded by us."""
    return str(git_path(target, "HEAD").parent / settings.get("lfs.storage", "lfs"))


def _line(key: str, value: str) -> str:
    section, _, rest = key.partition(".")
    name, _, variable = rest.rpartition(".")
    head = f'[{section} "{_escape(name)}"]' if name else f"[{section}]"
    return f'{head}\n\t{variable} = "{_escape(value)}"\n'


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
