"""What the command line understands, and that all misuse ends with 1 and a hint."""

import json
import re
from pathlib import Path

import pytest

from paygent.cli import main
from paygent.cli.arguments import Arguments
from paygent.cli.parser import parse

URL = "https://shop.example/a"
COMMANDS = """
    demo pay quote payments reconcile parse halt resume halts approvals audit policy db services run sessions plugins
    wallet agent-wallet
""".split()
MISUSE = [
    ([], "say what to do"),
    (["dance"], "invalid choice: 'dance'"),
    (["pay"], "the following arguments are required: URL"),
    (["pay", URL, "--jsonn"], "unrecognized arguments: --jsonn"),
    (["pay", URL, "--js"], "unrecognized arguments: --js"),
    (["pay", URL, "another"], "unrecognized arguments: another"),
    (["demo", "--rpc", "http://127.0.0.1"], "unrecognized arguments"),
    (["pay", "shop.example"], "'shop.example' is not a URL such as https://host/path"),
    (["pay", "ftp://shop.example/"], "is not a URL"),
    (["pay", "https://"], "is not a URL"),
    (["pay", "https://shop.example:99999/"], "is not a URL"),
    (["pay", "https://[::1/"], "is not a URL"),
    (["pay", "https://shop.example/a b"], "is not a URL"),
    (["quote", ""], "is not a URL"),
    (["pay", URL, "--method", "GE T"], "'GE T' is not an HTTP method such as GET"),
    (["pay", URL, "--header", "Accept"], "'Accept' is not a header such as 'Accept: text/html'"),
    (["pay", URL, "--header", "A b: c"], "is not a header"),
    (["pay", URL, "--header", "A: b\r\nC: d"], "is not a header"),
    (["pay", URL, "--header", "A: é"], "is not a header"),
    (["pay", URL, "--data", "\udcff"], "the data is not UTF-8"),
    (["pay", URL, "--max-amount=-1"], "'-1' is not an amount"),
    (["pay", URL, "--max-amount", "1e3"], "'1e3' is not an amount"),
    (["pay", URL, "--max-amount", "0,10"], "'0,10' is not an amount"),
    (["pay", URL, "--max-amount", "$1"], "is not an amount"),
    (["pay", URL, "--max-amount", "9" * 60], "is more than there can be of a token"),
    (["pay", URL, "--timeout", "0"], "'0' is not a number of seconds above 0"),
    (["pay", URL, "--timeout", "nan"], "is not a number of seconds"),
    (["pay", URL, "--timeout", "soon"], "is not a number of seconds"),
    (["pay", URL, "--timeout", "3601"], "is not a number of seconds"),
    (["pay", URL, "--idempotency-key", " "], "at least one printable character"),
    (["payments", "--idempotency-key", "a"], "unrecognized arguments"),
    (["reconcile", "a", "b"], "unrecognized arguments: b"),
    (["pay", URL, "--network", "bass"], "did you mean 'base'"),
    (["pay", URL, "--network", "solana:mainnet"], "is not an EVM chain id"),
    (["pay", URL, "--rpc", "127.0.0.1:8545"], "the argument rpc cannot be used"),
    (["pay", URL, "--keystore", "no.json"], "there is no file 'no.json'"),
    (["payments", "--storage", ""], "cannot be used"),
    (["audit", "verify", "log.jsonl", "--signer", "0x12"], "'0x12' is not an address"),
    (["wallet", "transfer", "1"], "wallet transfer takes AMOUNT ASSET ADDRESS; `paygent wallet --help` says more"),
    (["agent-wallet", "pay"], "agent-wallet pay takes AMOUNT ASSET ADDRESS"),
]


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "says"), MISUSE, ids=lambda value: " ".join(value) if type(value) is list else ""
)
def test_misuse_ends_with_1_and_says_what_is_wrong(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(arguments)

    said = capsys.readouterr()
    assert (1, "") == (code, said.out)
    assert says in said.err


@pytest.mark.parametrize("arguments", [["pay", "--json"], ["pay", URL, "--network", "bass", "--json"]])
def test_misuse_is_told_in_json_when_that_was_asked_for(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(arguments)

    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (1, "ConfigurationError") == (code, said["error"]["type"])
    assert (None, None, None) == (said["status_code"], said["body"], said["payment"])


@pytest.mark.parametrize("arguments", [["--help"], ["pay", "--help"], ["--version"]])
def test_help_and_version_end_with_0(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(arguments)
    assert "paygent" in capsys.readouterr().out


def test_help_lists_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])

    said = capsys.readouterr().out
    assert ["0", "1", "3", "4", "5", "6"] == sorted(
        {word for word in said.split() if word.isdigit() and len(word) == 1}
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_says_what_it_is_and_what_its_words_mean(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main([command, "--help"])

    usage, about, *rest = capsys.readouterr().out.split("\n\n")
    assert usage.startswith(f"usage: paygent {command} ")
    assert about[0].isupper()
    assert about.endswith(".")
    words = next((part for part in rest if part.startswith("positional arguments:")), "")
    assert [] == [line for line in words.splitlines()[1:] if line[2] != " " and len(line.split()) == 1]


@pytest.mark.parametrize("command", ["approvals", "audit", "policy", "db", "services", "sessions", "wallet"])
def test_help_of_a_command_lists_every_action_with_its_words(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([command, "--help"])
    listed = capsys.readouterr().out.partition("actions:\n")[2].split()
    main([command, "dance"])
    actions = re.findall(r"'([a-z-]+)'", capsys.readouterr().err.partition("choose from")[2])

    assert actions
    assert set() == set(actions) - set(listed)


def test_every_option_of_pay_is_read() -> None:
    words = "--method put --data x --max-amount 0.10 --network base --rpc http://a --storage p.db --keystore k --json"
    repeated = ["--header", "A: b: c", "--header", "D:"]

    read = parse(["pay", URL, *words.split(), *repeated, "--timeout", "1.5", "--idempotency-key", "k 1"])

    assert read == Arguments(
        command="pay",
        json=True,
        url=URL,
        method="PUT",
        data="x",
        headers=(("A", "b: c"), ("D", "")),
        max_amount="0.10",
        network="base",
        rpc="http://a",
        storage="p.db",
        keystore="k",
        timeout_seconds=1.5,
        idempotency_key="k 1",
    )


@pytest.mark.parametrize(
    ("arguments", "method"), [([], "GET"), (["--data", ""], "POST"), (["--data", "", "--method", "GET"], "GET")]
)
def test_method_is_post_when_there_is_data_and_no_other_method(arguments: list[str], method: str) -> None:
    assert method == parse(["pay", URL, *arguments]).method
