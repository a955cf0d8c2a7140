"""The job in AiiDA's way, run by its own Python: ``aiida_job.py N``; a profile with SQLite on disk must be there (AIIDA_PATH)."""

import json
import sys
from time import perf_counter

from aiida import load_profile, orm
from aiida.engine import calcfunction

load_profile()
N = int(sys.argv[1])


@calcfunction
def reduced(raw, sigma):
    return orm.Float(raw.value * sigma.value)


@calcfunction
def coadd(**frames):
    return orm.Float(sum(f.value for f in frames.values()))


began = perf_counter()
raws = [orm.Float(float(i)).store() for i in range(N)]
stored = perf_counter() - began
sigma = orm.Float(3.0).store()
reduced(raws[0], sigma)
began = perf_counter()
frames = [reduced(raw, sigma) for raw in raws]
total = coadd(**{f"f{i}": f for i, f in enumerate(frames)})
made = perf_counter() - began
began = perf_counter()
found = (
    orm.QueryBuilder().append(orm.Node, filters={"id": total.pk}, tag="t").append(orm.Node, with_descendants="t").all()
)
ancestors = perf_counter() - began
print(json.dumps({"stored": stored, "made": made, "ancestors": ancestors, "found": len(found)}))
