"""Checkpoints: what the log was at a time, signed, to be kept elsewhere; and proofs that verify from one file without a survey."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from provgraph.audit import merkle
from provgraph.audit.log import Log, Record, line, lines
from provgraph.errors import FileUnreadable, InvalidInput, NotFound, needs_extra
from provgraph.schema import keys

KEY_FILE = "audit-key.pem"
KEYS_DIRECTORY, CHECKPOINTS = "keys", "checkpoints"
_HEX = re.compile(r"[0-9a-fA-F]{64}")
_FIELDS = ("at", "digest", "key", "n", "root", "signature", "survey")

Checkpoint = dict[str, Any]
"""survey : whose log. n : records. digest : of the last. root : of the Merkle tree over them. key, signature : Ed25519, as hex."""


def _ed25519() -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError:
        raise needs_extra("audit", "Signing and checking checkpoints") from None
    return ed25519


def can_sign() -> bool:
    """Whether what signs and checks signatures is installed."""
    return find_spec("cryptography") is not None


def key_path() -> Path:
    """Where the user's key is: outside every survey, so that whoever can change one cannot sign for it."""
    if said := os.environ.get("PROVGRAPH_AUDIT_KEY"):
        return Path(said).expanduser()
    import platformdirs

    return Path(platformdirs.user_config_dir("provgraph")) / KEY_FILE


def private_key() -> Any:
    """The user's key, made at first use, readable by nobody else."""
    ed25519 = _ed25519()
    from cryptography.hazmat.primitives import serialization

    path = key_path()
    if not path.exists():
        made = ed25519.Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_name(f".{KEY_FILE}.{os.getpid()}")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(made)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was first: its key is the key
            os.link(part, path)
        part.unlink()
    try:
        return serialization.load_pem_private_key(path.read_bytes(), None)
    except ValueError as error:
        raise FileUnreadable(f"{path} is not a key ({error}); put it back from a backup, or move it away.", code="key_unreadable",
                             path=str(path)) from None  # fmt: skip


def public(key: Any) -> str:
    """A key's public part as hex."""
    found: str = key.public_key().public_bytes_raw().hex()
    return found


def named_key(said: str) -> str:
    """A public key as it is given to compare with: its hex, or the name of a file that holds it.

    Raises
    ------
    InvalidInput : ``key_invalid``, it is neither.
    """
    found = said.strip()
    if not _HEX.fullmatch(found):
        with suppress(OSError, ValueError):
            found = Path(said).expanduser().read_text(encoding="ascii").strip()
    if not _HEX.fullmatch(found):
        raise InvalidInput(
            f"{said!r} is no public key; give its 64 hexadecimal digits, which a checkpoint has under 'key', or a file that holds "
            "them.", code="key_invalid",
        )  # fmt: skip
    return found.lower()


def known_keys(directory: Path) -> set[str]:
    """Public keys that the survey names, and that of the user."""
    found = {path.read_text(encoding="ascii").strip() for path in sorted((directory / KEYS_DIRECTORY).glob("*.pub"))}
    if key_path().exists():
        found.add(public(private_key()))
    return found


def sign(log: Log, n: int, digest: str, root: bytes) -> Checkpoint:
    """A signed checkpoint; the public key is put into the survey."""
    key = private_key()
    name = public(key)
    said = {"at": keys.now(), "digest": digest, "key": name, "n": n, "root": root.hex(), "survey": log.survey_id}
    place = log.directory / KEYS_DIRECTORY / f"{name[:16]}.pub"
    if not place.exists():
        write(place, f"{name}\n".encode())
    return {**said, "signature": key.sign(line(said)).hex()}


def is_signed(checkpoint: Mapping[str, Any]) -> bool:
    """Whether the signature is that of the key that the checkpoint names."""
    ed25519 = _ed25519()
    from cryptography.exceptions import InvalidSignature

    said = {k: v for k, v in checkpoint.items() if k != "signature"}
    try:
        key = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(checkpoint["key"]))
        key.verify(bytes.fromhex(checkpoint["signature"]), line(said))
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def take(log: Log) -> Checkpoint:
    """A checkpoint of the log as it is now, kept in the survey too."""
    log.sync()
    tree, last = merkle.Tree(), b""
    for text in lines(log.path):
        tree.add(text)
        last = text
    if not tree.size:
        raise NotFound("The log is empty: there is nothing to sign yet.", code="log_empty")
    made = sign(log, tree.size, sha256(last).hexdigest(), tree.root())
    write(log.directory / CHECKPOINTS / f"{made['n']:012d}.json", text_of(made))
    return made


