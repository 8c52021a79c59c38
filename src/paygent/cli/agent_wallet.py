"""`paygent agent-wallet`: a contract that holds money, and that an agent's key cannot overspend."""

import json
import os
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from paygent.cli.agent_wallet_arguments import AgentWalletArguments
from paygent.cli.arguments import Arguments
from paygent.cli.outcome import OK, Listing, Outcome, code_of_error, code_of_payment
from paygent.cli.wallet import amount_of, chains_of, one_asset
from paygent.core.errors import ConfigurationError, PaygentError
from paygent.core.record import JSON
from paygent.core.transaction_errors import ContractMissing
from paygent.evm.agent_wallet import NATIVE, Configuration, TokenLimit
from paygent.evm.coins import coin
from paygent.runtime.assemble import open_parts
from paygent.runtime.deployments import check_contracts, wallet_owner
from paygent.runtime.parts import signer_of, tokens_of
from paygent.runtime.settings import Settings
from paygent.wallet.agent_deploy import SignedConfiguration, read_signed, sign_configuration, signed_record
from paygent.wallet.agent_state import WalletReader, token_of
from paygent.wallet.agent_wallet import AgentWallet
from paygent.wallet.deploy import install
from paygent.wallet.wallet import address_of
from paygent.x402.strict_json import as_object, parse_json

if TYPE_CHECKING:
    from paygent.adapters.rpc import RpcChain
    from paygent.core.caip import ChainId
    from paygent.core.money import Asset
    from paygent.core.payment import Payment

_LIMITS: Final = ("asset", "per_day", "per_payment", "approval_above", "remaining_today")


async def agent_wallet(arguments: Arguments, settings: Settings) -> Outcome:
    """Do what is asked of an AgentWallet."""
    asked = arguments.agent_wallet or AgentWalletArguments()
    match arguments.action:
        case "show":
            return await _show(asked, settings)
        case "limits" | "operators" if not asked.words:
            return await (_limits if arguments.action == "limits" else _operators)(asked, settings)
        case "install":
            return await _install(settings)
        case "deploy" if asked.sign_to is not None:
            return await _sign(asked, settings, asked.sign_to)
        case _:
            return await _send(arguments, asked, settings)


# --- reading ----------------------------------------------------------------------------------------------------------


async def _one_chain(settings: Settings, made: AsyncExitStack) -> "tuple[ChainId, RpcChain]":
    chains = await chains_of(settings, made)
    if len(chains) != 1:
        raise ConfigurationError(f"name one of {', '.join(map(str, chains))} with --network")
    return next(iter(chains.items()))


def _where(asked: AgentWalletArguments, settings: Settings) -> str:
    if asked.at is not None:
        return address_of(asked.at)
    return AgentWallet.predict(signer_of(settings).address if asked.owner is None else asked.owner, asked.salt)


async def _reader(
    asked: AgentWalletArguments, settings: Settings, made: AsyncExitStack
) -> "tuple[WalletReader, ChainId]":
    """Return what reads the wallet. Raises: ContractMissing, ContractMismatch."""
    network, chain = await _one_chain(settings, made)
    address = _where(asked, settings)
    if await wallet_owner(chain, network, address) is None:
        advice = "deploy it with `paygent agent-wallet deploy`"
        raise ContractMissing("AgentWallet", address=address, network=str(network), advice=advice)
    await check_contracts(chain, network, "AgentWalletFactory", "AgentWallet")
    return WalletReader(chain, network, address), network


async def _show(asked: AgentWalletArguments, settings: Settings) -> Outcome:
    async with AsyncExitStack() as made:
        network, chain = await _one_chain(settings, made)
        address = _where(asked, settings)
        if await wallet_owner(chain, network, address) is None:
            told = f"{address} on {network} is not deployed; {await _of_money(chain, network)}"
            return Outcome(exit_code=OK, told=told, said={"address": address, "deployed": False})
        reader, _ = await _reader(asked, settings, made)
        state = await reader.state()
    said: dict[str, JSON] = {
        "address": address,
        "deployed": True,
        "network": str(network),
        "block": state.block,
        "owner": state.owner,
        "guardian": None if state.guardian == NATIVE else state.guardian,
        "paused": state.paused,
        "operators": list(state.operators),
        "payees": list(state.payees) if state.payees_only else None,
        "approvers": list(state.approvers),
        "approvals": state.approvals,
        "collectors": list(state.collectors),
        "tokens": list(state.tokens),
    }
    rows = tuple((name, _text(value)) for name, value in said.items())
    return Outcome(exit_code=OK, listing=Listing(columns=("what", "is"), rows=rows, nothing=""), said=said)


