"""The audit log as a signed file: whatever is done to it afterwards is found, without storage or secret."""

import errno
import json
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.adapters.local_signer import LocalSigner
from paygent.core.audit import EMPTY, GENESIS, AuditEntry, Head
from paygent.core.errors import AdapterError, ConfigurationError, RemoteProtocolError, SigningFailed
from paygent.core.typed_data import TypedData
from paygent.evm import audit_export
from paygent.runtime import audit_file
from paygent.runtime.audit_file import AuditSeal, export, verify
from paygent.testing.clock import START, VirtualClock
from paygent.testing.keys import dev_accounts

pytestmark = pytest.mark.anyio

SIGNER = LocalSigner(dev_accounts()[0].private_key)
OTHER = LocalSigner(dev_accounts()[1].private_key)
CLOCK = VirtualClock()


class Log:
    """As much of an `AuditLog` as an export needs."""

    def __init__(self, rows: Sequence[AuditEntry]) -> None:
        self._rows = rows

    async def note(self, *, at: int, kind: str, facts: Mapping[str, str]) -> AuditEntry:
        raise AdapterError(f"nothing is noted while exporting: {at} {kind} {facts}", retryable=False)

    async def head(self) -> Head:
        return Head(self._rows[-1].number, self._rows[-1].hash) if self._rows else EMPTY

    async def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        await anyio.lowlevel.checkpoint()
        return self._rows[after : after + limit]


def log_of(facts: Sequence[Mapping[str, str]]) -> list[AuditEntry]:
    rows: list[AuditEntry] = []
    for number, each in enumerate(facts):
        rows.append(AuditEntry.after(rows[-1] if rows else None, at=START + number, kind="payment", facts=each))
    return rows


ROWS = log_of([{"payment": f"pay_{number}", "note": 'ünïcode "\\ \n\u2028 \x7f'} for number in range(6)])


async def exported(folder: Path, rows: Sequence[AuditEntry] = ROWS, signer: LocalSigner = SIGNER) -> Path:
    file = folder / "audit.jsonl"
    await export(Log(rows), file, signer=signer, clock=CLOCK)
    return file


async def sealed_bytes() -> bytes:
    async with anyio.TemporaryDirectory() as folder:
        return (await exported(Path(folder))).read_bytes()


WHOLE = anyio.run(sealed_bytes)


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def discard(file: Path) -> None:
    file.unlink()


def verified(content: bytes, folder: Path) -> AuditSeal:
    file = folder / "changed.jsonl"
    file.write_bytes(content)
    return verify(file)


@pytest.mark.parametrize("count", [0, 1, 6, 2500])
async def test_verify_returns_the_seal_of_what_was_exported(tmp_path: Path, count: int) -> None:
    rows = log_of([{"row": str(number)} for number in range(count)])
    file = tmp_path / "audit.jsonl"

    seal = await export(Log(rows), file, signer=SIGNER, clock=CLOCK)

    head = rows[-1].hash if rows else GENESIS
    assert AuditSeal(count=count, head=head, exported_at=START, signer=SIGNER.address) == seal == verify(file)
    assert count + 2 == len(file.read_bytes().splitlines())


@given(st.lists(st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=3), max_size=4))
def test_any_facts_can_be_exported_and_verified(facts: list[dict[str, str]]) -> None:
    async def there_and_back() -> AuditSeal:
        async with anyio.TemporaryDirectory() as folder:
            return verify(await exported(Path(folder), log_of(facts)))

    assert len(facts) == anyio.run(there_and_back).count


async def test_export_holds_every_row_as_it_is(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in (await exported(tmp_path)).read_bytes().splitlines()]

    assert [row.record() for row in ROWS] == lines[1:-1]


async def test_export_is_for_the_owner_s_eyes(tmp_path: Path) -> None:
    assert 0o600 == stat.S_IMODE((await exported(tmp_path)).stat().st_mode)


