"""An agent that buys what it may afford, and can prove what it spent."""

import sys
import tempfile
from collections.abc import Sequence

from paygent import Amount, PaymentNotAttempted, Policy, Receipt, SyncX402Client, Token, usd
from paygent.devnet import Devnet


def buy_what_is_affordable(client: SyncX402Client, urls: Sequence[str]) -> list[Receipt]:
    """Buy each resource unless the policy refuses it; return the proofs."""
    proofs: list[Receipt] = []
    for url in urls:
        print(client.quote(url))
        try:
            response = client.get(url)
        except PaymentNotAttempted as refused:
            print(f"  not bought: {refused}")
            continue
        proofs.append(client.settled(response))
        print(f"  bought: {response.json()['resource']}")
    return proofs


def main() -> int:
    """Run the story; return 0 if the chain agrees with the proofs."""
    with Devnet() as net, tempfile.TemporaryDirectory() as folder:
        token = Token(asset=net.asset, name=net.token.name, versions=(net.token.version,), usd=True)
        before = net.balance(net.payer.address)
        with SyncX402Client.open(
            policy=Policy(max_per_payment=usd("0.20"), per_day=usd("1")),
            private_key=net.payer.private_key,
            rpc=net.rpc_url,
            storage=f"{folder}/payments.db",
            tokens=[token],
        ) as client:
            proofs = buy_what_is_affordable(client, [net.seller.url("/premium"), net.seller.url("/report")])
        spent = Amount(before - net.balance(net.payer.address), net.asset)
        proven = sum((proof.amount for proof in proofs), start=Amount(0, net.asset))
        print(f"spent {spent}, proven {proven}")
    return 0 if spent == proven else 1


if __name__ == "__main__":
    sys.exit(main())
