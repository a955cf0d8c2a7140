"""The real worker, which does its work and then does not say so: to be killed while its segments stand there.

Run as ``python hanging.py [deaf]``; deaf: it does not hear SIGTERM, nor that its standard input closes.
"""

import signal
import sys
import time

from provgraph.jobs import worker

_send = worker._send


def send(answers, message):  # type: ignore[no-untyped-def]
    if "report" in message:
        _send(answers, {"progress": 0.9})
        time.sleep(600)
    _send(answers, message)


worker._send = send
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    worker._leave_when_alone = lambda: None
sys.exit(worker.main())
