"""An action is judged by its calldata: what it says of itself opens nothing."""

from dataclasses import replace
from typing import Any

import pytest

from paygent.core.action import Action, Call
from paygent.core.caip import ChainId, erc20
from paygent.core.errors import ConfigurationError, PolicyDenied
from paygent.core.money import Amount, Asset, usd
from paygent.core.requirements import Token
from paygent.core.verdict import Allow, Deny, RequireApproval
from paygent.core.window import DAY
from paygent.evm import word
from paygent.evm.address import checksum
from paygent.evm.agent_wallet import VENUE
from paygent.evm.calls import approve_call, transfer_call
from paygent.evm.coins import coin, coin_token
from paygent.evm.contracts import contract
from paygent.evm.router import Subscription, subscription_call
from paygent.policy.ask import Ask
from paygent.policy.config import read_policy
from paygent.policy.evaluate import evaluate, holds
from paygent.policy.facts import Facts
from paygent.policy.gas import gas_cap, gas_hold
from paygent.policy.limits import Limit
from paygent.policy.policy import Policy
from paygent.policy.scope import Scope

NOW = 1_800_000_000
CHAIN = ChainId.evm(25)
TOKEN = checksum(f"0x{'11' * 20}")
OTHER = checksum(f"0x{'22' * 20}")
ROUTER = checksum(f"0x{'33' * 20}")
PAYER = checksum(f"0x{'44' * 20}")
DOLLAR = Token(asset=Asset(id=erc20(CHAIN, TOKEN), symbol="USDX", decimals=6), name="X", versions=("1",), usd=True)
COIN = coin(CHAIN)
WRAPPED = Asset(id=erc20(CHAIN, OTHER), symbol="WCRO", decimals=18)
GAS = Amount.parse("3", COIN)
POLICY = Policy(gas_per_transaction=GAS, gas_per_day=GAS, max_per_trade=usd("50"), trade_per_day=usd("90"))
SWAP_SIGNATURE = "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)"


def swap_data(
    gives: int = 1, brings: int = 7, path: tuple[str, ...] = (TOKEN, OTHER), to: str = PAYER, until: int = NOW + 600
) -> str:
    head = (gives, brings, 160)
    numbers = [*map(word.uint256, head), word.address(to), word.uint256(until), word.uint256(len(path))]
    return word.calldata(SWAP_SIGNATURE, *numbers, *map(word.address, path))


SWAP_DATA = swap_data()
SWAP_CALL = Call(
    to=ROUTER, data=SWAP_DATA, function="swapExactTokensForTokens(uint256,uint256,address[],address,uint256)"
)


def dollars(atomic: int) -> Amount:
    return Amount(atomic, DOLLAR.asset)


def transfer(atomic: int = 500_000, **changes: Any) -> Action:
    action = Action(
        purpose="transfer",
        network=CHAIN,
        spend=dollars(atomic),
        counterparty=ROUTER,
        calls=(transfer_call(TOKEN, ROUTER, atomic),),
        deadline=NOW + 600,
        summary="Pay somebody",
    )
    return replace(action, **changes)


def swap(atomic: int = 40_000_000, **changes: Any) -> Action:
    action = Action(
        purpose="swap",
        network=CHAIN,
        venue="vvs",
        spend=dollars(atomic),
        receive=(Amount(7, WRAPPED),),
        counterparty=ROUTER,
        calls=(approve_call(TOKEN, ROUTER, atomic), SWAP_CALL),
        deadline=NOW + 600,
        summary="Swap",
        slippage_bps=50,
    )
    return replace(action, **changes)


def ask(action: Action) -> Ask:
    asset = action.spend.asset
    token = coin_token(CHAIN) if asset.id.native else DOLLAR
    return Ask(
        payer=PAYER,
        payee=action.counterparty,
        network=action.network,
        token=token,
        amount=action.spend,
        host="",
        action=action,
    )


def codes(action: Action, policy: Policy = POLICY) -> list[str]:
    verdict = evaluate(policy, ask(action), Facts(now=NOW))
    return [reason.code for reason in verdict.reasons] if isinstance(verdict, Deny | RequireApproval) else []


