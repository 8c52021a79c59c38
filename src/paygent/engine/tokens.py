"""Tokens whose EIP-712 version documents dispute: the chain decides, or nothing is signed."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from paygent.core.caip import AssetId, ChainId
from paygent.core.errors import AdapterError, ConfigurationError
from paygent.core.requirements import PaymentRequirements, Refusal, Token
from paygent.core.typed_data import Domain
from paygent.evm import erc20
from paygent.evm.eip712 import domain_separator
from paygent.evm.tokens import domain, domains
from paygent.ports.chain import Chain


class TokenBook:
    """What is known about tokens, with disputes settled on chain and remembered."""

    def __init__(self, tokens: Mapping[AssetId, Token], chains: Mapping[ChainId, Chain]) -> None:
        self._tokens = dict(tokens)
        self._chains = chains

    @property
    def tokens(self) -> Mapping[AssetId, Token]:
        """Every token that may be paid with, if the policy agrees."""
        return self._tokens

    async def confirm(self, requirements: Iterable[PaymentRequirements]) -> tuple[Refusal, ...]:
        """Settle the disputes about the offered tokens; return a refusal for each offer whose dispute stands.

        Raises: AdapterError: the chain could not answer.
        """
        refusals: list[Refusal] = []
        for offer in requirements:
            token = self._tokens.get(offer.asset)
            if token is None or len(token.versions) == 1:
                continue
            if (why := await self._settle(token)) is not None:
                refusals.append(Refusal(index=offer.index, code="unconfirmed_domain", text=why))
        return tuple(refusals)

    async def domain(self, asset: AssetId) -> Domain:
        """Return the EIP-712 domain of a token, the chain's word where documents disagree.

        Raises: ConfigurationError: the token is not known, or its dispute stands. AdapterError: the chain is silent.
        """
        token = self._tokens.get(asset)
        if token is None:
            raise ConfigurationError(f"{asset} is not a known token; name it in tokens=")
        if len(token.versions) > 1 and (why := await self._settle(token)) is not None:
            raise ConfigurationError(why)
        return domain(self._tokens[asset])

    async def _settle(self, token: Token) -> str | None:
        asset = token.asset.id
        chain = self._chains.get(asset.chain)
        if chain is None:
            return f"documents disagree on the EIP-712 version of {asset}; configure an endpoint for {asset.chain}"
        said = await chain.call(asset.address, erc20.domain_separator())
        for known in domains(token):
            if known.version is not None and f"0x{domain_separator(known).hex()}" == said.lower():
                self._tokens[asset] = replace(token, versions=(known.version,))
                return None
        return f"DOMAIN_SEPARATOR() of {asset} fits none of the versions {', '.join(token.versions)}; nothing is signed"


async def read_uint(chain: Chain, token: str, call: str) -> int:
    """Return what a token says that is one integer.

    Raises: AdapterError: the chain could not answer, or the token says something else.
    """
    said = await chain.call(token, call)
    try:
        return erc20.uint(said)
    except ValueError as exc:
        raise AdapterError(f"token {token} on the configured chain: {exc}", retryable=False) from exc
