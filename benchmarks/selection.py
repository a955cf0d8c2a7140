"""The paper's Fig. 2a, a calculation in a branch of its own, joined by identifier with a selection: here and in other engines.

Each of them does it twice: written the way the paper's figure is, and the way that an expert writes it who has seen that the
calculator is needed only for what is selected.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import provgraph
from benchmarks import catalog
from benchmarks.figure import Figure, processed, shown, typical
from provgraph.language import cosmology
from provgraph.resolver import execute
from provgraph.schema.operators import AttributeCalculator

ROUNDS = 5
MORE = "two calculators, a rename and a second catalog"
Array = np.ndarray[Any, Any]


def measure(directory: Path, n: int, selected: int) -> list[Figure]:
    """On `n` new sources, of which the criterion selects `selected`."""
    directory.mkdir()
    fits = directory / "selection.fits"
    catalog.write_fits(fits, n, seed=11)
    ours, counted, limit, columns, other = _ours(directory / "survey", fits, selected)
    whole, seconds = typical(w for w, _ in ours), typical(p for _, p in ours)
    figures = [
        _counted(f"Fig. 2a over {n:,} sources, {selected:,} selected: sources the calculator sees", counted, selected),
        _counted(
            "the same with two calculators, a rename and a second catalog in between: sources that each sees",
            other,
            selected,
        ),
    ]
    for name, engine in (("Polars", _polars), ("DuckDB", _duckdb), ("DataFusion", _datafusion)):
        for form, bar, needed in (
            ("the same job as Fig. 2a is written in", 20, "20x"),
            ("the best form of it in", 0.75, "0.75x"),
        ):
            theirs, evaluated = engine(columns, limit, bar < 1)
            ratio = theirs / seconds
            figures.append(Figure(
                f"{form} {name}, {n:,} sources", f"{shown(seconds)}; whole pull with its results stored {shown(whole)}",
                f"{name}: {shown(theirs)}, calculator on {evaluated:,}", f"{ratio:.2f}x as fast", f">= {needed}",
                ratio >= bar,
            ))  # fmt: skip
    return figures


def _counted(what: str, counted: set[int], selected: int) -> Figure:
    seen = ", ".join(f"{n:,}" for n in sorted(counted))
    return Figure(what, seen, "", seen, f"{selected:,}", counted == {selected})


def _ours(directory: Path, fits: Path, selected: int
          ) -> tuple[list[tuple[float, float]], set[int], float, dict[str, Array], set[int]]:  # fmt: skip
    """Seconds (whole pull, processing part) of each round, sources the calculator saw, limit, columns, sources two others saw."""
    seen: list[int] = []
    calculate = execute.calculate

    def counting(definition: Any, inputs: Any, parameters: Any, n: int, **more: Any) -> Any:
        seen.append(n)
        return calculate(definition, inputs, parameters, n, **more)

    with provgraph.open(directory) as survey:
        survey.store_.indexes = None  # each round is to look at all sources
        sources = survey.ingest(fits, name="A", id="id", id_space="sky", units={"z": ""})
        table, _ = survey.process(sources.select("id", "z", "mag_u"))
        columns = {name: np.array(table[name].values) for name in ("id", "z", "mag_u")}
        redshift = np.sort(columns["z"])
        seconds = []
        execute.calculate = counting
        try:
            for turn in range(ROUNDS):
                # A cosmology and a limit of its own each time, between two sources: nothing that is stored says the same.
                low, high = redshift[selected - 1], redshift[selected]
                limit = float(low + (high - low) * (turn + 1) / ROUNDS)
                survey.define_calculator(
                    f"absmag_{turn}", requires=["mag_u", "z"], expression="mag_u - distmod(z)", unit="mag",
                    parameters={"H0": 70.0 + turn},
                )  # fmt: skip
                began = perf_counter()
                pull = survey.pull(sources, ["id", f"absmag_{turn}"], where=f"z < {limit!r}")
                resolved = perf_counter() - began
                processing, looked = processed(survey, pull.result, 3 * ROUNDS)
                assert looked == len(columns["id"]), "something stored was used"
                began = perf_counter()
                pull.data()
                seconds.append((resolved + perf_counter() - began, processing))
            counted = set(seen)
            seen.clear()
            _two_calculators(
                survey, sources, columns["id"], directory.parent / "second.parquet", float(redshift[selected])
            )
        finally:
            execute.calculate = calculate
    return seconds, counted, limit, columns, set(seen)


def _two_calculators(survey: Any, sources: Any, ids: Array, path: Path, limit: float) -> None:
    """By hand, in the worst order: everything is calculated and joined, then selected."""
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"id": ids, "dust": np.linspace(0, 1, len(ids))}), path)
    second = survey.ingest(path, name="dust", id="id", id_space="sky", units={"dust": "mag"})
    absmag = survey.define_calculator("absmag", requires=["mag_u", "z"], expression="mag_u - distmod(z)", unit="mag")
    bare = survey.define_calculator("bare", requires=["M", "dust"], expression="M - dust", unit="mag")
    first = AttributeCalculator.of(sources, absmag).rename(absmag="M")
    both = AttributeCalculator.of(sources.select("id", "z").concatenate(first, second.select("dust")), bare)
    end = sources.select("id", "z").concatenate(both).filter(f"z < {limit!r}").select("id", "bare")
    table, _ = survey.process(end)
    assert len(table)


def _absmag(z: Array, mag: Array) -> Array:
    return mag - cosmology.distmod(z, dict(cosmology.PARAMETERS))


def _polars(columns: dict[str, Array], limit: float, best: bool) -> tuple[float, int]:
    import polars as pl

    frame = pl.DataFrame(columns)
    seen: list[int] = []

    def calculator(series: Any) -> Any:
        seen.append(len(series[0]))
        return pl.Series(_absmag(series[0].to_numpy(), series[1].to_numpy()))

    def calculated(source: Any) -> Any:
        return source.select("id", absmag=pl.map_batches(["z", "mag_u"], calculator, return_dtype=pl.Float64))

    def job() -> Any:
        source = frame.lazy()
        chosen = source.filter(pl.col("z") < limit)
        return (
            calculated(chosen) if best else chosen.join(calculated(source), on="id").select("id", "absmag")
        ).collect()

    return _typical(job, seen)


NAIVE = """
    SELECT s.id, c.absmag FROM (SELECT id FROM a WHERE z < {limit!r}) s
    JOIN (SELECT id, absmag(z, mag_u) AS absmag FROM a) c ON s.id = c.id