def test_transfer_of_a_token_within_the_limits_is_allowed() -> None:
    assert isinstance(evaluate(POLICY, ask(transfer()), Facts(now=NOW)), Allow)


def test_transfer_counts_as_every_payment_does() -> None:
    assert ["over_max_per_payment"] == codes(transfer(1_000_001))


def test_transfer_of_the_coin_needs_a_limit_in_it() -> None:
    paid = transfer(spend=Amount(7, COIN), calls=(Call(to=ROUTER, value=7),))
    limits = (usd("1"), Amount(7, COIN))

    assert "no_limit_for_asset" in codes(paid)
    assert [] == codes(paid, replace(POLICY, max_per_payment=limits, per_day=limits, approve_above=None))


def test_swap_counts_against_the_limits_of_trades_alone() -> None:
    allowed = replace(POLICY, approve_above=None)
    (hold,) = holds(allowed, ask(swap()), now=NOW)

    assert [] == codes(swap(), allowed)
    assert ["over_max_per_trade"] == codes(swap(50_000_001), allowed)
    assert (f"trades of wallet:{PAYER.lower()}", usd("90")) == (hold.scope, hold.limit)


def test_further_limit_of_the_wallet_counts_payments_and_trades_together_whatever_trades_have_of_their_own() -> None:
    further = Limit(amount=usd("90"), scope=Scope.parse("wallet"), window=DAY)
    found = holds(replace(POLICY, approve_above=None, limits=(further,)), ask(swap()), now=NOW)

    wallet = f"wallet:{PAYER.lower()}"
    assert [(f"trades of {wallet}", usd("90")), (wallet, usd("90"))] == [(each.scope, each.limit) for each in found]


def test_swap_counts_as_a_payment_where_trades_have_no_limits_of_their_own() -> None:
    plain = replace(POLICY, max_per_trade=None, trade_per_day=None, approve_above=None)
    (hold,) = holds(plain, ask(swap(1_000_000)), now=NOW)

    assert ["over_max_per_payment"] == codes(swap(), plain)
    assert [] == codes(swap(1_000_000), plain)
    assert f"wallet:{PAYER.lower()}" == hold.scope


def test_subscription_counts_as_the_payment_that_it_promises_where_trades_have_limits_of_their_own() -> None:
    terms = Subscription(payee=ROUTER, amount=dollars(1_000_000), cap=dollars(40_000_000), period_seconds=1)
    agreed = swap(purpose="position", venue=VENUE, account=PAYER, receive=(), calls=(subscription_call(PAYER, terms),))
    (hold,) = holds(replace(POLICY, per_day=usd("60")), ask(agreed), now=NOW)

    assert ["over_max_per_payment"] == codes(agreed, replace(POLICY, approve_above=None))
    assert (f"wallet:{PAYER.lower()}", usd("60")) == (hold.scope, hold.limit)


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("slippage", {"slippage_bps": 101}),
        ("slippage", {"slippage_bps": None}),
        ("no_minimum", {"receive": ()}),
        ("no_minimum", {"receive": (Amount(0, WRAPPED),)}),
        ("deadline", {"deadline": NOW}),
        ("deadline", {"deadline": NOW + 1_801}),
    ],
)
def test_swap_outside_its_terms_is_denied(code: str, changes: dict[str, Any]) -> None:
    assert code in codes(swap(**changes))


def test_deadline_is_unknown_where_nobody_says_the_time() -> None:
    verdict = evaluate(POLICY, ask(transfer()))

    assert isinstance(verdict, Deny)
    assert "deadline" in [reason.code for reason in verdict.reasons]


def test_venue_outside_the_list_is_denied() -> None:
    assert "venue_not_allowed" in codes(swap(), replace(POLICY, venues=frozenset({"h2"})))
    assert "venue_not_allowed" not in codes(swap(), replace(POLICY, venues=frozenset({"vvs"})))


def test_counterparty_outside_the_payees_is_denied() -> None:
    policy = replace(POLICY, payees=frozenset({OTHER}))

    assert "payee_not_allowed" in codes(swap(), policy)
    assert "payee_not_allowed" in codes(transfer(), policy)


