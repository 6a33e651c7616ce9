"""What a model takes, as its card says it: signature, pictures, series."""

from __future__ import annotations

from collections.abc import Sequence

from engine.draft.drafting import Drafting
from engine.draft.given import Given
from engine.draft.kept import kept_size
from engine.draft.pictures import size_of
from engine.draft.sample import SampleColumn, names_of
from engine.draft.trial import Trial
from engine.errors import CardError

_TARGETS = ("target", "label", "y", "class", "outcome")
_ORDERS = ("step", "time", "date", "day", "month", "year", "hour", "timestamp")
_MOST_RANGES = 8
_NORMALISED = "mean and std that pixels (0 … 1) were normalised with"
Columns = tuple[SampleColumn, ...]


def find_targets(drafting: Drafting, trial: Trial, columns: Columns) -> tuple[str, ...]:
    """The columns of the sample that are labels."""
    given, names = drafting.given, [column.name for column in columns]
    if given.target:
        if columns and given.target not in names:
            raise CardError(f"--target: the sample has no column '{given.target}'; it has {names_of(columns)}.")
        drafting.know("target", given.target)
        return (given.target,)
    several = tuple(name for name in (*given.labels, *given.outputs) if name in names)
    if several:
        return several
    usual = [name for name in names if name.casefold() in _TARGETS]
    if len(usual) == 1 and len(columns) == trial.width + 1 and trial.takes != "sequence":
        drafting.know("target", usual[0], f"the sample has one column more than the {trial.width} the model takes")
        return (usual[0],)
    return ()


def find_inputs(drafting: Drafting, trial: Trial, columns: Columns, targets: tuple[str, ...]) -> None:
    """Knows the signature, the size of pictures, the columns of series; or asks."""
    if trial.takes == "image":
        _image(drafting, trial)
        return
    wanted = tuple(column for column in columns if column.name not in targets)
    if trial.takes == "sequence":
        wanted = _sequence(drafting, trial, wanted)
    wanted = named_inputs(drafting, columns) or wanted
    texts_are_read = bool(drafting.given.own.get("encode"))
    if len(wanted) == trial.width and (texts_are_read or all(column.type != "string" for column in wanted)):
        _signature(drafting, wanted, f"the sample's {_counted(trial.width)}, in its order" if columns else "")
        return
    found = f"the sample has {len(wanted)} ({names_of(wanted)})" if columns else "there is no sample with names"
    one_hot = "" if texts_are_read else _one_hot(without_labels(drafting.given, wanted), trial.width)
    if one_hot:
        drafting.ask(
            "encode",
            f"the model takes {_counted(trial.width)}; {found}: {one_hot}",
            option="--encode file.py:function",
            example="file:function",
        )
        return
    drafting.ask(
        "signature",
        f"the model takes {_counted(trial.width)}; {found}",
        option="--inputs a,b,…" if columns else "--sample FILE, or --inputs a,b,…",
        example=f"[{{name: …}} × {trial.width}]",
    )


def _one_hot(columns: Columns, width: int) -> str:
    """The sentence for columns whose categories, each as a column of its own, make up that width; else ""."""
    coded = [column for column in columns if column.type == "category"]
    if not coded or any(column.type == "string" for column in columns):
        return ""
    rest = len(columns) - len(coded)
    counts = [len(column.values) for column in coded]
    whole, without_first = rest + sum(counts), rest + sum(counts) - len(counts)
    if width not in (whole, without_first):
        return ""
    listed = ", ".join(f"'{column.name}' ({count})" for column, count in zip(coded, counts, strict=True))
    left = "" if width == whole else ", the first of each left out,"
    numbers = f"{rest} {'number' if rest == 1 else 'numbers'} and " if rest else ""
    return (
        f"{numbers}a column for each category of {listed}{left} make {width}. Where the training one-hot encoded them, "
        "a function does it again (docs/encode.md, One-hot)"
    )


def without_labels(given: Given, columns: Columns) -> Columns:
    """The columns that are not said to be labels, nor called as labels are."""
    said = {given.target, *given.labels, *given.outputs}
    usual = () if given.target or len(columns) < 2 else _TARGETS
    return tuple(each for each in columns if each.name not in said and each.name.casefold() not in usual)


