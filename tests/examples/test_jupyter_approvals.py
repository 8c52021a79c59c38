"""Approval buttons in a real kernel: what a click does, and what a cell that blocks cannot have."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

MAKE = """
import asyncio, json
from dataclasses import replace
import httpx
from paygent.adapters.httpx import PAYMENT, RESUME, AsyncPaymentTransport
from paygent.adapters.jupyter import JupyterApprovals
from paygent.core.approval_errors import ApprovalPending
from paygent.core.errors import PaygentError
from paygent.core.money import usd
from paygent.engine.approvals import ApprovalDesk
from paygent.engine.reserve import People
from paygent.policy.policy import Policy
from paygent.testing.clock import VirtualClock
from paygent.testing.engine import memory_engine

clock = VirtualClock()
approvals = JupyterApprovals(approver="ada", clock=clock)
policy = Policy(max_per_payment=usd("5"), approve_above=usd("0.0001"))
memory = memory_engine(policy=policy, people=People(handler=approvals, seconds=600))
desk = ApprovalDesk(store=memory.journal, clock=memory.clock)

async def buy(resume=None):
    transport = AsyncPaymentTransport(memory.engine, inner=httpx.MockTransport(memory.seller()))
    async with httpx.AsyncClient(transport=transport) as client:
        try:
            response = await client.get("http://seller.test/paid", extensions={RESUME: resume})
        except PaygentError as error:
            return [type(error).__name__, str(error), error.payment_id]
        return [response.status_code, response.extensions[PAYMENT].state]
"""


class Notebook:
    """A kernel, and a front end that runs cells and clicks."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client
        self.models: dict[str, dict[str, Any]] = {}
        """What the front end knows of each widget."""

    def run(self, code: str) -> Any:
        """Run a cell and return what it prints as JSON, or None."""
        return self._until_idle(self._client.execute(code))

    def click(self, name: str) -> None:
        """Click the newest button of that name, as a browser does."""
        button = [key for key, model in self.models.items() if model.get("description") == name][-1]
        self._send(button, {"method": "custom", "content": {"event": "click"}, "buffer_paths": []})

    def type(self, text: str) -> None:
        """Type into the newest text field."""
        field = [key for key, model in self.models.items() if model.get("_model_name") == "TextModel"][-1]
        self._send(field, {"method": "update", "state": {"value": text}, "buffer_paths": []})

    def shown(self) -> str:
        """Return the newest request as it is shown."""
        return self._newest("HTMLModel")

    def said(self) -> str:
        """Return what the newest panel says of itself."""
        return self._newest("LabelModel")

    def waits(self) -> None:
        """Let the kernel go on until a panel waits for a click."""
        self.until("")

    def until(self, said: str) -> None:
        """Let the kernel go on until the newest panel says so."""
        for _ in range(100):
            self.run("await asyncio.sleep(0.02)")
            if self.models and self.said() == said:
                return
        raise AssertionError(f"the panel says {self.said()!r}")

    def _newest(self, model_name: str) -> str:
        return [str(model["value"]) for model in self.models.values() if model.get("_model_name") == model_name][-1]

    def _send(self, comm: str, data: dict[str, Any]) -> None:
        message = self._client.session.msg("comm_msg", {"comm_id": comm, "data": data})
        self._client.shell_channel.send(message)
        self._until_idle(message["header"]["msg_id"])

    def _until_idle(self, message_id: str) -> Any:
        printed = ""
        while True:
            message = self._client.get_iopub_msg(timeout=30)
            kind, content = message["msg_type"], message["content"]
            self._learn(kind, content)
            if message["parent_header"].get("msg_id") != message_id:
                continue
            if kind == "error":
                raise AssertionError("\n".join(content["traceback"]))
            if kind == "stream" and content["name"] == "stdout":
                printed += content["text"]
            if kind == "status" and content["execution_state"] == "idle":
                return json.loads(printed) if printed else None

    def _learn(self, kind: str, content: dict[str, Any]) -> None:
        if kind == "comm_open":
            self.models[content["comm_id"]] = dict(content["data"]["state"])
        elif kind == "comm_msg" and content["data"].get("method") == "update":
            self.models[content["comm_id"]].update(content["data"]["state"])


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Notebook]:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(tmp_path))
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        opened = Notebook(client)
        opened.run(MAKE)
        yield opened
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


RESULT = "print(json.dumps(await task))"


def test_click_decides_what_a_task_in_the_background_waits_for(notebook: Notebook) -> None:
    """One kernel, three payments: approved, rejected with a reason, and lapsed by the clock of the handler."""
    notebook.run("task = asyncio.create_task(buy())")
    notebook.waits()
    shown = notebook.shown()
    facts = ("amount: 0.001 USDC", "payee: 0x", "resource: GET http://seller.test/paid", "reasons: ", "expires at: ")
    assert not [fact for fact in facts if fact not in shown]
    notebook.click("Approve")
    notebook.click("Reject")  # a click counts once

    assert 200 == notebook.run(RESULT)[0]
    assert "decided" == notebook.said()

    notebook.run("task = asyncio.create_task(buy())")
    notebook.waits()
    notebook.type("too dear")
    notebook.click("Reject")
    name, why, _ = notebook.run(RESULT)

    assert ("ApprovalRefused", True) == (name, "too dear" in why)

    notebook.run("task = asyncio.create_task(buy())")
    notebook.waits()
    notebook.run("clock.advance(600); memory.clock.advance(600)")

    assert notebook.run(RESULT)[0] in ("ApprovalLapsed", "ApprovalPending")
    assert 1 == notebook.run("print(memory.transfers())")


SYNCHRONOUS = """
from paygent.adapters.httpx import PaymentTransport

def buy_and_block(resume=None):
    transport = PaymentTransport(memory.engine, inner=httpx.MockTransport(memory.seller()))
    with httpx.Client(transport=transport) as client:
        try:
            response = client.get("http://seller.test/paid", extensions={RESUME: resume})
        except PaygentError as error:
            return [type(error).__name__, str(error), error.payment_id]
        return [response.status_code, response.extensions[PAYMENT].state]
"""


def test_synchronous_client_goes_on_in_a_later_cell(notebook: Notebook) -> None:
    notebook.run(SYNCHRONOUS)
    name, _, payment = notebook.run("print(json.dumps(buy_and_block()))")

    assert "ApprovalPending" == name
    assert 1 == notebook.run("print(await approvals.show(desk))")
    notebook.click("Approve")
    notebook.until("GRANTED, by ada")

    assert 200 == notebook.run(f"print(json.dumps(buy_and_block({payment!r})))")[0]
    assert 1 == notebook.run("print(memory.transfers())")


def test_cell_that_waits_itself_leaves_the_payment_in_the_storage(notebook: Notebook) -> None:
    """No click arrives while a cell runs: the next cells show the buttons, and resume."""
    name, _, payment = notebook.run("print(json.dumps(await buy()))")

    assert "ApprovalPending" == name
    assert notebook.said().startswith("nobody waits here")
    assert 1 == notebook.run("print(await approvals.show(desk))")
    notebook.type("fine")
    notebook.click("Approve")
    notebook.until("GRANTED, by ada")
    assert 200 == notebook.run(f"print(json.dumps(await buy({payment!r})))")[0]
