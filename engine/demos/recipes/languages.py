"""languages: which of fourteen languages a sentence is in, from sentences that Django says in all of them."""

from __future__ import annotations

import gettext
import importlib.util
import re
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytorch_lightning as lightning
import torch
from torch.utils.data import TensorDataset
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_f1_score

from engine.demos.texts import WIDTH, LetterClassifier, encode
from engine.demos.training import SEED, figure, fit, publish

LANGUAGES = {
    "cs": "Czech", "da": "Danish", "de": "German", "en": "English", "es": "Spanish", "fi": "Finnish", "fr": "French",
    "hu": "Hungarian", "it": "Italian", "nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "sv": "Swedish",
    "tr": "Turkish",
}  # fmt: skip
_LEAST = 15  # letters of a sentence
_HELD = 5  # every fifth sentence, in all languages
_SHOWN = 120


def train(folder: Path, data: Path | None = None, epochs: int | None = None) -> None:
    """Trains on four fifths of the sentences, whole sentences held out in every language; writes the model's folder."""
    lightning.seed_everything(SEED)
    table = sentences()
    labels = list(LANGUAGES.values())
    codes = pl.col("language").replace_strict(labels, range(len(labels)))
    chosen, held = (table.filter((pl.col("sentence") % _HELD == 0) == is_held) for is_held in (False, True))
    x, y = _encoded(chosen), torch.tensor(chosen.select(codes).to_series().to_list())
    module = LetterClassifier(WIDTH, len(labels))
    trainer = fit(module, TensorDataset(x, y), epochs or 12, 256)
    with torch.inference_mode():
        found = module(_encoded(held))
    truth, where = torch.tensor(held.select(codes).to_series().to_list()), f"{len(held):,} sentences held out"
    figures = [
        figure("Accuracy", multiclass_accuracy(found, truth, len(labels), average="micro").item(), where),
        figure("Macro F1", multiclass_f1_score(found, truth, len(labels), average="macro").item(), where),
    ]
    _write_samples(folder / "samples", held)
    publish(folder, trainer, _card(labels, figures))


def sentences() -> pl.DataFrame:
    """sentence (its number, the same in all languages), language and text of what Django says, without its gaps."""
    spec = importlib.util.find_spec("django")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("django is not installed; it brings the data: pip install django")
    found = [
        (original, name, text)
        for code, name in LANGUAGES.items()
        for original, text in _catalogue(Path(spec.origin).parent, "de" if code == "en" else code).items()
        for text in ([original] if code == "en" else [text])
    ]
    table = pl.DataFrame(found, ["original", "language", "text"], orient="row").unique(maintain_order=True)
    letters = pl.col("text").str.count_matches(r"\p{L}")
    table = table.filter(letters >= _LEAST).unique(["language", "text"], maintain_order=True)
    numbers = {original: number for number, original in enumerate(sorted(set(table["original"])))}
    sentence = pl.col("original").replace_strict(numbers, return_dtype=pl.Int64).alias("sentence")
    return table.select(sentence, "language", "text").sort("sentence", "language")


def _catalogue(package: Path, code: str) -> dict[str, str]:
    """What is said in one language: the original → its translation, names of gaps and line ends taken out."""
    said: dict[str, str] = {}
    for path in sorted(package.rglob(f"locale/{code}/LC_MESSAGES/django.mo")):
        with path.open("rb") as file:
            catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]  # gettext lists no texts
        for original, text in catalogue.items():
            if isinstance(original, str) and original:
                said[_bare(original)] = _bare(text)
    return said


def _bare(text: str) -> str:
    return " ".join(re.sub(r"%\(\w+\)[sd]|%[sd]|\{\w*\}|<[^>]+>|[“”„«»\"\x04]", " ", text).split())


def _encoded(table: pl.DataFrame) -> torch.Tensor:
    return encode(pa.table({"text": table["text"].to_list()}), None)


def _write_samples(folder: Path, held: pl.DataFrame) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    picked = np.random.default_rng(SEED).choice(len(held), _SHOWN, replace=False)
    table = held[np.sort(picked)].select("text", "language").with_row_index("id", offset=1)
    table.head(40).drop("language").write_csv(folder / "sentences.csv")
    table.write_csv(folder / "sentences-with-language.csv")
    broken = table.head(10).drop("language").to_dict(as_series=False)
    broken["text"][3], broken["text"][7] = "", None
    pl.DataFrame(broken).rename({"text": "Text"}).write_csv(folder / "sentences-with-mistakes.csv")


def _card(labels: list[str], figures: list[dict[str, object]]) -> dict[str, object]:
    return {
        "title": "Languages",
        "task": "text-classification",
        "module": "engine.demos.texts:LetterClassifier",
        "encode": "engine.demos.texts:encode",
        "checkpoint": "model.ckpt",
        "description": "Which of fourteen languages a sentence is in, from its letters alone. Trained on what a "
        "framework for web sites says to people; short words and names mislead it.",
        "source": "translations of Django, by its translators",
        "license": "BSD-3-Clause",
        "signature": [
            {"name": "text", "type": "string", "description": "a sentence", "example": "Das geht leider nicht mehr."}
        ],
        "labels": labels,
        "output_kind": "logits",
        "target": "language",
        "samples": [
            {"title": "40 sentences", "files": ["samples/sentences.csv"]},
            {"title": f"{_SHOWN} sentences with their language", "files": ["samples/sentences-with-language.csv"]},
            {"title": "10 sentences with mistakes", "files": ["samples/sentences-with-mistakes.csv"]},
        ],
        "figures": figures,
    }
