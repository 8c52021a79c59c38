"""Sellers as child processes, one application and port for each facilitator they settle through."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tests.interop.install import ROOT, Installed
from tests.interop.peers.anvil import dev_account
from tests.interop.peers.chain import TokenChain
from tests.interop.peers.facilitators import SERVERS
from tests.interop.peers.process import running


class SellerKind(Enum):
    """Whose code it is; the value is the index of the development account that is paid."""

    FASTAPI_V2 = 10
    FLASK_V2 = 11
    FASTAPI_V1 = 12
    EXPRESS_V2 = 13
    EXPRESS_V1 = 14
    CRONOS = 15

    @property
    def label(self) -> str:
        return self.name.lower()

    @property
    def version(self) -> int:
        """The x402 version on the wire."""
        return 2 if self.name.endswith("_V2") else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Something for sale."""

    method: str
    path: str
    scheme: str
    transfer: str
    """`eip3009` or `permit2`."""
    offered: int
    """Atomic units that the buyer signs."""
    charged: int
    """Atomic units that reach the payee: less than offered for `upto`."""

    @property
    def label(self) -> str:
        return f"{self.method.lower()}-{self.path.strip('/')}"


GET_PAID = Route(method="GET", path="/paid", scheme="exact", transfer="eip3009", offered=1000, charged=1000)
POST_PAID = Route(method="POST", path="/paid", scheme="exact", transfer="eip3009", offered=2000, charged=2000)
PERMIT2_PAID = Route(method="GET", path="/permit2", scheme="exact", transfer="permit2", offered=3000, charged=3000)
UPTO_PAID = Route(method="GET", path="/upto", scheme="upto", transfer="permit2", offered=5000, charged=1700)
_POST_V1_PYTHON = Route(method="POST", path="/paid", scheme="exact", transfer="eip3009", offered=1000, charged=1000)

ROUTES: dict[SellerKind, tuple[Route, ...]] = {
    SellerKind.FASTAPI_V2: (GET_PAID, POST_PAID, PERMIT2_PAID, UPTO_PAID),
    SellerKind.FLASK_V2: (GET_PAID, POST_PAID, PERMIT2_PAID, UPTO_PAID),
    # This middleware knows paths, not methods, so both cost the same.
    SellerKind.FASTAPI_V1: (GET_PAID, _POST_V1_PYTHON),
    SellerKind.EXPRESS_V2: (GET_PAID, POST_PAID, PERMIT2_PAID, UPTO_PAID),
    SellerKind.EXPRESS_V1: (GET_PAID, POST_PAID),
    SellerKind.CRONOS: (GET_PAID, POST_PAID),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """A running seller behind one facilitator."""

    kind: SellerKind
    url: str
    payee: str
    facilitator_url: str

    def url_of(self, route: Route) -> str:
        return self.url + route.path


@contextmanager
def running_seller(
    kind: SellerKind, chain: TokenChain, facilitator_urls: Sequence[str], *, installed: Installed, log_dir: Path
) -> Iterator[tuple[Seller, ...]]:
    """Run one process that sells through each of the facilitators, in their order."""
    payee = dev_account(kind.value).address
    command = [*_program(kind, installed), payee, chain.token, chain.token_name, chain.token_version]
    command += [_network(kind, chain), *facilitator_urls]
    count = len(facilitator_urls)
    with running(f"seller-{kind.label}", command, log_dir=log_dir, listeners=count, directory=ROOT) as urls:
        yield tuple(
            Seller(kind=kind, url=url, payee=payee, facilitator_url=facilitator_url)
            for url, facilitator_url in zip(urls, facilitator_urls, strict=True)
        )


def _program(kind: SellerKind, installed: Installed) -> Sequence[str]:
    match kind:
        case SellerKind.FASTAPI_V2:
            return [sys.executable, "-m", "tests.interop.peers.servers.fastapi_v2"]
        case SellerKind.FLASK_V2:
            return [sys.executable, "-m", "tests.interop.peers.servers.flask_v2"]
        case SellerKind.FASTAPI_V1:
            return [str(installed.v1_python), "-m", "tests.interop.peers.servers.fastapi_v1"]
        case SellerKind.EXPRESS_V2:
            return ["node", str(SERVERS / "express_v2.mjs"), str(installed.npm)]
        case SellerKind.EXPRESS_V1:
            return ["node", str(SERVERS / "express_v1.mjs"), str(installed.npm)]
        case SellerKind.CRONOS:
            return [sys.executable, "-m", "tests.interop.peers.servers.cronos_seller"]


def _network(kind: SellerKind, chain: TokenChain) -> str:
    return "cronos-testnet" if kind is SellerKind.CRONOS else chain.network
