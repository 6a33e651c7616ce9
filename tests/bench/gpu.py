"""`make bench-gpu`: photos through a ResNet-50 and rows through a perceptron, against what feeds and what computes.

Runs on whatever device there is; `small` makes it short enough for a CPU, to see that it works.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision.io import ImageReadMode, decode_image

from engine import Engine, Options, Settings, Source
from engine.cards.card import ImageInput
from engine.checkpoints.module import lightning_package
from engine.checkpoints.warm import LoadedModel, load_model
from engine.prediction.predictor import lean_trainer
from engine.readers.images import fit
from tests.bench.models import write_models, write_resnet

PHOTO, SIZE, COLUMNS = (500, 375), 224, 30
_ROWS_A_GROUP = 1_000_000


@dataclass(frozen=True)
class Sizes:
    """How much is predicted."""

    photos: int
    rows: int
    photos_a_batch: int
    rows_a_batch: int


FULL, SMALL = Sizes(20_000, 100_000_000, 256, 131_072), Sizes(96, 1_000_000, 16, 16_384)


def gpu(folder: Path, sizes: Sizes) -> str:
    """The section of the report."""
    models = write_models(folder / "models")
    write_resnet(models / "resnet")
    settings = Settings(home=folder / "home", models=(models,))
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "the CPU: no GPU was there to measure"
    head = "small, to show that it runs" if sizes is SMALL else "full size"
    photos, rows = _photos(settings, folder, sizes), _rows(settings, folder, sizes)
    return "\n".join((f"## Fed from disk, {head}", "", f"Device: {name}.", "", *photos, "", *rows))


def _photos(settings: Settings, folder: Path, sizes: Sizes) -> list[str]:
    """JPEGs on disk: what Forelight does of them a second, what the decoders do alone, what the model does alone."""
    paths = _write_photos(folder / "photos", sizes.photos)
    sources = [Source(path.name, path) for path in paths]
    check, predict, whole = _through_engine(settings, "resnet", sources, sizes.photos)
    image = ImageInput(size=(SIZE, SIZE))

    def decode(path: Path) -> torch.Tensor:
        content = torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)
        return fit(decode_image(content, ImageReadMode.RGB), image)

    def decode_all() -> None:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(decode, paths):
                pass

    decoders = sizes.photos / _seconds(decode_all)
    model = load_model(*_card(settings, "resnet"))
    batch = torch.rand(sizes.photos_a_batch, 3, SIZE, SIZE)
    memory = _from_memory(model, batch, max(2, sizes.photos // sizes.photos_a_batch))
    end_to_end, slower = sizes.photos / whole, min(memory, decoders)
    return [
        f"### {sizes.photos:,} JPEG photos of {PHOTO[0]} × {PHOTO[1]} on disk, ResNet-50",
        "",
        "| | photos a second |",
        "|---|---|",
        f"| Forelight, decoding (the check) | {sizes.photos / check:,.0f} |",
        f"| the decoders alone, a thread a core | {decoders:,.0f} |",
        f"| Forelight, predicting | {sizes.photos / predict:,.0f} |",
        f"| the model alone, `Trainer.predict` fed from memory | {memory:,.0f} |",
        f"| Forelight, one after the other | {sizes.photos / (check + predict):,.0f} |",
        f"| Forelight, from files to the last prediction, both at once | {end_to_end:,.0f} |",
        "",
        f"Decoding is at **{sizes.photos / check / decoders:.0%}** of the decoders' limit (≥ 90 %), predicting at "
        f"**{sizes.photos / predict / memory:.0%}** of the model's (≥ 90 %). Both at once, as the command line and the",
        f"API do it, take {whole:.1f} s; the longer of the two {max(check, predict):.1f} s, one after the other "
        f"{check + predict:.1f} s: **{end_to_end / slower:.0%}** of the slower of decoders and model (≥ 90 % where a",
        "GPU computes; decoders and a model that share a CPU's cores cannot both be fast).",
    ]


def _rows(settings: Settings, folder: Path, sizes: Sizes) -> list[str]:
    """Parquet on disk: what Forelight takes for it, and reading it alone, and the model alone."""
    path = folder / "rows.parquet"
    _write_rows(path, sizes.rows)
    check, predict, _ = _through_engine(settings, "three-classes", [Source(path.name, path)], sizes.rows)

    def read_all() -> None:
        for _ in pq.ParquetFile(path).iter_batches(131_072):
            pass

    reading = _seconds(read_all)
    model = load_model(*_card(settings, "three-classes"))
    memory = _from_memory(model, torch.rand(sizes.rows_a_batch, COLUMNS), max(2, sizes.rows // sizes.rows_a_batch))
    computing = sizes.rows / memory
    return [
        f"### {sizes.rows:,} rows of {COLUMNS} numbers in Parquet ({path.stat().st_size / 1e9:.1f} GB), perceptron",
        "",
        "| | seconds |",
        "|---|---|",
        f"| Forelight, the check: reading, typing, keeping | {check:.1f} |",
        f"| reading the file alone | {reading:.1f} |",
        f"| Forelight, predicting and writing | {predict:.1f} |",
        f"| the model alone, `Trainer.predict` fed from memory | {computing:.1f} |",
        "",
        f"Of the whole, reading alone is {reading / (check + predict):.0%} and the model alone "
        f"{computing / (check + predict):.0%}: the rest is typing, keeping and writing rows.",
    ]


def _through_engine(settings: Settings, model: str, sources: list[Source], count: int) -> tuple[float, float, float]:
    """(seconds of the check, of the prediction, of both where they overlap), on workers that have the model already.

    What does not overlap, as it is no pictures, is not done again: the third is then the sum.
    """
    engine = Engine(settings)
    engine.warm_up(model)
    engine.wait(engine.submit(engine.check(model, sources[:1]).id, Options()).id) if len(sources) > 1 else None
    started = time.perf_counter()
    run = engine.check(model, sources)
    checked = time.perf_counter()
    engine.submit(run.id, Options())
    ended = [engine.wait(run.id)]
    check, predict = checked - started, time.perf_counter() - checked
    whole = check + predict
    if len(sources) > 1:
        started = time.perf_counter()
        along = engine.check(model, sources, ahead=Options())
        ended.append(engine.wait(engine.submit(along.id, Options()).id))
        whole = time.perf_counter() - started
    engine.close()
    for run in ended:
        if (run.state, run.rows_done) != ("done", count):
            raise RuntimeError(run.error or f"{run.rows_done} rows of {count} came out")
    return check, predict, whole


def _from_memory(model: LoadedModel, batch: torch.Tensor, times: int) -> float:
    """Rows a second of a bare `Trainer.predict` over that batch, again and again, behind a first time to warm up."""
    package = lightning_package(model.module)
    callback = package.Callback()
    batch = batch.pin_memory() if torch.cuda.is_available() else batch

    def predict(count: int) -> None:
        kind = "cuda" if torch.cuda.is_available() else "cpu"
        trainer = lean_trainer(package, callback, model.card.precision, "auto", kind, 0)
        trainer.predict(model.module, DataLoader([batch] * count, batch_size=None), return_predictions=False)  # type: ignore[arg-type]
        if kind == "cuda":
            torch.cuda.synchronize()

    predict(2)
    return times * len(batch) / _seconds(lambda: predict(times))


def _card(settings: Settings, model: str) -> tuple[object, Path]:
    from engine.cards.card import read_card

    folder = settings.models[0] / model
    return read_card(folder / "card.yaml"), folder


def _write_photos(folder: Path, count: int) -> list[Path]:
    """JPEGs with as much detail as photos: smooth shapes, and noise on them."""
    folder.mkdir()
    random = np.random.default_rng(0)
    contents = []
    for _ in range(min(count, 64)):
        shapes = Image.fromarray(random.integers(0, 256, (12, 16, 3), np.uint8)).resize(PHOTO, Image.Resampling.BICUBIC)
        pixels = np.asarray(shapes, np.float32) + random.normal(0, 8, (PHOTO[1], PHOTO[0], 3))
        content = io.BytesIO()
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(content, "JPEG", quality=90)
        contents.append(content.getvalue())
    paths = [folder / f"{number:06d}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(contents[number % len(contents)])
    return paths


def _write_rows(path: Path, rows: int) -> None:
    def groups() -> Iterator[pa.Table]:
        random = np.random.default_rng(0)
        for start in range(0, rows, _ROWS_A_GROUP):
            count = min(_ROWS_A_GROUP, rows - start)
            yield pa.table({f"x{number}": random.random(count, np.float32) for number in range(COLUMNS)})

    written: pq.ParquetWriter | None = None
    for group in groups():
        written = written or pq.ParquetWriter(path, group.schema, use_dictionary=False)
        written.write_table(group)
    if written is not None:
        written.close()


def _seconds(way: Callable[[], object]) -> float:
    started = time.perf_counter()
    way()
    return time.perf_counter() - started
