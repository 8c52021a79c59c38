"""Settings: who wins, what is refused, and that no message shows a secret."""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from paygent.core.caip import AssetId, ChainId
from paygent.core.errors import ConfigurationError
from paygent.core.money import Amount, usd
from paygent.core.requirements import Token
from paygent.evm.coins import USUAL_GAS, USUAL_GAS_PER_DAY, coin, known_coins
from paygent.policy.policy import Policy
from paygent.policy.risk import USUAL, Risk
from paygent.runtime.settings import Secret, Settings, _data_home

KEY = f"0x{'5a' * 32}"
PAYEE = f"0x{'aa' * 20}"
ASSET = f"eip155:25/erc20:{PAYEE}"
HOME = {"HOME": "/somebody"}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(variables: Mapping[str, str] | None = None, **arguments: Any) -> Settings:
    return Settings.load(environ={**HOME, **(variables or {})}, **arguments)


def write(content: str, name: str = "paygent.toml") -> Path:
    path = Path(name)
    path.write_text(content, encoding="utf-8")
    return path


def complaint(variables: Mapping[str, str] | None = None, **arguments: Any) -> str:
    with pytest.raises(ConfigurationError) as raised:
        load(variables, **arguments)
    assert raised.value.__suppress_context__ or raised.value.__cause__ is not None or raised.value.__context__ is None
    return str(raised.value)


# precedence ----------------------------------------------------------------------------------------------------------


def test_load_gives_the_documented_defaults() -> None:
    settings = load()

    assert settings == Settings(storage="/somebody/.local/share/paygent/payments.db")
    assert (settings.max_per_payment, settings.per_day) == (usd("1"), usd("20"))
    usual = Policy(risk=USUAL, gas_per_transaction=USUAL_GAS, gas_per_day=USUAL_GAS_PER_DAY)
    assert (settings.policy, settings.limits) == ((), usual)
    assert settings.rpc == {}


def test_load_prefers_arguments_to_the_environment_to_the_file_to_the_defaults() -> None:
    write('per_day = "3"\nmax_per_payment = "0.3"\ntimeout_seconds = 3')
    variables = {"PAYGENT_PER_DAY": "2", "PAYGENT_MAX_PER_PAYMENT": "0.2"}

    settings = load(variables, per_day="1")

    assert settings.per_day == usd("1")
    assert settings.max_per_payment == usd("0.2")
    assert settings.timeout_seconds == 3
    assert settings.max_validity_seconds == 600


def test_load_takes_an_argument_of_none_as_not_given() -> None:
    assert load({"PAYGENT_PER_DAY": "2"}, per_day=None).per_day == usd("2")


def test_load_reads_the_environment_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYGENT_PER_DAY", "7")

    assert Settings.load().per_day == usd("7")


def test_load_reads_the_file_that_is_named_before_the_one_that_lies_there() -> None:
    write('per_day = "3"')
    write('per_day = "4"', "other.toml")
    write('per_day = "5"', "argument.toml")

    assert load().per_day == usd("3")
    assert load({"PAYGENT_CONFIG": "other.toml"}).per_day == usd("4")
    assert load({"PAYGENT_CONFIG": "other.toml"}, file="argument.toml").per_day == usd("5")


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_load_refuses_a_named_file_that_is_not_there(how: str) -> None:
    said = complaint(file=Path("no.toml")) if how == "argument" else complaint({"PAYGENT_CONFIG": "no.toml"})

    assert "there is no settings file 'no.toml'" in said


def test_a_key_of_a_higher_source_replaces_the_other_kind_of_a_lower_one() -> None:
    Path("key.json").write_text("{}")
    write('keystore = "key.json"')

    by_key = load({"PAYGENT_PRIVATE_KEY": KEY})
    by_keystore = load({"PAYGENT_PRIVATE_KEY": KEY}, keystore="key.json")

    assert (by_key.private_key, by_key.keystore) == (Secret(KEY), None)
    assert (by_keystore.private_key, by_keystore.keystore) == (None, Path("key.json"))


def test_two_kinds_of_key_in_one_source_are_refused() -> None:
    Path("key.json").write_text("{}")

    said = complaint({"PAYGENT_PRIVATE_KEY": KEY, "PAYGENT_KEYSTORE": "key.json"})

    assert said.startswith("PAYGENT_PRIVATE_KEY and PAYGENT_KEYSTORE are both set")
    assert KEY not in said


# values --------------------------------------------------------------------------------------------------------------

