"""`python -m engine.demos.train NAME`: trains a bundled model and writes its folder."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import typer

from engine.settings import BUNDLED_MODELS

RECIPES = MappingProxyType(
    {
        name: f"engine.demos.recipes.{name.replace('-', '_')}"
        for name in (
            "breast-cancer",
            "cifar10",
            "diabetes-progression",
            "digit-finder",
            "digit-space",
            "digits",
            "el-nino",
            "languages",
            "lorenz-state",
            "notes",
            "penguins",
            "yeast-genes",
        )
    }
)


def main(
    name: Annotated[str, typer.Argument(help=f"one of {', '.join(RECIPES)}, or all")],
    out: Annotated[Path, typer.Option(help="the folder that the model's folder is written into")] = BUNDLED_MODELS,
    data: Annotated[Path | None, typer.Option(help="cifar10: a folder with train.zip and test.zip")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="the recipe's, where not given")] = None,
) -> None:
    """Trains on real data, measures on data held out, and writes card, checkpoint and samples."""
    names = list(RECIPES) if name == "all" else [name]
    if not set(names) <= set(RECIPES):
        raise typer.BadParameter(f"there is no recipe '{name}'; there are {', '.join(RECIPES)}")
    for each in names:
        importlib.import_module(RECIPES[each]).train(out / each, data, epochs)


if __name__ == "__main__":
    typer.run(main)
