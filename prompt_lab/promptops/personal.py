"""Personal data and keys out of texts that are kept as evidence, in any language.

Found by form: e-mail addresses, telephone numbers, account and card numbers, IP addresses, user
names in addresses and after '@'. Names of people have no form and are not found: what may hold
them is kept out of git and can be erased by its unit.
"""

import re
from typing import Final

from prompt_lab.prompts.secret_patterns import hide_secrets

HIDDEN_PERSON: Final = "[personal]"
_EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_HANDLE: Final = re.compile(r"(?<![\w@])@[^\W\d]\w{2,}")
_IBAN: Final = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_ADDRESS: Final = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_PHONE: Final = re.compile(r"(?<![\w.])(?:\+\d|00\d|\(0\d|0\d)[\d ()/.\u2011-]{6,20}\d(?![\w])")
_DIGITS: Final = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w])")


def hide_personal(text: str) -> str:
    """The text with keys and whatever looks like a person's address or number replaced.

    >>> hide_personal("Call +49 170 1234567 or write to ann@example.org about order 1200.")
    'Call [personal] or write to [personal] about order 1200.'
    """
    text = hide_secrets(text)
    for shape in (_EMAIL, _HANDLE, _IBAN, _ADDRESS, _PHONE):
        text = shape.sub(HIDDEN_PERSON, text)
    return _DIGITS.sub(_hide_card, text)


def _hide_card(found: re.Match[str]) -> str:
    """A card's number by its check digit (Luhn, ISO/IEC 7812-1); other long numbers stay."""
    digits = [int(char) for char in found[0] if char.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return HIDDEN_PERSON if (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 else found[0]