NETWORKS = frozenset({ChainId("eip155:25"), ChainId("eip155:84532")})
TOKEN_TABLE: dict[str, object] = {"asset": ASSET, "symbol": "T", "decimals": 6, "name": "Test", "version": "2"}


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("PRIVATE_KEY", f" {KEY[2:]}\n", Secret(KEY)),
        ("KEYSTORE_PASSWORD", " with blanks ", Secret(" with blanks ")),
        ("RPC", "https://rpc.example/key", "https://rpc.example/key"),
        ("RPC", json.dumps({"cronos-mainnet": "http://a.example"}), {"eip155:25": "http://a.example"}),
        ("STORAGE", "sqlite:///pay.db", "sqlite:///pay.db"),
        ("STORAGE", "pay.db", "pay.db"),
        ("MAX_PER_PAYMENT", "0.000001", usd("0.000001")),
        ("PER_DAY", "0", usd("0")),
        ("NETWORKS", "eip155:25, base-sepolia", NETWORKS),
        ("ASSETS", ASSET, frozenset({AssetId.parse(ASSET)})),
        ("HOSTS", "API.example.com,*.b.example, localhost:8000,[::1]:80", None),
        ("PAYEES", PAYEE.upper().replace("0X", "0x"), frozenset({PAYEE})),
        ("MAX_VALIDITY_SECONDS", "10", 10),
        ("TIMEOUT_SECONDS", "3600", 3600),
    ],
)
def test_environment_is_read_into_values(variable: str, text: str, expected: object) -> None:
    hosts = frozenset({"api.example.com", "*.b.example", "localhost:8000", "[::1]:80"})

    settings = load({f"PAYGENT_{variable}": text})

    assert getattr(settings, variable.lower()) == (hosts if variable == "HOSTS" else expected)


def test_file_is_read_into_values() -> None:
    write(
        """
        rpc = { "eip155:25" = "https://rpc.example/key", base = "https://b.example" }
        networks = ["cronos-mainnet"]
        hosts = []
        max_per_payment = 2
        [[tokens]]
        asset = "eip155:25/erc20:0xAAaaAaaaAAaaaaAAaAaAaaAAAAAaAaaAAaAaaaaa"
        symbol = "T"
        decimals = 6
        name = "Test"
        version = "2"
        usd = true
        test = true
        """
    )

    settings = load()

    (token,) = settings.tokens
    assert settings.rpc == {"eip155:25": "https://rpc.example/key", "eip155:8453": "https://b.example"}
    assert settings.networks == frozenset({ChainId("eip155:25")})
    assert settings.hosts == frozenset()
    assert settings.max_per_payment == usd("2")
    assert (token.asset.id, token.asset.decimals, token.name) == (AssetId.parse(ASSET), 6, "Test")
    assert (token.versions, token.usd, token.eip3009, token.test) == (("2",), True, True, True)


def test_paths_in_a_file_begin_where_the_file_is(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "key.json").write_text("{}")
    write('keystore = "key.json"\nstorage = "pay.db"', "sub/paygent.toml")

    settings = load({"PAYGENT_CONFIG": "sub/paygent.toml"})

    assert (settings.keystore, settings.storage) == (Path("sub/key.json"), str(Path("sub/pay.db")))
    write('storage = "sqlite:///pay.db"', "sub/paygent.toml")
    assert load({"PAYGENT_CONFIG": "sub/paygent.toml"}).storage == "sqlite:///pay.db"


def test_arguments_may_be_values_already() -> None:
    limits = (usd("1"), Amount(5, usd("1").asset))
    asset, chain = AssetId.parse(ASSET), ChainId("eip155:25")
    token = load(tokens=[TOKEN_TABLE]).tokens[0]

    settings = load(
        private_key=SecretStr(KEY),
        keystore_password=Secret("p"),
        rpc={chain: "http://a.example"},
        storage=Path("pay.db"),
        max_per_payment=limits,
        per_day=usd("3"),
        networks=[chain],
        assets={asset},
        payees=(PAYEE,),
        tokens=[token],
        timeout_seconds=5,
    )

    assert settings.private_key == Secret(KEY)
    assert settings.rpc == {"eip155:25": "http://a.example"}
    assert (settings.storage, settings.max_per_payment, settings.per_day) == ("pay.db", limits, usd("3"))
    assert (settings.networks, settings.assets, settings.tokens) == (frozenset({chain}), frozenset({asset}), (token,))
    assert isinstance(token, Token)
    assert load(per_day=Decimal("2.5")).per_day == usd("2.5")


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"HOME": "/h"}, "/h/.local/share"),
        ("linux", {"HOME": "/h", "XDG_DATA_HOME": "/x"}, "/x"),
        ("linux", {"HOME": "/h", "XDG_DATA_HOME": "relative"}, "/h/.local/share"),
        ("darwin", {"HOME": "/h"}, "/h/Library/Application Support"),
        ("win32", {"LOCALAPPDATA": "/l"}, "/l"),
        ("win32", {}, str(Path.home() / "AppData" / "Local")),
        ("linux", {}, str(Path.home() / ".local" / "share")),
    ],
)
def test_storage_is_where_the_platform_keeps_data(platform: str, variables: dict[str, str], expected: str) -> None:
    assert str(_data_home(variables, platform)) == expected


