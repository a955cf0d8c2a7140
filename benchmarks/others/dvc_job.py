"""The job in DVC's way, run by its own Python: ``dvc_job.py FOLDER N``; N stages, each of a file, and one of all of them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter

folder, n = Path(sys.argv[1]), int(sys.argv[2])
folder.mkdir()
os.chdir(folder)
dvc = [sys.executable, "-m", "dvc"]
subprocess.run([*dvc, "init", "--no-scm", "-q"], stdout=subprocess.DEVNULL, check=True)
stages = ["stages:"]
for i in range(n):
    Path(f"raw{i}").write_text(f"{i}\n")
    Path(f"red{i}").write_text(f"{3 * i}\n")
    stages.append(f"  red{i}:\n    cmd: cp raw{i} red{i}\n    deps: [raw{i}]\n    outs: [red{i}]")
Path("coadd").write_text("1\n")
stages.append(f"  coadd:\n    cmd: 'true'\n    deps: [{', '.join(f'red{i}' for i in range(n))}]\n    outs: [coadd]")
Path("dvc.yaml").write_text("\n".join(stages) + "\n")
subprocess.run([*dvc, "commit", "-f", "-q"], stdout=subprocess.DEVNULL, check=True)

from dvc.repo import Repo  # noqa: E402

began = perf_counter()
status = Repo(".").status()
first = perf_counter() - began
Path("raw1").write_text("x\n")
began = perf_counter()
changed = Repo(".").status()
again = perf_counter() - began
print(json.dumps({"status": first, "changed": again, "clean": status == {}, "found": len(changed)}))
