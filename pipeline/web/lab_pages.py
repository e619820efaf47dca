"""/lab: the ledger and the reports of the lab. Plans, work, prompts and keys stay closed."""

from pathlib import Path

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import FileResponse

from pipeline.web.context import Context, require_reader
from prompt_lab.store.layout import Lab
from prompt_lab.store.sealed import may_be_shown

router = APIRouter(dependencies=[Depends(require_reader)])
_FILES = ("index.html", "irregular.md")
_FOLDERS = (
    "analysis",
    "history",
    "pulls",
    "pages",
    "compare",
    "noise_floor",
    "calibration",
    "loops",
)
_TYPES = {".html": "text/html; charset=utf-8", ".svg": "image/svg+xml"}
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox"
)
"""A file may hold what a model wrote. Its scripts run in an origin of their own: they reach
neither the session nor any address."""


@router.get("/lab/{path:path}")
def show_file(context: Context, path: str) -> FileResponse:
    """A page or a record of the lab; everything that is not HTML is shown as plain text."""
    found = _find_file(context.lab, path)
    if found is None:
        hint = " `prompt-lab ledger` writes the ledger." if path == "index.html" else ""
        raise HTTPException(404, f"The lab has no such page.{hint}")
    kind = _TYPES.get(found.suffix, "text/plain; charset=utf-8")
    headers = {"content-security-policy": _POLICY, "cache-control": "no-cache"}
    return FileResponse(found, media_type=kind, headers=headers)


def _find_file(lab: Lab, path: str) -> Path | None:
    """The file behind a path; None for one that is closed, or leads out of the lab."""
    parts = path.split("/")
    if path not in _FILES and parts[0] not in _FOLDERS:
        return None
    if any(part in ("", ".", "..") or part.startswith(".") or "\0" in part for part in parts):
        return None
    root, found = lab.root.resolve(), (lab.root / path).resolve()
    if not found.is_relative_to(root / parts[0]) or not found.is_file():
        return None
    return found if may_be_shown(found.parent, found.name) else None
