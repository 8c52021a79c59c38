"""A model with a wallet: it plans, the policy decides. The model here is a script, so that the example needs no key."""

import asyncio
import tempfile
from pathlib import Path

from paygent import Orchestrator, Policy, RunLimits, Settings, Token, usd
from paygent.devnet import Devnet
from paygent.runtime.settings import Secret
from paygent.testing.models import ScriptedModel, calls, says


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
            url = net.seller.url("/premium")
            model = ScriptedModel(  # any langchain-core chat model that can call tools
                calls(("quote", {"url": url})),
                calls(("pay", {"url": url})),
                calls(("pay", {"url": "https://elsewhere.test/upgrade"})),  # as if an answer had talked it into this
                says("I bought the forecast. I was not allowed to pay the other page."),
            )
            policy = Policy(max_per_payment=usd("0.20"), per_day=usd("1"))
            async with Orchestrator.open(settings=settings, policy=policy, model=model) as agent:
                question, session = f"Buy me the forecast at {url}.", (await agent.create_session()).id
                limits = RunLimits(iterations=8, spend=usd("0.50"))
                async for event in agent.stream(question, session=session, limits=limits):
                    told = event.facts.get("text") or event.facts.get("tool") or ""
                    print(f"{event.kind}: {str(told).splitlines()[0][:60] if told else ''}")
                print(f"spent {(await agent.summary(session)).settled[0]}")


if __name__ == "__main__":
    asyncio.run(main())
