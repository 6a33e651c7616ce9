"""How a program asks a model: a line of curl and some of Python, with values that the model takes."""

from __future__ import annotations

import json
import shlex

import streamlit as st

from dashboard.v1.app import PATH
from engine import ModelCard, ModelEntry, task_of


def show_snippets(entry: ModelEntry, card: ModelCard) -> None:
    """Both, to copy."""
    scheme, _, rest = (st.context.url or "http://127.0.0.1:8501").partition("://")
    site = f"{scheme}://{rest.partition('/')[0]}"
    shell, python = st.tabs(["curl", "Python"])
    with shell:
        st.code(curl_snippet(site, entry, card), language="bash", wrap_lines=True)
    with python:
        st.code(python_snippet(site, entry, card), language="python", wrap_lines=True)
    st.caption(f"Put a token of the page *API tokens* in. Everything else is at [{PATH}/docs]({PATH}/docs).")


def curl_snippet(site: str, entry: ModelEntry, card: ModelCard) -> str:
    """One request: a row with its answer where the model takes rows, else a file that becomes a run."""
    head = '-H "Authorization: Bearer $FORELIGHT_TOKEN"'
    row = _row(card)
    if row is not None:
        body = shlex.quote(json.dumps({"rows": [row]}, ensure_ascii=False))
        return f"curl {_predictions(site, entry)} {head} -H 'Content-Type: application/json' -d {body}"
    name = _file(card)
    return f"curl {shlex.quote(f'{_runs(site, entry)}?name={name}')} {head} --data-binary @{name}"


def python_snippet(site: str, entry: ModelEntry, card: ModelCard) -> str:
    """The same, with requests."""
    row = _row(card)
    lines = [
        "import os",
        "import requests",
        "",
        'token = {"Authorization": f"Bearer {os.environ[\'FORELIGHT_TOKEN\']}"}',
    ]
    if row is not None:
        lines += [
            f"rows = [{row!r}]",
            f'answer = requests.post("{_predictions(site, entry)}", json={{"rows": rows}}, headers=token)',
            "answer.raise_for_status()",
            'print(answer.json()["rows"])',
        ]
        return "\n".join(lines)
    name = _file(card)
    lines += [
        f'with open("{name}", "rb") as file:',
        f'    sent = requests.post("{_runs(site, entry)}", params={{"name": "{name}"}}, data=file, headers=token)',
        'run = sent.json()["id"]',
        f'events = requests.get(f"{site}{PATH}/runs/{{run}}/events", headers=token, stream=True)',
        "print(list(events.iter_lines())[-3:])  # waits until it has ended",
        f'page = requests.get(f"{site}{PATH}/runs/{{run}}/rows", headers=token)',
        'print(page.json()["rows"][:3])',
    ]
    return "\n".join(lines)


def _row(card: ModelCard) -> dict[str, object] | None:
    """A row that the model takes; None where it takes more than a row of a table."""
    if not card.signature or task_of(card).inputs.has_steps or card.image is not None:
        return None
    return {column.name: _example(column.example, column.categories, column.range) for column in card.signature}


def _example(example: object, categories: tuple[str, ...], span: tuple[float, float] | None) -> object:
    if example is not None:
        return example
    return categories[0] if categories else sum(span) / 2 if span else 0


def _file(card: ModelCard) -> str:
    return "pictures.zip" if card.image is not None else "rows.csv"


def _predictions(site: str, entry: ModelEntry) -> str:
    return f"{site}{PATH}/models/{entry.id}/predictions"


def _runs(site: str, entry: ModelEntry) -> str:
    return f"{site}{PATH}/models/{entry.id}/runs"
