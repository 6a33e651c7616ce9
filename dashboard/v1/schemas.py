"""What goes over the wire, described."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dashboard.v1.problems import FileProblem, problems_of
from engine import ModelEntry, Options, Run, Share, Upload, task_of

Text = Annotated[str, Field(max_length=2_000)]
AskedVersion = Annotated[str, Query(max_length=64, description="of the model; its default where empty")]
RunId = Annotated[str, Path(pattern=r"^[a-z2-7]{26}$")]
OtherId = Annotated[str, Path(pattern=r"^[a-z2-7]{26}$")]
ModelId = Annotated[str, Path(pattern=r"^[^/\x00-\x1f\x7f]{1,200}$")]
Figure = Annotated[float, Field(allow_inf_nan=False)]
RunState = Literal["checked", "queued", "running", "done", "failed", "cancelled", "interrupted"]


def _each_once(uploads: list[str]) -> list[str]:
    if len(set(uploads)) < len(uploads):
        raise ValueError("a file is named twice")
    return uploads


class Wanted(BaseModel):
    """The body of a request; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid")


class ColumnOfModel(BaseModel):
    """One column that a model takes."""

    name: str
    type: str
    unit: str = ""
    description: str = ""
    range: tuple[float, float] | None = Field(None, description="valid values; a row outside is not predicted")
    categories: list[str] = []
    example: Any = None


class OutputOfModel(BaseModel):
    """One value that a model gives."""

    name: str
    unit: str = ""
    description: str = ""


class FigureOfModel(BaseModel):
    """How good a model was measured to be, on data it was not trained on."""

    name: str
    value: float
    unit: str = ""
    data: str = ""


class VersionOfModel(BaseModel):
    """One checkpoint of a model. `error` says why it cannot be used, "" where it can."""

    name: str
    default: bool
    sha256: str = Field("", description="of the checkpoint, where the host has written it down")
    created: str = ""
    note: str = ""
    error: str = ""
    figures: list[FigureOfModel] = []


class Model(BaseModel):
    """One model: what it is, what it takes, what it gives. `error` says why it cannot be used, "" where it can."""

    id: str
    version: str = Field("", description="the one that predicts where none is named")
    title: str = ""
    task: str = ""
    description: str = ""
    error: str = ""
    signature: list[ColumnOfModel] = []
    labels: list[str] = []
    outputs: list[OutputOfModel] = []
    horizon: int | None = Field(None, description="steps that are forecast of each series")
    dimensions: int | None = Field(None, description="figures of an embedding")
    target: str = ""
    needs: list[str] = []
    figures: list[FigureOfModel] = []

    @classmethod
    def of(cls, entry: ModelEntry) -> Model:
        card = entry.card
        if card is None:
            return cls(id=entry.id, error=entry.error)
        told = card.model_dump(include={"title", "task", "description", "labels", "outputs", "target", "figures"})
        columns = [
            ColumnOfModel(**column.model_dump(include=set(ColumnOfModel.model_fields))) for column in card.signature
        ]
        more = {"horizon": card.forecast.horizon if card.forecast else None, "dimensions": card.dimensions}
        told["version"] = entry.version
        return cls(id=entry.id, signature=columns, needs=list(task_of(card).inputs.needs(card)), **told, **more)


class UploadedFile(BaseModel):
    """A file that lies on the server, to be named in a run within a day."""

    id: str
    name: str
    size: int = Field(description="bytes")
    sha256: str

    @classmethod
    def of(cls, upload: Upload) -> UploadedFile:
        return cls(id=upload.id, name=upload.name, size=upload.size, sha256=upload.sha256)


class Rows(Wanted):
    """Rows to predict at once: by column, as a file would hold them."""

    rows: Annotated[list[dict[str, str | int | Figure | bool | None]], Field(min_length=1, max_length=1_000)]


class Predictions(BaseModel):
    """One line a row, in order: row, the columns that came, the predictions, status and error."""

    rows: list[dict[str, Any]]
    problems: list[FileProblem] = Field(description="why rows were not predicted, and notes")


class WantedVersion(Wanted):
    """A version of a model, by its name."""

    version: Text


class NewRun(Wanted):
    """Files, uploaded before, to be predicted by a model."""

    model: Text
    version: Text = Field("", description="of the model; its default where empty")
    uploads: Annotated[
        list[Annotated[str, Field(max_length=64)]],
        Field(min_length=1, max_length=10_000, json_schema_extra={"uniqueItems": True}),
        AfterValidator(_each_once),  # a file named a thousand times would be read as often
    ]
    renames: dict[Text, Text] = Field({}, description="a column's name in the file → the one the model takes")
    options: Options = Options()
    start: bool = Field(True, description="false: only check the files")


class ChangedRun(Wanted):
    """A name or a note for people."""

    name: Annotated[str, Field(max_length=200)] | None = None
    note: Annotated[str, Field(max_length=4_000)] | None = None


class RunInfo(BaseModel):
    """One run as it is now. Times are ISO 8601 in UTC, or ""; rows are lines of the input."""

    id: str
    state: RunState
    model: str
    version: str
    name: str
    note: str
    files: list[str]
    created: str
    started: str
    finished: str
    rows_total: int
    rows_good: int = Field(description="rows that can be predicted, as the check found")
    rows_done: int
    rows_failed: int
    rows_per_second: float
    seconds_left: float | None
    ahead: int | None = Field(description="runs that are served before it, where it waits here")
    stage: str
    error: str
    bytes: int
    problems: list[FileProblem]

    @classmethod
    def of(cls, run: Run) -> RunInfo:
        same = {name: getattr(run, name) for name in cls.model_fields if hasattr(run, name)}
        return cls(
            **{**same, "model": run.model_id, "files": list(run.sources)},
            rows_good=run.report.n_good,
            ahead=run.place.ahead if run.place is not None else None,
            problems=problems_of(run.report),
        )


class RunList(BaseModel):
    """A page of one's own runs, the newest first."""

    runs: list[RunInfo]
    total: int


class Page(BaseModel):
    """Lines of a run's results, and how many the filter lets through."""

    rows: list[dict[str, Any]]
    total: int


class WantedShare(Wanted):
    """Who may see a run: whoever has the link, or `everyone` who may log in."""

    everyone: bool = False
    days: Annotated[float, Field(gt=0, le=366)] = 7.0


class SharedRun(BaseModel):
    """One way to see a run. `key` is shown once, when a link is made: `/result?run=…&key=…`, `?key=…` here."""

    id: str
    link: bool
    expires: str
    key: str = ""

    @classmethod
    def of(cls, share: Share, key: str = "") -> SharedRun:
        return cls(id=share.id, link=share.link, expires=share.expires, key=key)
