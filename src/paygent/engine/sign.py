"""Sign the one authorization of a payment, behind the signing firewall."""

from typing import Protocol

from paygent.core.errors import SigningFailed
from paygent.core.payment import Payment, SignedPayload
from paygent.core.typed_data import Domain, TypedData
from paygent.engine.choose import Choice
from paygent.evm import eip2612, eip3009, permit2
from paygent.evm.tokens import domain as token_domain
from paygent.policy import firewall
from paygent.ports.signer import Signer
from paygent.x402 import codec
from paygent.x402.extensions import PAYMENT_IDENTIFIER, with_gas_sponsoring, with_payment_identifier


class PaymentSigner(Protocol):
    """**Protocol:** what makes the bytes that pay, for one payer."""

    @property
    def address(self) -> str:
        """The payer, an EIP-55 checksummed address."""
        ...

    async def sign(self, payment: Payment, choice: Choice) -> SignedPayload:
        """Return the bytes of a reserved payment; nobody outside of this process has seen any of it.

        Raises: PaymentNotAttempted: they will not be made.
        """
        ...

    async def publish(self, payment: Payment) -> None:
        """Do what makes the bytes good, once they are durable; doing it again does nothing more.

        Raises: PaygentError: they are not good, or nobody knows.
        """
        ...


class AuthorizationSigner:
    """A signer that only the engine holds; it never sees anything the firewall has not let through."""

    def __init__(self, signer: Signer, *, max_validity_seconds: int) -> None:
        self._signer = signer
        self._max_validity_seconds = max_validity_seconds

    @property
    def address(self) -> str:
        """The EIP-55 checksummed address that signs."""
        return self._signer.address

    async def sign(self, payment: Payment, choice: Choice) -> SignedPayload:
        """Return the signed bytes of a reserved payment.

        Raises: SigningFailed: the firewall or the signer refused.
        """
        authorization = payment.authorization
        if authorization is None:
            raise SigningFailed("there is no authorization to sign", payment_id=payment.id)
        domain = token_domain(choice.offer.token)
        if authorization.method == "permit2":
            data = permit2.typed_data(authorization, domain.chain_id)
        else:
            data = eip3009.typed_data(authorization, domain)
        extensions = await self._extensions(payment, choice, domain)
        signature = await self._signature(data, choice, domain)
        return codec.write_payload(
            choice.required, choice.offer.requirements, authorization, signature, extensions=extensions
        )

    async def publish(self, payment: Payment) -> None:
        """Do nothing: a key's signature is good as it is."""

    async def _signature(self, data: TypedData, choice: Choice, domain: Domain) -> bytes:
        rules = firewall.SigningRules(
            payer=self._signer.address,
            payee=choice.payee,
            tokens={domain: choice.offer.amount.atomic},
            now=choice.now,
            max_validity_seconds=min(self._max_validity_seconds, choice.policy.max_validity_seconds),
            slack_seconds=0,
        )
        firewall.check(data, rules)
        signature = await self._signer.sign_typed_data(data)
        if len(signature) != 65:
            raise SigningFailed(f"the signer returned {len(signature)} bytes, a signature has 65")
        return signature

    async def _extensions(self, payment: Payment, choice: Choice, domain: Domain) -> dict[str, object]:
        extensions = dict(choice.required.extensions)
        if PAYMENT_IDENTIFIER in extensions:
            extensions = with_payment_identifier(extensions, payment.id)
        return extensions if choice.permit_nonce is None else await self._sponsored(extensions, choice, domain)

    async def _sponsored(self, extensions: dict[str, object], choice: Choice, domain: Domain) -> dict[str, object]:
        """Add the EIP-2612 permit that lets Permit2 take exactly the amount of this payment."""
        assert choice.permit_nonce is not None  # noqa: S101  _extensions has checked it
        amount = choice.offer.amount.atomic
        data = eip2612.typed_data(
            owner=self._signer.address,
            spender=permit2.PERMIT2,
            value=amount,
            nonce=choice.permit_nonce,
            deadline=choice.valid_before,
            domain=domain,
        )
        return with_gas_sponsoring(
            extensions,
            owner=self._signer.address,
            asset=domain.verifying_contract,
            spender=permit2.PERMIT2,
            amount=amount,
            nonce=choice.permit_nonce,
            deadline=choice.valid_before,
            signature=await self._signature(data, choice, domain),
        )
