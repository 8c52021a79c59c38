"""The signing firewall stands before the signer: what the choice does not bear is never seen by a key."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from paygent.core.errors import SigningFailed
from paygent.core.money import Amount
from paygent.core.payment import Payment
from paygent.core.requirements import Authorization
from paygent.engine.choose import Choice
from paygent.engine.sign import AuthorizationSigner
from paygent.policy.policy import Policy
from paygent.testing.engine import MemoryEngine, memory_engine
from paygent.testing.keys import dev_accounts

pytestmark = pytest.mark.anyio
STRANGER = dev_accounts()[3].address
CHANGED: dict[str, Callable[[Authorization], Authorization]] = {
    "another payee": lambda signed: replace(signed, payee=STRANGER),
    "a higher amount": lambda signed: replace(signed, amount=Amount(signed.amount.atomic + 1, signed.amount.asset)),
    "too late an end": lambda signed: replace(signed, valid_before=signed.valid_before + 10_000),
}


async def about_to_sign(
    memory: MemoryEngine, monkeypatch: pytest.MonkeyPatch, method: str
) -> tuple[AuthorizationSigner, Payment, Choice]:
    """Return a payment that was signed, what was chosen for it, and its signer with nothing remembered."""
    seen: list[tuple[AuthorizationSigner, Payment, Choice]] = []
    sign = AuthorizationSigner.sign

    async def watched(signer: AuthorizationSigner, payment: Payment, choice: Choice) -> object:
        seen.append((signer, payment, choice))
        return await sign(signer, payment, choice)

    with monkeypatch.context() as patch:
        patch.setattr(AuthorizationSigner, "sign", watched)
        await memory.sent(method=method)
    memory.signer.signed.clear()
    return seen[0]


@pytest.mark.parametrize("method", ["eip3009", "permit2"])
@pytest.mark.parametrize("change", CHANGED)
async def test_authorization_beyond_what_was_chosen_is_never_signed(
    change: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = memory_engine()
    signer, payment, choice = await about_to_sign(memory, monkeypatch, method)
    assert payment.authorization is not None

    with pytest.raises(SigningFailed):
        await signer.sign(replace(payment, authorization=CHANGED[change](payment.authorization)), choice)

    assert [] == memory.signer.signed


async def test_authorization_of_another_payer_is_never_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Permit2 has no word for the payer: it is whoever signed."""
    memory = memory_engine()
    signer, payment, choice = await about_to_sign(memory, monkeypatch, "eip3009")
    assert payment.authorization is not None

    with pytest.raises(SigningFailed, match="from"):
        await signer.sign(replace(payment, authorization=replace(payment.authorization, payer=STRANGER)), choice)

    assert [] == memory.signer.signed


async def test_authorization_longer_than_the_policy_of_its_choice_allows_is_never_signed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory = memory_engine()
    signer, payment, choice = await about_to_sign(memory, monkeypatch, "eip3009")

    with pytest.raises(SigningFailed):
        await signer.sign(payment, replace(choice, policy=Policy(max_validity_seconds=60)))

    assert [] == memory.signer.signed


async def test_authorization_as_it_was_chosen_is_signed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = memory_engine()
    signer, payment, choice = await about_to_sign(memory, monkeypatch, "eip3009")

    await signer.sign(payment, choice)

    assert 1 == len(memory.signer.signed)
