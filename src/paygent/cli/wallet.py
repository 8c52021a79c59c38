"""`paygent wallet`: a key in a file, what an account has, and money on its way."""

import json
import os
import secrets
from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack
from typing import Final

from paygent.adapters.rpc import RpcChain
from paygent.cli.arguments import Arguments
from paygent.cli.outcome import NOT_ATTEMPTED, OK, Listing, Outcome, code_of_error, code_of_payment
from paygent.cli.screen import ask_password
from paygent.cli.wallet_arguments import WalletArguments
from paygent.core.caip import AssetId, ChainId
from paygent.core.errors import ConfigurationError, PaygentError
from paygent.core.ids import PaymentId
from paygent.core.money import Amount, Asset
from paygent.core.record import JSON
from paygent.core.requirements import Token
from paygent.evm.address import checksum
from paygent.evm.coins import coin
from paygent.runtime.parts import open_chains, signer_of, tokens_of
from paygent.runtime.settings import Settings
from paygent.wallet import Wallet
from paygent.wallet.balances import BalanceReader
from paygent.wallet.history import TransferHistory

_COLUMNS: Final = ("network", "asset", "amount")
_MOVED: Final = ("block", "direction", "amount", "payer", "payee", "transaction")


async def wallet(arguments: Arguments, settings: Settings) -> Outcome:
    """Do what is asked of a wallet."""
    asked = arguments.wallet or WalletArguments()
    match arguments.action:
        case "create":
            return _create(asked.words[0], settings)
        case "address":
            address = signer_of(settings).address
            return Outcome(exit_code=OK, told=address, said={"address": address})
        case "balances":
            return await _balances(asked, settings)
        case "history":
            return await _history(asked, settings)
        case "go-on":
            return await _go_on(PaymentId(asked.words[0]), settings)
        case _:
            return await _sent(arguments, asked, settings)


def _create(file: str, settings: Settings) -> Outcome:
    """Write a new key, encrypted, to a new file that only its owner can read."""
    from paygent.adapters.keystore import create_keystore
    from paygent.adapters.local_signer import LocalSigner

    password = _new_password(file, settings)
    key = secrets.token_bytes(32)
    content = json.dumps(create_keystore(key, password))
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigurationError(f"cannot make {file!r}: {error.strerror}; a keystore is never overwritten") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    address = LocalSigner(key).address
    told = f"{address}\nkeep {file} and its password: without both the money is lost"
    return Outcome(exit_code=OK, told=told, said={"address": address, "keystore": file})


def _new_password(file: str, settings: Settings) -> str:
    if settings.keystore_password is not None:
        return settings.keystore_password.get_secret_value()
    password = ask_password(f"Password for {file}: ")
    if password is None:
        raise ConfigurationError("a new keystore needs a password: set PAYGENT_KEYSTORE_PASSWORD, or be at a terminal")
    if ask_password("Once more: ") != password:
        raise ConfigurationError("the two passwords differ; nothing was written")
    return password


async def _balances(asked: WalletArguments, settings: Settings) -> Outcome:
    owner = _owner(asked, settings)
    tokens = tokens_of(settings.tokens)
    rows: list[tuple[str, str, str]] = []
    said: list[JSON] = []
    usable = True
    async with AsyncExitStack() as made:
        chains = await chains_of(settings, made)
        for network, assets in _wanted(asked.words, chains, tokens).items():
            for row in (await BalanceReader(chains[network], network).read(owner, assets)).rows:
                usable = usable and row.amount is not None
                text = row.problem if row.amount is None else str(row.amount)
                rows.append((str(network), row.asset.symbol, text))
                atomic = None if row.amount is None else str(row.amount.atomic)
                said.append({"asset": str(row.asset.id), "amount": atomic, "problem": row.problem or None})
    listing = Listing(columns=_COLUMNS, rows=tuple(rows), nothing="no assets")
    code = OK if usable or not asked.words else NOT_ATTEMPTED
    return Outcome(exit_code=code, listing=listing, said={"address": owner, "balances": said})


async def _history(asked: WalletArguments, settings: Settings) -> Outcome:
    owner = _owner(asked, settings)
    async with AsyncExitStack() as made:
        chains = await chains_of(settings, made)
        if len(chains) != 1:
            raise ConfigurationError(f"name one of {', '.join(map(str, chains))} with --network")
        ((network, chain),) = chains.items()
        wanted = _wanted(asked.words, chains, tokens_of(settings.tokens))[network]
        assets = [asset for asset in wanted if not asset.id.native]
        page = await TransferHistory(chain, network).page(owner, assets, after=asked.after, limit=asked.limit)
    rows = tuple(
        (str(moved.block_number), moved.direction, str(moved.amount), moved.payer, moved.payee, moved.transaction)
        for moved in page.transfers
    )
    said: dict[str, JSON] = {
        "address": owner,
        "transfers": [dict(zip(_MOVED, row, strict=True)) for row in rows],
        "looked_from": page.looked_from,
        "next": page.next,
    }
    return Outcome(exit_code=OK, listing=Listing(columns=_MOVED, rows=rows, nothing="no transfers"), said=said)


