"""`python -m engine check MODEL --tune`: what was measured as a table, and the lines worth putting into the card."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
import yaml
from rich.table import Table

from engine.cli.printing import err, out, print_json, print_table, safe
from engine.cli.session import FAILED
from engine.errors import ForelightError
from engine.offers import Offers
from engine.readers import Source
from engine.settings import Settings

if TYPE_CHECKING:  # torch takes seconds to import
    from engine.cards.card import ModelCard
    from engine.model_check.tuning import Difference, Options, Trial, Tuning


def tune_model(model_id: str, sources: Sequence[Source], version: str = "", *, as_json: bool) -> None:
    """Measures on the sources, or else on the model's first sample, and prints; ends with FAILED where it cannot."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as workers have it; read when torch is imported
    from engine.model_check.tuning import tune

    settings = Settings()
    offers = Offers(settings)
    try:
        entry = offers.model(model_id, version)
        card = entry.usable_card()
        if not sources:
            if not card.samples:
                raise typer.BadParameter(f"'{model_id}' has no sample; name files to measure with")
            sources = offers.sample_sources(model_id, card.samples[0].title)
        found = tune(card, entry.folder, sources, settings)
    except ForelightError as exc:
        err.print(f"[red]Failed.[/red] {safe(exc)}")
        raise typer.Exit(FAILED) from exc
    if as_json:
        print_json(_plain(found))
    else:
        _print(card, found)


def _print(card: ModelCard, found: Tuning) -> None:
    out.print(
        f"{card.title}: {found.rows_per_second:,.0f} rows a second as it was trained; {found.rows:,} rows compared."
    )
    table = Table("in the card", "times as fast", "predictions", box=None)
    for trial in found.trials:
        speed = "" if trial.error else f"{trial.ratio:.2f}"
        table.add_row(
            safe(_lines(trial.options, ", ")), speed, safe(trial.error or _words(trial.difference, found.rows))
        )
    print_table(table)
    size, usual = found.batch_size, found.usual_batch_size
    out.print(
        f"\nBatches of {size:,} rows are best here{' (the usual)' if size == usual else f'; {usual:,} are usual'}."
    )
    out.print("Long runs find that by themselves.")
    out.print(_advice(card, found))


def _advice(card: ModelCard, found: Tuning) -> str:
    """The lines to put into the card, and those to take out of it."""
    from engine.model_check.tuning import PLAIN, WORTH_IT

    best = found.best
    told = [f"\nWorth putting into card.yaml:\n\n{_lines(best, chr(10))}"] if best else []
    if not best:
        told.append(f"\nNothing here makes it {WORTH_IT:g} times as fast with the same predictions.")
    usual = {**PLAIN, "precision": "32-true"}
    now = {name: value for name in usual if (value := getattr(card, name)) != usual[name] and value != "64-true"}
    idle = [name for name, value in now.items() if best.get(name) != value]
    if idle:
        told.append(f"\nThe card has {_lines({name: now[name] for name in idle}, ', ')}, which does not pay here.")
    return "\n".join(told)


def _lines(options: Options, between: str) -> str:
    return between.join(yaml.safe_dump(dict(options)).splitlines())


def _words(difference: Difference, rows: int) -> str:
    if not difference.classes and not difference.figures:
        return "the same"
    classes = f"{difference.classes:,} of {rows:,} rows in another class; " if difference.classes else ""
    return f"{classes}figures differ by up to {difference.figures:.2g} of their range"


def _plain(found: Tuning) -> dict[str, object]:
    def trial(each: Trial) -> dict[str, object]:
        difference = {"classes": each.difference.classes, "figures": each.difference.figures}
        return {"options": dict(each.options), "ratio": each.ratio, **difference, "error": each.error}

    return {
        "rows": found.rows,
        "rows_per_second": found.rows_per_second,
        "trials": [trial(each) for each in found.trials],
        "batch_size": found.batch_size,
        "card": dict(found.best),
    }
