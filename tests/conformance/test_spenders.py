"""Processes that pay a real seller on a chain from one budget for N: exactly N payments settle."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from paygent.devnet import Devnet

PROCESSES, TASKS, ROOM = 2, 6, 5
SPEND = f"""
import json, sys
import anyio
from paygent import Asset, BudgetExceeded, Policy, PolicyDenied, Token, X402Client, usd
from paygent.core.caip import chain_id, erc20

url, rpc, storage, name, version, network, address = sys.argv[1:]
asset = Asset(id=erc20(chain_id(network), address), symbol="dUSD", decimals=6)
token = Token(asset=asset, name=name, versions=(version,), usd=True)
policy = Policy(per_day=usd("0.{ROOM}0"))
words = []

async def buy(client):
    try:
        response = await client.get(url, new_purchase=True)
        await response.extensions["paygent.payment"].settled(timeout_seconds=30)
    except (BudgetExceeded, PolicyDenied):
        words.append("no room")
    else:
        words.append("settled")

async def main():
    async with X402Client.open(policy=policy, tokens=[token], rpc=rpc, storage=storage) as client:
        async with anyio.create_task_group() as tasks:
            for _ in range({TASKS}):
                tasks.start_soon(buy, client)
    print(json.dumps(words))

anyio.run(main)
"""


def spent(net: Devnet, storage: str) -> tuple[int, int]:
    """Let the processes spend; return how many payments they saw settle, and how many were refused."""
    facts = (net.seller.url("/premium"), net.rpc_url, storage, net.token.name, net.token.version)
    command = [sys.executable, "-c", SPEND, *facts, net.network, net.token.address]
    environment = {**os.environ, "PAYGENT_PRIVATE_KEY": net.payer.private_key}
    started = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    said = [word for each in started for word in json.loads(each.communicate(timeout=120)[0])]
    return said.count("settled"), said.count("no room")


def paid(net: Devnet) -> int:
    """Return how many transfers of the payer are on chain."""
    return sum(transfer.sender == net.payer.address for transfer in net.transfers())


@pytest.fixture
def net() -> Iterator[Devnet]:
    with Devnet(anvil=False) as running:
        yield running


def test_budget_for_five_settles_exactly_five_on_sqlite(net: Devnet, tmp_path: Path) -> None:
    assert (ROOM, PROCESSES * TASKS - ROOM) == spent(net, str(tmp_path / "pay.db"))
    assert ROOM == paid(net)


def test_budget_for_five_settles_exactly_five_on_postgresql(net: Devnet, postgres_url: str) -> None:
    assert (ROOM, PROCESSES * TASKS - ROOM) == spent(net, postgres_url)
    assert ROOM == paid(net)
