"""Several payees that an AgentWallet pays at once, in one token and counted once. Pure.

The action of a batch names the wallet itself as counterparty. Whom it pays is read from its call, and nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from paygent.core.action import Action, Call
from paygent.evm import word
from paygent.evm.address import checksum
from paygent.evm.agent_wallet import NATIVE, wallet_call
from paygent.evm.contracts import contract

MOST_SHARES: Final = 100
"""How many payees one batch may have; 50 take about 800,000 gas."""
_FUNCTION: Final = "payBatch"
_WORD: Final = 64
_HEAD: Final = 4 * _WORD
"""Token, offset of the shares, reference, number of the shares."""


@dataclass(frozen=True, slots=True)
class Share:
    """One payee's part of a batch."""

    payee: str
    """Checksummed."""
    atomic: int


def batch_call(wallet: str, token: str, shares: Sequence[Share], ref: bytes) -> Call:
    """Return the call by which an operator pays several payees. Args: ref: 32 bytes, recorded with the batch."""
    parts = [(share.payee, share.atomic) for share in shares]
    said = tuple((f"payment {place} to {payee}", str(atomic)) for place, (payee, atomic) in enumerate(parts, start=1))
    return wallet_call(wallet, _FUNCTION, token, parts, ref, said=(("token", token), *said, ("ref", f"0x{ref.hex()}")))


def shares_of(call: Call) -> tuple[Share, ...]:
    """Return whom a call pays how much; nothing where it is no batch, or not encoded in the one usual way."""
    selector = word.calldata(contract("AgentWallet")[_FUNCTION].signature)
    body = call.data[len(selector) :]
    words = [body[place : place + _WORD] for place in range(_HEAD, len(body), _WORD)]
    if not call.data.startswith(selector) or len(body) <= _HEAD or len(body) % _WORD or len(words) % 2:
        return ()
    usual = (3 * 32, len(words) // 2)
    if (int(body[_WORD : 2 * _WORD], 16), int(body[3 * _WORD : _HEAD], 16)) != usual:
        return ()
    if any(int(payee[:24], 16) for payee in words[::2]):
        return ()
    return tuple(
        Share(checksum(f"0x{payee[24:]}"), int(atomic, 16))
        for payee, atomic in zip(words[::2], words[1::2], strict=True)
    )


def is_batch(action: Action) -> bool:
    """Tell whether an action says that it is a batch; `pays_batch` tells whether its call is."""
    return action.account is not None and action.account.lower() == action.counterparty.lower()


def recipients(action: Action) -> tuple[str, ...]:
    """Return who gets the money of an action: the payees of a batch, else the counterparty alone."""
    shares = shares_of(action.calls[0]) if is_batch(action) else ()
    return tuple(dict.fromkeys(share.payee for share in shares)) or (action.counterparty,)


def pays_batch(call: Call, action: Action) -> bool:
    """Tell whether a call pays a batch of what its action says, from the wallet that it names, and no more."""
    asset, shares = action.spend.asset.id, shares_of(call)
    token = NATIVE if asset.native else asset.address
    head = word.calldata(contract("AgentWallet")[_FUNCTION].signature, word.address(token))
    return (
        is_batch(action)
        and call.data.startswith(head)
        and 0 < len(shares) <= MOST_SHARES
        and all(share.atomic > 0 for share in shares)
        and sum(share.atomic for share in shares) == action.spend.atomic
        and (call.to.lower(), call.value) == ((action.account or "").lower(), 0)
    )
