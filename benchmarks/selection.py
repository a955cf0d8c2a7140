"""The paper's Fig. 2a: a calculation in a branch of its own, joined by identifier with a selection; here and in two data frames."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import provgraph
from benchmarks import catalog
from benchmarks.figure import Figure, shown, typical
from provgraph.language import cosmology
from provgraph.resolver import execute

ROUNDS = 5
Array = np.ndarray[Any, Any]


def measure(directory: Path, n: int, selected: int) -> list[Figure]:
    """On `n` new sources, of which the criterion selects `selected`."""
    directory.mkdir()
    fits = directory / "selection.fits"
    catalog.write_fits(fits, n, seed=11)
    ours, counted, limit, columns = _ours(directory / "survey", fits, selected)
    whole, seconds = typical(w for w, _ in ours), typical(p for _, p in ours)
    figures = [
        Figure(
            f"Fig. 2a over {n:,} sources, {selected:,} selected: sources the calculator sees", f"{counted:,}", "", f"{counted:,}",
            f"{selected:,}", counted == selected,
        )
    ]  # fmt: skip
    for name, engine in (("Polars", _polars), ("DuckDB", _duckdb)):
        theirs, evaluated = engine(columns, limit)
        ratio = theirs / seconds
        figures.append(Figure(
            f"the same job as Fig. 2a is written in {name}", f"{shown(seconds)}; whole pull with its results stored {shown(whole)}",
            f"{name}: {shown(theirs)}, calculator on {evaluated:,}", f"{ratio:.1f}x faster", "faster", ratio > 1,
        ))  # fmt: skip
    return figures


def _ours(directory: Path, fits: Path, selected: int) -> tuple[list[tuple[float, float]], int, float, dict[str, Array]]:
    """Seconds of whole pull and processing part in each round, sources seen by the calculator, the limit, the columns."""
    seen: list[int] = []
    calculate = execute.calculate

    def counting(definition: Any, inputs: Any, parameters: Any, n: int) -> Any:
        seen.append(len(inputs["z"].values))
        return calculate(definition, inputs, parameters, n)

    with provgraph.open(directory) as survey:
        sources = survey.ingest(fits, name="A", id="id", units={"z": ""})
        table, _ = survey.process(sources.select("id", "z", "mag_u"))
        columns = {name: np.array(table[name].values) for name in ("id", "z", "mag_u")}
        limit = float(np.sort(columns["z"])[selected])
        seconds = []
        execute.calculate = counting
        try:
            for turn in range(ROUNDS):
                # A cosmology of its own each time, else what the first round stored would serve; criteria differ in writing only.
                definition = survey.define_calculator(
                    f"absmag_{turn}", requires=["mag_u", "z"], expression="mag_u - distmod(z)", unit="mag",
                    parameters={"H0": 70.0 + turn},
                )  # fmt: skip
                began = perf_counter()
                pull = survey.pull(sources, ["id", definition.name], where=f"z < {limit!r} and mag_u < {1000 + turn}")
                pull.data()
                seconds.append((perf_counter() - began, pull.measured.seconds))
        finally:
            execute.calculate = calculate
    assert len(set(seen)) == 1, seen
    return seconds, seen[0], limit, columns


def _absmag(z: Array, mag: Array) -> Array:
    return mag - cosmology.distmod(z, dict(cosmology.PARAMETERS))


def _polars(columns: dict[str, Array], limit: float) -> tuple[float, int]:
    import polars as pl

    frame = pl.DataFrame(columns)
    seen: list[int] = []

    def calculator(series: Any) -> Any:
        seen.append(len(series[0]))
        return pl.Series(_absmag(series[0].to_numpy(), series[1].to_numpy()))

    def job() -> Any:
        source = frame.lazy()
        calculated = source.select("id", absmag=pl.map_batches(["z", "mag_u"], calculator, return_dtype=pl.Float64))
        return source.filter(pl.col("z") < limit).join(calculated, on="id").select("id", "absmag").collect()

    return _typical(job, seen)


def _duckdb(columns: dict[str, Array], limit: float) -> tuple[float, int]:
    import duckdb
    import pyarrow as pa

    seen: list[int] = []

    def calculator(z: Any, mag: Any) -> Any:
        seen.append(len(z))
        return pa.array(_absmag(z.to_numpy(), mag.to_numpy()))

    connection = duckdb.connect()
    connection.register("arrow", pa.table(columns))
    connection.execute("CREATE TABLE a AS SELECT * FROM arrow")  # its own storage, where it is fastest
    connection.create_function("absmag", calculator, ["DOUBLE", "FLOAT"], "DOUBLE", type="arrow")
    query = """
        SELECT s.id, c.absmag FROM (SELECT id FROM a WHERE z < ?) s
        JOIN (SELECT id, absmag(z, mag_u) AS absmag FROM a) c ON s.id = c.id
    """
    return _typical(lambda: connection.execute(query, [limit]).fetchnumpy(), seen)


def _typical(job: Any, seen: list[int]) -> tuple[float, int]:
    """Typical seconds, and the sources on which the calculator was evaluated in one round."""
    seconds = []
    for _ in range(ROUNDS):
        seen.clear()
        began = perf_counter()
        job()
        seconds.append(perf_counter() - began)
    return typical(seconds), sum(seen)
