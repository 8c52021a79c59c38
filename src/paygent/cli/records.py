"""`paygent audit`, `policy` and `db`: what can be checked, and what is brought up to date."""

from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from paygent.cli.arguments import Arguments
from paygent.cli.outcome import NOT_ATTEMPTED, OK, Listing, Outcome
from paygent.cli.times import local_time
from paygent.core.money import Amount, usd
from paygent.core.record import JSON
from paygent.core.verdict import Deny
from paygent.policy.policy import Policy
from paygent.runtime.settings import Settings

if TYPE_CHECKING:
    from paygent.runtime.audit_file import AuditSeal


_LEFT_OUT = "the reserve of higher agents is left out: give --rpc to read the balance, or --treasury"


def verify(arguments: Arguments) -> Outcome:
    """Check an exported audit log, with nothing but the file; what is broken ends with 6."""
    from paygent.runtime import audit_file

    seal = audit_file.verify(arguments.files[0], signer=arguments.signer)
    unsure = "no --signer was named: anybody may have written and sealed the whole file"
    advice = () if arguments.signer is not None else (unsure,)
    return Outcome(exit_code=OK, told=_sealed("whole", seal), said={"audit": _seal(seal)}, advice=advice)


async def export(arguments: Arguments, settings: Settings) -> Outcome:
    """Write the audit log to a new file that the wallet seals."""
    from paygent.runtime import safety

    seal = await safety.export_audit(settings, arguments.files[0])
    return Outcome(exit_code=OK, told=_sealed("written", seal), said={"audit": _seal(seal)})


async def check(arguments: Arguments, settings: Settings) -> Outcome:
    """Read policy files; what is wrong in them is an error with file, line and column."""
    policy = _policy(arguments, settings)
    names = ", ".join(arguments.files)
    told = f"{names}: a policy of at most {_said(policy.max_per_payment)} a payment and {_said(policy.per_day)} a day"
    said: dict[str, JSON] = {
        "files": list(arguments.files),
        "max_per_payment": _amounts(policy.max_per_payment),
        "per_day": _amounts(policy.per_day),
        "limits": len(policy.limits),
        "agents": [terms.id for terms in policy.agent_terms],
        "services": [terms.id for terms in policy.service_terms],
    }
    return Outcome(exit_code=OK, told=told, said={"policy": said})


async def simulate(arguments: Arguments, settings: Settings) -> Outcome:
    """Judge the newest payments by policy files; exit code 3 where one would not have been made."""
    from contextlib import AsyncExitStack

    from paygent.engine.rehearse import BOUNDLESS, rehearse, treasury_before
    from paygent.runtime.parts import open_chains, open_storage, tokens_of

    policy, tokens, last = _policy(arguments, settings), tokens_of(settings.tokens), arguments.last
    async with AsyncExitStack() as made:
        storage = await open_storage(settings.storage, made)
        treasury = BOUNDLESS if arguments.treasury is None else usd(arguments.treasury)
        if arguments.treasury is None and arguments.rpc is not None:
            chains = await open_chains(settings, made)
            treasury = await treasury_before(storage, policy, tokens=tokens, chains=chains, limit=last)
        judged = await rehearse(storage, policy, tokens=tokens, limit=last, treasury=treasury)
    left_out = bool(policy.index.ranked) and treasury == BOUNDLESS
    rows = tuple(
        (
            each.payment.id,
            each.payment.state.value,
            str(each.payment.intent.amount),
            each.payment.intent.host,
            type(each.simulated.verdict).__name__,
            each.simulated.verdict.explain(),
        )
        for each in judged
    )
    columns = ("payment", "state", "amount", "host", "verdict", "why")
    denied = any(isinstance(each.simulated.verdict, Deny) for each in judged)
    return Outcome(
        exit_code=NOT_ATTEMPTED if denied else OK,
        listing=Listing(columns=columns, rows=rows, nothing="no payments"),
        advice=(_LEFT_OUT,) if left_out else (),
        said={"simulated": [dict(zip(columns, row, strict=True)) for row in rows], "reserve_judged": not left_out},
    )


async def upgrade(arguments: Arguments, settings: Settings) -> Outcome:
    """Bring the storage to the revision that this version needs."""
    del arguments
    from paygent.adapters import sql
    from paygent.adapters.sql.revision import HEAD
    from paygent.runtime.settings import default_storage

    own = default_storage()
    if settings.storage == str(own):
        own.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    await anyio.to_thread.run_sync(sql.upgrade, settings.storage)
    return Outcome(exit_code=OK, told=f"the storage is at revision {HEAD}", said={"revision": HEAD})


def _policy(arguments: Arguments, settings: Settings) -> Policy:
    from paygent.runtime.parts import tokens_of
    from paygent.runtime.policy_file import PolicyFile

    return PolicyFile(*map(Path, arguments.files), tokens=tokens_of(settings.tokens)).policy


def _sealed(what: str, seal: "AuditSeal") -> str:
    return f"{what}: {seal.count} rows up to {seal.head}, sealed by {seal.signer} at {local_time(seal.exported_at)}"


def _seal(seal: "AuditSeal") -> dict[str, JSON]:
    return {"count": seal.count, "head": seal.head, "exported_at": seal.exported_at, "signer": seal.signer}


def _each(amounts: Amount | tuple[Amount, ...]) -> tuple[Amount, ...]:
    return (amounts,) if isinstance(amounts, Amount) else amounts


def _said(amounts: Amount | tuple[Amount, ...]) -> str:
    return " or ".join(map(str, _each(amounts)))


def _amounts(amounts: Amount | tuple[Amount, ...]) -> list[JSON]:
    return [str(amount) for amount in _each(amounts)]
