"""What went wrong with transactions of one's own, and with the contracts they call.

::

    PaymentNotAttempted
    └── SimulationReverted · InsufficientFunds · NotSpendable · GasTooExpensive    it was not signed
    PaymentCannotSettle
    └── TransactionReverted · NonceTaken · ActionAbandoned          it did not do what it was for
    ConfigurationError
    └── ContractMissing · ContractMismatch                          what is at an address is not the contract
"""

from typing import TYPE_CHECKING

from paygent.core.errors import ConfigurationError, PaymentCannotSettle, PaymentNotAttempted

if TYPE_CHECKING:
    from paygent.core.ids import PaymentId
    from paygent.core.money import Amount


class SimulationReverted(PaymentNotAttempted):
    """The chain says that an own transaction would revert; `reason` is why, as the contract says it."""

    def __init__(
        self,
        call: str,
        *,
        reason: str,
        error: str = "",
        arguments: "tuple[object, ...]" = (),
        data: str = "0x",
        payment_id: "PaymentId | None" = None,
    ) -> None:
        super().__init__(
            f"{call} would revert ({reason}), so nothing was sent; change what the contract objects to and try again",
            payment_id=payment_id,
        )
        self.call = call
        self.reason = reason
        self.error = error
        """The name of the contract's own error, such as ``ERC20InsufficientBalance``; empty where none is known."""
        self.arguments = arguments
        """What that error says, in its order: numbers, text, and addresses in lower case."""
        self.data = data
        """0x and hexadecimal digits: what the contract gave back; `0x` where the node does not say."""


class InsufficientFunds(PaymentNotAttempted):
    """The wallet has less of an asset than a transaction takes, gas included where it is the chain's coin."""

    def __init__(self, *, needed: "Amount", has: "Amount", what: str, payment_id: "PaymentId | None" = None) -> None:
        super().__init__(
            f"{what} needs {needed} and the wallet has {has}; nothing was sent: fund the wallet or ask for less",
            payment_id=payment_id,
        )
        self.asset = needed.asset
        self.needed = needed
        self.has = has


class NotSpendable(PaymentNotAttempted):
    """What is at a token's address does not answer as the token that it is taken for."""

    def __init__(self, asset: str, problem: str, *, payment_id: "PaymentId | None" = None) -> None:
        super().__init__(
            f"{asset} cannot be spent: {problem}; nothing was sent: correct the address and the decimals in `tokens`, "
            "or the endpoint",
            payment_id=payment_id,
        )
        self.asset = asset
        """Its CAIP-19 id."""
        self.problem = problem


class GasTooExpensive(PaymentNotAttempted):
    """The gas of a transaction could cost more than the policy allows for one."""

    def __init__(self, *, asked: "Amount", limit: "Amount", payment_id: "PaymentId | None" = None) -> None:
        super().__init__(
            f"the gas of the transaction can cost {asked} and the policy allows {limit}; nothing was sent: wait for "
            "cheaper gas, or raise gas_per_transaction",
            payment_id=payment_id,
        )
        self.asked = asked
        self.limit = limit


class TransactionReverted(PaymentCannotSettle):
    """Our own transaction was mined and reverted; its gas is spent, and nothing else."""

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        error: str = "",
        arguments: "tuple[object, ...]" = (),
        payment_id: "PaymentId | None" = None,
    ) -> None:
        super().__init__(message, payment_id=payment_id)
        self.reason = reason
        """Why, as the contract says it; empty where the chain does not say any more."""
        self.error = error
        """The name of the contract's own error, such as ``ERC20InsufficientBalance``; empty where none is known."""
        self.arguments = arguments
        """What that error says, in its order."""


class NonceTaken(PaymentCannotSettle):
    """Another transaction of the same account used the account nonce: the key is in use elsewhere."""


class ActionAbandoned(PaymentCannotSettle):
    """An action could not go on after its first step; what was approved for it was taken back, or is told."""


class ContractMissing(ConfigurationError):
    """There is no code where a contract has to be."""

    def __init__(self, name: str, *, address: str, network: str, advice: str) -> None:
        super().__init__(f"there is no {name} at {address} on {network}: {advice}")
        self.name = name
        self.address = address
        self.network = network


class ContractMismatch(ConfigurationError):
    """What is at a contract's address has another code than this version knows; nothing is sent to it."""

    def __init__(self, name: str, *, address: str, network: str, expected: str, found: str) -> None:
        super().__init__(
            f"the code at {address} on {network} is not {name}: its hash is {found} and should be {expected}; "
            "check the address and the endpoint, and do not send money there"
        )
        self.name = name
        self.address = address
        self.network = network
        self.expected = expected
        self.found = found
