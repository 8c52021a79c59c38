"""The reference pages name all there is: options, settings, errors, arguments."""

import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import paygent
from paygent import core
from paygent.cli import main
from paygent.client import RequestOptions
from paygent.runtime.assemble import Wiring
from paygent.runtime.settings import Settings

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"


def words(page: str) -> set[str]:
    return set(re.findall(r"[\w-]+", (REFERENCE / page).read_text()))


COMMANDS = """
    pay quote payments reconcile halt resume halts approvals audit policy db services run sessions wallet agent-wallet
""".split()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_on_the_page_of_the_command_line(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([command, "--help"])

    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert {"--storage", "--json"} <= options
    assert set() == options - words("cli.md")


SECRETS = {"private_key", "keystore_password", "relayer_key", "approval_webhook_secret"}
"""What only the environment may say."""


def test_every_setting_is_on_its_page() -> None:
    names = set(Settings.__dataclass_fields__)
    variables = {f"PAYGENT_{name.upper()}" for name in names - {"tokens"}}

    assert set() == variables - words("settings.md")
    assert set() == names - SECRETS - words("settings.md")


def test_settings_file_of_the_page_can_be_read(tmp_path: Path) -> None:
    page = (REFERENCE / "settings.md").read_text()
    [written] = re.findall(r"^```toml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    file = tmp_path / "paygent.toml"
    file.write_text(written.replace("0x…", "0x" + "11" * 20))

    settings = Settings.load(environ={}, file=file)

    assert tomllib.loads(written)["tokens"][0]["symbol"] == settings.tokens[0].asset.symbol


def test_every_error_is_on_its_page() -> None:
    modules = [import_module(f"paygent.core.{file.stem}") for file in Path(core.__file__).parent.glob("*errors.py")]
    known = [each for module in modules for each in vars(module).values() if isinstance(each, type)]
    errors = {each.__name__ for each in known if issubclass(each, paygent.PaygentError)}

    assert {"PolicyDenied", "RunChanged", "ServiceNotFound"} <= errors
    assert set() == errors - words("errors.md")


def test_every_argument_of_open_and_of_a_request_is_on_the_page_of_the_client() -> None:
    opening = set(Wiring.__annotations__) - {"clock", "entropy"}
    asking = {"idempotency_key", "new_purchase", "max_amount"}

    assert asking <= set(RequestOptions.__annotations__)
    assert set() == (opening | asking) - words("client.md")