async def test_export_never_overwrites(tmp_path: Path) -> None:
    file = await exported(tmp_path)
    before = file.read_bytes()

    with pytest.raises(ConfigurationError, match="File exists; name a new file"):
        await exported(tmp_path)

    assert before == file.read_bytes()


async def test_export_leaves_no_file_when_the_log_is_broken(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="the audit log of this storage is broken: row 3 is missing"):
        await exported(tmp_path, [*ROWS[:2], *ROWS[3:]])

    assert [] == files(tmp_path)


class Broken:
    """A signer that returns something else."""

    def __init__(self, signature: bytes) -> None:
        self._signature = signature
        self.address = SIGNER.address

    async def sign_typed_data(self, data: TypedData) -> bytes:
        assert audit_export.PRIMARY_TYPE == data.primary_type
        return self._signature


@pytest.mark.parametrize("signature", [b"", bytes(65)])
async def test_export_leaves_no_file_when_the_signer_breaks(tmp_path: Path, signature: bytes) -> None:
    with pytest.raises(SigningFailed, match="what is not its signature"):
        await export(Log(ROWS), tmp_path / "audit.jsonl", signer=Broken(signature), clock=CLOCK)

    assert [] == files(tmp_path)


async def test_export_says_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(audit_file, "_finish", full)
    with pytest.raises(ConfigurationError, match="No space left on device"):
        await exported(tmp_path)

    assert [] == files(tmp_path)


def test_verify_says_when_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot read .*No such file"):
        verify(tmp_path / "none")


def test_verify_tells_whose_seal_it_has_to_be(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    file.write_bytes(WHOLE)

    assert SIGNER.address == verify(file, signer=SIGNER.address.lower()).signer
    with pytest.raises(RemoteProtocolError, match=f"sealed by {SIGNER.address}, not by {OTHER.address}"):
        verify(file, signer=OTHER.address)


# --- whatever is done to a file is found ----------------------------------------------------------------------------

LINES = WHOLE.splitlines(keepends=True)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([], "its first line is not"),
        (LINES[1:], "its first line is not"),
        (LINES[:1], "cut off after row 0"),
        (LINES[:-1], "cut off after row 6"),
        ([*LINES[:-2], LINES[-1]], "has 5 rows and its seal is about 6"),
        ([LINES[0], LINES[-1]], "has 0 rows"),
        ([*LINES[:3], *LINES[4:]], "row 3 is missing: row 4 stands in its place"),
        ([*LINES[:3], LINES[4], LINES[3], *LINES[5:]], "row 3 is missing"),
        ([*LINES[:3], LINES[2], *LINES[3:]], "row 3 is missing: row 2 stands in its place"),
        ([*LINES, LINES[-2]], "something follows the seal"),
        ([*LINES, b"\n"], "line 9 of the audit log is not as it was written"),
        ([*LINES[:-1], LINES[0], LINES[-1]], "a line that is no row"),
        ([*LINES[:-1], LINES[-1][:-1]], "line 8 of the audit log is not as it was written"),
        ([*LINES[:2], b"[" * 5000 + b"\n", *LINES[2:]], "line 3 of the audit log is not as it was written"),
        ([*LINES[:2], b'{"number":1}\n', *LINES[2:]], "a line that is no row"),
        ([*LINES[:2], LINES[2].replace(b'"number":"2"', b'"number":"02"')], "whose number is none"),
        ([*LINES[:2], LINES[2].replace(b"pay_1", b"pay_9")], "row 2 was changed"),
        ([*LINES[:2], LINES[2].replace(b'"pay_1"', b"1")], "a line that is no row"),
        ([*LINES[:2], LINES[2].replace(b'"kind":"payment"', b'"kind":{}')], "whose kind is none"),
    ],
)
def test_verify_says_what_was_done(tmp_path: Path, lines: list[bytes], why: str) -> None:
    with pytest.raises(RemoteProtocolError, match=why):
        verified(b"".join(lines), tmp_path)


