"""How long the evaluation of a million rows takes, and how much memory it holds besides what it held before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl

from engine import ClassEvaluation, Engine, Filter, Settings, ValueEvaluation, evaluation_of
from tests.bench.memory import Watch, held
from tests.engine.echoing import classes_model, predicted, values_model

LABELS = ("low", "middle", "high")


def evaluation_lines(folder: Path, rows: int) -> str:
    """Predicts so many rows with labels, and says what judging them costs in a process of its own."""
    models, home = folder / "echo", folder / "echo-home"
    classes_model(models / "classes", LABELS)
    values_model(models / "values")
    engine = Engine(Settings(home=home, models=(models,), accelerator="cpu"))
    lines = []
    for model, what, made in (("classes", "three classes", _classes), ("values", "one value", _values)):
        run_id = predicted(engine, model, made(rows), folder / "judged.parquet").run.id
        found = _measured(home, models, run_id)
        print(f"evaluation, {what}: {found}", file=sys.stderr, flush=True)
        lines.append(f"{what} {found['seconds']:.1f} s and {found['growth'] / 2**20:,.0f} MiB")
    engine.close()
    return f"Evaluation of {rows:,} rows, every figure and curve, and the memory it adds: {'; '.join(lines)}."


def _classes(rows: int) -> pl.DataFrame:
    random = np.random.default_rng(0)
    truth = random.integers(0, len(LABELS), rows)
    logits = random.normal(0, 1, (rows, len(LABELS))).astype(np.float32)
    logits[np.arange(rows), truth] += 1.5
    columns = {f"logit_{number}": logits[:, number] for number in range(len(LABELS))}
    return pl.DataFrame({**columns, "truth": pl.Series(LABELS).gather(truth)})


def _values(rows: int) -> pl.DataFrame:
    x = np.random.default_rng(0).normal(10, 3, rows).astype(np.float32)
    return pl.DataFrame({"x": x, "truth": x + np.random.default_rng(1).normal(size=rows)})


def _measured(home: Path, models: Path, run_id: str) -> dict[str, float]:
    environment = {**os.environ, "FORELIGHT_HOME": str(home), "FORELIGHT_MODELS": str(models)}
    command = [sys.executable, "-m", "tests.bench.evaluation", run_id]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(run_id: str) -> None:
    """Judges the run once in small, so that everything is imported, then whole, and watches."""
    results = Engine().results(run_id)
    evaluation = evaluation_of(results)
    _judge(evaluation, (Filter("row", "between", (1, 1_000)),))
    before = held()
    started = time.perf_counter()
    with Watch(seconds=0.005) as watch:
        _judge(evaluation, ())
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "growth": watch.peak - before}))


def _judge(evaluation: ClassEvaluation | ValueEvaluation | None, where: tuple[Filter, ...]) -> None:
    """All that the page asks for at first."""
    if isinstance(evaluation, ClassEvaluation):
        evaluation.figures(where)
        evaluation.calibration(where)
        evaluation.curve(evaluation.labels[0], where)
    elif isinstance(evaluation, ValueEvaluation):
        evaluation.figures("y", where)
        evaluation.parity("y", where)
        evaluation.residuals("y", "x", where)


if __name__ == "__main__":
    main(sys.argv[1])
