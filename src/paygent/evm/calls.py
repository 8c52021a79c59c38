"""What is wrong with the calls of an action: they must do what it says, and nothing besides. Pure.

A connector is not trusted: its text is for people, and what is judged is the calldata.
"""

from collections.abc import Iterator
from typing import Final

from paygent.core.action import CALL_COLLECTOR, Action, Call
from paygent.evm import agent_wallet, router, word
from paygent.evm.batch import pays_batch
from paygent.evm.create2 import is_create2
from paygent.evm.reverts import selector_of

TRANSFER: Final = "transfer(address,uint256)"
APPROVE: Final = "approve(address,uint256)"
_APPROVE: Final = selector_of(APPROVE)
_GIVES_AWAY: Final = {
    selector_of(signature): signature
    for signature in (
        TRANSFER,
        "transferFrom(address,address,uint256)",
        "safeTransferFrom(address,address,uint256)",
        "increaseAllowance(address,uint256)",
        "increaseApproval(address,uint256)",
        "setApprovalForAll(address,bool)",
        "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
        "permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)",
        "approve(address,address,uint160,uint48)",
        "transferAndCall(address,uint256,bytes)",
        "send(address,uint256,bytes)",
        "safeTransfer(address,uint256)",
        "safeTransferFrom(address,address,uint256,bytes)",
        "approveAndCall(address,uint256)",
        "approveAndCall(address,uint256,bytes)",
        "transferAndCall(address,uint256)",
        "transferFromAndCall(address,address,uint256)",
        "transferFromAndCall(address,address,uint256,bytes)",
        "authorizeOperator(address)",
        "operatorSend(address,address,uint256,bytes,bytes)",
        "transferFrom(address,address,uint160,address)",
        "transferFrom((address,address,uint160,address)[])",
        "executePayment(address,address,uint256,bytes32)",
        "collect(address,address,uint256,bytes32)",
        "payBatch(address,(address,uint256)[],bytes32)",
        "executeApprovedPayment(address,address,uint256,bytes32,bytes32,uint256,(address,bytes)[])",
        "withdraw(address,address,uint256)",
    )
}
"""Functions that move tokens, of a wallet or of an AgentWallet, or allow somebody to: none is a step of a trade."""
_GOVERNS: Final = {
    selector_of(signature): signature
    for signature in (
        "reserve((address,address,uint256,uint256,uint256,bytes32)[])",
        CALL_COLLECTOR,
    )
}
"""Functions of an AgentWallet by which others get its money: no connector calls them."""


def transfer_call(token: str, to: str, atomic: int) -> Call:
    """Return the call that pays tokens."""
    data = word.calldata(TRANSFER, word.address(to), word.uint256(atomic))
    return Call(
        to=token, data=data, function=TRANSFER, arguments=(("to", to), ("amount", str(atomic))), returns=("bool",)
    )


def approve_call(token: str, spender: str, atomic: int) -> Call:
    """Return the call that lets `spender` take exactly so much."""
    data = word.calldata(APPROVE, word.address(spender), word.uint256(atomic))
    said = (("spender", spender), ("amount", str(atomic)))
    return Call(to=token, data=data, function=APPROVE, arguments=said, returns=("bool",))


def is_approval(call: Call) -> bool:
    """Tell whether a call lets somebody take tokens."""
    return call.selector == _APPROVE


def is_revocation(call: Call) -> bool:
    """Tell whether a call lets somebody take no tokens any more."""
    return is_approval(call) and len(call.data) == 138 and set(call.data[74:]) == {"0"}


def closes(action: Action) -> bool:
    """Tell whether the last call of a trade takes back what is left of its approval."""
    *before, last = action.calls
    return bool(before) and not is_approval(before[-1]) and _takes_back(action, last)


def _resets(action: Action) -> bool:
    """Tell whether the first call makes room for the approval that follows: some tokens change none but from zero."""
    first, *after = action.calls
    return bool(after) and is_approval(after[0]) and not is_revocation(after[0]) and _takes_back(action, first)


def _takes_back(action: Action, call: Call) -> bool:
    asset = action.spend.asset.id
    if asset.native or not is_revocation(call):
        return False
    none = approve_call(asset.address, action.counterparty, 0)
    return (call.to.lower(), call.data, call.value) == (none.to.lower(), none.data, 0)