"""
BEST = "SELECT id, absmag(z, mag_u) AS absmag FROM a WHERE z < {limit!r}"


def _duckdb(columns: dict[str, Array], limit: float, best: bool) -> tuple[float, int]:
    import duckdb
    import pyarrow as pa

    seen: list[int] = []

    def calculator(z: Any, mag: Any) -> Any:
        seen.append(len(z))
        return pa.array(_absmag(z.to_numpy(), mag.to_numpy()))

    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")  # it would be among the figures
    connection.register("arrow", pa.table(columns))
    connection.execute("CREATE TABLE a AS SELECT * FROM arrow")  # its own storage, where it is fastest
    connection.create_function("absmag", calculator, ["DOUBLE", "FLOAT"], "DOUBLE", type="arrow")
    query = (BEST if best else NAIVE).format(limit=limit)
    return _typical(lambda: connection.execute(query).fetchnumpy(), seen)


def _datafusion(columns: dict[str, Array], limit: float, best: bool) -> tuple[float, int]:
    import datafusion
    import pyarrow as pa

    seen: list[int] = []

    def calculator(z: Any, mag: Any) -> Any:
        seen.append(len(z))
        return pa.array(_absmag(z.to_numpy(), mag.to_numpy()))

    cores = os.cpu_count() or 1
    context = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(cores))
    table = pa.table(columns)
    part = -(-len(table) // cores)
    context.register_record_batches("a", [table.slice(k * part, part).to_batches() for k in range(cores)])
    context.register_udf(
        datafusion.udf(calculator, [pa.float64(), pa.float32()], pa.float64(), "immutable", name="absmag")
    )
    query = (BEST if best else NAIVE).format(limit=limit)
    return _typical(lambda: context.sql(query).to_arrow_table(), seen)


def _typical(job: Callable[[], Any], seen: list[int]) -> tuple[float, int]:
    """Typical seconds, and the sources on which the calculator was evaluated in one round."""
    seconds = []
    for _ in range(ROUNDS):
        seen.clear()
        began = perf_counter()
        job()
        seconds.append(perf_counter() - began)
    return typical(seconds), sum(seen)
