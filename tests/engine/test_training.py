"""The recipes train, measure and publish for real: one short training each, in a folder of the test's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from engine import Options, Settings
from engine.demos.recipes import cifar10, digit_finder, notes
from engine.demos.train import RECIPES, main
from tests.pool import open_engine


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in RECIPES if name not in ("cifar10", "lorenz-state")])
def test_a_recipe_makes_a_model_that_predicts_its_samples(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for recipe in (digit_finder, notes):  # pages are drawn and learned from, and each takes its time
        monkeypatch.setattr(recipe, "_PAGES", 60)
    main(name, out=tmp_path / "models", data=None, epochs=1)
    engine = open_engine(Settings(home=tmp_path / "home", models=(tmp_path / "models",), accelerator="cpu"))
    [entry] = engine.models()
    card = entry.usable_card()
    assert all(np.isfinite(figure.value) for figure in card.figures)
    run = engine.check(name, engine.sample_sources(name, card.samples[0].title))
    engine.submit(run.id, Options())
    assert engine.wait(run.id).state == "done"
    engine.close()


@pytest.mark.filterwarnings("ignore")
def test_the_cifar_recipe_measures_what_it_publishes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    pixels, labels = torch.randint(0, 256, (256, 3, 32, 32), dtype=torch.uint8), torch.arange(256) % 10
    trainer = cifar10.fit(pixels, labels, epochs=1)
    cifar10.write(tmp_path / "models" / "cifar10", trainer, pixels[:50], labels[:50])
    engine = open_engine(Settings(home=tmp_path / "home", models=(tmp_path / "models",), accelerator="cpu"))
    figure = engine.model("cifar10").usable_card().figures[0]
    module = trainer.lightning_module
    with torch.inference_mode():
        right = (module(cifar10.normalised(pixels[:50])).argmax(1) == labels[:50]).float().mean().item()
    assert figure.value == pytest.approx(right, abs=1e-3)
    assert engine.facts("cifar10").output_kind == "logits"


def test_an_unknown_recipe_names_those_there_are() -> None:
    import typer

    app = typer.Typer()
    app.command()(main)
    done = CliRunner().invoke(app, ["nothing"])
    assert done.exit_code == 2
    assert all(name in done.output for name in list(RECIPES)[:1])
