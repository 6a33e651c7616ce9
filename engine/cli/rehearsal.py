"""`python -m engine check MODEL`: loads a model, runs its samples, prints what visitors will see and every doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from engine.cli.printing import out, print_json
from engine.errors import ForelightError
from engine.offers import Offers
from engine.readers import Source
from engine.settings import Settings

if TYPE_CHECKING:  # torch takes seconds to import
    from engine.checkpoints.warm import LoadedModel
    from engine.model_check.doubts import Doubt, Rehearsal

_SHOWN, _SHOWN_COLUMNS = 5, 16
_MARKS = {"error": "✗", "warning": "!", "note": "·"}


def check_model(model_id: str, version: str = "", *, as_json: bool) -> bool:
    """Whether visitors can use the model; everything that speaks against it is printed."""
    from engine.checkpoints.warm import load_model
    from engine.model_check.doubts import Doubt, doubts_of, rehearse

    settings = Settings()
    offers = Offers(settings)
    try:
        entry = offers.model(model_id, version)
        model = load_model(entry.usable_card(), entry.folder)
    except ForelightError as exc:
        _print(model_id, None, (), [Doubt("error", str(exc))], as_json=as_json)
        return False
    doubts, rehearsals = list(doubts_of(model)), []
    for sample in model.card.samples:
        sources: tuple[Source, ...] = offers.sample_sources(model_id, sample.title)
        try:
            seen = rehearse(model, sample.title, sources, settings)
        except ForelightError as exc:
            doubts.append(Doubt("error", f"Sample '{sample.title}': {exc}"))
            continue
        rehearsals.append(seen)
        doubts += seen.doubts
    if model.card.samples and not any(seen.report.n_good for seen in rehearsals):
        doubts.append(Doubt("error", "No row of any sample can be predicted."))
    _print(model_id, model, rehearsals, doubts, as_json=as_json)
    return not any(doubt.severity == "error" for doubt in doubts)


def _print(
    model_id: str,
    model: LoadedModel | None,
    rehearsals: list[Rehearsal] | tuple[()],
    doubts: list[Doubt],
    *,
    as_json: bool,
) -> None:
    if as_json:
        told: dict[str, Any] = {"id": model_id, "works": all(doubt.severity != "error" for doubt in doubts)}
        told["found"] = list(model.calling.sentences) if model else []
        told["doubts"] = [{"severity": doubt.severity, "message": doubt.message} for doubt in doubts]
        print_json(told)
        return
    if model is not None:
        out.print(f"{model.card.title} ({model.task.title})")
        for sentence in (*model.calling.sentences, *model.task.inputs.needs(model.card)):
            out.print(f"  {sentence}")
    for seen in rehearsals:
        out.print(f"\nSample '{seen.title}': {seen.report.n_good:,} of {seen.report.n_rows:,} rows can be predicted.")
        if len(seen.lines) and model is not None:
            with pl.Config(tbl_cols=_SHOWN_COLUMNS, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
                out.print(str(_worth_showing(seen.lines, model)))
    out.print()
    for doubt in sorted(doubts, key=lambda each: list(_MARKS).index(each.severity)):
        out.print(f"{_MARKS[doubt.severity]} {doubt.message}")
    if not doubts:
        out.print("There is nothing to doubt.")


def _worth_showing(lines: pl.DataFrame, model: LoadedModel) -> pl.DataFrame:
    """The first lines that are predicted, else the first: of a forecast, the history comes before."""
    given = [field.name for field in model.task.outputs.schema(model.card, model.calling.kind)]
    predicted = lines.filter(pl.any_horizontal(pl.col(given).is_not_null()))
    return (lines if predicted.is_empty() else predicted).head(_SHOWN).select(pl.exclude(pl.Binary))  # a mask is a file
