"""What becomes of an authorization that is out, on chain."""

from dataclasses import dataclass

from eth_account import Account
from eth_account.signers.local import LocalAccount

from paygent.core.lifecycle import State
from tests.interop.hostile.shop import SOMEBODY, Shop
from tests.interop.peers.anvil import Anvil, dev_account
from tests.interop.peers.chain import TokenChain, call_data

VALIDITY_SECONDS = 60
_CANCEL_TYPES = {
    "CancelAuthorization": [{"name": "authorizer", "type": "address"}, {"name": "nonce", "type": "bytes32"}]
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ends, where it then stands, and how many transfers there are in all."""

    name: str
    state: State
    transfers: int


SETTLED_ALREADY = Ending("settled already", State.SETTLED, 1)
EXPIRES = Ending("expires", State.EXPIRED, 0)
SOMEBODY_SETTLES = Ending("somebody settles", State.SETTLED, 1)
PAYER_CANCELS = Ending("payer cancels", State.CANCELLED, 0)
IS_MINED = Ending("is mined", State.SETTLED, 1)


def bring_about(ending: Ending, shop: Shop, payer: LocalAccount) -> None:
    """Make the chain be so."""
    if ending is EXPIRES:
        pass_time(shop.chain.anvil, VALIDITY_SECONDS + 1)
    elif ending is SOMEBODY_SETTLES:
        shop.settle_later()
    elif ending is PAYER_CANCELS:
        cancel(shop.chain, payer, shop.authorization["nonce"])
    elif ending is IS_MINED:
        shop.chain.anvil.call("evm_setAutomine", True)
        shop.chain.anvil.call("evm_mine")


def pass_time(anvil: Anvil, seconds: int) -> None:
    anvil.call("evm_increaseTime", seconds)
    anvil.call("evm_mine")


def cancel(chain: TokenChain, payer: LocalAccount, nonce: str) -> str:
    """Cancel an authorization as its payer may."""
    domain = {
        "name": chain.token_name,
        "version": chain.token_version,
        "chainId": chain.anvil.chain_id,
        "verifyingContract": chain.token,
    }
    signed = Account.sign_typed_data(payer.key, domain, _CANCEL_TYPES, {"authorizer": payer.address, "nonce": nonce})
    parts = (signed.v, signed.r.to_bytes(32), signed.s.to_bytes(32))
    data = call_data(
        "cancelAuthorization(address,bytes32,uint8,bytes32,bytes32)", payer.address, bytes.fromhex(nonce[2:]), *parts
    )
    return chain.anvil.send(dev_account(SOMEBODY).address, chain.token, data)
