"""Models that take their time, die or fill the disk, to see what a run makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.engine.making import TABULAR_CARD, linear, write_model

_STEPS = {
    "slow": "time.sleep(0.02 if len(x) > 5 else 0)",
    # Twenty seconds and more for 300,000 rows, a second a batch, until a file says that it may hurry.
    "slower": """hurry = os.path.exists(os.path.join(os.path.dirname(__file__), "hurry"))
        time.sleep(7e-5 * len(x) if len(x) > 5 and not hurry else 0)""",
    "stuck": "time.sleep(60 if len(x) > 5 else 0)",
    # Dies at a row whose first value is 666; once only where a file says so.
    "dying": """mark = os.path.join(os.path.dirname(__file__), "died")
        if (x[:, 0] == 666).any() and not (os.path.exists(mark) and os.path.exists(mark + "-once")):
            open(mark, "w").close()
            os.kill(os.getpid(), signal.SIGSEGV)""",
    # Its memory holds 60 rows where one of them is marked, and any number where none is; notes what it was given.
    "hungry": """here = os.path.dirname(__file__)
        if len(x) > 60 and (x[:, 0] == 666).any():
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        if (x[:, 0] == 667).any():
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        with open(os.path.join(here, "seen"), "a") as seen:
            seen.write(f"{len(x)}\\n")""",
    # Its device fails at a marked row, the first time that it is seen.
    "poisoned": """mark = os.path.join(os.path.dirname(__file__), "failed")
        if (x[:, 0] == 666).any() and not os.path.exists(mark):
            open(mark, "w").close()
            raise torch.AcceleratorError("CUDA error: device-side assert triggered")""",
    # Slow in the process whose number a file holds; notes who predicted how much.
    "uneven": """here = os.path.dirname(__file__)
        if len(x) > 5:
            lame = open(os.path.join(here, "lame")).read() == str(os.getpid())
            time.sleep((20 if lame else 1) * 5e-5 * len(x))
            with open(os.path.join(here, "seen"), "a") as seen:
                seen.write(f"{os.getpid()} {len(x)}\\n")""",
}
CARD: dict[str, Any] = {**TABULAR_CARD, "title": "Trouble"}


def write_trouble(folder: Path) -> Path:
    """A folder of these models, by their names."""
    for name, step in _STEPS.items():
        write_model(folder / name, linear(step), {**CARD, "title": name.capitalize()})
    return folder


def write_rows(path: Path, rows: int, first: dict[int, int] | None = None) -> Path:
    """A CSV of so many rows; `first` maps a row, from 0, to its first value."""
    values = first or {}
    lines = (f"{values.get(row, row % 7)},{row % 11},{row % 13},{row}" for row in range(rows))
    path.write_text("a,b,c,d\n" + "\n".join(lines) + "\n")
    return path
