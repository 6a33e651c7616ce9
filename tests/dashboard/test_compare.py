"""The Compare page of label sets and of forecasts: a bundled model beside a version of it that says the contrary."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from dashboard.resources import get_engine
from engine import Options
from engine.cards.versions import add_checkpoint
from engine.settings import BUNDLED_MODELS
from tests.dashboard.conftest import TESTER, sharing_engine
from tests.dashboard.test_pages import opened, words

# model, a sample with labels, what the cards are called
KINDS = [
    ("yeast-genes", 1, ("Same labels", "Same answers", "Rows compared")),
    ("el-nino", 1, ("Agreement", "Mean difference (°C)", "Mean distance (°C)", "Correlation")),
]


def write_contrary(checkpoint: Path) -> Callable[[Path], None]:
    """Writes the checkpoint with the last layer's weights and bias of the other sign."""

    def write(place: Path) -> None:
        content = torch.load(checkpoint, weights_only=True)
        numbers = [name for name, weights in content["state_dict"].items() if weights.is_floating_point()]
        for name in numbers[-2:]:
            content["state_dict"][name] *= -1
        torch.save(content, place)

    return write


@pytest.fixture
def models(tmp_path: Path) -> Iterator[Path]:
    """The folder whose models the pages offer."""
    folder = tmp_path / "models"
    folder.mkdir()
    with sharing_engine(tmp_path / "home", folder):
        yield folder


@pytest.mark.parametrize(("model", "sample", "cards"), KINDS)
def test_two_versions_beside_each_other(models: Path, model: str, sample: int, cards: tuple[str, ...]) -> None:
    folder = shutil.copytree(BUNDLED_MODELS / model, models / model)
    add_checkpoint(folder, write_contrary(folder / "model.ckpt"))
    engine = get_engine()
    sources = engine.sample_sources(model, engine.samples(model)[sample].title)
    run = engine.submit(engine.check(model, sources, keep_files=True, visitor=TESTER).id, Options())
    assert engine.wait(run.id).state == "done"
    other = engine.by_version(run.id, "2", visitor=TESTER)
    assert engine.wait(other.id).state == "done"
    app = opened("compare", a=run.id, b=other.id)
    said = words(app)
    assert "Where they differ most" in said
    assert "Nowhere: every row" not in said
    assert [metric.label for metric in app.metric] == list(cards)
    judged = [each.value for each in app.dataframe if list(each.value.columns[:3]) == ["Figure", "a", "b"]]
    assert len(judged) == 1
    assert judged[0]["a"].to_list() != judged[0]["b"].to_list()
