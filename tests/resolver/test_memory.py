"""What is allowed is kept to: a process whose data may not grow further gives the same, bit by bit."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import provgraph
from provgraph.resolver.bounded import estimate
from provgraph.resolver.execute import Outcome, WorkOrder, run_partition
from tests.installed import Site, replacing, site  # noqa: F401

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits the data of a process"),
]
N = 3_000_000
MEMORY = 64 << 20
SLACK = 12 << 20  # what numpy, threads and blocks take however small the parts are

CHILD = """
import json, os, resource, sys
from dataclasses import replace
from pathlib import Path
from provgraph.bulk.hdf5 import Hdf5Store
from provgraph.resolver.bounded import run_bounded
from provgraph.resolver.execute import WorkOrder, run_partition
from tests.resolver.test_memory import digest

def status(name):
    return int(next(l for l in open("/proc/self/status") if l.startswith(name)).split()[1]) << 10

order = WorkOrder.from_json(Path(sys.argv[1]).read_text())
warm = WorkOrder.from_json(Path(sys.argv[2]).read_text())
memory, slack = int(sys.argv[3]), int(sys.argv[4])
store = Hdf5Store(Path(order.store))
run_partition(replace(warm, memory=None), None, 200_000, store=store)  # threads, modules, and what is allocated once
before = status("VmData")
resource.setrlimit(resource.RLIMIT_DATA, (before + memory + slack,) * 2)
outcome = run_bounded(replace(order, memory=memory), store=store)
print(json.dumps([digest(outcome), outcome.calculated, outcome.filtered]))
"""


def digest(outcome: Outcome) -> str:
    found = hashlib.sha256()
    for array in (outcome.ids, *(a for _, c in sorted(outcome.columns.items()) for a in c)):
        found.update(b"none" if array is None else np.ascontiguousarray(array).data)
    return found.hexdigest()


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, WorkOrder]]:
    """Plans over catalogs of three million sources, each of which takes several times of what is allowed."""
    from astropy.table import Table

    directory = tmp_path_factory.mktemp("memory")
    rng = np.random.default_rng(1)
    ids = rng.permutation(N) * 3 + 2**53
    x = rng.random(N)
    x[::17] = np.nan
    Table({"id": ids, "x": x, "y": rng.random(N), "redshift": rng.random(N)}).write(directory / "a.fits")
    Table({"id": np.sort(ids)[1::2], "w": rng.random(N // 2)}).write(directory / "b.fits")
    packages = directory / "site"
    packages.mkdir()
    Site(packages).install(edit=replacing(
        "methods.py", (Path(__file__).parents[1] / "data/skycalc/skycalc/methods.py").read_text().partition(
            'other = among["redshift"]\n')[2].partition("\n\n\n")[0],
        '    parts = [other[k : k + 65536] for k in range(0, len(other), 65536)]\n'
        '    return z - sum(float(np.ma.sum(p)) for p in parts) / len(among)',
    ))  # fmt: skip
    with pytest.MonkeyPatch.context() as patch, provgraph.open(directory / "survey") as survey:
        patch.syspath_prepend(str(packages))
        a = survey.ingest(directory / "a.fits", id="id", id_space="sky", name="A", rename={}, units={"redshift": ""})
        b = survey.ingest(directory / "b.fits", id="id", id_space="sky", name="B")
        s = survey.define_calculator("s", requires=["x", "y"], expression="sqrt(x) + sin(y)")
        t = survey.define_calculator("t", requires=["y", "w"], expression="y * w")
        survey.store(a.select("id", "redshift").concatenate(a.select("y").rename(y="mag_u")), name="catalog")
        crowd = survey.define_calculator(entry_point="crowd", catalogs={"among": "catalog"})
        pairs = survey.relabelling("sky", "elsewhere", ids, rng.permutation(N))
        both = a.concatenate(b)
        ends = {
            "warm": a.filter("x < 0.5").select("id", "y"),
            "calculate": a.filter("y < 0.9").concatenate(survey.calculate(a, s)),
            "join": both.concatenate(survey.calculate(both, t)).filter("x < 0.8"),
            "union": a.select("id", "x", "y").filter("x < 0.3").union(
                a.select("id", "x", "y").filter("not (x < 0.6)"), b.select("id", "w").rename(w="y").concatenate(
                    a.select("x")).select("id", "x", "y"), policy="first"),
            "relabel": a.relabel("other", scale=-7, offset=11).filter("x < 0.9"),
            "pairs": a.relabel(pairs).filter("y > 0.1"),
            "catalog": a.filter("y < 0.7").concatenate(survey.calculate(a, crowd)),
        }  # fmt: skip
        found = {}
        for name, end in ends.items():
            survey.store(end)
            copied, done = survey.processor.optimised(end)
            found[name], _ = survey.processor.order(copied, done.plan)
            (directory / f"{name}.json").write_text(found[name].to_json())
        yield {**found, "": directory}  # type: ignore[dict-item]


@pytest.mark.parametrize("name", ["calculate", "join", "union", "relabel", "pairs", "catalog"])
def test_memory_is_kept_to(orders: dict[str, Any], name: str) -> None:
    order, directory = orders[name], orders[""]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(directory / "site"))
        whole = run_partition(order)
    assert estimate(order, provgraph.survey.Hdf5Store(Path(order.store))).bytes > 3 * MEMORY
    arguments = [str(directory / f"{name}.json"), str(directory / "warm.json"), str(MEMORY), str(SLACK)]
    path = os.pathsep.join([str(directory / "site"), os.getcwd()])
    child = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments], capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert child.returncode == 0, child.stderr[-2000:]
    assert json.loads(child.stdout) == [digest(whole), whole.calculated, whole.filtered]
    assert not list((directory / "survey" / "scratch").glob("*"))


def test_the_limit_is_one(orders: dict[str, Any]) -> None:
    """Without a budget the same child does not get through: it is the limit that the others keep to."""
    directory = orders[""]
    arguments = [
        str(directory / "join.json"),
        str(directory / "warm.json"),
        str(1 << 40),
        str(MEMORY + SLACK - (1 << 40)),
    ]
    child = subprocess.run([sys.executable, "-c", CHILD, *arguments], capture_output=True, text=True, check=False,
                           timeout=300)  # fmt: skip
    assert "MemoryError" in child.stderr
