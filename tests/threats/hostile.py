"""Names that try to be more than names, a model whose card is full of them, and files whose cells and columns are."""

from __future__ import annotations

import io
import json
import urllib.request
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from engine.settings import BUNDLED_MODELS
from tests.engine.making import write_model

EVIL = "evil.example"
# One for each way to be obeyed: a picture, an element, links, a formula, an icon, a colour, addresses read as such.
NAMES = (
    f"![i](http://{EVIL}/i.png)",
    f"<img src=http://{EVIL}/e.png onerror=window.pwned=1>",
    f"[l](http://{EVIL}/l) [j](javascript:window.pwned=1)",
    r"$\sqrt{x}$ :material/face: :tada: :red[r]",
    f"http://{EVIL}/a //{EVIL}/b www.{EVIL} a@{EVIL}",
    "<script>window.pwned=1</script><svg onload=window.pwned=1>",
)
EVERYTHING = " ".join(NAMES)
MODEL = "hostile"
CODE = """
import pytorch_lightning as pl
from torch import nn
class Model(pl.LightningModule):
    def __init__(self, note: str):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Linear(6, 6)
    def forward(self, x):
        return self.net(x)
"""


def write_hostile_model(folder: Path) -> Path:
    """The folder of a model that works, and in whose card every name is hostile."""
    samples = "rows.csv"
    columns: list[dict[str, Any]] = [
        {"name": name, "unit": name, "description": EVERYTHING, "range": [-100, 100], "example": 1.5}
        for name in NAMES[:5]
    ]
    columns.append({"name": NAMES[5], "type": "category", "categories": list(NAMES), "description": EVERYTHING})
    card = {
        "title": f"Title {EVERYTHING}",
        "task": "tabular-classification",
        "description": EVERYTHING,
        "source": EVERYTHING,
        "license": EVERYTHING,
        "signature": columns,
        "labels": [f"label {name}" for name in NAMES],
        "target": f"target {NAMES[0]}",
        "samples": [{"title": f"Sample {EVERYTHING}", "files": [samples]}],
        "figures": [{"name": f"figure {EVERYTHING}", "value": 0.5, "unit": EVERYTHING, "data": EVERYTHING}],
    }  # fmt: skip
    model = write_model(folder / MODEL, CODE, card, EVERYTHING)
    (model / samples).write_text(table())
    broken = folder / "broken"
    broken.mkdir()
    (broken / "card.yaml").write_text(json.dumps({"title": "x", "task": "y", EVERYTHING: 1}))
    return model


def table(rows: int = 40) -> str:
    """A CSV for that model, with columns of the visitor's own."""
    header = [*NAMES, f"target {NAMES[0]}", f"own {NAMES[1]}", f"=own {NAMES[0]}"]
    lines = [",".join(map(_quoted, header))]
    for row in range(rows):
        numbers = [str((row * 7 + place) % 50) for place in range(5)]
        own = [NAMES[row % 6], f"label {NAMES[row % 6]}", NAMES[(row + 1) % 6], NAMES[(row + 2) % 6]]
        lines.append(",".join(map(_quoted, numbers + own)))
    lines[3] = lines[3].replace('"1', f'"{NAMES[0]}', 1)
    return "\n".join(lines) + "\n"


def pictures() -> bytes:
    """A zip of digits, in folders and files with such names."""
    content = io.BytesIO()
    source = BUNDLED_MODELS / "digits" / "samples" / "digits-in-folders.zip"
    with zipfile.ZipFile(source) as given, zipfile.ZipFile(content, "w") as made:
        for number, name in enumerate(given.namelist()[:12]):
            made.writestr(f"{number % 3}/{NAMES[number % 5].replace('/', '∕')} {number}.png", given.read(name))
    return content.getvalue()


def series() -> str:
    """Series whose ids are such names."""
    lines = (BUNDLED_MODELS / "lorenz-state" / "samples" / "25-series.csv").read_text().splitlines()
    found = [lines[0]]
    for line in lines[1:121]:
        number, _, rest = line.partition(",")
        found.append(f"{_quoted(NAMES[int(number) - 1])},{rest}")
    return "\n".join(found) + "\n"


def start_run(address: str, model: str, name: str, content: bytes) -> str:
    """The id of a run of that file, made by a program on the server's machine, when it has ended."""
    asked = f"{address}/api/v1/models/{quote(model)}/runs?name={quote(name, safe='')}&on_error=report"
    with urllib.request.urlopen(urllib.request.Request(asked, content, method="POST"), timeout=120) as answer:
        run_id: str = json.load(answer)["id"]
    with urllib.request.urlopen(f"{address}/api/v1/runs/{run_id}/events", timeout=120) as events:
        said = [line.removeprefix("data: ") for line in events.read().decode().splitlines() if "data: " in line]
    ended = json.loads(said[-1])
    assert ended["state"] == "done", ended["error"]
    note = json.dumps({"name": EVERYTHING[:200], "note": EVERYTHING}).encode()
    change = urllib.request.Request(
        f"{address}/api/v1/runs/{run_id}", note, {"content-type": "application/json"}, method="PATCH"
    )
    with urllib.request.urlopen(change, timeout=60):
        return run_id


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
