"""`paygent services`: the registry from the shell."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from paygent.cli import main
from paygent.evm.tokens import TOKENS
from tests.unit.cli.conftest import Finished

USDC = str(next(token.asset.id for token in TOKENS.values() if token.usd and token.asset.decimals == 6))
TICKS = {
    "id": "ticks",
    "name": "Market ticks",
    "url": "https://ticks.example/",
    "category": "market-data",
    "price": "0.10",
    "asset": USDC,
    "mcp": True,
    "tags": ["btc"],
}
Run = Callable[..., Finished]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAYGENT_STORAGE", "pay.db")

    def run(*arguments: str) -> Finished:
        code = main(["services", *arguments])
        said = capsys.readouterr()
        return Finished(code=code, out=said.out, err=said.err)

    return run


def said(finished: Finished) -> dict[str, object]:
    found = json.loads(finished.out.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def catalogue(*entries: object) -> str:
    Path("shops.json").write_text(json.dumps(list(entries)))
    return "shops.json"


def test_services_are_added_listed_found_shown_and_removed(run: Run) -> None:
    news = TICKS | {"id": "news", "name": "News", "category": "news", "price": "0.30", "mcp": False, "tags": []}
    assert 0 == run("add", catalogue(TICKS, news)).code

    listed = said(run("--json"))
    assert ["ticks", "news"] == [found["service"]["id"] for found in listed["services"]]  # type: ignore[attr-defined]
    found = run(
        "discover",
        "btc",
        "market",
        "--max-price",
        "0.10",
        "--mcp",
        "--min-reputation",
        "50",
        "--category",
        "market-data",
    )
    assert "ticks" in found.out
    assert "news" not in found.out
    assert "0.10 USDC" in run("show", "ticks").out
    assert (0, "ticks") == ((removed := run("remove", "ticks", "--json")).code, said(removed)["removed"])
    assert 3 == run("show", "ticks").code


def test_price_range_counts_tokens_that_the_settings_call_dollars(run: Run) -> None:
    mine = "eip155:31337/erc20:0x" + "12" * 20
    Path("paygent.toml").write_text(
        f'[[tokens]]\nasset = "{mine}"\nsymbol = "dUSD"\ndecimals = 6\nname = "Dollar"\nversion = "1"\nusd = true\n'
    )
    run("add", catalogue(TICKS | {"asset": mine}))

    assert "ticks" in run("discover", "--max-price", "0.10").out
    assert "" == run("discover", "--max-price", "0.09").out


def test_page_goes_on_where_the_one_before_ended(run: Run) -> None:
    run("add", catalogue(*(TICKS | {"id": f"s{number}"} for number in range(3))))
    first = said(run("list", "--limit", "2", "--json"))
    rest = said(run("list", "--after", str(first["next"]), "--json"))

    assert (2, 1, None) == (len(first["services"]), len(rest["services"]), rest["next"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "said_so"),
    [
        ({"price": 0.1}, "of the wrong kind: price"),
        ({"price": "1e3"}, "services[0].price"),
        ({"asset": "eip155:1/erc20:0x" + "99" * 20}, "not a known token"),
        ({"asset": "USDC"}, "services[0].price"),
        ({"id": "UPPER"}, "services[0].id"),
        ({"owner": "me"}, "unknown fields: owner"),
        ({"url": "https://user:pass@host/"}, "without credentials"),
        ({"model": "metered"}, "services[0].unit"),
        ({"tags": "btc"}, "of the wrong kind: tags"),
        ({"period_seconds": True}, "of the wrong kind: period_seconds"),
    ],
)
def test_add_refuses_what_is_no_service_and_says_where(run: Run, change: dict[str, object], said_so: str) -> None:
    finished = run("add", catalogue(TICKS | change))

    assert 1 == finished.code
    assert said_so in finished.err
    assert [] == said(run("list", "--json"))["services"]


@pytest.mark.parametrize("text", ["", "[]", "{}", "[1]", '[{"id": "x"}]', "[" * 100_000])
def test_add_refuses_a_file_that_is_no_catalogue(run: Run, text: str) -> None:
    Path("wrong.json").write_text(text)

    assert 1 == run("add", "wrong.json").code
    assert 1 == run("add", "missing.json").code


@pytest.mark.parametrize(
    "wrong",
    [
        ("add",),
        ("show",),
        ("show", "a", "b"),
        ("remove",),
        ("discover", "--max-price", "1,5"),
        ("discover", "--min-reputation", "101"),
        ("list", "--limit", "0"),
        ("list", "--after", "nonsense"),
        ("sell",),
    ],
)
def test_wrong_use_ends_with_1(run: Run, wrong: tuple[str, ...]) -> None:
    assert 1 == run(*wrong).code
