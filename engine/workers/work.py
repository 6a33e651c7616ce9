"""What workers do, by name. Each gets what it needs, and keeps only models."""

from __future__ import annotations

import gc
import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from engine.cards.card import file_hash, read_card
from engine.errors import ModelChanged, RunTaken
from engine.models.registry import CARD_FILE, ModelRegistry
from engine.readers import Source
from engine.results.files import write_file
from engine.results.filters import Filters
from engine.results.results import Asked
from engine.runs.folder import RunFolder
from engine.runs.run import Options
from engine.settings import Settings
from engine.tasks import task_of
from engine.workers.checkpoint_work import try_checkpoint
from engine.workers.part_work import predict_without
from engine.workers.picture_work import mask, picture, thumbnail
from engine.workers.standby import answer, prepare, warm_up

if TYPE_CHECKING:
    from engine.checkpoints.warm import LoadedModel, WarmModels

Result = tuple[Mapping[str, Any], bytes]
_SECONDS_BETWEEN_WORDS = 0.2


class Talk(Protocol):
    """What a job says on its way, and whether it should come to its end."""

    def say(self, **content: object) -> None: ...

    @property
    def stopped(self) -> bool: ...


class RunModel(NamedTuple):
    """Which model a run was checked for."""

    model_id: str
    version: str
    card_sha256: str
    checkpoint_sha256: str


class Desk:
    """What a worker keeps between jobs: the models it loaded, and the folders of cards it read."""

    def __init__(self) -> None:
        self._models: WarmModels | None = None
        self._registries: dict[tuple[Path, ...], ModelRegistry] = {}
        self._settled = False

    def settle(self) -> None:
        """Once: what is loaded by now stays, and is not looked through whenever many objects are made of a file."""
        if not self._settled:
            self._settled = True
            gc.collect()
            gc.freeze()

    def models(self, settings: Settings) -> WarmModels:
        from engine.checkpoints.warm import WarmModels  # imports torch

        self._models = self._models or WarmModels(settings.warm_models)
        return self._models

    def registry(self, settings: Settings) -> ModelRegistry:
        return self._registries.setdefault(settings.model_folders, ModelRegistry(settings.model_folders))

    @contextmanager
    def model_of_run(self, settings: Settings, about: RunModel, options: Options, device: int) -> Iterator[LoadedModel]:
        """The model, for one job of the run; ModelChanged where it is not the one that the run was checked for."""
        entry = self.registry(settings).entry(about.model_id, about.version)
        with self.models(settings).lease(entry, precision=options.precision or "", device=device) as model:
            if (model.card_sha256, model.checkpoint.sha256) != (about.card_sha256, about.checkpoint_sha256):
                raise ModelChanged(about.model_id)
            yield model


def ingest(
    desk: Desk,
    settings: Settings,
    talk: Talk,
    *,
    folder: Path,
    sources: Sequence[Source],
    renames: Mapping[str, str],
) -> Result:
    """The visitor's files → the typed rows in the run's folder, and the report."""
    card = read_card(folder / CARD_FILE)
    inputs = task_of(card).inputs
    desk.settle()

    def progress(stage: str, done: int, total: int) -> None:
        talk.say(stage=stage, done=done, total=total)

    with ThreadPoolExecutor(1, "forelight-hash") as pool:
        hashes = pool.map(lambda source: source.sha256 or file_hash(source.path), sources)
        report = inputs.ingest(sources, card, folder, settings, renames, progress)
        return {"report": report.to_json(), "sha256": list(hashes)}, b""


def predict(
    desk: Desk,
    settings: Settings,
    talk: Talk,
    *,
    folder: Path,
    about: RunModel,
    span: tuple[int, int],
    batch_size: int,
    options: Options,
    device: int,
    claim: str,
    still_read: bool = False,
) -> Result:
    """Lines [start, stop) of the run's input → one shard; fewer lines where it is told to stop before the end.

    `still_read` says that what comes behind them may still be written. Raises RunTaken, and keeps nothing, where the
    run is no longer `claim`'s.
    """
    from engine.prediction.predictor import device_name, predict_shard  # imports torch

    run = RunFolder(folder)
    with desk.model_of_run(settings, about, options, device) as model:
        talk.say(loaded=True)
        began = said = time.perf_counter()
        halved: list[int] = []

        def after_batch(done: int, failed: int) -> bool:
            nonlocal said
            now = time.perf_counter()
            if now - said > _SECONDS_BETWEEN_WORDS:
                said = now
                talk.say(done=done, failed=failed)
            return talk.stopped

        def still_ours() -> None:
            if not run.is_held(claim):
                raise RunTaken(run.id)

        done, failed = predict_shard(
            model,
            run.rows_so_far(*span) if still_read else run.rows(*span),
            span[0] + 1,
            run.shard_path(span[0]),
            batch_size=batch_size,
            precision=options.precision,
            accelerator=settings.accelerator,
            device=device,
            after_batch=after_batch,
            too_large=halved.append,
            before_keeping=still_ours,
            begins_run=span[0] == 0,
        )
        seconds = time.perf_counter() - began
        device_is = device_name(settings.accelerator, device) if halved else ""
        return {
            "done": done,
            "failed": failed,
            "seconds": seconds,
            "output_kind": model.calling.kind,
            "too_large": min(halved, default=0),
            "device": device_is,
        }, b""


