"""Read from a chain what is there about an authorization. Acts only: `proof` decides."""

from typing import NamedTuple

from paygent.core.payment import Payment
from paygent.core.requirements import Authorization
from paygent.engine.proof import Evidence
from paygent.evm import eip3009, erc20, permit2
from paygent.ports.chain import BlockTag, Chain, Log

CLOCK_SLACK_SECONDS = 3_600
"""How far the clock that wrote `created_at` may be ahead of block time, where no height was known when signing."""

REORGANISED_BLOCKS = 64
"""How far below the height at signing a reorganised chain may hold the settlement."""


class _Piece(NamedTuple):
    """Blocks that one log query spans, both ends included, and the newest block there was."""

    first: int
    last: int
    head: int


async def gather(chain: Chain, payment: Payment, authorization: Authorization) -> Evidence:
    """Return what the chain says about `authorization`, by a bounded search of its logs.

    Raises: AdapterError: the chain could not answer; nothing is known then.
    """
    final = await chain.block("finalized")
    if authorization.method == "permit2":
        used, to_end = await _permit2_transfer(chain, payment, authorization, final.number)
        cancelled = None
    else:
        used = await _first(chain, payment, authorization, eip3009.AUTHORIZATION_USED)
        cancelled = None
        if used is None:
            cancelled = await _first(chain, payment, authorization, eip3009.AUTHORIZATION_CANCELED)
        to_end = False
    transfers = () if used is None else await _transfers_beside(chain, authorization, used)
    spent = None
    if used is None and cancelled is None and final.timestamp >= authorization.valid_before:
        spent = await _spent(chain, authorization, final.hash)
    return Evidence(
        final=final, used=used, transfers=transfers, cancelled=cancelled, spent_at_final=spent, searched_to_end=to_end
    )


async def _first(chain: Chain, payment: Payment, authorization: Authorization, topic: str) -> Log | None:
    topics = [topic, erc20.topic_address(authorization.payer), authorization.nonce]
    address = authorization.amount.asset.id.address
    piece: _Piece | None = await _first_piece(chain, payment)
    while piece is not None:
        found = await chain.logs(address=address, topics=topics, from_block=piece.first, to_block=piece.last)
        if found:
            return found[0]
        piece = await _next_piece(chain, piece, authorization)
    return None


async def _transfers_beside(chain: Chain, authorization: Authorization, used: Log) -> tuple[Log, ...]:
    found = await chain.logs(
        address=authorization.amount.asset.id.address,
        topics=_transfer_topics(authorization),
        from_block=used.block_number,
        to_block=used.block_number,
    )
    same_block = (log for log in found if log.block_hash == used.block_hash)
    if authorization.scheme == "upto":  # a transaction can name the nonce that another one of its block used
        return tuple(same_block)
    return tuple(log for log in same_block if log.transaction == used.transaction)


async def _permit2_transfer(
    chain: Chain, payment: Payment, authorization: Authorization, final: int
) -> tuple[Log | None, bool]:
    searched, suspected = 0, False
    address, topics = authorization.amount.asset.id.address, _transfer_topics(authorization)
    piece: _Piece | None = await _first_piece(chain, payment)
    while piece is not None:
        for log in await chain.logs(address=address, topics=topics, from_block=piece.first, to_block=piece.last):
            if not _fits(authorization, log) or not await _spent(chain, authorization, log.block_hash):
                continue
            if await _names_nonce(chain, authorization, log):
                return log, False
            suspected = suspected or not await _spent(chain, authorization, max(0, log.block_number - 1))
        searched = piece.last
        piece = await _next_piece(chain, piece, authorization)
    end = await chain.block(min(searched, final))  # what comes after it is too late to use the authorization
    return None, end.timestamp >= authorization.valid_before and not suspected


def _fits(authorization: Authorization, log: Log) -> bool:
    return log.data != "0x" and 0 < int(log.data, 16) <= authorization.amount.atomic


async def _names_nonce(chain: Chain, authorization: Authorization, log: Log) -> bool:
    """Tell whether the transaction spells the nonce out; a facilitator that hides it only makes itself suspect."""
    transaction = await chain.transaction(log.transaction)
    return transaction is not None and authorization.nonce[2:] in transaction.input


async def _spent(chain: Chain, authorization: Authorization, at: str | BlockTag) -> bool:
    if authorization.method == "permit2":
        call = permit2.nonce_bitmap_call(authorization.payer, authorization.nonce)
        return permit2.nonce_used(await chain.call(permit2.PERMIT2, call, at=at), authorization.nonce)
    call = eip3009.authorization_state_call(authorization.payer, authorization.nonce)
    return erc20.uint(await chain.call(authorization.amount.asset.id.address, call, at=at)) != 0


def _transfer_topics(authorization: Authorization) -> list[str | None]:
    return [erc20.TRANSFER, erc20.topic_address(authorization.payer), erc20.topic_address(authorization.payee)]


async def _first_piece(chain: Chain, payment: Payment) -> _Piece:
    """Return the first of the pieces in which the authorization could be used, each as long as one query may be."""
    head = await chain.block("latest")
    if payment.from_block is None:
        first = await _height_at(chain, payment.created_at - CLOCK_SLACK_SECONDS, head.number)
    else:
        first = max(0, payment.from_block - REORGANISED_BLOCKS)
    return _piece(chain, first, head.number)


async def _next_piece(chain: Chain, piece: _Piece, authorization: Authorization) -> _Piece | None:
    """Return the piece after `piece`; None behind the head, and where the authorization has ended."""
    if piece.last >= piece.head or (await chain.block(piece.last)).timestamp >= authorization.valid_before:
        return None
    return _piece(chain, piece.last + 1, piece.head)


def _piece(chain: Chain, first: int, head: int) -> _Piece:
    return _Piece(first, max(first, min(first + chain.max_log_range - 1, head)), head)


async def _height_at(chain: Chain, timestamp: int, head: int) -> int:
    """Return the highest block that is older than `timestamp`, by halving; 0 where there is none."""
    low, high = 0, head
    while low < high:
        middle = (low + high + 1) // 2
        if (await chain.block(middle)).timestamp < timestamp:
            low = middle
        else:
            high = middle - 1
    return low
