"""The audit log as a signed file, and its verification without storage, chain or secret.

A file is UTF-8 text, one canonical JSON object a line (RFC 8785: sorted keys, no blanks): first its format, then every
row of the log in order, last the seal: how many rows there are, the hash of the last one, and a wallet's signature over
both and the time (EIP-712, `evm.audit_export`). Each row holds the hash of the one before it, so that no row can be
changed, left out, moved or added without breaking either the chain or the seal.

What a file cannot tell: whether rows were written after it was exported, and whose address the signer ought to be. Pass
the address you expect to `verify`.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Final, cast

import anyio

from paygent.core.audit import EMPTY, GENESIS, AuditEntry, Head, end_break, first_break
from paygent.core.errors import AdapterError, AuditLogBroken, ConfigurationError, RemoteProtocolError, SigningFailed
from paygent.evm import audit_export
from paygent.policy import firewall
from paygent.ports.audit_log import AuditLog
from paygent.ports.clock import Clock
from paygent.ports.signer import Signer
from paygent.x402.strict_json import check_depth

FORMAT: Final = "paygent-audit/1"
MAX_LINE: Final = 16 * 1024 * 1024
"""Bytes of one line, its end included."""
_HEADER: Final = {"format": FORMAT}
_ROW: Final = {"number", "at", "kind", "facts", "previous", "hash"}
_SEAL: Final = {"count", "exported_at", "head", "signature", "signer"}
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,30}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_SIGNATURE: Final = re.compile(r"0x[0-9a-f]{130}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSeal:
    """What a wallet says of an exported log."""

    count: int
    """How many rows there are."""
    head: str
    """64 hexadecimal digits: the hash of the last row, zeros where there is none."""
    exported_at: int
    """Unix seconds by the clock of who exported."""
    signer: str
    """Checksummed address of the wallet that signed."""


# --- writing --------------------------------------------------------------------------------------------------------


async def export(log: AuditLog, file: str | PathLike[str], *, signer: Signer, clock: Clock) -> AuditSeal:
    """Write every row of a log to a new file, sealed by a wallet, and return the seal.

    The file is whole and on the disk when this returns; where it raises, there is none.

    Raises:
        ConfigurationError: the file is there already, or cannot be written.
        AuditLogBroken: rows were changed, removed or moved in the storage; the message names the first. Rows that are
            missing at the end are found by the storage's record of where the log ends.
        AdapterError: the storage does not answer.
        SigningFailed: the signer refused.
    """
    path = Path(file)
    try:
        out = await anyio.to_thread.run_sync(_create, path)
    except OSError as error:
        raise ConfigurationError(f"cannot write {str(path)!r}: {error.strerror}; name a new file") from error
    try:
        with out:
            return await _export(log, out, signer, clock)
    except BaseException as error:
        _discard(path)
        if isinstance(error, OSError):
            raise ConfigurationError(f"cannot write {str(path)!r}: {error.strerror}") from error
        raise


async def _export(log: AuditLog, out: BinaryIO, signer: Signer, clock: Clock) -> AuditSeal:
    await anyio.to_thread.run_sync(out.write, _line(_HEADER))
    seal, signature = await _sealed(await _write_rows(log, out), signer, clock.now())
    await anyio.to_thread.run_sync(_finish, out, _line(_seal_record(seal, signature)))
    return seal


async def _write_rows(log: AuditLog, out: BinaryIO) -> Head:
    """Write every row, and return where they end, which is where the storage recorded that they do.

    What is written meanwhile comes along: the record is read before the rows that it has to be met by.
    """
    end = EMPTY
    while True:
        recorded = await log.head()
        entries = await log.entries(after=end.number)
        wrong = first_break(entries, after=end) if entries else end_break(end, recorded)
        if wrong is not None:
            raise AuditLogBroken(wrong)
        if not entries:
            return end
        await anyio.to_thread.run_sync(out.write, b"".join(map(_row, entries)))
        end = Head(entries[-1].number, entries[-1].hash)


async def _sealed(end: Head, signer: Signer, now: int) -> tuple[AuditSeal, bytes]:
    data = audit_export.typed_data(head=end.hash, count=end.number, exported_at=now)
    firewall.check_audit(data, now=now)
    signature = await signer.sign_typed_data(data)
    seal = AuditSeal(count=end.number, head=end.hash, exported_at=now, signer=signer.address)
    if not _is_signed(seal, signature):
        raise SigningFailed(f"the signer of {signer.address} returned what is not its signature")
    return seal, signature


def _row(entry: AuditEntry) -> bytes:
    row = _line(entry.record())
    if len(row) > MAX_LINE:
        raise AdapterError(f"row {entry.number} has {len(row)} bytes, a file holds {MAX_LINE} a row", retryable=False)
    return row


def _finish(out: BinaryIO, seal: bytes) -> None:
    out.write(seal)
    out.flush()
    os.fsync(out.fileno())


def _create(path: Path) -> BinaryIO:
    """Open a new file for the owner only: the log says what was bought."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _discard(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