def resealed(rows: list[dict[str, Any]], **seal: str) -> bytes:
    """Return a file as a forger without the key writes it: a chain that fits, under the old signature."""
    written = json.loads(LINES[-1]) | {"count": rows[-1]["number"], "head": rows[-1]["hash"]} | seal
    lines = [{"format": audit_file.FORMAT}, *rows, written]
    return b"".join(
        json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n" for line in lines
    )


@pytest.mark.parametrize("count", [1, 5, 6, 7])
def test_verify_finds_a_chain_that_was_forged_as_a_whole(tmp_path: Path, count: int) -> None:
    forged = log_of([{"payment": f"pay_{number}", "note": "forged"} for number in range(count)])

    with pytest.raises(RemoteProtocolError, match=f"not signed by {SIGNER.address}"):
        verified(resealed([row.record() for row in forged]), tmp_path)


@pytest.mark.parametrize(
    "seal",
    [
        {"exported_at": str(START + 1)},
        {"signer": OTHER.address},
        {"signer": SIGNER.address.lower()},
        {"signature": "0x" + "00" * 65},
    ],
    ids=str,
)
def test_verify_finds_a_seal_that_was_changed(tmp_path: Path, seal: dict[str, str]) -> None:
    with pytest.raises(RemoteProtocolError, match="the seal of the audit log is not signed by"):
        verified(resealed([row.record() for row in ROWS], **seal), tmp_path)


def test_verify_takes_what_it_was_not_changed_in(tmp_path: Path) -> None:
    assert 6 == verified(resealed([row.record() for row in ROWS]), tmp_path).count


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """Draw one change of bytes: some replaced, left out, put in or doubled, or lines moved."""
    start = draw(st.integers(0, len(WHOLE)))
    end = min(len(WHOLE), start + draw(st.integers(0, 200)))
    kind = draw(st.sampled_from(["bit", "replace", "cut", "double", "lines", "line"]))
    if kind == "bit" and start < len(WHOLE):
        return WHOLE[:start] + bytes([WHOLE[start] ^ 1 << draw(st.integers(0, 7))]) + WHOLE[start + 1 :]
    if kind == "cut":
        return WHOLE[:start]
    if kind == "double":
        return WHOLE[:end] + WHOLE[start:]
    if kind == "lines":
        return b"".join(draw(st.permutations(LINES)))
    if kind == "line":
        return b"".join(draw(st.lists(st.sampled_from(LINES), max_size=9)))
    return WHOLE[:start] + draw(st.binary(max_size=6)) + WHOLE[end:]


@given(mutations())
def test_verify_finds_any_change(content: bytes) -> None:
    async def judged() -> str:
        async with anyio.TemporaryDirectory() as folder:
            try:
                verified(content, Path(folder))
            except RemoteProtocolError:
                return "found"
            return "taken"

    assert ("taken" if content == WHOLE else "found") == anyio.run(judged)


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_verify_finds_any_other_byte(place: int, byte: int) -> None:
    content = WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :]

    async def judged() -> str:
        async with anyio.TemporaryDirectory() as folder:
            try:
                verified(content, Path(folder))
            except RemoteProtocolError:
                return "found"
            return "taken"

    assert ("taken" if content == WHOLE else "found") == anyio.run(judged)


@pytest.mark.parametrize("over", [0, 1])
async def test_export_takes_a_row_exactly_if_verify_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, over: int
) -> None:
    rows = log_of([{"note": "x" * 1000}])
    whole = (await exported(tmp_path, rows)).read_bytes()
    monkeypatch.setattr(audit_file, "MAX_LINE", max(map(len, whole.splitlines(keepends=True))) - over)
    discard(tmp_path / "audit.jsonl")
    if over:
        with pytest.raises(AdapterError, match=r"row 1 has \d+ bytes"):
            await exported(tmp_path, rows)
        with pytest.raises(RemoteProtocolError, match="line 2 of the audit log is not as it was written"):
            verified(whole, tmp_path)
    else:
        assert 1 == verify(await exported(tmp_path, rows)).count