# refusals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "raw", "why"),
    [
        ("private_key", "0x12", "not 0x and 64 hexadecimal digits"),
        ("private_key", 5, "not 0x and 64 hexadecimal digits"),
        ("relayer_key", "0x12", "not 0x and 64 hexadecimal digits"),
        ("keystore_password", 5, "not text"),
        ("keystore", "nowhere.json", "there is no file 'nowhere.json'"),
        ("keystore", 5, "5 is not a path"),
        ("rpc", "rpc.example", "the URL is not like https://host/path"),
        ("rpc", "http://[x", "the URL is not like"),
        ("rpc", {"eip155:25": 5}, "the URL of eip155:25 is not like"),
        ("rpc", {5: "http://a.example"}, "5 is not a chain"),
        ("rpc", {"cronos-mainet": "http://a.example"}, "did you mean 'cronos-mainnet'"),
        ("rpc", "{x", "begins like JSON"),
        ("rpc", "{" * 100_000, "begins like JSON"),
        ("rpc", 5, "neither a URL nor a table"),
        ("storage", "", "neither a path nor a URL"),
        ("max_per_payment", "-1", "'-1' is not an amount"),
        ("max_per_payment", "1.0000001", "more decimal places"),
        ("per_day", 1.5, "1.5 is not text: money is never"),
        ("per_day", True, "True is not text"),
        ("per_day", (), "a tuple of limits"),
        ("networks", "eip155:25,", "is not a known network"),
        ("networks", 5, "5 is not a list"),
        ("assets", "eip155:25", "not a CAIP-19 asset"),
        ("assets", [5], "5 is not a CAIP-19"),
        ("hosts", "https://api.example.com", "write it without https://"),
        ("hosts", "a.example/path", "write it without"),
        ("hosts", [5], "5 is not a host"),
        ("payees", "0x12", "'0x12' is not an address"),
        ("payees", f"0x{'aA' * 20}", "wrong checksum"),
        ("max_validity_seconds", 9, "from 10 to 86400"),
        ("max_validity_seconds", "86401", "from 10 to 86400"),
        ("timeout_seconds", True, "from 1 to 3600"),
        ("timeout_seconds", "1.5", "from 1 to 3600"),
        ("node_lag", "-1", "'-1' is not a whole number of blocks from 0 to 10000"),
        ("node_lag", 10_001, "from 0 to 10000"),
        ("tokens", "x", "write [[tokens]]"),
        ("tokens", [5], "token 1 is not a table"),
        ("tokens", [{**TOKEN_TABLE, "nam": "x"}], "unknown key 'nam'; did you mean name?"),
        ("tokens", [{**TOKEN_TABLE, "decimals": "6"}], "token 1 needs decimals"),
        ("tokens", [{**TOKEN_TABLE, "name": ""}], "token 1: name is missing"),
        ("tokens", [{**TOKEN_TABLE, "usd": "maybe"}], "'maybe' is neither true nor false"),
        ("tokens", [{**TOKEN_TABLE, "asset": "eip155:25/slip44:394"}], "is not an ERC-20 token"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place_and_the_way_to_write_it(name: str, raw: Any, why: str) -> None:
    said = complaint(**{name: raw})

    assert said.startswith(f"the argument {name} cannot be used: ")
    assert why in said
    assert "; give " in said


def test_a_complaint_names_the_variable() -> None:
    assert complaint({"PAYGENT_PER_DAY": "much"}).startswith("PAYGENT_PER_DAY cannot be used: 'much'")


def test_a_complaint_names_the_file_and_the_line() -> None:
    write('# limits\nper_day = "20"\nmax_per_payment = "much"\n[[tokens]]\nasset = "x"\n')

    assert complaint().startswith("paygent.toml:3: max_per_payment cannot be used")
    write('per_day = "20"\n\n[[tokens]]\nasset = "x"\n')
    assert complaint().startswith("paygent.toml:3: tokens cannot be used")
    write('[rpc]\n"eip155:25" = "nowhere"\n')
    assert complaint().startswith("paygent.toml:1: rpc cannot be used: the URL of eip155:25")


def test_unknown_names_are_refused_with_near_ones() -> None:
    assert "did you mean per_day or gas_per_day?" in complaint(per_dai="1")
    assert "PAYGENT_PRIVAT_KEY, which is no setting; did you mean PAYGENT_PRIVATE_KEY" in complaint(
        {"PAYGENT_PRIVAT_KEY": KEY}
    )
    write('hots = ["a.example"]')
    assert complaint().startswith("paygent.toml:1: hots is no setting; did you mean hosts?")
    write("zzz.a = 1")
    assert "there are agent, approval_webhook, " in complaint()


def test_an_empty_variable_is_refused() -> None:
    assert complaint({"PAYGENT_HOSTS": " "}).startswith("PAYGENT_HOSTS is empty; unset it, or give hosts")


@pytest.mark.parametrize("name", ["private_key", "keystore_password", "relayer_key"])
def test_a_secret_in_a_file_is_refused(name: str) -> None:
    write(f'{name} = "{KEY}"')

    said = complaint()

    assert said.startswith(f"paygent.toml:1: {name} does not belong into a file")
    assert f"set PAYGENT_{name.upper()}" in said
    assert KEY not in said


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"per_day = ", "is not TOML: "),
        (b"per_day = " + b"[" * 100_000, "is nested too deeply"),
        (b"\xff\xfe", "is not UTF-8"),
        (None, "cannot be read: "),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(content: bytes | None, why: str) -> None:
    if content is None:
        Path("settings").mkdir()
    else:
        Path("settings").write_bytes(content)

    assert f"the settings file 'settings' {why}" in complaint(file="settings")


# secrets -------------------------------------------------------------------------------------------------------------


def test_no_secret_is_shown() -> None:
    settings = load(
        {
            "PAYGENT_PRIVATE_KEY": KEY,
            "PAYGENT_KEYSTORE_PASSWORD": "open sesame",
            "PAYGENT_RPC": "https://rpc.example/open-sesame",
            "PAYGENT_STORAGE": "postgresql://u:open-sesame@h/d",
        }
    )

    said = f"{settings!r} {settings} {settings.private_key} {settings.keystore_password!r}"
    assert "sesame" not in said
    assert KEY[2:] not in said


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("PAYGENT_PRIVATE_KEY", f"{KEY}5a"),
        ("PAYGENT_RPC", "sesame"),
        ("PAYGENT_RPC", '{"eip155:25": "sesame"}'),
        ("PAYGENT_RPC", '{"eip155:25": sesame'),
    ],
)
def test_no_complaint_shows_a_secret(variable: str, text: str) -> None:
    said = complaint({variable: text})

    assert variable in said
    assert "sesame" not in said
    assert KEY[2:] not in said


