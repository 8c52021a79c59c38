"""A command that waits for a person: stop, decide elsewhere, resume in another process."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from paygent import ApprovalDesk, Orchestrator, Policy, Settings, Token, usd
from paygent.core.ids import ApprovalId
from paygent.devnet import Devnet
from paygent.runtime.settings import Secret


async def ask(conduct: dict[str, Any], command: str) -> str:
    """Begin the command; return the run that waits."""
    async with Orchestrator.open(**conduct) as agent:
        result = await agent.run(command)
        print(f"{result.run.state.value}: nothing is signed yet")
        desk = ApprovalDesk(store=agent.journal, clock=agent.clock)
        request = await desk.show(ApprovalId(result.approvals[0]))
        print(f"a person is shown: {request.facts['amount']}")
        await desk.approve(request.id, approver="ann", digest=request.digest)
        return result.run.id


async def go_on(conduct: dict[str, Any], run: str) -> None:
    """Resume the run, as another process would."""
    async with Orchestrator.open(**conduct) as agent:
        result = await agent.resume(run)
        print(f"{result.run.state.value}: {result.text.split(' to ')[0]}")
        print(f"settled: {(await agent.summary(result.run.session)).settled[0]}")


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Devnet() as net:
            token = Token(asset=net.asset, name=net.token.name, versions=(net.token.version,), usd=True, test=True)
            settings = Settings(
                private_key=Secret(net.payer.private_key),
                rpc={net.network: net.rpc_url},
                storage=str(Path(folder) / "pay.db"),
                tokens=(token,),
            )
            conduct = {"settings": settings, "policy": Policy(approve_above=usd("0.20"))}
            await go_on(conduct, await ask(conduct, f"pay {net.seller.url('/report')}"))


if __name__ == "__main__":
    asyncio.run(main())