async def _of_money(chain: "RpcChain", network: "ChainId") -> str:
    """Return whether money may be sent to an address where nothing is yet."""
    try:
        await check_contracts(chain, network, "AgentWalletFactory", "AgentWallet")
    except ContractMissing:
        return "send it no money before `paygent agent-wallet install` has put there what deploys it"
    return "money can be sent there already"


def _text(value: JSON) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "any" if value is None else str(value)


async def _limits(asked: AgentWalletArguments, settings: Settings) -> Outcome:
    async with AsyncExitStack() as made:
        reader, network = await _reader(asked, settings, made)
        known = {token.asset.id.address: token.asset for token in tokens_of(settings.tokens).values()
                 if token.asset.id.chain == network}  # fmt: skip
        rows: list[tuple[str, ...]] = []
        said: list[JSON] = []
        for token in (await reader.state()).tokens:
            asset = coin(network) if token == NATIVE else known.get(token.lower())
            if asset is None:
                raise ConfigurationError(
                    f"{token} has a limit and is no known token: add it to `tokens` of paygent.toml"
                )
            limit = await reader.limit(asset)
            amounts = (limit.per_day, limit.per_payment, limit.approval_above, limit.remaining_today)
            rows.append((str(asset.id), *map(str, amounts)))
            atomic = (str(asset.id), *(str(amount.atomic) for amount in amounts))
            said.append(dict(zip(_LIMITS, atomic, strict=True)))
    listing = Listing(columns=_LIMITS, rows=tuple(rows), nothing="no token has a limit, so none moves")
    return Outcome(exit_code=OK, listing=listing, said={"limits": said})


async def _operators(asked: AgentWalletArguments, settings: Settings) -> Outcome:
    async with AsyncExitStack() as made:
        reader, _ = await _reader(asked, settings, made)
        found = (await reader.state()).operators
    listing = Listing(columns=("operator",), rows=tuple((each,) for each in found), nothing="no operators")
    return Outcome(exit_code=OK, listing=listing, said={"operators": list(found)})


# --- sending ----------------------------------------------------------------------------------------------------------


async def _install(settings: Settings) -> Outcome:
    async with open_parts({"settings": settings}) as parts, AsyncExitStack() as made:
        network, _ = await _one_chain(settings, made)
        try:
            done = await install(parts.engine(), parts.chains[network], parts.writers[network], network)
        except PaygentError as error:
            known = None if error.payment_id is None else await parts.journal.get(error.payment_id)
            return Outcome(exit_code=code_of_error(error), payment=known, error=error)
    from paygent.evm.contracts import contract

    rows = tuple(
        (name, contract(name).address, "there already" if payment is None else "deployed")
        for name, payment in done.items()
    )
    said: dict[str, JSON] = {
        "contracts": [dict(zip(("contract", "address", "done"), row, strict=True)) for row in rows]
    }
    listing = Listing(columns=("contract", "address", "done"), rows=rows, nothing="")
    return Outcome(exit_code=OK, listing=listing, said=said)


async def _sign(asked: AgentWalletArguments, settings: Settings, file: str) -> Outcome:
    """Write what the owner signs to a new file; it moves nothing by itself."""
    async with AsyncExitStack() as made:
        network, _ = await _one_chain(settings, made)
    signed = await _signed(asked, settings, network)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigurationError(f"cannot make {file!r}: {error.strerror}; it is never overwritten") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        json.dump(signed_record(signed), opened, indent=1)
    told = f"{signed.wallet}\n{file} deploys it: give it to whoever pays the gas"
    return Outcome(exit_code=OK, told=told, said={"address": signed.wallet, "file": file})