# policy files --------------------------------------------------------------------------------------------------------


def test_policy_names_files_which_begin_where_the_settings_file_is(elsewhere: Path) -> None:
    folder = elsewhere / "conf"
    folder.mkdir()
    for name in ("policy.yaml", "agents.yaml"):
        (folder / name).write_text("{}")
    (folder / "paygent.toml").write_text('policy = ["policy.yaml", "agents.yaml"]')

    by_file = load(file=folder / "paygent.toml")
    by_variable = load({"PAYGENT_POLICY": "conf/policy.yaml, conf/agents.yaml"})

    assert (folder / "policy.yaml", folder / "agents.yaml") == by_file.policy
    assert (Path("conf/policy.yaml"), Path("conf/agents.yaml")) == by_variable.policy


def test_policy_file_that_is_not_there_is_refused() -> None:
    assert "PAYGENT_POLICY cannot be used: there is no file 'no.yaml'" in complaint({"PAYGENT_POLICY": "no.yaml"})


def test_policy_file_is_refused_beside_limits() -> None:
    write("{}", "policy.yaml")

    said = complaint({"PAYGENT_POLICY": "policy.yaml", "PAYGENT_PER_DAY": "5"}, hosts="a.example")

    assert "per_day and hosts would not hold beside them" in said


# whom to ask -------------------------------------------------------------------------------------------------------


def test_settings_say_who_is_asked_and_when() -> None:
    write('approve_above = "3"\napprovers = 2\napproval_webhook = "https://hooks.example/path-with-key"')

    settings = load({"PAYGENT_APPROVAL_WEBHOOK_SECRET": "sixteen bytes or more"})

    assert (usd("3"), 2) == (settings.limits.approve_above, settings.approvers)
    assert "https://hooks.example/path-with-key" == settings.approval_webhook
    assert "key" not in repr(settings).replace("private_key", "").replace("relayer_key", "").replace("keystore", "")
    assert load({"PAYGENT_APPROVE_ABOVE": "never", **SECRET_OF_HOOK}).limits.approve_above is None


