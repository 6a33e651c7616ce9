"""`python -m engine init`: asks on a terminal, and without one says what is missing."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.prompt import Prompt

from engine.cli.session import DONE, FAILED
from engine.draft.given import Draft, Given, Question
from engine.draft.text import card_text
from engine.draft.written import Written
from engine.errors import CardError, ForelightError
from engine.models.registry import CARD_FILE
from engine.settings import Settings

OPEN = 2
err = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)


def init(
    checkpoint: Annotated[Path, typer.Argument(help="the .ckpt that Lightning wrote")],
    module: Annotated[str, typer.Option(help="package.module:Class, or file.py:Class, which is copied")],
    output: Annotated[Path, typer.Option("--output", "-o", help="the model's folder; its name is the model's id")],
    sample: Annotated[
        Path | None, typer.Option(help="a table, or pictures or a folder of them, as visitors will bring them")
    ] = None,
    title: Annotated[str, typer.Option(help="what visitors read")] = "",
    task: Annotated[str, typer.Option(help="such as tabular-regression")] = "",
    target: Annotated[str, typer.Option(help="the sample's column that is the label")] = "",
    labels: Annotated[str, typer.Option(help="a,b,…: the classes, in the order of the outputs")] = "",
    inputs: Annotated[str, typer.Option(help="a,b,…: the columns the model takes, in its order")] = "",
    outputs: Annotated[str, typer.Option(help="a,b,…: the values the model gives, in its order")] = "",
    size: Annotated[str, typer.Option(help="HEIGHTxWIDTH of pictures, in pixels")] = "",
    output_kind: Annotated[str, typer.Option(help="logits or probabilities, where the model gives one figure")] = "",
    output_key: Annotated[str, typer.Option(help="the part of the model's output that is the prediction")] = "",
    encode: Annotated[str, typer.Option(help="file.py:function or package.module:function: rows to the batch")] = "",
    collate: Annotated[str, typer.Option(help="the same: a list of items to the batch; or a LightningDataModule")] = "",
    decode: Annotated[str, typer.Option(help="the same: the module's output to what the task shows")] = "",
    series: Annotated[str, typer.Option(help="the sample's column that tells series apart")] = "",
    step: Annotated[str, typer.Option(help="the sample's column that orders the steps of a series")] = "",
    forecast: Annotated[str, typer.Option(help="the column whose next steps the model gives")] = "",
    quantiles: Annotated[str, typer.Option(help="0.1,0.5,0.9: those the model gives for each step")] = "",
    assignments: Annotated[list[str] | None, typer.Option("--set", help="name=value: a hyper-parameter")] = None,
) -> None:
    """Writes a card for a checkpoint. Exit code 0: it works; 2: something is open; 1: it cannot be done."""
    written = Written(output)
    try:
        if not written.is_free(CARD_FILE):
            raise CardError(
                f"{output / CARD_FILE} is there already, and is not as init left it: go on in it, or rename it to have "
                "it drafted anew. Nothing was changed."
            )
        given = Given(
            checkpoint=checkpoint,
            module=module,
            sample=sample,
            title=title,
            task=task,
            target=target,
            labels=_names(labels),
            inputs=_names(inputs),
            outputs=_names(outputs),
            size=_size(size),
            output_kind=output_kind,
            output_key=output_key,
            hyper_parameters=_assigned(assignments or []),
            own={k: v for k, v in (("encode", encode), ("collate", collate), ("decode", decode)) if v},
            series=series,
            step=step,
            forecast=forecast,
            quantiles=_numbers(quantiles),
        )
        draft = _asked(given, output, ask=sys.stdin.isatty())
        (output / CARD_FILE).write_text(card_text(draft), encoding="utf-8")
        written.note(CARD_FILE)
    except ForelightError as exc:
        err.print(f"Failed. {exc}")
        raise typer.Exit(FAILED) from exc
    _say(draft, output)
    raise typer.Exit(DONE if draft.works else OPEN)


def _asked(given: Given, folder: Path, *, ask: bool) -> Draft:
    """The draft; on a terminal each open question is put once, and what is answered is drafted again."""
    from engine.draft.draft import draft_model  # imports torch

    draft = draft_model(given, folder, Settings())
    passed: set[str] = set()
    while ask:
        for key, reason in draft.reasons.items():
            if key not in passed:
                err.print(f"  {key}: {_short(draft.card[key])} ({reason})")
                passed.add(key)
        question = next((q for q in draft.questions if q.needed and f"? {q.key} {q.why}" not in passed), None)
        if question is None:
            break
        passed.add(f"? {question.key} {question.why}")
        while answer := _answer(question):
            try:
                given, draft = _answered(given, question, answer, folder)
                break
            except ForelightError as exc:
                err.print(f"  {exc}")
    return draft


def _answered(given: Given, question: Question, answer: str, folder: Path) -> tuple[Given, Draft]:
    """What is said with the answer, and the draft from that; an error where it cannot be so."""
    from engine.draft.draft import draft_model

    more = _with(given, question, answer)
    return more, draft_model(more, folder, Settings())


def _answer(question: Question) -> str:
    err.print(f"\n{question.key}: {question.why}.")
    for choice in question.choices:
        err.print(f"  {choice}")
    form = question.answer or question.option.rpartition(" ")[2]
    such = "one of these; " if question.choices else f"such as {form}; " if question.answer or "," in form else ""
    choices = [*question.choices, ""] if question.choices else None
    asked = f"  {such}nothing leaves it open"
    return Prompt.ask(asked, choices=choices, show_choices=False, default="", show_default=False, console=err)


def _with(given: Given, question: Question, answer: str) -> Given:
    key = question.key
    if key == "hyper_parameters":
        return replace(given, hyper_parameters={**given.hyper_parameters, **_mapping(answer)})
    if key == "image":
        return replace(given, size=_size(answer))
    if key in ("encode", "collate", "decode"):
        return replace(given, own={**given.own, key: answer})
    if key == "sequence":
        series, _, step = answer.partition(",")
        return replace(given, series=series.strip(), step=step.strip())
    if question.option.startswith("--quantiles"):
        return replace(given, quantiles=_numbers(answer))
    plain: dict[str, dict[str, Any]] = {
        "labels": {"labels": _names(answer)},
        "outputs": {"outputs": _names(answer)},
        "signature": {"inputs": _names(answer)},
    }
    return replace(given, **plain.get(key, {key: answer}))


def _mapping(text: str) -> dict[str, Any]:
    """`name: value, …` as YAML reads it, or `name=value, …`."""
    if "=" in text.partition(":")[0]:
        return _assigned(text.split(","))
    try:
        found = yaml.safe_load(f"{{{text}}}")
    except yaml.YAMLError:
        found = None
    if not isinstance(found, dict) or ":" not in text:
        raise CardError(f"'{text}' is not name: value, such as features: 3, hidden: 8.")
    return found


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(map(float, _names(text)))
    except ValueError as exc:
        raise CardError(f"--quantiles: '{text}' is not numbers such as 0.1,0.5,0.9.") from exc


def _size(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    parts = text.lower().replace("×", "x").split("x")
    if not all(part.strip().isdecimal() for part in parts) or len(parts) > 2:
        raise CardError(f"--size: '{text}' is not HEIGHTxWIDTH, such as 224x224.")
    return int(parts[0]), int(parts[-1])


def _assigned(pairs: list[str]) -> dict[str, Any]:
    """Values read as YAML does, so that 3 is a number and true a truth."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise CardError(f"--set: '{pair}' is not name=value.")
        try:
            found[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as exc:
            raise CardError(f"--set: '{pair}' cannot be read: {exc}") from exc
    return found


def _short(value: object) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000).split("\n")[0]
    return text if len(text) <= 80 else f"{text[:79]}…"


def _say(draft: Draft, folder: Path) -> None:
    err.print(f"Written: {folder / CARD_FILE}")
    if not draft.works:
        err.print(
            "Say in the card what is missing; or run this again with the options, as long as nobody changed the card."
        )
    for question in draft.questions:
        choices = f" {' or '.join(question.choices)}" if question.choices else ""
        option = f" ({question.option}{choices})" if question.option else ""
        err.print(f"{'missing' if question.needed else 'may be said'}: {question.key}{option}: {question.why}.")
    if draft.works:
        err.print(f"Next: FORELIGHT_MODELS={folder.parent} python -m engine check {folder.name}")
