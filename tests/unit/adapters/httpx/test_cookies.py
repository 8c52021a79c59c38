"""The clients keep and send the cookies that httpx's own do."""

from collections.abc import Iterator
from http.cookiejar import CookieJar

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.adapters.httpx.clients import AsyncClient, Client

URL = "http://seller.test/thing"
WORDS = st.sampled_from(["a", "b"])
ANSWERS = st.lists(
    st.lists(
        st.one_of(
            st.builds("{}={}".format, WORDS, WORDS),
            st.builds("{}=; Max-Age=0".format, WORDS),
            st.builds("{}=1; Path=/{}".format, WORDS, WORDS),
        ),
        max_size=2,
    ),
    min_size=1,
    max_size=5,
)


@given(answers=ANSWERS, begun=st.dictionaries(WORDS, WORDS))
def test_cookies_sent_are_those_of_httpx_whatever_the_answers_set(
    answers: list[list[str]], begun: dict[str, str]
) -> None:
    with _client(Client, answers, begun) as ours, _client(httpx.Client, answers, begun) as theirs:
        sent = [[client.get(URL).request.headers.get("cookie") for _ in answers] for client in (ours, theirs)]

    assert sent[1] == sent[0]


async def test_cookie_of_a_redirect_goes_with_what_it_leads_to(anyio_backend_name: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/thing":
            return httpx.Response(302, headers={"location": "/there", "set-cookie": "token=1"})
        return httpx.Response(200, text=request.headers.get("cookie", ""))

    async with AsyncClient(transport=httpx.MockTransport(answer), follow_redirects=True) as client:
        response = await client.get(URL)

    assert "token=1" == response.text
    assert {"token": "1"} == dict(client.cookies)


def test_jar_of_the_caller_is_the_one_that_is_filled() -> None:
    jar = CookieJar()
    with _client(Client, [["token=1"]], jar) as client:
        client.get(URL)

    assert ["token"] == [cookie.name for cookie in jar]


def test_cookies_that_are_set_anew_replace_the_old_ones() -> None:
    with _client(Client, [["token=1"], []], {}) as client:
        client.get(URL)
        client.cookies = {"other": "2"}

        assert "other=2" == client.get(URL).request.headers["cookie"]


def test_answer_that_sets_none_is_not_put_into_words_of_urllib(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is what this module is for."""

    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(CookieJar, "extract_cookies", refuse)
    with _client(Client, [[]], {}) as client:
        assert 200 == client.get(URL).status_code


def _client(kind: type[httpx.Client], answers: list[list[str]], cookies: dict[str, str] | CookieJar) -> httpx.Client:
    rest: Iterator[list[str]] = iter(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=[("set-cookie", each) for each in next(rest)])

    return kind(transport=httpx.MockTransport(answer), cookies=cookies)
