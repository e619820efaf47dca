"""Keys and passwords by their shape: the patterns of detect-secrets' plugins, and the redactor's.

https://github.com/Yelp/detect-secrets/tree/master/detect_secrets/plugins
"""

import re

from prompt_lab.redact import HIDDEN, Redactor

_PATTERNS = {
    "an AWS key": r"(?<![A-Za-z0-9])(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[0-9A-Z]{16}(?![A-Za-z0-9])",
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----",
    "a GitHub token": r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9_]{36}|github_pat_\w{22,})",
    "a GitLab token": r"(?<![A-Za-z0-9])gl(?:pat|dt|ft|soat|rt)-[A-Za-z0-9_-]{20,}",
    "a JSON web token": r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    "a Slack token": r"(?i)\bxox[abposr]-(?:\d+-)+[a-z0-9]+",
    "a Slack webhook": r"https://hooks\.slack\.com/services/T\w+/B\w+/\w+",
    "a Stripe key": r"\b[rs]k_(?:live|test)_[0-9a-zA-Z]{24}",
    "a SendGrid key": r"\bSG\.[\w-]{22}\.[\w-]{43}\b",
    "a Twilio key": r"\b(?:AC|SK)[0-9a-f]{32}\b",
    "an npm token": r"//[^\s]+/:_authToken=\s*(?:npm_\S+|[0-9a-f-]{36})",
    "a Telegram token": r"(?<!\d)\d{8,10}:[0-9A-Za-z_-]{35}(?![\w-])",
    "a Discord token": r"\b[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27}\b",
    "a PyPI token": r"\bpypi-AgE[A-Za-z0-9_-]{50,}",
    "a password in an address": r"://[^\s:/@{}]+:[^\s:/@{}]+@[\w.-]+",
}
_COMPILED = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}
_MARKERS = {
    "an AWS key": ("AKIA", "ASIA", "ABIA", "ACCA", "A3T"),
    "a private key": ("-----BEGIN ",),
    "a GitHub token": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    "a GitLab token": ("glpat-", "gldt-", "glft-", "glsoat-", "glrt-"),
    "a JSON web token": ("eyJ",),
    "a Slack token": tuple(x + o + z for x in "xX" for o in "oO" for z in "xX"),
    "a Slack webhook": ("hooks.slack.com",),
    "a Stripe key": ("k_live_", "k_test_"),
    "a SendGrid key": ("SG.",),
    "a Twilio key": ("AC", "SK"),
    "an npm token": ("_authToken=",),
    "a PyPI token": ("pypi-AgE",),
    "a password in an address": ("://",),
}
"""Looking for a word is cheap, looking for a shape is not: without one of these there is none."""
_PARTS = {
    "a Telegram token": re.compile(r":[0-9A-Za-z_-]{35}(?![\w-])"),
    "a Discord token": re.compile(r"\.[\w-]{6}\.[\w-]{27}"),
}
"""What a part of the shape looks like, for those without such a word."""
_MARKED = [(marker, kind) for kind, markers in _MARKERS.items() for marker in markers]
_REDACTOR = Redactor([])


def find_secret(text: str, redactor: Redactor = _REDACTOR) -> str:
    """What kind of secret the text holds, never the secret itself; '' where there is none.

    `redactor` knows keys by their values too.

    >>> find_secret("Read https://user:pass@example.com first."), find_secret("user: name")
    ('a password in an address', '')
    """
    for kind in _possible_in(text):
        if _COMPILED[kind].search(text):
            return kind
    return "a key" if redactor.find_secrets(text) else ""


def hide_secrets(text: str) -> str:
    """The text with every secret that find_secret would find replaced.

    >>> hide_secrets("Read https://user:pass@example.com first.")
    'Read https[key] first.'
    """
    for kind in _possible_in(text):
        text = _COMPILED[kind].sub(HIDDEN, text)
    return _REDACTOR.text(text)


def _possible_in(text: str) -> list[str]:
    """The kinds of which a text has the marker, in the order of the patterns."""
    found = {kind for marker, kind in _MARKED if marker in text}
    found |= {kind for kind, part in _PARTS.items() if part.search(text)}
    return [kind for kind in _COMPILED if kind in found] if found else []
