"""Actions on chain, and how far they have come, as JSON objects and back, without loss."""

from collections.abc import Mapping
from typing import Final, cast, get_args

from paygent.core.action import Action, Call
from paygent.core.caip import chain_id
from paygent.core.fields import JSON, Fields, amount_record, maybe
from paygent.core.intent import Purpose
from paygent.core.transaction import Attempt, AttemptKind, Mined, Plan, Step

_PURPOSES: Final = get_args(Purpose)
_KINDS: Final = get_args(AttemptKind)


def action_record(action: Action) -> dict[str, JSON]:
    """Return everything about an action: what a checkpoint keeps of it."""
    return action.facts


def read_action(record: Mapping[str, JSON]) -> Action:
    """Return the action that `action_record` wrote.

    Raises: ValueError: not such a record; the message names the field.
    """
    return _read_action(Fields(record, "action"))


def plan_record(plan: Plan) -> JSON:
    """Return everything about a plan."""
    return {
        "action": plan.action.facts,
        "steps": [_step(step) for step in plan.steps],
        "gas": amount_record(plan.gas),
        "first_nonce": str(plan.first_nonce),
    }


def read_plan(fields: Fields) -> Plan:
    """Return the plan that `plan_record` wrote.

    Raises: ValueError: not such a record.
    """
    return Plan(
        action=_read_action(fields.inner("action")),
        steps=tuple(map(_read_step, fields.inners("steps"))),
        gas=fields.amount("gas"),
        first_nonce=fields.number("first_nonce"),
    )


def _step(step: Step) -> JSON:
    return {
        "call": step.call.facts,
        "cleanup": step.cleanup,
        "attempts": [_attempt(attempt) for attempt in step.attempts],
        "mined": maybe(_mined, step.mined),
        "taken": step.taken,
    }


def _attempt(attempt: Attempt) -> JSON:
    return {
        "hash": attempt.hash,
        "nonce": str(attempt.nonce),
        "gas_limit": str(attempt.gas_limit),
        "max_fee": str(attempt.max_fee),
        "tip": maybe(str, attempt.tip),
        "kind": attempt.kind,
    }


def _mined(mined: Mined) -> JSON:
    return {
        "transaction": mined.transaction,
        "block_number": str(mined.block_number),
        "block_hash": mined.block_hash,
        "succeeded": mined.succeeded,
        "fee": str(mined.fee),
        **({} if mined.revert is None else {"revert": mined.revert}),
    }


def _read_action(fields: Fields) -> Action:
    return Action(
        purpose=cast("Purpose", fields.one_of("purpose", _PURPOSES)),
        network=chain_id(fields.text("network")),
        venue=fields.text("venue"),
        spend=fields.amount("spend"),
        receive=fields.amounts("receive"),
        counterparty=fields.text("counterparty"),
        calls=tuple(map(_read_call, fields.inners("calls"))),
        deadline=fields.number("deadline"),
        summary=fields.text("summary"),
        slippage_bps=fields.maybe("slippage_bps", fields.number),
        account=fields.text("account") if fields.has("account") else None,
        fee=fields.amount("fee") if fields.has("fee") else None,
    )


def _read_call(fields: Fields) -> Call:
    return Call(
        to=fields.text("to"),
        data=fields.text("data"),
        value=fields.number("value"),
        function=fields.text("function"),
        arguments=tuple(_read_pair(each) for each in fields.list("arguments")),
        returns=fields.texts("returns"),
    )


def _read_pair(value: JSON) -> tuple[str, str]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("an argument of a call is not [name, value]")
    fields = Fields(dict(zip(("name", "value"), value, strict=True)), "argument")
    return fields.text("name"), fields.text("value")


def _read_step(fields: Fields) -> Step:
    return Step(
        call=_read_call(fields.inner("call")),
        cleanup=fields.flag("cleanup"),
        attempts=tuple(map(_read_attempt, fields.inners("attempts"))),
        mined=fields.maybe_inner("mined", _read_mined),
        taken=fields.flag("taken"),
    )


def _read_attempt(fields: Fields) -> Attempt:
    return Attempt(
        hash=fields.text("hash"),
        nonce=fields.number("nonce"),
        gas_limit=fields.number("gas_limit"),
        max_fee=fields.number("max_fee"),
        tip=fields.maybe("tip", fields.number),
        kind=cast("AttemptKind", fields.one_of("kind", _KINDS)),
    )


def _read_mined(fields: Fields) -> Mined:
    return Mined(
        transaction=fields.text("transaction"),
        block_number=fields.number("block_number"),
        block_hash=fields.text("block_hash"),
        succeeded=fields.flag("succeeded"),
        fee=fields.number("fee"),
        revert=fields.text("revert") if fields.has("revert") else None,
    )
