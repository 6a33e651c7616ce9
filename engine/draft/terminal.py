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

from engine.draft.given import Draft, Given, Question
from engine.draft.text import card_text
from engine.errors import CardError, ForelightError
from engine.registry import CARD_FILE
from engine.settings import Settings

DONE, FAILED, OPEN = 0, 1, 2
err = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)


def init(
    checkpoint: Annotated[Path, typer.Argument(help="the .ckpt that Lightning wrote")],
    module: Annotated[str, typer.Option(help="package.module:Class, or file.py:Class, which is copied")],
    output: Annotated[Path, typer.Option("--output", "-o", help="the model's folder; its name is the model's id")],
    sample: Annotated[Path | None, typer.Option(help="a table or pictures as visitors will bring them")] = None,
    title: Annotated[str, typer.Option(help="what visitors read")] = "",
    task: Annotated[str, typer.Option(help="such as tabular-regression")] = "",
    target: Annotated[str, typer.Option(help="the sample's column that is the label")] = "",
    labels: Annotated[str, typer.Option(help="a,b,…: the classes, in the order of the outputs")] = "",
    inputs: Annotated[str, typer.Option(help="a,b,…: the columns the model takes, in its order")] = "",
    outputs: Annotated[str, typer.Option(help="a,b,…: the values the model gives, in its order")] = "",
    size: Annotated[str, typer.Option(help="HEIGHTxWIDTH of pictures, in pixels")] = "",
    output_kind: Annotated[str, typer.Option(help="logits or probabilities, where the model gives one figure")] = "",
    assignments: Annotated[list[str] | None, typer.Option("--set", help="name=value: a hyper-parameter")] = None,
) -> None:
    """Writes a card for a checkpoint. Exit code 0: it works; 2: something is open; 1: it cannot be done."""
    if (output / CARD_FILE).exists():
        err.print(f"Failed. {output / CARD_FILE} is there already. Delete it first, or name another folder.")
        raise typer.Exit(FAILED)
    try:
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
            hyper_parameters=_assigned(assignments or []),
        )
        draft = _asked(given, output, ask=sys.stdin.isatty())
        (output / CARD_FILE).write_text(card_text(draft), encoding="utf-8")
    except ForelightError as exc:
        err.print(f"Failed. {exc}")
        raise typer.Exit(FAILED) from exc
    _say(draft, output)
    raise typer.Exit(DONE if draft.works else OPEN)


def _asked(given: Given, folder: Path, *, ask: bool) -> Draft:
    """The draft; on a terminal each open question is put once, and what is answered is drafted again."""
    from engine.draft.draft import draft_model  # imports torch

    passed: set[str] = set()
    while True:
        draft = draft_model(given, folder, Settings())
        for key, reason in draft.reasons.items():
            if ask and key not in passed:
                err.print(f"  {key}: {_short(draft.card[key])} ({reason})")
                passed.add(key)
        question = next((q for q in draft.questions if ask and q.needed and f"? {q.key}" not in passed), None)
        if question is None:
            return draft
        passed.add(f"? {question.key}")
        answer = _answer(question)
        if answer:
            given = _with(given, question.key, answer)


def _answer(question: Question) -> str:
    err.print(f"\n{question.key}: {question.why}.")
    choices = list(question.choices) or None
    return Prompt.ask("  nothing leaves it open", choices=[*choices, ""] if choices else None, default="", console=err)


def _with(given: Given, key: str, answer: str) -> Given:
    if key == "hyper_parameters":
        pairs = [part.replace(":", "=", 1) for part in answer.split(",")]
        return replace(given, hyper_parameters={**given.hyper_parameters, **_assigned(pairs)})
    if key == "image":
        return replace(given, size=_size(answer))
    plain: dict[str, dict[str, Any]] = {
        "labels": {"labels": _names(answer)},
        "outputs": {"outputs": _names(answer)},
        "signature": {"inputs": _names(answer)},
    }
    return replace(given, **plain.get(key, {key: answer}))


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


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
    for question in draft.questions:
        option = f" ({question.option})" if question.option else ""
        err.print(f"{'missing' if question.needed else 'may be said'}: {question.key}{option}: {question.why}.")
    if draft.works:
        err.print(f"Next: FORELIGHT_MODELS={folder.parent} python -m engine check {folder.name}")
