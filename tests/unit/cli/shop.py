"""A seller on 127.0.0.1 that behaves as its paths say, and settles through the devnet's facilitator."""

import base64
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from paygent.devnet import Devnet

PRICE = 100_000
UNPRINTABLE = b"\xff\xfe\x00"


class Shop:
    """Answers a path with what the method of that name does."""

    def __init__(self, net: Devnet) -> None:
        self.net = net
        self.paid = threading.Event()
        """A paid request has come in."""
        self.let_go = threading.Event()
        """Ends what hangs."""
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        """Method, path, headers in lower case, body."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/{path}"

    def close(self) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # answers: status, headers, body

    def free(self, paid: Any) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, b"nothing to pay"

    def unprintable(self, paid: Any) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, UNPRINTABLE

    def slow(self, paid: Any) -> tuple[int, dict[str, str], bytes]:
        self.let_go.wait(20)
        return 200, {}, b"late"

    def elsewhere(self, paid: Any) -> tuple[int, dict[str, str], bytes]:
        return 301, {"Location": self.url("free")}, b""

    def good(self, paid: Any) -> tuple[int, dict[str, str], bytes]:
        return 200, self._settle(paid), b"goods"

    def breaks(self, paid: Any) -> tuple[int, dict[str, str], bytes]:
        return 500, self._settle(paid), b"sorry"

    def refuses(self, paid: Any) -> tuple[int, dict[str, str], bytes]:
        return self.required()

    def outlasts(self, paid: Any) -> tuple[int, dict[str, str], bytes]:
        self.net.increase_time(120)
        return self.required()

    def silent(self, paid: Any) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, b"goods, perhaps"

    def lies(self, paid: Any) -> tuple[int, dict[str, str], bytes]:
        claim = {"success": True, "transaction": "0x" + "ab" * 32, "network": self.net.network, "payer": ""}
        return 200, {"PAYMENT-RESPONSE": _encoded(claim)}, b"goods, perhaps"

    def hangs(self, paid: Any) -> tuple[int, dict[str, str], bytes]:
        self.let_go.wait(30)
        return 200, {}, b"late"

    def settles_late(self, paid: Any) -> tuple[int, dict[str, str], bytes]:
        """Break off without an answer, and settle two seconds later."""
        threading.Timer(2, self._settle, [paid]).start()
        raise ConnectionAbortedError

    def foreign(self, paid: Any) -> tuple[int, dict[str, str], bytes]:
        return 200, self._settle(paid), b"goods"

    def required(self) -> tuple[int, dict[str, str], bytes]:
        token = self.net.token
        offer = {
            "scheme": "exact",
            "network": self.net.network,
            "amount": str(PRICE),
            "asset": token.address,
            "payTo": self.net.seller.payee,
            "maxTimeoutSeconds": 60,
            "extra": {"name": token.name, "version": token.version},
        }
        wanted = {"x402Version": 2, "error": "pay", "accepts": [offer]}
        return 402, {"PAYMENT-REQUIRED": _encoded(wanted)}, b"{}"

    def _settle(self, paid: Any) -> dict[str, str]:
        asked = {"x402Version": 2, "paymentPayload": paid, "paymentRequirements": paid["accepted"]}
        answer = httpx.post(f"{self.net.facilitator_url}/settle", json=asked, timeout=20, trust_env=False).json()
        assert answer["success"], answer
        return {"PAYMENT-RESPONSE": _encoded(answer)}


FREE = frozenset({"free", "unprintable", "slow", "elsewhere"})


def _encoded(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def _handler(shop: Shop) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            name = self.path.strip("/")
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {key.lower(): value for key, value in self.headers.items()}
            shop.requests.append((self.command, self.path, headers, body))
            payment = headers.get("payment-signature")
            action: Callable[[Any], tuple[int, dict[str, str], bytes]] = getattr(shop, name)
            if payment is None and name not in FREE:
                status, said, content = shop.required()
            else:
                if payment is not None:
                    shop.paid.set()
                try:
                    status, said, content = action(None if payment is None else json.loads(base64.b64decode(payment)))
                except ConnectionAbortedError:
                    self.close_connection = True
                    return
            self.reply(status, said, content)

        def reply(self, status: int, headers: dict[str, str], content: bytes) -> None:
            try:
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_GET = do_POST = do_PUT = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            time.sleep(0)

    return Handler
