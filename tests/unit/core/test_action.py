"""An action is well formed or does not exist, and every byte of it counts."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given

from paygent.core.action import Action, Call
from paygent.core.caip import ChainId, erc20, native
from paygent.core.money import Amount, Asset
from paygent.core.plan_record import action_record, read_action
from paygent.testing.strategies import actions

CHAIN = ChainId.evm(25)
TO = f"0x{'ab' * 20}"
TOKEN = Asset(id=erc20(CHAIN, f"0x{'11' * 20}"), symbol="USDX", decimals=6)
COIN = Asset(id=native(CHAIN), symbol="CRO", decimals=18)
CALL = Call(to=TO, data="0xa9059cbb", function="transfer(address,uint256)", arguments=(("to", "a friend"),))
ACTION = Action(
    purpose="swap",
    network=CHAIN,
    venue="vvs",
    spend=Amount(7, TOKEN),
    receive=(Amount(3, COIN),),
    counterparty=TO,
    calls=(CALL,),
    deadline=100,
    summary="Swap",
    slippage_bps=50,
)


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": f"0x{'0' * 40}"},
        {"to": "somebody"},
        {"data": "0xA9059CBB"},
        {"data": "0xa905"},
        {"data": "0xa9059cb"},
        {"value": -1},
        {"value": True},
        {"value": 2**256},
        {"function": ""},
        {"function": "transfer"},
        {"data": "0x"},
        {"arguments": (("to", ""),)},
        {"arguments": (("to", "a\nb"),)},
        {"arguments": (("", "a"),)},
    ],
)
def test_call_that_is_not_well_formed_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  each says something else
        replace(CALL, **wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"purpose": "x402"},
        {"purpose": "gift"},
        {"counterparty": "vvs"},
        {"calls": ()},
        {"calls": (CALL,) * 9},
        {"venue": ""},
        {"venue": "VVS"},
        {"purpose": "transfer"},
        {"network": ChainId.evm(1)},
        {"deadline": 0},
        {"deadline": True},
        {"slippage_bps": 10_001},
        {"summary": "two\nlines"},
        {"summary": "x" * 301},
    ],
)
def test_action_that_is_not_well_formed_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  each says something else
        replace(ACTION, **wrong)


@pytest.mark.parametrize(
    "change",
    [
        {"venue": "h2"},
        {"spend": Amount(8, TOKEN)},
        {"receive": (Amount(4, COIN),)},
        {"counterparty": f"0x{'cd' * 20}"},
        {"calls": (replace(CALL, data="0xa9059cbb00"),)},
        {"calls": (replace(CALL, value=1),)},
        {"calls": (CALL, CALL)},
        {"deadline": 101},
        {"summary": "Swop"},
        {"slippage_bps": 51},
        {"purpose": "position"},
    ],
)
def test_digest_changes_with_everything(change: dict[str, Any]) -> None:
    assert ACTION.digest != replace(ACTION, **change).digest


def test_facts_name_every_field() -> None:
    assert {field.name for field in fields(Action)} == set(ACTION.facts) | {"account", "fee"}
    of_wallet = replace(ACTION, purpose="transfer", venue="", account=ACTION.counterparty)
    assert ACTION.counterparty == of_wallet.facts["account"]
    assert {field.name for field in fields(Call)} == set(CALL.facts)


def test_wish_is_the_same_for_another_quote_and_deadline() -> None:
    later = replace(ACTION, deadline=200, receive=(Amount(9, COIN),), slippage_bps=60, summary="Again")

    assert ACTION.wish == later.wish
    assert ACTION.wish != replace(ACTION, spend=Amount(8, TOKEN)).wish


def test_call_says_what_it_does() -> None:
    assert f"transfer(to=a friend) at {TO}, value 0" == str(CALL)
    assert f"pay() at {TO}, value 3" == str(Call(to=TO, value=3))
    assert "0xa9059cbb" == CALL.selector


@given(actions())
def test_record_gives_the_action_again(action: Action) -> None:
    assert action == read_action(action_record(action))
    assert action.canonical() == read_action(action_record(action)).canonical()


def test_record_with_a_broken_argument_is_refused() -> None:
    record = ACTION.facts
    record["calls"][0]["arguments"] = [["only a name"]]

    with pytest.raises(ValueError, match="name, value"):
        read_action(record)


def test_coin_is_no_token() -> None:
    assert native(CHAIN).native
    assert not TOKEN.id.native
    with pytest.raises(ValueError, match="is not an ERC-20 token"):
        native(CHAIN).address  # noqa: B018  it is asked for
