"""The child process of one pull: a work order comes in, segments are written beside the survey, a report goes out.

Run as ``python -m provgraph.jobs.worker``. One line of JSON on standard input says what to do; standard output carries one
JSON object a line: ``{"progress": 0.4}``, at most five a second, and in the end ``{"report": …}`` or ``{"error": …}``.
It never touches the graph. When standard input closes, whoever asked is gone, and so are we.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import IO, Any

PROGRESS_SECONDS = 0.2
SELECTING = 0.8  # of the whole: what `run_partition` tells us of is the evaluation of criteria; calculating follows


def main() -> int:
    """Do what standard input says; the exit status is 0 whenever an answer was sent."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not get between our lines
    line = sys.stdin.readline()
    if not line:
        return 1
    threading.Thread(target=_leave_when_alone, daemon=True).start()
    task = json.loads(line)

    from provgraph.errors import ProvgraphError
    from provgraph.resolver.execute import WorkOrder
    from provgraph.resolver.handover import run_order

    try:
        order = WorkOrder.from_json(task["order"])
        report = run_order(order, Path(task["staged"]), task["id_space"], _Progress(answers))
    except ProvgraphError as error:
        _send(answers, {"error": error.as_dict()})
    except MemoryError:
        _send(
            answers,
            {"error": {"code": "memory_full", "message": "The pull needs more memory than there is.", "details": {}}},
        )
    except Exception:  # ours, never the user's fault: the text is for who runs the server
        traceback.print_exc()
        message = "The pull failed for a reason that is not yours; the server's log has it."
        _send(answers, {"error": {"code": "internal", "message": message, "details": {}}})
    else:
        _send(answers, {"report": report.as_dict()})
    return 0


class _Progress:
    """Says how far the work is, at most five times a second."""

    def __init__(self, answers: IO[str]) -> None:
        self.answers = answers
        self.last = 0.0

    def __call__(self, fraction: float) -> None:
        now = time.monotonic()
        if now - self.last >= PROGRESS_SECONDS:
            self.last = now
            _send(self.answers, {"progress": round(SELECTING * float(fraction), 4)})


def _send(answers: IO[str], message: dict[str, Any]) -> None:
    answers.write(json.dumps(message, default=str) + "\n")
    answers.flush()


def _leave_when_alone() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