def test_settings_say_who_may_decide() -> None:
    write('approvers = 2\napprover_names = ["ada", "ben", "cem"]')

    assert ("ada", "ben", "cem") == load().approver_names
    assert ("ada", "dan") == load({"PAYGENT_APPROVER_NAMES": "ada, dan"}).approver_names
    assert load().approvers == 2


def test_settings_let_anybody_decide_unless_they_name_people() -> None:
    assert load().approver_names is None


SECRET_OF_HOOK = {"PAYGENT_APPROVAL_WEBHOOK_SECRET": "sixteen bytes or more"}


@pytest.mark.parametrize(
    ("said", "meant"), [("usual", USUAL), ("all", Risk()), ("off", None), (Risk(failures=1), Risk(failures=1))]
)
def test_settings_say_how_watchful_to_be(said: object, meant: Risk | None) -> None:
    assert meant == load(risk=said).limits.risk


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"approval_webhook": "https://hooks.example/"}, "go together"),
        ({"approval_webhook_secret": "sixteen bytes or more"}, "go together"),
        ({"approval_webhook": "hooks", "approval_webhook_secret": "sixteen bytes or more"}, "is not like https"),
        ({"approval_webhook": "https://h/", "approval_webhook_secret": "short"}, "shorter than 16 bytes"),
        ({"risk": "high"}, "'high' is not one of usual, all, off; write usual, all or off"),
        ({"approvers": 0}, "from 1 to 100"),
        ({"approvers": "two"}, "from 1 to 100"),
        ({"approvers": 2, "approver_names": ["ada", "ADA"]}, "2 distinct approvers have to agree, and 1 may"),
        ({"approver_names": []}, "and 0 may"),
        ({"approver_names": ["a,b"]}, "no comma"),
        ({"approver_names": [1]}, "is no name; give names such as"),
        ({"approver_names": 3}, "is not a list"),
        ({"approve_above": 1.5}, "never a floating point"),
    ],
)
def test_settings_refuse_half_an_approval(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as refused:
        load(**given)

    assert "sixteen" not in str(refused.value)


def test_threshold_may_not_stand_beside_policy_files() -> None:
    write("", "policy.yaml")

    with pytest.raises(ConfigurationError, match="approve_above would not hold beside them"):
        load(policy="policy.yaml", approve_above="3")


# gas -----------------------------------------------------------------------------------------------------------------


def test_usual_gas_limits_name_each_coin_of_the_table_on_all_its_chains_and_no_other() -> None:
    limited = {limit.asset.symbol for limit in USUAL_GAS}

    assert {"AVAX", "CRO", "DEV", "ETH", "POL", "TCRO"} == limited
    assert [each for each in known_coins() if each.symbol in limited] == [limit.asset for limit in USUAL_GAS]
    assert [10 * limit.atomic for limit in USUAL_GAS] == [limit.atomic for limit in USUAL_GAS_PER_DAY]


@pytest.mark.parametrize(
    "said", ["2 CRO", "2 eip155:25/slip44:60", ["2 CRO"], Amount(2 * 10**18, coin(ChainId("eip155:25")))]
)
def test_gas_limits_are_read_by_symbol_by_asset_and_as_amounts(said: object) -> None:
    limits = load(gas_per_transaction=said, gas_per_day="5 CRO, 0.1 POL").limits

    assert (Amount(2 * 10**18, coin(ChainId("eip155:25"))),) == limits.gas_limits
    assert {"CRO", "POL"} == {limit.asset.symbol for limit in limits.gas_day_limits}


def test_gas_that_is_never_paid_has_no_limit_to_send_by() -> None:
    assert load({"PAYGENT_GAS_PER_DAY": "never"}).limits.gas_per_day is None


@pytest.mark.parametrize("said", ["3", "3 XYZ", "x CRO", f"3 {ASSET}", "3 eip155:25/slip44:394", 3])
def test_gas_limit_that_is_no_coin_is_refused(said: object) -> None:
    assert "gas_per_day cannot be used" in complaint(gas_per_day=said)


def test_gas_limits_are_refused_beside_a_policy_file() -> None:
    write("per_day: '5'", "policy.yaml")

    assert "gas_per_day would not hold beside them" in complaint(policy="policy.yaml", gas_per_day="3 CRO")