def find_batch_size(
    desk: Desk,
    settings: Settings,
    talk: Talk,
    *,
    folder: Path,
    about: RunModel,
    options: Options,
    known: Mapping[str, int],
    device: int,
    so_far: tuple[int, int] | None = None,
) -> Result:
    """How many lines of the input make the fastest batch on this device; `known` holds it by devices' names.

    `so_far` is how many lines stand in it already, and will in the end.
    """
    from engine.prediction.batch_size import as_many, find_batch_size
    from engine.prediction.predictor import device_name  # imports torch

    name = device_name(settings.accelerator, device)
    if name in known:
        return {"batch_size": known[name], "sure": False, "device": name}, b""
    run = RunFolder(folder)
    with (
        desk.model_of_run(settings, about, options, device) as model,
        TemporaryDirectory(prefix="forelight-") as scratch,
    ):
        talk.say(measuring=True)
        size, sure = find_batch_size(
            model,
            run.rows() if so_far is None else as_many(run.rows_so_far(0, so_far[0]), so_far[1]),
            Path(scratch) / "lines.parquet",
            precision=options.precision,
            accelerator=settings.accelerator,
            device=device,
            stopped=lambda: talk.stopped,
        )
        return {"batch_size": size, "sure": sure, "device": name}, b""


def describe(
    desk: Desk, settings: Settings, talk: Talk, *, model_id: str, version: str = "", device: int = 0
) -> Result:
    """What loading the model shows."""
    with desk.models(settings).lease(desk.registry(settings).entry(model_id, version), device=device) as model:
        hyper_parameters = {**model.checkpoint.hyper_parameters, **model.card.hyper_parameters}
        return {
            "parameters": sum(weight.numel() for weight in model.module.parameters()),
            "output_kind": model.calling.kind,
            "hyper_parameters": {name: _plain(value) for name, value in hyper_parameters.items()},
            "found": list(model.calling.sentences),
            "needs": list(model.task.inputs.needs(model.card)),
        }, b""


def predict_now(
    desk: Desk,
    settings: Settings,
    talk: Talk,
    *,
    model_id: str,
    version: str = "",
    sources: Sequence[Source],
    device: int = 0,
) -> Result:
    """A few rows at once, for a person who waits; nothing is kept."""
    from engine.prediction import single

    entry = desk.registry(settings).entry(model_id, version)
    careful = settings.model_copy(update={"careful_decoding": True})
    with desk.models(settings).lease(entry, device=device) as model, TemporaryDirectory(prefix="forelight-") as folder:
        report, lines = single.predict_now(model, sources, careful, Path(folder))
        content = io.BytesIO()
        lines.write_ipc(content)
        return {"report": report.to_json()}, content.getvalue()


def judge(
    desk: Desk, settings: Settings, talk: Talk, *, of: Asked, figures: str, where: Filters, **about: str
) -> Result:
    """Figures of a run's rows by their labels."""
    from engine.evaluation.judging import judged  # imports torch

    return judged(of.results(), figures, where, **about)


def write(
    desk: Desk, settings: Settings, talk: Talk, *, of: Asked, path: Path, where: Filters, columns: Sequence[str]
) -> Result:
    """The lines and columns chosen as a file whose format takes long to write."""
    write_file(of.results(), path, where, columns)
    return {}, b""


ANALYSES: Mapping[str, Callable[..., Result]] = {job.__name__: job for job in (prepare, judge, write)}
"""Jobs that take seconds of computing, about a run that has ended."""
JOBS: Mapping[str, Callable[..., Result]] = {
    **{
        job.__name__: job
        for job in (
            answer,
            warm_up,
            ingest,
            predict,
            find_batch_size,
            predict_now,
            predict_without,
            describe,
            try_checkpoint,
            picture,
            thumbnail,
            mask,
        )
    },
    **ANALYSES,
}


def _plain(value: object) -> object:
    return value if isinstance(value, (str, int, float, bool, type(None))) else repr(value)[:200]