def text_of(made: Mapping[str, Any]) -> bytes:
    return (json.dumps(made, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def load(path: Path) -> Checkpoint:
    """Raises FileUnreadable where the file is not a checkpoint; whether it is true is another question."""
    found = _json(path)
    if not isinstance(found, dict) or set(found) != set(_FIELDS) or not isinstance(found["n"], int):
        raise FileUnreadable(f"{path} is not a checkpoint; 'provgraph audit checkpoint --out FILE' writes one.",
                             code="checkpoint_unreadable", path=str(path))  # fmt: skip
    return found


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileUnreadable(f"{path} cannot be read: {error.strerror}.", path=str(path)) from None
    except (ValueError, RecursionError):
        return None


def write(path: Path, data: bytes) -> None:
    """Whole or absent."""
    from provgraph.bulk.files import sync_directory, writing

    part = path.with_name(f".{path.name}.{os.getpid()}")
    with writing(path.parent, part):
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        sync_directory(path.parent)


# -- proofs ------------------------------------------------------------------------------------------------------------


def prove(log: Log, numbers: Sequence[int], checkpoint: Checkpoint, older: Checkpoint | None = None) -> dict[str, Any]:
    """That records are in the log of a checkpoint, and that the log of an older one is its start: one file for both."""
    texts = list(lines(log.path))[: checkpoint["n"]]
    leaves = [merkle.leaf(text) for text in texts]
    beyond = [n for n in numbers if not 0 <= n < len(leaves)]
    if beyond or len(leaves) < checkpoint["n"]:
        raise NotFound(
            f"Record {beyond[0] if beyond else checkpoint['n'] - 1} is not among the {len(leaves)} records of the log up to the "
            "checkpoint.", code="record_missing",
        )  # fmt: skip
    proof: dict[str, Any] = {
        "checkpoint": checkpoint,
        "records": [
            {"n": n, "line": texts[n].decode("utf-8", "surrogatepass"), "path": [h.hex() for h in merkle.inclusion(leaves, n)]}
            for n in numbers
        ],
    }  # fmt: skip
    if older is not None:
        proof |= {"older": older, "consistency": [h.hex() for h in merkle.consistency(leaves, older["n"])]}
    return proof


def check(path: str | Path, key: str = "") -> list[Record]:
    """The records that a proof proves; needs no survey and no network.

    key : the public key that must have signed, as `named_key` takes it; else any key, and the caller compares what the checkpoint
    names.

    Raises
    ------
    FileUnreadable : it is no proof. InvalidInput : ``key_invalid``; ``proof_wrong``, it proves nothing; the sentence says what
    fails.
    """
    key = named_key(key) if key else ""
    proof = _json(Path(path))
    if not isinstance(proof, dict) or not {"checkpoint", "records"} <= proof.keys():
        raise FileUnreadable(
            f"{path} is not a proof; 'provgraph audit prove' writes one.", code="proof_unreadable", path=str(path)
        )
    try:
        wrong = _wrong(proof, key)
        records = [json.loads(one["line"]) for one in proof["records"]]
    except (KeyError, TypeError, ValueError, AttributeError):
        wrong, records = "it is damaged", []
    if wrong:
        raise InvalidInput(f"{path} proves nothing: {wrong}.", code="proof_wrong", path=str(path))
    return records


def signer(path: str | Path) -> str:
    """The public key, as hex, that a proof says has signed it."""
    return str(_json(Path(path))["checkpoint"]["key"])


def _wrong(proof: Mapping[str, Any], key: str) -> str:
    """What is wrong with a proof; '' where it holds."""
    newer = proof["checkpoint"]
    for one in (newer, *([proof["older"]] if "older" in proof else [])):
        if not is_signed(one):
            return "the signature of a checkpoint is wrong"
        if key and one["key"] != key:
            return f"a checkpoint is signed by the key {one['key'][:16]}..., not by {key[:16]}..."
        if one["survey"] != newer["survey"]:
            return "its checkpoints are of two surveys"
    root = bytes.fromhex(newer["root"])
    for one in proof["records"]:
        hashes = [bytes.fromhex(h) for h in one["path"]]
        if not merkle.includes(one["line"].encode("utf-8", "surrogatepass"), one["n"], newer["n"], hashes, root):
            return f"record {one['n']} is not in the log that the checkpoint signs"
    if "older" in proof:
        older = proof["older"]
        hashes = [bytes.fromhex(h) for h in proof["consistency"]]
        if not merkle.is_start(older["n"], bytes.fromhex(older["root"]), newer["n"], root, hashes):
            return "the log of the older checkpoint is not the start of the newer one"
    return ""
