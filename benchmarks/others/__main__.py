"""``python -m benchmarks.others [ENVIRONMENT]``: our figures beside those of AiiDA and DVC."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.figure import HEADER
from benchmarks.others import make_environment, measure

environment = Path(sys.argv[1] if len(sys.argv) > 1 else "build/others").absolute()
make_environment(environment)
print(HEADER)
for figure in measure(environment):
    print(figure.row())
