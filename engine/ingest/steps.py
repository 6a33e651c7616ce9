"""The steps that come after those of a series: numbers, days, months or moments, as far apart as the last ones."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, datetime, timedelta


def following(steps: Sequence[object], count: int) -> list[object]:
    """The next `count` steps, written as those are; `steps` are the last ones, in order.

    Numbers go on by their last difference, dates by days, months or years; any other text is counted on.
    """
    known = [step for step in steps if step is not None]
    if not known:
        return list(range(1, count + 1))
    numbers = [_number(step) for step in known]
    if all(number is not None for number in numbers):
        return _numbers([number for number in numbers if number is not None], known[-1], count)
    moments = [_moment(step) for step in known]
    if all(moment is not None for moment in moments):
        return _moments([moment for moment in moments if moment is not None], known[-1], count)
    return [f"{known[-1]} +{number}" for number in range(1, count + 1)]


def _number(step: object) -> float | None:
    if isinstance(step, (date, bool)):
        return None
    try:
        return float(str(step))
    except ValueError:
        return None


def _numbers(numbers: Sequence[float], last: object, count: int) -> list[object]:
    apart = numbers[-1] - numbers[-2] if len(numbers) > 1 else 1.0
    found = [numbers[-1] + apart * number for number in range(1, count + 1)]
    whole = all(number == int(number) for number in found)
    if isinstance(last, str):
        return [str(int(number)) if whole else f"{number:.12g}" for number in found]
    return [int(number) if whole else number for number in found]


def _moment(step: object) -> datetime | None:
    if isinstance(step, datetime):
        return step
    text = str(step).strip()
    try:
        return datetime.fromisoformat(f"{text}-01" if len(text) == 7 else text)
    except ValueError:
        return None


def _moments(moments: Sequence[datetime], last: object, count: int) -> list[object]:
    months, apart = _apart(moments)
    end, numbers = moments[-1], range(1, count + 1)
    ends = all(moment.day == _days(moment.year, moment.month) for moment in moments)
    found = [_later(end, months * number, ends) if months else end + apart * number for number in numbers]
    if isinstance(last, str):
        return [_written(moment, last.strip()) for moment in found]
    return [moment if isinstance(last, datetime) else moment.date() for moment in found]


def _apart(moments: Sequence[datetime]) -> tuple[int, timedelta]:
    """(whole months, or 0; else the time) between the last two."""
    if len(moments) < 2:
        return 0, timedelta(days=1)
    before, last = moments[-2:]
    months = 12 * (last.year - before.year) + last.month - before.month
    ends = all(moment.day == _days(moment.year, moment.month) for moment in moments)
    return (months if months and _later(before, months, ends) == last else 0), last - before


def _later(moment: datetime, months: int, ends: bool) -> datetime:
    """So many months later; the last day of a month that has not so many days, or where every step `ends` one."""
    year, month = divmod(12 * moment.year + moment.month - 1 + months, 12)
    most = _days(year, month + 1)
    return moment.replace(year=year, month=month + 1, day=most if ends else min(moment.day, most))


def _days(year: int, month: int) -> int:
    return monthrange(year, month)[1]


def _written(moment: datetime, like: str) -> str:
    text = moment.isoformat(sep=" " if " " in like else "T")
    if moment.tzinfo is None:
        return text[: len(like)]
    return text.replace("+00:00", "Z") if like.endswith("Z") else text
