"""The engine: models, checks, runs and results. All that a page, a route or the command line needs."""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import polars as pl

from engine.card import ModelCard, Sample, read_card
from engine.errors import ExportError, InputRefused, RunStateError, UnknownModel, nearest
from engine.export import FORMATS, export_results
from engine.ingest.table import FAULT, ROW, Progress
from engine.readers import Source
from engine.registry import CARD_FILE, ModelEntry, ModelRegistry
from engine.results import Results
from engine.runs.folder import RunFolder, new_record, run_ids
from engine.runs.run import Options, Run
from engine.settings import Settings
from engine.signature import Report
from engine.tasks import task_of

if TYPE_CHECKING:  # these import torch, which takes seconds; not for --help, models, check
    from engine.backends import LocalBackend
    from engine.warm import WarmModels


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of a model once it is loaded. `found` says how it is called, in sentences."""

    parameters: int
    batch_form: str
    output_kind: str
    hyper_parameters: Mapping[str, Any]
    found: tuple[str, ...]
    needs: tuple[str, ...]


class Engine:
    """Predictions from files. Safe to use from several threads; `close` stops what runs."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self._registry = ModelRegistry(self.settings.models)
        self._lock = threading.Lock()
        self._models: WarmModels | None = None
        self._backend: LocalBackend | None = None

    def models(self) -> tuple[ModelEntry, ...]:
        """Every model the host offers, the broken ones with their error."""
        return self._registry.entries()

    def model(self, model_id: str) -> ModelEntry:
        """The model of that id, or UnknownModel."""
        return self._registry.entry(model_id)

    def facts(self, model_id: str) -> ModelFacts:
        """What loading the model shows; takes seconds the first time."""
        entry = self.model(model_id)
        with self._warm().lease(entry) as model:
            return ModelFacts(
                sum(weight.numel() for weight in model.module.parameters()),
                model.calling.batch,
                model.calling.kind,
                {**model.checkpoint.hyper_parameters, **model.card.hyper_parameters},
                model.calling.sentences,
                model.task.inputs.needs(model.card),
            )

    def template(self, model_id: str) -> tuple[str, bytes]:
        """(file name, content) of what a visitor fills in."""
        card = self.model(model_id).usable_card()
        suffix, content = task_of(card).inputs.template(card)
        return f"{model_id}-template.{suffix}", content

    def samples(self, model_id: str) -> tuple[Sample, ...]:
        """The files a visitor may try the model with."""
        return self.model(model_id).usable_card().samples

    def sample_sources(self, model_id: str, title: str) -> tuple[Source, ...]:
        """The files of the sample of that title."""
        entry = self.model(model_id)
        samples = {sample.title: sample for sample in entry.usable_card().samples}
        if title not in samples:
            near = nearest(title, samples) or ", ".join(samples)
            raise UnknownModel(f"{model_id}: {title}", [near])
        return tuple(Source(Path(file).name, entry.folder / file) for file in samples[title].files)

    def check(
        self,
        model_id: str,
        sources: Sequence[Source],
        *,
        renames: Mapping[str, str] | None = None,
        keep_files: bool = False,
        progress: Progress = lambda stage, done, total: None,
    ) -> Run:
        """A run in state «checked»: its report says what can be predicted, its folder holds the typed rows.

        `renames` maps a column's name in the file to the one the model takes. `keep_files` copies the files into
        the run's folder. Raises ReadError where a file cannot be read at all; nothing is left then.
        """
        entry = self.model(model_id)
        card = entry.usable_card()
        folder = RunFolder.create(self.settings.runs_folder)
        try:
            kept = folder.keep(sources) if keep_files else tuple(sources)
            report = task_of(card).inputs.ingest(kept, card, folder.path, self.settings, renames or {}, progress)
            shutil.copyfile(entry.folder / CARD_FILE, folder.path / CARD_FILE)
            folder.write_report(report)
            folder.write(new_record(folder, entry.id, card, kept, renames or {}, report.n_rows))
        except BaseException:
            folder.delete()
            raise
        finally:
            folder.tidy()
        return folder.run()

    def predict_now(self, model_id: str, sources: Sequence[Source]) -> tuple[Report, pl.DataFrame]:
        """(the report, the lines as `results` would have them) of at most 1,000 rows, at once; nothing is kept.

        Where the report is fatal there are no lines. Raises ReadError, InputRefused, PredictionFailed.
        """
        from engine.single import predict_now

        with self._warm().lease(self.model(model_id)) as model, TemporaryDirectory(prefix="forelight-") as folder:
            return predict_now(model, sources, self.settings, Path(folder))

    def submit(self, run_id: str, options: Options | None = None) -> Run:
        """Starts a checked run and returns at once; InputRefused where its report is in the way."""
        folder, options = self._folder(run_id), options or Options()
        record, report = folder.record(), folder.report()
        if record.state != "checked":
            raise RunStateError(f"Run {run_id} is {record.state}; only a checked run can be started.")
        if report.fatal or report.n_good == 0 or (options.on_error == "refuse" and not report.clean):
            raise InputRefused(_refusal(report))
        folder.update(state="queued", stage="Waiting", options=options, pid=os.getpid())
        self._local().submit(folder)
        return folder.run()

    def wait(self, run_id: str, timeout: float | None = None) -> Run:
        """The run when it has ended, or after `timeout` seconds."""
        self._local().wait(run_id, timeout)
        return self.run(run_id)

    def cancel(self, run_id: str) -> None:
        """Stops the run after its current batch."""
        self._local().cancel(run_id)

    def run(self, run_id: str) -> Run:
        """The run as it is now, or RunNotFound."""
        return self._folder(run_id).run()

    def runs(self) -> tuple[Run, ...]:
        """All runs that were started, the newest first."""
        runs = [
            RunFolder.open(self.settings.runs_folder, run_id).run() for run_id in run_ids(self.settings.runs_folder)
        ]
        return tuple(sorted((run for run in runs if run.state != "checked"), key=lambda run: run.created, reverse=True))

    def delete(self, run_id: str) -> None:
        """Deletes a run and all its files; one that runs is stopped first."""
        folder = self._folder(run_id)
        if folder.record().state in ("queued", "running"):
            self.cancel(run_id)
            self.wait(run_id, 60)
        folder.delete()

    def clear_abandoned(self, seconds: float = 86_400) -> None:
        """Deletes what was checked longer ago than that and never started."""
        for run_id in list(run_ids(self.settings.runs_folder)):
            folder = self._folder(run_id)
            if folder.record().state == "checked" and time.time() - folder.path.stat().st_mtime > seconds:
                folder.delete()

    def preview(self, run_id: str, rows: int = 20) -> pl.DataFrame:
        """The first rows of the run's input, typed as the model takes them."""
        folder = self._folder(run_id)
        hidden = (*task_of(self._card(folder)).inputs.hidden_columns(), FAULT, ROW)
        table = folder.rows(0, rows)
        return pl.DataFrame(table.select([name for name in table.column_names if name not in hidden]))

    def results(self, run_id: str) -> Results:
        """The predictions of a run, whole or so far; RunStateError where there are none yet."""
        folder = self._folder(run_id)
        return Results(folder, self._card(folder), self.settings)

    def export(self, run_id: str, suffix: str) -> Path:
        """The results as a file of the run's folder, made once: csv, jsonl, parquet or xlsx."""
        run = self.run(run_id)
        path = run.folder / "exports" / f"predictions.{suffix}"
        if not run.ended:
            raise RunStateError(f"Run {run_id} is {run.state}; its results can be downloaded when it has ended.")
        return path if path.is_file() and suffix in FORMATS else export_results(self.results(run_id), path)

    def export_to(self, run_id: str, path: Path) -> Path:
        """The same bytes as `export`, in a file of the caller's; its suffix says the format."""
        return export_results(self.results(run_id), path)

    def download_name(self, run_id: str, suffix: str) -> str:
        """What the downloaded file is called: model and first file in it."""
        if suffix not in FORMATS:
            raise ExportError(f"No such format: '{suffix}'. Formats: {', '.join(FORMATS)}.")
        run = self.run(run_id)
        stem = re.sub(r"[^\w-]+", "-", Path(run.sources[0]).stem).strip("-")[:60] if run.sources else ""
        return f"{run.model_id}_{stem or 'predictions'}.{suffix}"

    def close(self) -> None:
        """Stops what runs; the engine can not be used after."""
        if self._backend is not None:
            self._backend.close()

    def _folder(self, run_id: str) -> RunFolder:
        return RunFolder.open(self.settings.runs_folder, run_id)

    def _card(self, folder: RunFolder) -> ModelCard:
        """The card as it was when the run was made; the host's may have changed since."""
        return read_card(folder.path / CARD_FILE)

    def _warm(self) -> WarmModels:
        from engine.warm import WarmModels

        with self._lock:
            self._models = self._models or WarmModels(self.settings.warm_models)
            return self._models

    def _local(self) -> LocalBackend:
        from engine.backends import LocalBackend

        models = self._warm()
        with self._lock:
            self._backend = self._backend or LocalBackend(self.settings, self._registry, models)
            return self._backend


def _refusal(report: Report) -> str:
    problems = [problem.message for problem in report.problems if problem.severity != "note"]
    counted = (
        f"{report.n_rows - report.n_good:,} of {report.n_rows:,} rows cannot be predicted" if report.n_rows else ""
    )
    return " ".join(part for part in (f"{counted}." if counted else "", *problems[:5]) if part) or "There are no rows."