async def _signed(asked: AgentWalletArguments, settings: Settings, network: "ChainId") -> SignedConfiguration:
    if asked.signed is not None:
        return _read(asked.signed)
    if not asked.operators or not asked.limits:
        raise ConfigurationError("a wallet needs at least one --operator and one --limit, or --signed FILE")
    try:
        configuration = Configuration(
            operators=tuple(map(address_of, asked.operators)),
            limits=tuple(_limit(text.split(":"), network, settings) for text in asked.limits),
            deadline=int(time.time()) + asked.valid_for,
            guardian=NATIVE if asked.guardian is None else address_of(asked.guardian),
            payees_only=bool(asked.payees),
            payees=tuple(map(address_of, asked.payees)),
            approvals=asked.approvals,
            approvers=tuple(map(address_of, asked.approvers)),
        )
    except ValueError as wrong:
        raise ConfigurationError(str(wrong)) from wrong
    return await sign_configuration(signer_of(settings), configuration, network=network, salt=asked.salt)


def _read(file: str) -> SignedConfiguration:
    try:
        return read_signed(as_object(parse_json(Path(file).read_bytes())) or {})
    except (OSError, ValueError) as wrong:
        raise ConfigurationError(f"--signed {file}: {wrong}") from wrong


def _limit(words: list[str], network: "ChainId", settings: Settings) -> TokenLimit:
    if len(words) not in (3, 4):
        raise ConfigurationError(f"{':'.join(words)!r} is not ASSET:PER_DAY:PER_PAYMENT[:APPROVAL_ABOVE]")
    asset = _asset(words[0], network, settings)
    day, payment, above = (amount_of(text, asset).atomic for text in (*words[1:], words[-1])[:3])
    token = tokens_of(settings.tokens).get(asset.id)
    domain = ("", "") if token is None or not token.eip3009 else (token.name, token.versions[0])
    name, version = domain
    where = address_of(token_of(asset)) if not asset.id.native else NATIVE
    try:
        return TokenLimit(
            token=where, per_day=day, per_payment=payment, approval_above=above, name=name, version=version
        )
    except ValueError as wrong:
        raise ConfigurationError(str(wrong)) from wrong


def _asset(word: str, network: "ChainId", settings: Settings) -> "Asset":
    return one_asset(word, (network,), tokens_of(settings.tokens))


async def _send(arguments: Arguments, asked: AgentWalletArguments, settings: Settings) -> Outcome:
    async with AsyncExitStack() as made:
        network, _ = await _one_chain(settings, made)
        signed = await _signed(asked, settings, network) if arguments.action == "deploy" else None
        at = signed.wallet if signed is not None else _where(asked, settings)
        wallet = await made.enter_async_context(AgentWallet.open(address=at, network=network, settings=settings))
        try:
            payment = await _done(arguments, asked, settings, wallet, signed)
        except PaygentError as error:
            known = None if error.payment_id is None else await wallet.wallet.engine.journal.get(error.payment_id)
            return Outcome(exit_code=code_of_error(error), payment=known, error=error, said={"address": at})
    said: dict[str, JSON] = {"address": at}
    if payment is None:
        return Outcome(exit_code=OK, told=f"{at} is deployed already", said=said | {"deployed": True})
    return Outcome(exit_code=code_of_payment(payment), payment=payment, said=said)


async def _done(
    arguments: Arguments,
    asked: AgentWalletArguments,
    settings: Settings,
    wallet: AgentWallet,
    signed: SignedConfiguration | None,
) -> "Payment | None":
    """Send what is asked for; None where a wallet is deployed already."""
    words, key = asked.words, arguments.idempotency_key
    match arguments.action:
        case "deploy" if signed is not None:
            return await wallet.deploy(signed)
        case "limits":
            return await wallet.set_limit(_limit(list(words), wallet.network, settings))
        case "operators":
            return await wallet.set_operator(words[1], enabled=words[0] == "add")
        case "pause" | "unpause":
            return await (wallet.pause() if arguments.action == "pause" else wallet.unpause())
        case _:
            amount = amount_of(words[0], _asset(words[1], wallet.network, settings))
            if arguments.action == "pay":
                return await wallet.pay(amount, words[2], idempotency_key=key)
            return await wallet.withdraw(amount, words[2] if len(words) == 3 else None, idempotency_key=key)
