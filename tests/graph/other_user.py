"""A process of another user beside the test: started as root, it loads what it needs and becomes that user for good.

What runs here may lie where only root may read, so everything is used once before. Then one request in, one answer out,
as JSON: a command line to run, or a survey to open and hold until the input ends.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pwd
import sys
from pathlib import Path
from typing import Any

import provgraph
from provgraph.cli import main

USER = "nobody"


def run(words: list[str]) -> dict[str, Any]:
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        status = main(words)
    return {"status": status, "out": out.getvalue(), "err": err.getvalue()}


def become(user: str) -> None:
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


if __name__ == "__main__":
    used = Path(sys.argv[1], "used-once")
    for words in (["init", str(used)], ["ls", "--survey", str(used)], ["ls", "--survey", str(used), "--json"],
                  ["ls", "--survey", str(used / "no")], ["ls", "--survey", str(used / "no"), "--json"]):  # fmt: skip
        run(words)
    become(USER)
    held = []
    print(json.dumps({"uid": os.getuid()}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "run" in request:
            answer = run(request["run"])
        else:
            held.append(provgraph.open(request["hold"]))
            answer = {"pid": os.getpid()}
        print(json.dumps(answer), flush=True)
    for survey in held:
        survey.close()