async def _sent(arguments: Arguments, asked: WalletArguments, settings: Settings) -> Outcome:
    """Transfer, or approve."""
    text, symbol, who = asked.words
    async with Wallet.open(settings=settings) as found, AsyncExitStack() as made:
        chains = await chains_of(settings, made)
        amount = amount_of(text, one_asset(symbol, chains, tokens_of(settings.tokens)))
        send = found.approve if arguments.action == "approve" else found.transfer
        try:
            payment = await send(amount, who, idempotency_key=arguments.idempotency_key)
        except PaygentError as error:
            known = None if error.payment_id is None else await found.engine.journal.get(error.payment_id)
            return Outcome(exit_code=code_of_error(error), payment=known, error=error)
    return Outcome(exit_code=code_of_payment(payment), payment=payment)


async def _go_on(payment_id: PaymentId, settings: Settings) -> Outcome:
    """Sign and send the next step of an action that was begun, and those after it; what is out is sent again."""
    async with Wallet.open(settings=settings) as found:
        try:
            payment = await found.go_on(payment_id)
        except PaygentError as error:
            known = await found.engine.journal.get(payment_id)
            return Outcome(exit_code=code_of_error(error), payment=known, error=error)
    return Outcome(exit_code=code_of_payment(payment), payment=payment)


async def chains_of(settings: Settings, made: AsyncExitStack) -> dict[ChainId, RpcChain]:
    """Return the endpoints that may be used, which `made` closes. Raises: ConfigurationError: none is configured."""
    chains = await open_chains(settings, made)
    if settings.networks is not None:
        chains = {network: chain for network, chain in chains.items() if network in settings.networks}
    if not chains:
        raise ConfigurationError("no endpoint for the chain: pass --rpc URL, or set PAYGENT_RPC")
    return chains


def _owner(asked: WalletArguments, settings: Settings) -> str:
    if asked.of is None:
        return signer_of(settings).address
    try:
        return checksum(asked.of)
    except ValueError as wrong:
        raise ConfigurationError(f"--of: {wrong}") from wrong


def _wanted(
    words: tuple[str, ...], chains: Mapping[ChainId, RpcChain], tokens: Mapping[AssetId, Token]
) -> dict[ChainId, list[Asset]]:
    """Return the assets that are asked for by chain; every known one where none is named."""
    found: dict[ChainId, list[Asset]] = {network: [] for network in chains}
    named = [asset for word in words for asset in _assets(word, chains, tokens)] if words else _known(chains, tokens)
    for asset in dict.fromkeys(named):
        found[asset.id.chain].append(asset)
    return found


def _known(chains: Collection[ChainId], tokens: Mapping[AssetId, Token]) -> list[Asset]:
    coins = [coin(network) for network in chains]
    return [*coins, *(token.asset for token in tokens.values() if token.asset.id.chain in chains)]


def _assets(word: str, chains: Collection[ChainId], tokens: Mapping[AssetId, Token]) -> list[Asset]:
    """Return the assets that a CAIP-19 id, an address or a symbol may mean.

    Raises: ConfigurationError: none is known.
    """
    known = _known(chains, tokens)
    lower = word.lower()
    found = [
        asset
        for asset in known
        if lower in (str(asset.id), asset.symbol.lower()) or (not asset.id.native and lower == asset.id.address)
    ]
    if not found:
        symbols = ", ".join(sorted({asset.symbol for asset in known}))
        raise ConfigurationError(f"{word!r} is no known asset here: name one of {symbols}, or add it to `tokens`")
    return found


def one_asset(word: str, chains: Collection[ChainId], tokens: Mapping[AssetId, Token]) -> Asset:
    """Return the one asset that a word means. Raises: ConfigurationError: none is known, or several."""
    found = _assets(word, chains, tokens)
    if len(found) > 1:
        raise ConfigurationError(f"{word!r} may be {' or '.join(str(asset.id) for asset in found)}: name one of them")
    return found[0]


def amount_of(text: str, asset: Asset) -> Amount:
    """Return so many whole units. Raises: ConfigurationError: that is no amount of the asset."""
    try:
        return Amount.parse(text, asset)
    except ValueError as wrong:
        raise ConfigurationError(str(wrong)) from wrong
