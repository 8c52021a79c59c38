"""Python's digests equal the contract's own views, and what is wrong at an address is told before anything is sent."""

import secrets
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from paygent.adapters.rpc import RpcChain
from paygent.core.caip import chain_id
from paygent.core.errors import ConfigurationError
from paygent.core.requirements import Authorization
from paygent.core.transaction_errors import ContractMismatch, ContractMissing
from paygent.evm import agent_wallet as encode
from paygent.evm.address import checksum
from paygent.evm.create2 import CREATE2_DEPLOYER
from paygent.evm.eip712 import digest
from paygent.ports.chain import BlockTag
from paygent.ports.transactions import Simulation
from paygent.runtime.deployments import check_chain, check_contracts
from paygent.wallet.agent_deploy import read_signed, signed_record
from paygent.wallet.agent_state import WalletReader
from paygent.wallet.deploy import PROBES, probe
from tests.interop.agent import Agency, new_agency
from tests.interop.install import Installed
from tests.interop.peers.anvil import running_anvil
from tests.interop.peers.chain import TokenChain

PAYEE = checksum(f"0x{'ab' * 20}")
pytestmark = pytest.mark.anyio


def authorization(agency: Agency, **changes: Any) -> Authorization:
    given: dict[str, Any] = {
        "scheme": "exact", "method": "eip3009", "payer": agency.address, "payee": PAYEE,
        "amount": agency.amount(secrets.randbits(90)), "nonce": f"0x{secrets.token_hex(32)}",
        "valid_after": secrets.randbits(40), "valid_before": secrets.randbits(48),
    }  # fmt: skip
    return Authorization(**(given | changes))


async def test_digests_are_those_of_the_contract(agency: Agency) -> None:
    network = chain_id(agency.chain.network)
    async with RpcChain(agency.chain.anvil.url, chain=network) as rpc:
        reader = WalletReader(rpc, network, agency.address)
        each = [authorization(agency) for _ in range(3)]
        words = [encode.authorization_words(one) for one in each]
        configuration = agency.configuration(payees=(PAYEE,), payees_only=True, approvers=(PAYEE,), approvals=1)
        number = network.evm_number
        ref, nonce = secrets.token_hex(32), secrets.token_hex(32)
        token = checksum(agency.token.id.address)
        payment = encode.payment_data(
            agency.address, number,
            token=token, payee=PAYEE, amount=5, ref=f"0x{ref}", nonce=f"0x{nonce}", deadline=77,
        )  # fmt: skip
        asked = [
            await reader.ask("configurationDigest", configuration.words),
            await reader.ask("reserveDigest", words),
            await reader.ask("reserveDigest", []),
            await reader.ask("paymentDigest", token, PAYEE, 5, bytes.fromhex(ref), bytes.fromhex(nonce), 77),
        ]

    mine = [
        encode.configuration_data(configuration, agency.address, number),
        encode.reserve_data(each, agency.address, number),
        encode.reserve_data([], agency.address, number),
        payment,
    ]
    assert [digest(data) for data in mine] == [said for (said,) in asked]


async def test_signed_configuration_survives_a_file(agency: Agency) -> None:
    signed = await agency.signed()

    assert signed == read_signed(signed_record(signed))
    with pytest.raises(ValueError, match="no signed configuration"):
        read_signed({"owner": PAYEE})


async def test_other_code_at_an_address_is_refused(contracts: TokenChain) -> None:
    made = new_agency(contracts)
    contracts.anvil.call("anvil_setCode", made.address, "0x600160005260206000f3")
    with pytest.raises(ContractMismatch, match="is not AgentWallet"):
        async with made.open(made.operator):
            pass

    assert 0 == made.operator.sent


async def test_chain_without_the_contracts_is_told_what_to_do(hostile_chain: TokenChain) -> None:
    made = new_agency(hostile_chain)
    with pytest.raises(ContractMissing, match="agent-wallet install"):
        async with made.open(made.operator):
            pass


async def test_endpoint_of_another_chain_is_refused(contracts: TokenChain) -> None:
    async with RpcChain(contracts.anvil.url, chain=chain_id(contracts.network)) as rpc:
        with pytest.raises(ConfigurationError, match="serves chain 84532"):
            await check_chain(rpc, chain_id("eip155:25"))
        await check_contracts(rpc, chain_id(contracts.network), "AgentWalletFactory", "PaymentRouter")


async def test_probe_refuses_a_chain_without_the_deployer(hostile_chain: TokenChain) -> None:
    network = chain_id(hostile_chain.network)
    code = hostile_chain.anvil.call("eth_getCode", CREATE2_DEPLOYER, "latest")
    async with RpcChain(hostile_chain.anvil.url, chain=network) as rpc:
        await probe(rpc, rpc, network, PAYEE)
        try:
            hostile_chain.anvil.call("anvil_setCode", CREATE2_DEPLOYER, "0x")
            with pytest.raises(ContractMissing, match="CREATE2 deployer"):
                await probe(rpc, rpc, network, PAYEE)
        finally:
            hostile_chain.anvil.call("anvil_setCode", CREATE2_DEPLOYER, code)


@pytest.mark.parametrize(("hardfork", "instruction"), [("paris", "PUSH0"), ("shanghai", "MCOPY"), ("cancun", None)])
async def test_probe_refuses_a_chain_of_older_rules(
    installed: Installed, tmp_path: Path, hardfork: str, instruction: str | None
) -> None:
    network = chain_id("eip155:31337")
    with running_anvil(installed, chain_id=31337, log_dir=tmp_path, hardfork=hardfork) as anvil:
        async with RpcChain(anvil.url, chain=network) as rpc:
            with nullcontext() if instruction is None else pytest.raises(ConfigurationError, match=instruction):
                await probe(rpc, rpc, network, PAYEE)


class Without(RpcChain):
    """A node of rules that lack one instruction: no real ones know MCOPY and not TLOAD."""

    lacks = ""

    async def simulate(self, sender: str, to: str, data: str, *, value: int = 0, at: BlockTag = "latest") -> Simulation:
        if PROBES[self.lacks] in data:
            return Simulation(succeeded=False, data="0x", message=f"invalid opcode: {self.lacks}")
        return await super().simulate(sender, to, data, value=value, at=at)


@pytest.mark.parametrize("instruction", PROBES)
async def test_probe_names_the_instruction_that_is_missing(hostile_chain: TokenChain, instruction: str) -> None:
    network = chain_id(hostile_chain.network)
    async with Without(hostile_chain.anvil.url, chain=network) as rpc:
        rpc.lacks = instruction
        with pytest.raises(ConfigurationError, match=f"{instruction}.*nothing was sent"):
            await probe(rpc, rpc, network, PAYEE)
