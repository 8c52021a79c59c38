"""Everything running at once, and which combinations are valid."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.interop.install import Installed
from tests.interop.peers.anvil import running_anvil
from tests.interop.peers.chain import TokenChain, place_base_sepolia, place_cronos_testnet
from tests.interop.peers.facilitators import Facilitator, FacilitatorKind, running_facilitator
from tests.interop.peers.process import ChildFailed
from tests.interop.peers.sellers import ROUTES, Route, Seller, SellerKind, running_seller

BASE_SEPOLIA_ID = 84532
CRONOS_TESTNET_ID = 338
OFFICIAL_FACILITATORS = (FacilitatorKind.PYTHON, FacilitatorKind.TYPESCRIPT)
OFFICIAL_SELLERS = tuple(kind for kind in SellerKind if kind is not SellerKind.CRONOS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """One combination that must pay: a row of the interop matrix."""

    seller: SellerKind
    facilitator: FacilitatorKind
    route: Route

    def __str__(self) -> str:
        return f"{self.seller.label}-{self.facilitator.label}-{self.route.label}"


def official_deals() -> list[Deal]:
    """Return every combination of official seller, official facilitator and route."""
    return [
        Deal(seller=seller, facilitator=facilitator, route=route)
        for seller in OFFICIAL_SELLERS
        for facilitator in OFFICIAL_FACILITATORS
        for route in ROUTES[seller]
    ]


def cronos_deals() -> list[Deal]:
    return [
        Deal(seller=SellerKind.CRONOS, facilitator=FacilitatorKind.CRONOS, route=route)
        for route in ROUTES[SellerKind.CRONOS]
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """The running peers."""

    base: TokenChain
    cronos: TokenChain
    facilitators: dict[FacilitatorKind, Facilitator]
    sellers: dict[tuple[SellerKind, FacilitatorKind], Seller]

    def seller(self, deal: Deal) -> Seller:
        return self.sellers[deal.seller, deal.facilitator]

    def chain(self, deal: Deal) -> TokenChain:
        return self.cronos if deal.seller is SellerKind.CRONOS else self.base


@contextmanager
def running_market(installed: Installed, log_dir: Path) -> Iterator[Market]:
    """Start both chains and every peer, wait until each answers, and stop them all at the end.

    Nothing waits for anything but its chain: peers announce their port before their imports, and callers queue.
    """
    with ExitStack() as stack:
        base_node = stack.enter_context(running_anvil(installed, chain_id=BASE_SEPOLIA_ID, log_dir=log_dir))
        cronos_node = stack.enter_context(running_anvil(installed, chain_id=CRONOS_TESTNET_ID, log_dir=log_dir))
        base = place_base_sepolia(base_node, installed)
        cronos = place_cronos_testnet(cronos_node, installed)

        def facilitator(kind: FacilitatorKind) -> AbstractContextManager[Facilitator]:
            chain = cronos if kind is FacilitatorKind.CRONOS else base
            return running_facilitator(kind, chain, installed=installed, log_dir=log_dir)

        started = {kind: stack.enter_context(facilitator(kind)) for kind in FacilitatorKind}

        def sellers(kind: SellerKind) -> tuple[Seller, ...]:
            own = kind is SellerKind.CRONOS
            partners = (FacilitatorKind.CRONOS,) if own else OFFICIAL_FACILITATORS
            urls = [started[partner].url for partner in partners]
            chain = cronos if own else base
            return stack.enter_context(running_seller(kind, chain, urls, installed=installed, log_dir=log_dir))

        by_url = {facilitator.url: kind for kind, facilitator in started.items()}
        open_shops = [seller for kind in SellerKind for seller in sellers(kind)]
        market = Market(
            base=base,
            cronos=cronos,
            facilitators=started,
            sellers={(shop.kind, by_url[shop.facilitator_url]): shop for shop in open_shops},
        )
        _wait_until_open(market, log_dir)
        yield market


def _wait_until_open(market: Market, log_dir: Path) -> None:
    urls = [seller.url + "/health" for seller in market.sellers.values()]
    with ThreadPoolExecutor(len(urls)) as pool, httpx.Client(trust_env=False, timeout=90) as http:
        try:
            for answer in pool.map(http.get, urls):
                answer.raise_for_status()
        except httpx.HTTPError as error:
            logs = [f"{log.name}: {log.read_text(errors='replace')[-1500:]}" for log in sorted(log_dir.glob("*.log"))]
            raise ChildFailed("\n\n".join(log for log in logs if "anvil" not in log[:12])) from error