def test_lists_of_hosts_and_services_do_not_speak_of_actions() -> None:
    assert [] == codes(transfer(), replace(POLICY, hosts=frozenset({"a.example"}), services=frozenset({"s"})))


@pytest.mark.parametrize("missing", ["gas_per_transaction", "gas_per_day"])
def test_action_without_a_limit_on_gas_is_denied(missing: str) -> None:
    policy = replace(POLICY, **{missing: None})  # type: ignore[arg-type]  # by name

    assert ["no_gas_limit"] == codes(transfer(), policy)


def call(signature: str, *words: bytes, to: str = ROUTER, value: int = 0) -> Call:
    return Call(to=to, data=word.calldata(signature, *words), function=signature, value=value)


APPROVE = approve_call(TOKEN, ROUTER, 40_000_000)
UNLIMITED = approve_call(TOKEN, ROUTER, 2**256 - 1)
ANOTHER = approve_call(TOKEN, OTHER, 40_000_000)


@pytest.mark.parametrize(
    ("code", "calls"),
    [
        ("approval_not_exact", (UNLIMITED, SWAP_CALL)),
        ("approval_not_exact", (approve_call(TOKEN, ROUTER, 40_000_001), SWAP_CALL)),
        ("approval_not_exact", (approve_call(TOKEN, ROUTER, 39_999_999), SWAP_CALL)),
        ("approval_not_exact", (ANOTHER, SWAP_CALL)),
        ("approval_not_exact", (approve_call(OTHER, ROUTER, 40_000_000), SWAP_CALL)),
        ("approval_not_exact", (SWAP_CALL, APPROVE, SWAP_CALL)),
        ("approval_not_exact", (APPROVE, APPROVE, SWAP_CALL)),
        ("approval_not_exact", (replace(APPROVE, data=APPROVE.data + "00"), SWAP_CALL)),
        ("approval_left", (APPROVE,)),
        ("not_the_counterparty", (APPROVE, replace(SWAP_CALL, to=OTHER))),
        ("gives_away", (APPROVE, call("transfer(address,uint256)", bytes(64)))),
        ("gives_away", (APPROVE, call("transferFrom(address,address,uint256)", bytes(96)))),
        ("gives_away", (APPROVE, call("increaseAllowance(address,uint256)", bytes(64)))),
        ("gives_away", (APPROVE, call("setApprovalForAll(address,bool)", bytes(64)))),
        ("value_above_spend", (APPROVE, replace(SWAP_CALL, value=1))),
        ("call_misnamed", (APPROVE, replace(SWAP_CALL, function="harmless(uint256)"))),
    ],
)
def test_trade_whose_calls_do_something_else_is_denied(code: str, calls: tuple[Call, ...]) -> None:
    assert code in codes(swap(calls=calls))


RESET = approve_call(TOKEN, ROUTER, 0)


@pytest.mark.parametrize(
    "calls",
    [
        (APPROVE, SWAP_CALL, RESET),
        (RESET, APPROVE, SWAP_CALL),
        (RESET, APPROVE, SWAP_CALL, RESET),
        (SWAP_CALL, RESET),
    ],
)
def test_trade_may_set_its_approval_to_zero_before_the_exact_one_and_at_the_end(calls: tuple[Call, ...]) -> None:
    assert not {"approval_not_exact", "approval_left", "gives_away"} & set(codes(swap(calls=calls)))


@pytest.mark.parametrize(
    "calls",
    [
        (APPROVE, SWAP_CALL, APPROVE),
        (APPROVE, SWAP_CALL, RESET, RESET),
        (RESET, RESET, APPROVE, SWAP_CALL),
        (RESET, SWAP_CALL),
        (APPROVE, RESET, SWAP_CALL),
        (APPROVE, RESET),
        (RESET, APPROVE),
        (APPROVE, SWAP_CALL, approve_call(TOKEN, ROUTER, 1)),
        (APPROVE, SWAP_CALL, approve_call(TOKEN, OTHER, 0)),
        (APPROVE, SWAP_CALL, approve_call(OTHER, ROUTER, 0)),
        (APPROVE, SWAP_CALL, replace(RESET, data=RESET.data + "00")),
        (APPROVE, SWAP_CALL, replace(RESET, value=1)),
        (approve_call(TOKEN, OTHER, 0), APPROVE, SWAP_CALL),
    ],
)
def test_approval_of_zero_anywhere_else_is_denied(calls: tuple[Call, ...]) -> None:
    assert {"approval_not_exact", "approval_left"} & set(codes(swap(calls=calls)))


