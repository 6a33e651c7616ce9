"""The models a host offers: their cards, and what a visitor may fill in or try."""

from __future__ import annotations

from pathlib import Path

from engine.backends import BACKENDS
from engine.cards.card import Sample
from engine.cards.versions import Version, set_default
from engine.errors import UnknownModel, nearest
from engine.lifecycle.load_check import LoadCheck
from engine.lifecycle.new_checkpoints import NewCheckpoints
from engine.models.fetched import FetchedModels
from engine.models.registry import ModelEntry, ModelRegistry
from engine.readers import READERS, Source
from engine.settings import Settings
from engine.tasks import TASKS, task_of
from engine.uploads import Upload


class Offers:
    """All that is known of models without loading one."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._registry = ModelRegistry(settings.model_folders)
        self._fetched = FetchedModels(settings)
        self._loads = LoadCheck(settings, self._registry)
        self._new = NewCheckpoints(settings, self._registry)

    def models(self) -> tuple[ModelEntry, ...]:
        """Every model the host offers, the broken ones with their error; a server also knows which do not load."""
        self._fetched.wait()
        return (*map(self._loads.judged, self._registry.entries()), *self._fetched.broken())

    def model(self, model_id: str, version: str = "") -> ModelEntry:
        """That version of the model, the default where none is named; UnknownModel, UnknownVersion."""
        self._fetched.wait()
        return self._loads.judged(self._registry.entry(model_id, version))

    def plugin_faults(self) -> tuple[str, ...]:
        """What is wrong with the tasks, readers and backends of other packages that cannot be used; logged once."""
        return (*TASKS.faults, *READERS.faults, *BACKENDS.faults)

    def set_default(self, model_id: str, version: str) -> str:
        """Makes that version the one that visitors get, at once, also in a server that runs; the one before.

        Runs keep the version that they were checked with. CardError where the version cannot be used; NotWritable.
        """
        entry = self.model(model_id, version)
        entry.usable_card()
        return set_default(entry.folder, entry.version)

    def add_checkpoint(self, model_id: str, upload: Upload, note: str = "") -> Version:
        """The further version that this file is from now on; CheckpointError says why it is none."""
        return self._new.add(model_id, upload, note)

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