# --- reading --------------------------------------------------------------------------------------------------------


def verify(file: str | PathLike[str], *, signer: str | None = None) -> AuditSeal:
    """Read an exported file line by line and return its seal, if every row and the seal are as they were written.

    Args: signer: the address that has to have signed; None takes any, and the seal says whose it is.

    Raises:
        RemoteProtocolError: something was changed, left out, moved or added; the message says where.
        ConfigurationError: the file cannot be read.
    """
    try:
        with Path(file).open("rb") as lines:
            seal = _verified(_lines(lines))
    except OSError as error:
        raise ConfigurationError(f"cannot read {str(file)!r}: {error.strerror}") from error
    if signer is not None and seal.signer.lower() != signer.lower():
        raise RemoteProtocolError(f"the audit log is sealed by {seal.signer}, not by {signer}")
    return seal


def _verified(lines: Iterator[Mapping[str, object]]) -> AuditSeal:
    if next(lines, None) != _HEADER:
        raise RemoteProtocolError(f"this is no audit log: its first line is not {_HEADER}")
    last: AuditEntry | None = None
    for line in lines:
        if {*line} == _SEAL:
            seal = _seal(line, last)
            if next(lines, None) is not None:
                raise RemoteProtocolError("something follows the seal of the audit log")
            return seal
        entry = _entry(line)
        if (wrong := first_break([entry], after=last)) is not None:
            raise RemoteProtocolError(f"the audit log is broken: {wrong}")
        last = entry
    raise RemoteProtocolError(f"the audit log was cut off after row {0 if last is None else last.number}")


def _lines(file: BinaryIO) -> Iterator[Mapping[str, object]]:
    """Yield each line's object; a line that is not written exactly as it is exported is refused."""
    number = 0
    while line := file.readline(MAX_LINE):
        number += 1
        try:
            check_depth(line.decode())
            said: object = json.loads(line)
            if isinstance(said, dict) and _line(read := cast("dict[str, object]", said)) == line:
                yield read
                continue
        except ValueError:
            pass
        raise RemoteProtocolError(f"line {number} of the audit log is not as it was written")


def _entry(line: Mapping[str, object]) -> AuditEntry:
    facts = line.get("facts")
    if {*line} != _ROW or not isinstance(facts, dict) or not _texts(read := cast("dict[str, object]", facts)):
        raise RemoteProtocolError("the audit log has a line that is no row")
    return AuditEntry(
        number=int(_text(line, "number", _NUMBER)),
        at=int(_text(line, "at", _NUMBER)),
        kind=_text(line, "kind"),
        facts=cast("dict[str, str]", read),
        previous=_text(line, "previous", _HASH),
        hash=_text(line, "hash", _HASH),
    )


def _texts(facts: Mapping[str, object]) -> bool:
    return all(isinstance(said, str) for said in facts.values())


def _seal(line: Mapping[str, object], last: AuditEntry | None) -> AuditSeal:
    seal = AuditSeal(
        count=int(_text(line, "count", _NUMBER)),
        head=_text(line, "head", _HASH),
        exported_at=int(_text(line, "exported_at", _NUMBER)),
        signer=_text(line, "signer"),
    )
    count, head = (0, GENESIS) if last is None else (last.number, last.hash)
    if (seal.count, seal.head) != (count, head):
        raise RemoteProtocolError(f"the audit log has {count} rows and its seal is about {seal.count} or other ones")
    if not _is_signed(seal, bytes.fromhex(_text(line, "signature", _SIGNATURE)[2:])):
        raise RemoteProtocolError(f"the seal of the audit log is not signed by {seal.signer}")
    return seal


def _is_signed(seal: AuditSeal, signature: bytes) -> bool:
    try:
        data = audit_export.typed_data(head=seal.head, count=seal.count, exported_at=seal.exported_at)
        return audit_export.signer_of(data, signature) == seal.signer
    except ValueError:
        return False


def _text(line: Mapping[str, object], name: str, form: re.Pattern[str] | None = None) -> str:
    text = line[name]
    if not isinstance(text, str) or (form is not None and not form.fullmatch(text)):
        raise RemoteProtocolError(f"the audit log has a line whose {name} is none")
    return text


def _seal_record(seal: AuditSeal, signature: bytes) -> dict[str, object]:
    return {
        "count": str(seal.count),
        "exported_at": str(seal.exported_at),
        "head": seal.head,
        "signature": f"0x{signature.hex()}",
        "signer": seal.signer,
    }


def _line(record: Mapping[str, object]) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