def named_inputs(drafting: Drafting, columns: Columns) -> Columns:
    """Those that the host named; CardError where the sample has no such column."""
    known = {column.name: column for column in columns}
    lost = [name for name in drafting.given.inputs if columns and name not in known]
    if lost:
        raise CardError(f"--inputs: the sample has no column '{lost[0]}'; it has {names_of(columns)}.")
    return tuple(known.get(name, SampleColumn(name, "float", 0)) for name in drafting.given.inputs)


def _signature(drafting: Drafting, wanted: Columns, reason: str) -> None:
    drafting.know("signature", [column.as_card() for column in wanted], reason)
    codes = tuple(column for column in wanted if column.type == "category")
    if codes and not drafting.given.own.get("encode"):
        drafting.ask(
            "signature",
            f"categories of {names_of(codes)} are in alphabetical order: their place is the code the model is fed",
            needed=False,
        )
    numbers = [column for column in wanted if column.type in ("float", "integer")]
    if not numbers:
        return
    why = f"units and valid ranges{_seen(numbers)}: a row outside of a range is not predicted"
    drafting.ask("signature", why, needed=False)
    if not drafting.given.own.get("encode"):
        why = "mean and std of each number, where the training standardised them: the model is fed (value - mean) / std"
        drafting.ask("signature", why, needed=False)


def _sequence(drafting: Drafting, trial: Trial, columns: Columns) -> Columns:
    """The columns of a step; knows or asks which two tell series apart and order their steps."""
    given, names = drafting.given, [column.name for column in columns]
    inputs = set(given.inputs)
    free = [column for column in columns if column.name not in inputs]
    step = given.step or next((each.name for each in free if each.name.casefold() in _ORDERS), "")
    rest = [each for each in free if each.name != step]
    texts = [each.name for each in rest if each.type in ("string", "category")]
    series = given.series or ("series" if "series" in names else texts[0] if len(texts) == 1 else "")
    length = {"length": trial.sizes[0]} if trial.sizes else {}
    reason = f"it takes series of {trial.sizes[0]} steps" if trial.sizes else ""
    drafting.know("sequence", {"series": series or "series", "step": step or "step", **length}, reason)
    why = "which columns tell series apart and order their steps"
    lost = [name for name in (series, step) if columns and name not in names]
    if lost:
        option = "--series COLUMN --step COLUMN"
        found = f"{why}; the sample has {names_of(columns)}"
        drafting.ask("sequence", found, option=option, answer="shop, day")
    elif not (given.series and given.step):
        drafting.ask("sequence", why, needed=False)
    return tuple(column for column in columns if column.name not in (series, step))


def _image(drafting: Drafting, trial: Trial) -> None:
    given, (kept, key) = drafting.given.size, kept_size(drafting.kept)
    if given is None and kept in trial.sizes and len(trial.sizes) > 1:
        drafting.know(
            "image", {"size": [kept, kept], "channels": trial.width}, f"the checkpoint's '{key}' says the size"
        )
        drafting.ask("image", _NORMALISED, needed=False)
        return
    if given is not None or len(trial.sizes) == 1:
        size = given or (trial.sizes[0], trial.sizes[0])
        reason = "" if given else "the only size tried that it runs on"
        drafting.know("image", {"size": list(size), "channels": trial.width}, reason)
        drafting.ask("image", _NORMALISED, needed=False)
        return
    sizes = ", ".join(map(str, trial.sizes))
    seen = size_of(drafting.given.sample) if drafting.given.sample is not None else 0
    why = f"it runs on pictures of {sizes} pixels; one of them it was trained on"
    why += f" (the sample's pictures are {seen} × {seen})" if seen else ""
    drafting.ask(
        "image",
        why,
        option="--size HEIGHTxWIDTH",
        answer="224x224",
        example=f"{{size: […, …], channels: {trial.width}}}",
    )


def _seen(numbers: Sequence[SampleColumn]) -> str:
    """What the sample has of them, for whoever writes a range."""
    known = [f"{each.name} {each.low:g} to {each.high:g}" for each in numbers if each.low is not None]
    more = ", …" if len(known) > _MOST_RANGES else ""
    return f" (in the sample {', '.join(known[:_MOST_RANGES])}{more})" if known else ""


def _counted(columns: int) -> str:
    return "1 column" if columns == 1 else f"{columns} columns"
