"""Files of another tool that stand where we write: kept under another name, never overwritten."""

from pathlib import Path

from prompt_lab.store.files import disk_errors


def keep_other(path: Path, *, sign: str) -> Path | None:
    """Rename a file that does not hold `sign`, which all of ours do. Returns its new place.

    None where there is nothing to keep. Raises StoreError where it cannot be renamed.
    """
    with disk_errors(path):
        if not path.exists() or (path.is_file() and sign.encode() in path.read_bytes()):
            return None
        place = next(place for place in _places(path) if not place.exists())
        path.rename(place)
        return place


def _places(path: Path) -> list[Path]:
    names = [f"{path.stem}.other{n or ''}{path.suffix}" for n in range(1000)]
    return [path.with_name(name) for name in names]
