"""Hypothesis strategies for the values of a payment."""

from hypothesis import strategies as st

from paygent.core.action import Action, Call
from paygent.core.caip import ChainId, erc20
from paygent.core.context import Context
from paygent.core.ids import intent_id, payment_id
from paygent.core.intent import PaymentIntent
from paygent.core.lifecycle import Event, State
from paygent.core.money import MAX_ATOMIC, Amount, Asset
from paygent.core.payment import Move, Payment, SignedPayload
from paygent.core.receipt import Receipt
from paygent.core.requirements import Authorization, Settlement
from paygent.core.transaction import Attempt, Mined, Plan, Step

_FAR = 2**62
_SECONDS = st.integers(0, _FAR)
_TEXT = st.text(max_size=40)

hexadecimal32 = st.binary(min_size=32, max_size=32).map(lambda raw: f"0x{raw.hex()}")
"""0x and 64 hexadecimal digits: nonces, hashes."""
addresses = st.binary(min_size=20, max_size=20).map(lambda raw: f"0x{raw.hex()}")
"""EVM addresses in lower case."""
chains = st.integers(1, 2**64).map(ChainId.evm)
assets = st.builds(
    Asset,
    id=st.builds(erc20, chains, addresses),
    symbol=st.text("ABCDEFGHabcdefgh.-₮", min_size=1, max_size=8),
    decimals=st.integers(0, 77),
)
atomics = st.integers(0, MAX_ATOMIC)
amounts = st.builds(Amount, atomics, assets)
intents = st.builds(
    PaymentIntent,
    id=st.binary(max_size=8).map(intent_id),
    purpose=st.sampled_from(["x402", "transfer", "swap", "position"]),
    network=chains,
    payer=addresses,
    payee=addresses,
    amount=amounts,
    scheme=st.sampled_from(["exact/eip3009", "exact/permit2", "upto/permit2"]),
    resource=_TEXT,
    method=st.sampled_from(["GET", "POST", ""]),
    request=st.binary(min_size=32, max_size=32).map(bytes.hex),
    deadline=_SECONDS,
)
authorizations = st.builds(
    Authorization,
    scheme=st.sampled_from(["exact", "upto"]),
    method=st.sampled_from(["eip3009", "permit2"]),
    payer=addresses,
    payee=addresses,
    amount=amounts,
    nonce=hexadecimal32,
    valid_after=_SECONDS,
    valid_before=_SECONDS,
    spender=st.none() | addresses,
    facilitator=st.none() | addresses,
)
settlements = st.builds(
    Settlement,
    success=st.booleans(),
    transaction=st.none() | hexadecimal32,
    network=st.none() | _TEXT,
    payer=st.none() | _TEXT,
    amount=st.none() | atomics,
    error=st.none() | _TEXT,
    pending=st.booleans(),
)
moves = st.builds(Move, event=st.sampled_from(list(Event)), state=st.sampled_from(list(State)), at=_SECONDS, note=_TEXT)
payloads = st.builds(SignedPayload, header=_TEXT, value=_TEXT)


_NAMES = st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=200)
contexts = st.builds(
    Context,
    treasury=_NAMES,
    project=st.none() | _NAMES,
    agent=st.none() | _NAMES,
    session=st.none() | _NAMES,
    run=st.none() | _NAMES,
    tool=st.none() | _NAMES,
    service=st.none() | _NAMES,
)


@st.composite
def receipts(draw: st.DrawFn, intent: PaymentIntent) -> Receipt:
    """Receipts of the payment of an intent, proven and claimed, whatever they say moved."""
    return Receipt(
        payment_id=payment_id(intent.id),
        network=draw(chains),
        transaction=draw(st.none() | hexadecimal32),
        payer=draw(addresses),
        payee=draw(addresses),
        amount=draw(amounts),
        nonce=draw(hexadecimal32),
        block_number=draw(st.none() | _SECONDS),
        block_hash=draw(st.none() | hexadecimal32),
        final=draw(st.booleans()),
        received=tuple(draw(st.lists(amounts, max_size=2))),
        fee=draw(st.none() | amounts),
    )


calls = st.builds(
    Call,
    to=addresses.filter(lambda address: int(address, 16) > 0),
    data=st.binary(min_size=4, max_size=80).map(lambda data: f"0x{data.hex()}"),
    value=atomics,
    function=st.just("approve(address,uint256)"),
    arguments=st.just((("spender", "somebody"), ("amount", "7"))),
    returns=st.sampled_from([(), ("uint256[]",)]),
)
attempts = st.builds(
    Attempt,
    hash=hexadecimal32,
    nonce=st.integers(0, 2**63),
    gas_limit=st.integers(21_000, 10**7),
    max_fee=st.integers(0, 10**15),
    tip=st.none() | st.integers(0, 10**12),
    kind=st.sampled_from(["step", "cancel"]),
)
mined_steps = st.builds(
    Mined,
    transaction=hexadecimal32,
    block_number=_SECONDS,
    block_hash=hexadecimal32,
    succeeded=st.booleans(),
    fee=st.integers(0, 10**20),
    revert=st.none() | st.binary(max_size=80).map(lambda data: f"0x{data.hex()}"),
)
steps = st.builds(
    Step,
    call=calls,
    cleanup=st.booleans(),
    attempts=st.lists(attempts, max_size=2).map(tuple),
    mined=st.none() | mined_steps,
    taken=st.booleans(),
)


@st.composite
def actions(draw: st.DrawFn) -> Action:
    """Well-formed transfers, swaps and positions; what a policy says of them is another matter."""
    spend = draw(amounts)
    purpose = draw(st.sampled_from(["transfer", "swap", "position"]))
    return Action(
        purpose=purpose,  # type: ignore[arg-type]  # one of the three
        network=spend.asset.id.chain,
        venue="" if purpose == "transfer" else draw(st.sampled_from(["vvs", "h2-finance"])),
        spend=spend,
        receive=draw(st.just(()) | st.just((spend,))),
        counterparty=draw(addresses.filter(lambda address: int(address, 16) > 0)),
        calls=tuple(draw(st.lists(calls, min_size=1, max_size=3))),
        deadline=draw(st.integers(1, 10**11)),
        summary="Do what was asked",
        slippage_bps=draw(st.none() | st.integers(0, 10_000)),
    )


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Plans with steps drawn on their own."""
    return Plan(
        action=draw(actions()),
        steps=tuple(draw(st.lists(steps, max_size=3))),
        gas=draw(amounts),
        first_nonce=draw(st.integers(0, 2**63)),
    )


@st.composite
def payments(draw: st.DrawFn) -> Payment:
    """Payments with every field drawn on its own: well formed, not all of them a life that could have been."""
    intent = draw(intents)
    return Payment(
        id=payment_id(intent.id),
        intent=intent,
        state=draw(st.sampled_from(list(State))),
        version=draw(st.integers(0, 1000)),
        created_at=draw(_SECONDS),
        idempotency_key=draw(st.none() | _TEXT),
        context=draw(contexts),
        quantity=draw(st.integers(1, 10**9)),
        authorization=draw(st.none() | authorizations),
        plan=draw(st.none() | plans()),
        lease_until=draw(_SECONDS),
        from_block=draw(st.none() | _SECONDS),
        payload=draw(st.none() | payloads),
        claim=draw(st.none() | settlements),
        delivered=draw(st.booleans()),
        receipt=draw(st.none() | receipts(intent)),
        alarm=draw(st.none() | _TEXT),
        history=tuple(draw(st.lists(moves, max_size=5))),
    )