def test_position_may_set_its_approval_to_zero_first() -> None:
    alone = swap(purpose="position", calls=(RESET, APPROVE), receive=())

    assert ["above_approval_threshold"] == codes(alone)
    assert "approval_not_exact" in codes(replace(alone, calls=(RESET,)))


def test_position_may_be_one_exact_approval_and_nothing_else() -> None:
    """A pool takes two assets: each is an action, so that each is judged and counted as what it spends."""
    alone = swap(purpose="position", calls=(APPROVE,), receive=())

    assert ["above_approval_threshold"] == codes(alone)
    assert "approval_not_exact" in codes(replace(alone, calls=(UNLIMITED,)))
    assert "approval_left" in codes(replace(alone, calls=(SWAP_CALL, APPROVE)))


@pytest.mark.parametrize(
    "calls",
    [
        (transfer_call(TOKEN, OTHER, 500_000),),
        (transfer_call(TOKEN, ROUTER, 500_001),),
        (transfer_call(OTHER, ROUTER, 500_000),),
        (Call(to=ROUTER, value=500_000),),
        (transfer_call(TOKEN, ROUTER, 500_000), transfer_call(TOKEN, ROUTER, 500_000)),
    ],
)
def test_transfer_that_pays_something_else_is_denied(calls: tuple[Call, ...]) -> None:
    assert "not_the_transfer" in codes(transfer(calls=calls))


def test_transfer_to_the_token_itself_is_denied() -> None:
    """What a token's own contract is sent is gone."""
    burnt = transfer(counterparty=TOKEN, calls=(transfer_call(TOKEN, TOKEN, 500_000),))

    assert ["bad_payee"] == codes(burnt)


def test_transfer_that_says_it_brings_something_back_is_denied() -> None:
    assert ["not_the_transfer"] == codes(transfer(receive=(Amount(1, WRAPPED),)))


def test_words_for_people_do_not_matter_to_a_transfer() -> None:
    said = replace(transfer_call(TOKEN, ROUTER, 500_000), arguments=(("to", "a friend"),), returns=())

    assert [] == codes(transfer(calls=(said,)))


def test_gas_is_held_in_the_coin_and_apart_from_payments() -> None:
    hold = gas_hold(POLICY, PAYER, Amount(5, COIN), now=NOW)

    assert (f"gas of wallet:{PAYER.lower()}", True, GAS) == (hold.scope, hold.gas, hold.limit)
    assert GAS == gas_cap(POLICY, CHAIN)


def test_gas_of_a_chain_without_a_limit_is_denied() -> None:
    with pytest.raises(PolicyDenied, match="gas_per_transaction has no limit in the coin of eip155:1"):
        gas_cap(POLICY, ChainId.evm(1))


@pytest.mark.parametrize(
    "wrong",
    [
        {"gas_per_day": usd("1")},
        {"gas_per_transaction": (GAS, GAS)},
        {"max_slippage_bps": 10_001},
        {"max_deadline_seconds": 9},
        {"max_per_trade": ()},
    ],
)
def test_policy_refuses_limits_of_actions_that_mean_nothing(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Policy(**wrong)


def test_policy_file_says_the_same() -> None:
    text = """
max_per_trade: "50"
trade_per_day: "90"
gas_per_transaction: "3 eip155:25/slip44:60"
gas_per_day: "3 eip155:25/slip44:60"
max_slippage_bps: 70
max_deadline_seconds: 90
venues: [vvs]
"""
    expected = replace(POLICY, max_slippage_bps=70, max_deadline_seconds=90, venues=frozenset({"vvs"}))

    assert expected == read_policy([("policy.yaml", text)])


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("brings_to_another", swap_data(to=ROUTER)),
        ("brings_to_another", swap_data(to=checksum(f"0x{'0' * 39}1"))),
        ("gives_more", swap_data(gives=40_000_001)),
        ("minimum_not_kept", swap_data(brings=6)),
        ("brings_another", swap_data(path=(TOKEN, ROUTER))),
        ("deadline_not_kept", swap_data(until=NOW + 601)),
        ("call_unreadable", word.calldata(SWAP_SIGNATURE, bytes(64))),
        ("brings_another", swap_data(path=())),
    ],
)
def test_swap_whose_calldata_says_something_else_is_denied(code: str, data: str) -> None:
    calls = (APPROVE, replace(SWAP_CALL, data=data))

    assert code in codes(swap(calls=calls))
    assert code in codes(swap(calls=calls, purpose="position"))


