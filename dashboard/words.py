"""Words and numbers as a visitor reads them. Knows nothing of pages; every name from outside passes `plain`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

# The signs that markdown obeys where they stand, and no others: what a screen reader says of a label is its source.
_MARKDOWN = re.compile(
    r"""([\\`*{}\[\]<>\#!|~$&^=@]       # anywhere
    | (?<![^\W_])_ | _(?![^\W_])      # an underscore, but within a word
    | ^[+\-](?=\s|$)                 # a list
    | -(?=[>-]) | (?<=[<-])-         # a line, an arrow
    | :(?!\s|$)                       # a directive
    | (?<=\])\(                       # a link
    | /(?=/) | (?<=/)/ )              # an address
    """,
    re.VERBOSE,
)
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
# Read as icons and links even where their signs are escaped: an invisible joiner after the first one ends that.
_READ_ANYWAY = re.compile(r":(?=[\w+\-/]+:)|:(?=//)|@(?=\w)|www(?=\.)", re.IGNORECASE)
_WORD_JOINER = "\u2060"
_SPACES = re.compile(r"\s+")
_REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")  # what follows them is shown in another order
_MOST_CHARACTERS = 400


def plain(text: object, most: int = _MOST_CHARACTERS) -> str:
    """The text as markdown that shows exactly its characters: no image, link, colour, icon or formula.

    Every label, name and sentence from a card, a file or an error goes through here before a page shows it.
    """
    line = _line(text)
    shown = line if len(line) <= most else line[: most - 1] + "…"
    return _NUMBERED.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\1", _READ_ANYWAY.sub(r"\g<0>" + _WORD_JOINER, shown)))


def _line(text: object) -> str:
    """The text on one line, in the order in which it is written."""
    return _SPACES.sub(" ", _REORDERING.sub("�", str(text))).strip()


def code(text: object) -> str:
    """The text as a code span that shows exactly its characters."""
    return f"`{line}`" if (line := _line(text).replace("`", "ˋ")) else ""


def short(text: object, most: int = 48) -> str:
    """The text, its middle left out where it is longer than `most` characters; not markdown."""
    line = _line(text)
    half = (most - 1) // 2
    return line if len(line) <= most else f"{line[:half]}…{line[-half:]}"


def count(number: int, noun: str, plural: str = "") -> str:
    """ "1 row", "442 rows", "1,000,000 rows"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def visible(name: str) -> str:
    """The name with the spaces at its ends made visible: "S6 " is "S6␣"; not markdown."""
    bare = name.strip()
    start = name.find(bare) if bare else len(name)
    return "␣" * start + bare + "␣" * (len(name) - start - len(bare))


def listed(names: Sequence[str], most: int = 3) -> str:
    """ "a, b, c and 4 more"; not markdown."""
    shown = ", ".join(names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


def duration(seconds: float) -> str:
    """ "less than 0.1 s", "0.4 s", "38 s", "2 min 5 s", "3 h 20 min"."""
    if seconds < 0.1:
        return "less than 0.1 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h" + (f" {minutes} min" if minutes else "")


def size(octets: int) -> str:
    """ "512 B", "34 kB", "1.2 MB"."""
    if octets < 1000:
        return f"{octets} B"
    power = min(int(math.log10(octets) // 3), 4)
    value = octets / 1000**power
    return f"{value:.1f} {'kMGT'[power - 1]}B" if value < 10 else f"{value:.0f} {'kMGT'[power - 1]}B"


def number(value: float, digits: int = 4) -> str:
    """The number to `digits` significant digits, no zeros at the end: "0.03808", "151.2", "25", "12,300"."""
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    if abs(value) >= 1e9 or abs(value) < 1e-4:
        return f"{value:.{digits - 1}g}"
    shown = f"{value:,.{decimals(abs(value), digits)}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def extent(name: str, values: Iterable[float | None], unit: str = "") -> str:
    """ "bmi 18 to 42.2 kg/m²", the ends of the values that are there; not markdown."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    behind = f" {unit}" if unit else ""
    return f"{name} {number(min(known))} to {number(max(known))}{behind}" if known else f"no {name}"


def decimals(largest: float, digits: int = 4) -> int:
    """How many decimals show `digits` significant digits of a number as large as `largest`."""
    if not math.isfinite(largest) or largest <= 0:
        return 0
    return max(0, min(6, digits - 1 - math.floor(math.log10(largest))))


def with_unit(name: str, unit: str) -> str:
    """ "bmi (kg/m²)"; not markdown."""
    return f"{name} ({unit})" if unit else name


def day(moment: str) -> str:
    """The day of a moment in ISO 8601, as in 1 December 2026."""
    found = datetime.fromisoformat(moment)
    return f"{found.day} {found:%B %Y}"


def when(moment: str, now: datetime | None = None) -> str:
    """ "just now", "5 min ago", "3 h ago", else the day; `moment` is ISO 8601 or ""."""
    if not moment:
        return ""
    then, now = datetime.fromisoformat(moment), now or datetime.now(UTC)
    passed = (now - then).total_seconds()
    if passed < 60:
        return "just now"
    if passed < 3600:
        return f"{int(passed // 60)} min ago"
    return f"{int(passed // 3600)} h ago" if passed < 86_400 else f"{then:%d %b %Y}"
