"""A Lightning callback that writes a model's folder at the end of the training: card, checkpoint, sample, figures."""

from __future__ import annotations

import inspect
import secrets
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytorch_lightning as lightning
import torch
import yaml

from engine.cards.card import ModelCard, file_hash, read_card
from engine.cards.code_files import root_of
from engine.cards.versions import FIRST, set_default
from engine.checkpoints.checkpoint import load_checkpoint
from engine.checkpoints.module import lightning_package
from engine.checkpoints.warm import load_model
from engine.errors import CardError, ForelightError
from engine.export.retrained import add_trained, check_place
from engine.models.registry import CARD_FILE, read_entries
from engine.own_code.local_code import files_of, is_installed, name_of
from engine.tasks import task_of

CHECKPOINT = "model.ckpt"
_KEPT = ("state_dict", "hyper_parameters", "hparams_name", "pytorch-lightning_version", "epoch", "global_step")
_MOST_ROWS = 100_000
_SAMPLE_ROWS = 20
_QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


class ExportCard(lightning.Callback):
    """Writes `folder` when `fit` has ended, whole or not at all, for a dashboard to pick up while it runs.

    `card` is what a card says and a training cannot know: title, task, labels or outputs, target, units. In its
    `signature` names are enough; range and quartiles of what the model was trained on are added from the first 100,000
    rows, an example from the first. `sample` is a file for visitors to try; where none is given and the rows are those
    of a table, twenty of the validation's are written. The checkpoint is the best one that a ModelCheckpoint kept, else
    the last, without the optimizer. Figures are the validation's metrics.

    A folder that holds this model already gets a further version: its card, its samples, its other versions and which
    one is the default stay as they are, unless `make_default`. One that holds anything else is a CardError before the
    training begins, as is what is wrong with the card. Works with `pytorch_lightning` and with `lightning.pytorch`. A
    class that was defined in a script has its file copied: it must train only under `if __name__ == "__main__"`. The
    files beside it that it imports are copied too.
    """

    def __init__(
        self, folder: str | Path, *, sample: str | Path | None = None, make_default: bool = False, **card: Any
    ) -> None:
        self.folder, self.sample = Path(folder), None if sample is None else Path(sample)
        self.make_default = make_default
        self.given = card
        signature = card.get("signature", ())
        self.columns = [{"name": each} if isinstance(each, str) else dict(each) for each in signature]

    def on_fit_start(self, trainer: Any, module: Any) -> None:
        card = ModelCard.model_validate({**self._said(), "module": f"trained:{type(module).__name__}"})
        task_of(card).check_card(card)
        if self.sample is not None and not self.sample.is_file():
            raise CardError(f"ExportCard: there is no sample '{self.sample}'.")
        check_place(self.folder, card)

    def on_fit_end(self, trainer: Any, module: Any) -> None:
        if not trainer.is_global_zero:
            return
        new = self.folder.with_name(f".{self.folder.name}.{secrets.token_hex(4)}.new")
        new.mkdir(parents=True)
        try:
            self._write(trainer, module, new)
            folder, version = self._place(new, read_card(new / CARD_FILE))
        finally:
            shutil.rmtree(new, ignore_errors=True)
        if self._works(folder, version) and self.make_default:
            set_default(folder, version)

    def _write(self, trainer: Any, module: Any, new: Path) -> None:
        """The whole folder of the model, as if there were none yet."""
        card = {**self._said(), "module": _copied_class(module, new), "checkpoint": CHECKPOINT}
        _save(trainer, new / CHECKPOINT)
        card["sha256"] = file_hash(new / CHECKPOINT)
        card["signature"] = self._signature(_rows(trainer.train_dataloader))
        card["samples"] = self._samples(trainer, new)
        card["figures"] = [*card.get("figures", ()), *_figures(trainer)]
        text = yaml.safe_dump({key: value for key, value in card.items() if value}, sort_keys=False, allow_unicode=True)
        (new / CARD_FILE).write_text("# Written by ExportCard at the end of the training.\n" + text, encoding="utf-8")

    def _place(self, new: Path, card: ModelCard) -> tuple[Path, str]:
        """(the folder, the version in it) that the training has become; beside where another took the folder."""
        if _moved(new, self.folder):
            return self.folder, FIRST
        try:
            check_place(self.folder, card)
            return self.folder, add_trained(new, self.folder, card).name
        except (ForelightError, OSError) as exc:
            names = (self.folder.with_name(f"{self.folder.name}-{number}") for number in range(2, 10_000))
            beside = next(path for path in names if _moved(new, path))
            warnings.warn(f"ExportCard: the model is in '{beside}' instead. {exc}", stacklevel=3)
            return beside, FIRST

    def _said(self) -> dict[str, Any]:
        return {**self.given, "signature": self.columns}

    def _signature(self, rows: torch.Tensor | None) -> list[dict[str, Any]]:
        """The columns, with what the model was trained on where the rows are as wide as the signature."""
        if rows is None or rows.shape[1] != len(self.columns):
            return self.columns
        quantiles = torch.quantile(rows.double(), torch.tensor(_QUANTILES, dtype=torch.float64), dim=0).T.tolist()
        found = []
        for column, trained, example in zip(self.columns, quantiles, rows[0].tolist(), strict=True):
            told = {**column}
            if column.get("type", "float") in ("float", "integer"):
                told["trained"] = [_short(figure) for figure in trained]
                told.setdefault("example", _short(example))
            found.append(told)
        return found

    def _samples(self, trainer: Any, folder: Path) -> list[dict[str, Any]]:
        (folder / "samples").mkdir()
        if self.sample is not None:
            shutil.copyfile(self.sample, folder / "samples" / self.sample.name)
            return [{"title": self.sample.stem, "files": [f"samples/{self.sample.name}"]}]
        rows = _rows(trainer.val_dataloaders, most=_SAMPLE_ROWS) if trainer.val_dataloaders else None
        plain = all(column.get("type", "float") in ("float", "integer") for column in self.columns)
        if rows is None or rows.shape[1] != len(self.columns) or not plain or self.given.get("sequence"):
            return []
        names = [column["name"] for column in self.columns]
        pl.DataFrame([[_short(cell) for cell in row] for row in rows.tolist()], schema=names, orient="row").write_csv(
            folder / "samples" / "rows.csv"
        )
        return [{"title": f"{len(rows)} rows of the validation", "files": ["samples/rows.csv"]}]

    def _works(self, folder: Path, version: str) -> bool:
        """Says at once what visitors would meet otherwise; the training is done, so it is a warning."""
        try:
            load_model(read_entries(folder / CARD_FILE)[version].usable_card(), folder)
        except ForelightError as exc:
            what = f"{folder}, version {version}," if version != FIRST else str(folder)
            warnings.warn(f"ExportCard: {what} is written, but cannot be served: {exc}", stacklevel=3)
            return False
        return True