def multicall(*inner: str, until: int = NOW + 600) -> Call:
    raw = [bytes.fromhex(each[2:]) for each in inner]
    padded = [word.uint256(len(each)) + each + bytes(-len(each) % 32) for each in raw]
    starts = [32 * len(raw) + sum(map(len, padded[:place])) for place in range(len(raw))]
    words = [*map(word.uint256, (until, 64, len(raw), *starts)), *padded]
    signature = "multicall(uint256,bytes[])"
    return Call(to=ROUTER, data=word.calldata(signature, *words), function=signature)


def smart(least: int, to: str) -> str:
    signature = "swapExactTokensForTokens(uint256,uint256,address[],address)"
    head = (*map(word.uint256, (1, least, 128)), word.address(to), word.uint256(2))
    return word.calldata(signature, *head, word.address(TOKEN), word.address(OTHER))


def test_swap_inside_a_multicall_is_read_too() -> None:
    assert not {"brings_to_another", "call_unreadable"} & set(codes(swap(calls=(APPROVE, multicall(smart(7, PAYER))))))
    assert "brings_to_another" in codes(swap(calls=(APPROVE, multicall(smart(7, PAYER), smart(7, OTHER)))))
    assert "minimum_not_kept" in codes(swap(calls=(APPROVE, multicall(smart(6, PAYER)))))
    assert "deadline_not_kept" in codes(swap(calls=(APPROVE, multicall(smart(7, PAYER), until=NOW + 601))))
    hidden = transfer_call(TOKEN, OTHER, 1).data
    assert "call_unreadable" in codes(swap(calls=(APPROVE, multicall(smart(7, PAYER), hidden))))


def test_liquidity_that_somebody_else_would_get_is_denied() -> None:
    signature = "addLiquidityETH(address,uint256,uint256,uint256,address,uint256)"
    words = (word.address(TOKEN), *map(word.uint256, (1, 1, 1)))
    mine = Call(
        to=ROUTER,
        data=word.calldata(signature, *words, word.address(PAYER), word.uint256(NOW + 600)),
        function=signature,
    )
    theirs = replace(mine, data=word.calldata(signature, *words, word.address(OTHER), word.uint256(NOW + 600)))
    position = swap(purpose="position", receive=(), calls=(APPROVE, mine))

    assert "brings_to_another" not in codes(position)
    assert "brings_to_another" in codes(replace(position, calls=(APPROVE, theirs)))


@pytest.mark.parametrize(
    "name", ["executePayment", "payBatch", "executeApprovedPayment", "withdraw", "reserve", "collect", "callCollector"]
)
def test_money_of_an_agent_wallet_is_no_step_of_a_trade(name: str) -> None:
    """A connector could say that nothing is spent, and no limit would count what the contract pays."""
    signature = contract("AgentWallet")[name].signature
    call = Call(to=ROUTER, data=word.calldata(signature), function=signature)
    nothing = swap(purpose="position", spend=Amount(0, COIN), receive=(), calls=(call,), slippage_bps=None)

    assert "gives_away" in codes(nothing)


def test_key_of_an_agent_wallet_collects_no_money_where_nothing_is_said_to_be_spent() -> None:
    collecting = contract("AgentWallet")["collect"].signature
    call = Call(to=ROUTER, data=word.calldata(collecting), function=collecting)
    nothing = swap(purpose="position", venue=VENUE, spend=Amount(0, COIN), receive=(), calls=(call,), slippage_bps=None)

    assert ["gives_away"] == codes(nothing)
