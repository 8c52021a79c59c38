import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
SOURCES = sorted((ROOT / "src" / "paygent" / "x402").glob("*.py"))
PAGE = (ROOT / "docs" / "reference" / "refusals.md").read_text(encoding="utf-8")
MADE = re.compile(r'(?:code=|_refuse\(asked, |_unread\([^"]*|PydanticCustomError\(\s*|else )"([a-z][a-z_0-9]+)"')


def test_every_code_of_a_refusal_is_in_the_reference() -> None:
    made = {code for path in SOURCES for code in MADE.findall(path.read_text(encoding="utf-8"))} - {
        "permit2",
        "eip3009",
    }
    described = set(re.findall(r"^\| `([a-z0-9_]+)` \|", PAGE, re.MULTILINE)) | {"denied"}

    assert len(made) >= 17
    assert set() == made - described