def _moved(new: Path, folder: Path) -> bool:
    """Whether it became that folder; not where anything is there."""
    try:
        new.rename(folder)
    except OSError:
        if folder.exists():
            return False
        raise
    return True


def _copied_class(module: Any, folder: Path) -> str:
    """What the card calls the class; its file, and those that it imports, go along where no package has it."""
    kind = type(module)
    lightning_package(kind)
    source = inspect.getsourcefile(kind)
    if "." in kind.__module__ and is_installed(kind.__module__):
        return f"{kind.__module__}:{kind.__qualname__}"
    if source is None:
        raise CardError(f"ExportCard: the file of {kind.__qualname__} is not known. Put the class into a file.")
    root, own = root_of(Path(source)), Path(source).absolute()
    name = "model" if kind.__module__ == "__main__" else name_of(own)
    files = {each: each.relative_to(root) for each in files_of(own)}
    files[own] = Path(*name.split(".")).with_suffix(".py")
    for each, place in files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(each, folder / place)
    return f"{name}:{kind.__qualname__}"


def _save(trainer: Any, path: Path) -> None:
    """Weights and hyper-parameters only, of the best checkpoint where one was kept."""
    best = Path(getattr(trainer.checkpoint_callback, "best_model_path", "") or "")
    if not best.is_file():
        trainer.save_checkpoint(path, weights_only=True)
        best = path
    load_checkpoint(best, ModelCard(title="best", task="any", module="any:Any"))  # says what is not plain data
    content = torch.load(best, map_location="cpu", weights_only=True)
    torch.save({key: content[key] for key in _KEPT if key in content}, path)


def _rows(loader: Any, most: int = _MOST_ROWS) -> torch.Tensor | None:
    """float32 (rows, features) of the first batches; None where the batches hold no rows of figures."""
    found: list[torch.Tensor] = []
    for x in _inputs(loader):
        if x.ndim not in (2, 3) or not x.is_floating_point():
            return None
        found.append(x.detach().cpu().reshape(-1, x.shape[-1])[: most - sum(map(len, found))])
        if sum(map(len, found)) >= most:
            break
    return torch.cat(found) if found else None


def _inputs(loader: Any) -> Iterator[torch.Tensor]:
    """The first tensor of each batch, whatever the batch is."""
    for batch in loader:
        while isinstance(batch, (tuple, list, Mapping)) and batch:
            batch = next(iter(batch.values())) if isinstance(batch, Mapping) else batch[0]
        if not isinstance(batch, torch.Tensor):
            return
        yield batch


def _figures(trainer: Any) -> Sequence[dict[str, Any]]:
    where = f"validation, epoch {trainer.current_epoch}"
    return [
        {"name": name, "value": _short(float(value)), "data": where}
        for name, value in sorted(trainer.callback_metrics.items())
        if name.startswith("val") and torch.isfinite(torch.as_tensor(value)).all()
    ]


def _short(figure: float) -> float:
    """The figure with the digits that mean something."""
    return float(f"{figure:.6g}")
