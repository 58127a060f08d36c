"""Dates in cells to numbers: days since 1970-01-01, a time of day as their fraction.

`2024-01-31`, `2024/01/31`, `31.01.2024`, `31/01/2024` or `01/31/2024`, alone or with `14:30`, `14:30:05.5` or
`2:30 PM` behind a blank or T, and a zone (`Z`, `+01:00`), which is ignored. With points the day comes
first. With `/` and `-`, a column must prove by a day above 12 whether the day comes first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

_TIME = (
    r"(?:[T ]\s*(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d(?:\.\d+)?))?"
    r"\s*(?P<half>[AaPp][Mm])?\s*(?P<zone>[Zz]|[+-]\d\d:?\d\d)?)?"
)
_FIRST_YEAR = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})" + _TIME, re.ASCII)
_LAST_YEAR = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})" + _TIME, re.ASCII)
_EPOCH = datetime(1970, 1, 1)
_DAY = 86400.0


def days(word: str, *, day_first: bool = True) -> float | None:
    """The days since 1970-01-01 that `word` means, or None when it is no date."""
    word = word.strip()
    if found := _FIRST_YEAR.fullmatch(word):
        year, month, day = int(found[1]), int(found[3]), int(found[4])
    elif found := _LAST_YEAR.fullmatch(word):
        day, month, year = int(found[1]), int(found[3]), int(found[4])
        if not day_first and found[2] != ".":
            day, month = month, day
    else:
        return None
    hour, minute, second = int(found["hour"] or 0), int(found["minute"] or 0), float(found["second"] or 0)
    if found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (found["half"].lower() == "pm")
    try:
        since = datetime(year, month, day, hour, minute, int(second)) - _EPOCH
    except ValueError:
        return None
    seconds = since.seconds + second % 1
    if (zone := found["zone"]) and zone not in "Zz":
        ahead = 60 * (60 * int(zone[1:3]) + int(zone[-2:]))
        seconds -= ahead if zone[0] == "+" else -ahead
    return since.days + seconds / _DAY


def is_date(word: str) -> bool:
    """Whether `word` is a date, with day or month first."""
    return word.lstrip()[:1].isdigit() and (days(word) is not None or days(word, day_first=False) is not None)


def day_first(words: Iterable[str]) -> bool | None:
    """Whether the day comes first in these dates; None if none of them proves it."""
    doubt = False
    for word in words:
        first, second = days(word), days(word, day_first=False)
        if first is None or second is None:
            return first is not None
        doubt = doubt or first != second
    return None if doubt else True
