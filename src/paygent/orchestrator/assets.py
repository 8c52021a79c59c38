"""What people mean by a symbol: one asset, or a refusal."""

from collections.abc import Iterable, Sequence

from paygent.core.caip import ChainId
from paygent.core.money import Amount, Asset
from paygent.core.run_errors import ToolRefused


class AssetBook:
    """Assets by symbol."""

    def __init__(self, assets: Iterable[Asset]) -> None:
        self._by_symbol: dict[str, dict[str, Asset]] = {}
        for asset in assets:
            self._by_symbol.setdefault(asset.symbol.upper(), {})[str(asset.id)] = asset

    def on(self, networks: Iterable[ChainId]) -> "AssetBook":
        """Return a book of the assets of some networks."""
        wanted = frozenset(networks)
        every = (asset for found in self._by_symbol.values() for asset in found.values())
        return AssetBook(asset for asset in every if asset.id.chain in wanted)

    @property
    def symbols(self) -> Sequence[str]:
        """All symbols, sorted."""
        return sorted(self._by_symbol)

    def spelled(self, symbol: str) -> str:
        """Return a symbol as its asset writes it, such as dUSD; as it is where no asset or several spellings fit."""
        written = {asset.symbol for asset in self._by_symbol.get(symbol.upper(), {}).values()}
        return written.pop() if len(written) == 1 else symbol

    def named(self, tool: str, symbol: str) -> Sequence[Asset]:
        """Return every asset of a symbol. Raises: ToolRefused: there is none."""
        found = self._by_symbol.get(symbol.upper())
        if not found:
            raise ToolRefused(
                tool,
                f"no asset {symbol} is known here; known are: {', '.join(self.symbols) or 'none'}",
                code="unknown_asset",
            )
        return tuple(found.values())

    def one(self, tool: str, symbol: str) -> Asset:
        """Return the one asset of a symbol.

        Raises: ToolRefused: there is none, or several: on several networks, or two tokens of one name.
        """
        found = self.named(tool, symbol)
        if len(found) > 1:
            where = ", ".join(str(asset.id) for asset in found)
            raise ToolRefused(
                tool, f"{symbol} is ambiguous: {where}; configure an endpoint for one network alone", code="ambiguous"
            )
        return found[0]

    def pair(self, tool: str, first: str, second: str) -> tuple[Asset, Asset]:
        """Return two assets of one network.

        Raises: ToolRefused: no network has both, or several do.
        """
        pairs = [
            (one, other)
            for one in self.named(tool, first)
            for other in self.named(tool, second)
            if one.id.chain == other.id.chain
        ]
        if len(pairs) != 1:
            said = "are on no network together" if not pairs else "are on several networks, or several tokens"
            raise ToolRefused(tool, f"{first} and {second} {said}", code="ambiguous" if pairs else "unknown_asset")
        return pairs[0]


def amount_of(tool: str, text: str, asset: Asset) -> Amount:
    """Return an amount above zero. Raises: ToolRefused: more decimal places than the asset has, or nothing."""
    try:
        amount = Amount.parse(text, asset)
    except ValueError as wrong:
        raise ToolRefused(tool, str(wrong), code="bad_arguments") from None
    if amount.atomic == 0:
        raise ToolRefused(tool, "an amount is above zero", code="bad_arguments")
    return amount