def faults(action: Action) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with an action's calls, as a stable word and a sentence for people."""
    for call in action.calls:
        if call.function and selector_of(call.function) != call.selector and not is_create2(call):
            yield "call_misnamed", f"a call says {call.function} and its data calls {call.selector}"
    yield from _coins(action)
    if action.purpose == "transfer":
        yield from _transfer(action)
    else:
        yield from _trade(action) if action.account is None else _promise(action)


def _coins(action: Action) -> Iterator[tuple[str, str]]:
    value = sum(call.value for call in action.calls)
    coins = action.spend if action.spend.asset.id.native else action.fee
    most = 0 if coins is None else coins.atomic
    if value > most:
        yield "value_above_spend", f"the calls carry {value} wei of the coin, and the action says at most {most}"


def _transfer(action: Action) -> Iterator[tuple[str, str]]:
    asset = action.spend.asset.id
    if not asset.native and action.counterparty.lower() == asset.address.lower():
        yield "bad_payee", f"the payee {action.counterparty} is the token itself, which gives nothing back"
    if action.account is not None:
        call = action.calls[0]
        pays = agent_wallet.pays(call, action) or pays_batch(call, action) or router.pays_service(call, action)
        if len(action.calls) != 1 or not pays:
            yield "not_the_transfer", f"the call is no payment of {action.spend} to {action.counterparty} by the wallet"
    elif action.calls != (expected := _expected(action),) and not _same(action, expected):
        yield "not_the_transfer", f"the calls are not one transfer of {action.spend} to {action.counterparty}"
    if action.receive:
        yield "not_the_transfer", "a transfer brings nothing back"


def _promise(action: Action) -> Iterator[tuple[str, str]]:
    """An AgentWallet's position moves nothing yet: it agrees to a subscription, and to nothing besides."""
    alone = len(action.calls) == 1 and action.venue == agent_wallet.VENUE and not action.receive
    if not (alone and router.subscribes(action.calls[0], action)):
        said = f"{action.spend} in all, for {action.counterparty}"
        yield "not_the_subscription", f"the call is no subscription of the wallet that takes at most {said}"


def _expected(action: Action) -> Call:
    asset = action.spend.asset.id
    if asset.native:
        return Call(to=action.counterparty, value=action.spend.atomic)
    return transfer_call(asset.address, action.counterparty, action.spend.atomic)


def _same(action: Action, expected: Call) -> bool:
    """Tell whether the only call does the same; what is written for people may differ."""
    call = action.calls[0]
    does = (call.to.lower(), call.data, call.value)
    return len(action.calls) == 1 and does == (expected.to.lower(), expected.data, expected.value)


def _trade(action: Action) -> Iterator[tuple[str, str]]:
    """A position that takes two assets has two actions; the first one approves what it spends, and does only that.

    Around these calls an approval may be set to zero: right before the exact one, and at the end.
    """
    calls = action.calls[int(_resets(action)) : len(action.calls) - int(closes(action))]
    *before, last = calls
    if is_approval(last) and not (action.purpose == "position" and not before):
        yield "approval_left", "the last call of a trade is an approval, so nothing uses it"
    if len([call for call in before if is_approval(call)]) > 1:
        yield "approval_not_exact", "a trade approves at most once"
    for place, call in enumerate(calls):
        if is_approval(call):
            yield from _approval(action, call, first=place == 0)
        elif call.selector in _GIVES_AWAY:
            yield "gives_away", f"a step of a trade never calls {_GIVES_AWAY[call.selector]}"
        elif call.selector in _GOVERNS and not (action.venue == agent_wallet.VENUE and _governs(call)):
            yield "gives_away", f"a connector never calls {_GOVERNS[call.selector]} of an AgentWallet"
        elif call.to.lower() != action.counterparty.lower():
            yield "not_the_counterparty", f"a call goes to {call.to}, and the trade is with {action.counterparty}"


def _governs(call: Call) -> bool:
    """Tell whether an AgentWallet's key may call it where no money of the wallet is named: of the router, to cancel."""
    return call.selector != selector_of(CALL_COLLECTOR) or router.cancels(call)


def _approval(action: Action, call: Call, *, first: bool) -> Iterator[tuple[str, str]]:
    asset, spend = action.spend.asset.id, action.spend.atomic
    exact = None if asset.native else approve_call(asset.address, action.counterparty, spend)
    fits = exact is not None and (call.to.lower(), call.data, call.value) == (exact.to.lower(), exact.data, 0)
    if not fits or not first:
        yield (
            "approval_not_exact",
            f"an approval comes first and lets {action.counterparty} take exactly {action.spend}, no more and no less",
        )
