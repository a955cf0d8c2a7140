"""Whether the log is what was written: every record follows from the one before, and checkpoints from all up to them."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from provgraph.audit.checkpoint import Checkpoint, is_signed
from provgraph.audit.findings import NOTE, WARNING, Finding, changed, gap
from provgraph.audit.log import RECORDS, origin, read, read_head
from provgraph.audit.merkle import Tree

MOST = 1000  # findings; after so many it is clear


def verify_log(directory: Path, survey_id: str, checkpoints: Sequence[Checkpoint] = (),
               trusted: set[str] | None = None) -> tuple[int, list[Finding]]:  # fmt: skip
    """How many records the log has, and what is wrong with it; reads it once, a few microseconds a record.

    Without a checkpoint whoever can write the log can also write it anew from some place on; a checkpoint that was kept
    elsewhere finds that. trusted : public keys that may have signed, any unless said.
    """
    findings = [f for c in checkpoints for f in _wrong(c, survey_id, trusted)]
    believed = [c for c in checkpoints if not _wrong(c, survey_id, trusted)]
    head = read_head(directory)
    stops = sorted({c["n"] for c in believed} | ({head["n"]} if head else set()) - {0}, reverse=True)
    stop = stops.pop() if stops else -1
    tree = Tree() if believed else None
    until = max((c["n"] for c in believed), default=0)  # beyond, no checkpoint asks for the tree
    n = count = 0
    before = origin(survey_id).encode()
    torn = b""
    try:
        file = (directory / RECORDS).open("rb", buffering=1 << 20)
    except FileNotFoundError:
        return 0, [
            *findings,
            changed("log_missing", f"The log {directory / RECORDS} is gone.", str(directory / RECORDS)),
        ]
    with file:
        for text in file:
            if text[-1:] != b"\n":
                torn = text
                break
            body = text[:-1]
            if not body.startswith(b'{"_before":"%s","_n":%d,' % (before, n)) and len(findings) < MOST:
                finding, n = _broken(body, n, before)
                findings.append(finding)
            before = sha256(body).hexdigest().encode()
            n += 1
            count += 1
            if tree is not None and count <= until:
                tree.add(body)
            if count == stop:
                if head is not None and head["n"] == count and head["digest"].encode() != before:
                    findings.append(changed("record_changed", f"Record {count - 1} is not what was last known to be there.",
                                            f"record {count - 1}"))  # fmt: skip
                findings += [
                    changed("checkpoint_differs", f"The first {count} records are not those of the checkpoint of {c['at']}.",
                            f"record {count - 1}")
                    for c in believed if c["n"] == count and tree is not None
                    and (c["digest"].encode() != before or bytes.fromhex(c["root"]) != tree.root())
                ]  # fmt: skip
                stop = stops.pop() if stops else -1
    if torn:
        findings.append(
            gap(NOTE, "record_torn", f"The last {len(torn)} bytes are no whole record; the next use puts that right.")
        )
    if head is None and count:
        findings.append(
            gap(WARNING, "head_missing", "The file with what was last known to be there is gone or damaged.")
        )
    ends = [(head["n"], "was last known to have")] if head else []
    for n_there, why in [*ends, *((c["n"], f"had at the checkpoint of {c['at']}") for c in believed)]:
        if n_there > count:
            findings.append(changed("log_truncated", f"The log ends after {count} records, of {n_there} that it {why}.",
                                    f"record {count}"))  # fmt: skip
    return count, findings


def _broken(body: bytes, n: int, before: bytes) -> tuple[Finding, int]:
    """What a record says about itself that does not fit where it stands, and its number as far as one can tell."""
    try:
        record = read(body)
        said, follows = int(record["_n"]), str(record["_before"])
    except (ValueError, KeyError, TypeError):
        return changed("record_changed", f"Record {n} is no record any more.", f"record {n}"), n
    if said > n:
        missing = f"Record {n} is" if said == n + 1 else f"Records {n} to {said - 1} are"
        return changed("record_missing", f"{missing} not where {'it' if said == n + 1 else 'they'} belong"
                       f"{'s' if said == n + 1 else ''}, before record {said}.", f"record {n}"), said  # fmt: skip
    if said < n:
        return changed("record_misplaced", f"Record {said} stands after record {n - 1}.", f"record {said}"), said
    which = f"Record {n}" if not n or follows == before.decode() else f"Record {n - 1} or {n}"
    return changed(
        "record_changed", f"{which} was changed: one does not follow from the other.", f"record {max(0, n - 1)}"
    ), n


def _wrong(checkpoint: Checkpoint, survey_id: str, trusted: set[str] | None) -> list[Finding]:
    name = f"The checkpoint of {checkpoint['at']} with {checkpoint['n']} records"
    if checkpoint["survey"] != survey_id:
        return [changed("checkpoint_foreign", f"{name} is of another survey, {checkpoint['survey']}.")]
    if not is_signed(checkpoint):
        return [changed("checkpoint_forged", f"{name} has a wrong signature.")]
    if trusted is not None and checkpoint["key"] not in trusted:
        return [
            changed(
                "checkpoint_untrusted",
                f"{name} is signed by a key that this survey does not know, {checkpoint['key']}.",
            )
        ]
    return []
