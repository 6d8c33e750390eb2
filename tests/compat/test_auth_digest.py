"""DigestAuth: challenges and what answers them, driven by hand."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.compat.flows import URL, both_kinds, challenged, digest, drive
from tests.compat.harness import same

REALM = 'realm="http-auth@example.org"'
NONCE = 'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"'
OPAQUE = 'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
CHALLENGE = f'Digest {REALM}, qop="auth", algorithm=MD5, {NONCE}, {OPAQUE}'

MALFORMED = (
    "A Digest challenge that is malformed, or asks for an algorithm that is not known, raises `ProtocolError`"
)


def asked(httpx: Any, *values: str | bytes, url: str = URL, method: str = "GET", **options: Any) -> Any:
    """What is sent first, and what in answer to a 401 with these fields."""
    request = httpx.Request(method, url, **options)
    return drive(digest(httpx), request, [challenged(httpx, *values)])


@both_kinds
@same("the proof of Digest is another hash")
def test_a_challenge_is_answered_by_a_proof(httpx: Any, kind: str) -> Any:
    responses = [challenged(httpx, CHALLENGE), httpx.Response(200)]
    return drive(digest(httpx), httpx.Request("GET", URL), responses, kind)


@pytest.mark.parametrize(
    "algorithm",
    [
        "MD5",
        "MD5-sess",
        "SHA",
        "SHA-sess",
        "SHA-256",
        "SHA-256-sess",
        "SHA-512",
        "SHA-512-SESS",
        "md5",
        "sha-256-Sess",
    ],
)
@same("an algorithm of Digest is missing, or wrong")
def test_the_algorithm_is_the_challenge_s(httpx: Any, algorithm: str) -> Any:
    return asked(httpx, f'Digest {REALM}, qop="auth", algorithm={algorithm}, {NONCE}')


@same("an algorithm in quotes is not recognised")
def test_the_algorithm_may_be_quoted(httpx: Any) -> Any:
    return asked(httpx, f'Digest {REALM}, qop="auth", algorithm="SHA-256", {NONCE}')


@same("the default algorithm is not MD5, or is left out")
def test_md5_is_the_default(httpx: Any) -> Any:
    return asked(httpx, f'Digest {REALM}, qop="auth", {NONCE}')


@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess"])
@same("a challenge without qop is answered with nc and cnonce")
def test_without_qop_the_proof_is_that_of_rfc_2069(httpx: Any, algorithm: str) -> Any:
    return asked(httpx, f"Digest {REALM}, algorithm={algorithm}, {NONCE}, {OPAQUE}")


@pytest.mark.parametrize("opaque", ['opaque=""', "opaque=abc", 'opaque="a, b"'])
@same("opaque is changed on its way back, or an empty one is sent")
def test_opaque_comes_back(httpx: Any, opaque: str) -> Any:
    return asked(httpx, f'Digest {REALM}, qop="auth", {NONCE}, {opaque}')


@pytest.mark.parametrize("qop", ['"auth"', "auth", '"auth,auth-int"', '"auth-int, auth"', '"other,auth"'])
@same("auth-int is preferred to auth")
def test_auth_is_preferred(httpx: Any, qop: str) -> Any:
    return asked(httpx, f"Digest {REALM}, qop={qop}, {NONCE}")


@pytest.mark.parametrize("qop", ['""', "unknown", '"auth-conf,other"', "AUTH"])
@same("an unknown qop is taken for auth")
def test_an_unknown_qop_is_an_error_that_has_its_request(httpx: Any, qop: str) -> Any:
    return asked(httpx, f"Digest {REALM}, qop={qop}, {NONCE}")


@pytest.mark.parametrize("parameters", [REALM, NONCE, 'qop="auth"', f"{OPAQUE}, algorithm=MD5"])
@same("a challenge without realm or nonce is answered")
def test_a_challenge_must_have_realm_and_nonce(httpx: Any, parameters: str) -> Any:
    return asked(httpx, f"Digest {parameters}")


@same("an empty realm or nonce counts as missing")
def test_realm_and_nonce_may_be_empty(httpx: Any) -> Any:
    return asked(httpx, 'Digest realm="", nonce="", qop="auth"')


@pytest.mark.parametrize("word", ["Digest", "digest", "DIGEST"])
@same("the name of the scheme must be in a certain case")
def test_the_scheme_may_be_in_any_case(httpx: Any, word: str) -> Any:
    return asked(httpx, f"{word} {REALM}, {NONCE}")


@pytest.mark.parametrize("status", [200, 403, 407])
@same("another status than 401 is answered")
def test_only_a_401_is_answered(httpx: Any, status: int) -> Any:
    return drive(digest(httpx), httpx.Request("GET", URL), [challenged(httpx, CHALLENGE, status=status)])


@pytest.mark.parametrize("values", [(), ('Basic realm="x"',), ("Digest",), ("Negotiate", "Bearer abc=")])
@same("a 401 without a Digest challenge raises")
def test_a_401_without_a_digest_challenge_is_the_answer(httpx: Any, values: tuple[str, ...]) -> Any:
    return asked(httpx, *values)


@same("only the first WWW-Authenticate field is looked at")
def test_the_digest_challenge_may_stand_in_a_later_field(httpx: Any) -> Any:
    return asked(httpx, 'Basic realm="x"', "Negotiate", CHALLENGE)


@same("the last of several Digest challenges is answered")
def test_the_first_of_several_digest_challenges_is_answered(httpx: Any) -> Any:
    return asked(httpx, f'Digest {REALM}, nonce="a", algorithm=SHA-256', f'Digest {REALM}, nonce="b"')


@same("a comma in quotes separates parameters")
def test_commas_may_be_quoted(httpx: Any) -> Any:
    return asked(httpx, 'Digest realm="a, b=c,d", nonce="n,o", opaque=",", qop="auth"')


@pytest.mark.parametrize("comma", [",", ", ", ",  ", " , ", " ,\t"])
@same("blanks around commas become part of a value")
def test_blanks_around_commas_mean_nothing(httpx: Any, comma: str) -> Any:
    return asked(httpx, "Digest " + comma.join([REALM, NONCE, "qop=auth", "opaque=o"]))


@same("values that are not quoted end too early")
def test_values_need_no_quotes(httpx: Any) -> Any:
    return asked(httpx, "Digest realm=a@b c, nonce=a/b+c==, opaque=x=y, qop=auth")


@same("of a parameter that comes twice the first counts")
def test_the_last_of_equal_parameters_counts(httpx: Any) -> Any:
    return asked(httpx, f'Digest realm="a", {REALM}, nonce="b", {NONCE}')


@same("unknown parameters are refused")
def test_parameters_that_are_not_known_mean_nothing(httpx: Any) -> Any:
    return asked(httpx, f'{CHALLENGE}, stale=false, domain="/a /b", userhash=true, charset=UTF-8, x=y')


@same("the target of the proof is without the query")
def test_the_proof_is_for_path_and_query(httpx: Any) -> Any:
    return asked(httpx, CHALLENGE, url="http://host/a%20b/ü?q=1&r=%2F x#top")


@same("the proof is always for GET")
def test_the_proof_is_for_the_method(httpx: Any) -> Any:
    return asked(httpx, CHALLENGE, method="POST", content=b"abc")


@same("a field that was set by hand is removed before there is a challenge")
def test_a_field_that_is_there_stays_until_there_is_a_challenge(httpx: Any) -> Any:
    return asked(httpx, CHALLENGE, headers={"Authorization": "mine"})


@same("the client's nonce is not 16 hexadecimal digits")
def test_the_client_s_nonce_is_16_digits(httpx: Any) -> Any:
    sent = drive(httpx.DigestAuth("u", "p"), httpx.Request("GET", URL), [challenged(httpx, CHALLENGE)])
    return re.sub(rb'(cnonce|response)="[0-9a-f]+"', rb"\1=", sent[1][2]), len(sent[1][2])


@same("two proofs have the same client nonce")
def test_the_client_s_nonce_is_new_each_time(httpx: Any) -> Any:
    auth = httpx.DigestAuth("u", "p")
    return len({auth._get_client_nonce(1, b"nonce") for _ in range(100)})


@pytest.mark.parametrize(
    "username, password", [("bücher", "密"), (b"user", b"\xff\x00"), ("", ""), ("a:b", "c")]
)
@same("names and passwords of Digest are encoded in another way")
def test_names_and_passwords_are_utf_8(httpx: Any, username: Any, password: Any) -> Any:
    auth = digest(httpx, username, password)
    return drive(auth, httpx.Request("GET", URL), [challenged(httpx, CHALLENGE)])


@pytest.mark.parametrize("realm", ["bücher".encode(), "bücher".encode("latin-1")])
@same("a realm beyond US-ASCII breaks the proof")
def test_a_realm_may_be_utf_8_or_latin_1(httpx: Any, realm: bytes) -> Any:
    return asked(httpx, b'Digest realm="' + realm + b'", nonce="a", qop="auth"')


# -- over several requests -----------------------------------------------------------------------


def repeated(httpx: Any, *turns: list[Any], method: str = "GET") -> Any:
    """Several requests, one after the other, with one DigestAuth; each with the responses that it gets."""
    auth = digest(httpx)
    return [drive(auth, httpx.Request(method, URL), turn) for turn in turns]


@same("each request waits for its own challenge")
def test_later_requests_carry_a_proof_at_once(httpx: Any) -> Any:
    ok = httpx.Response(200)
    return repeated(httpx, [challenged(httpx, CHALLENGE), ok], [ok], [ok])


@same("the count of a nonce goes on with the next nonce")
def test_a_new_challenge_begins_a_new_count(httpx: Any) -> Any:
    again = challenged(httpx, CHALLENGE.replace("7ypf", "8ypf"))
    return repeated(
        httpx, [challenged(httpx, CHALLENGE)], [httpx.Response(200)], [again], [httpx.Response(200)]
    )


@same("a proof that was refused is followed by another one, on and on")
def test_a_proof_that_is_refused_is_the_end(httpx: Any) -> Any:
    return repeated(httpx, [challenged(httpx, CHALLENGE), challenged(httpx, CHALLENGE)])


@same("a stale nonce is not replaced")
def test_a_stale_nonce_is_replaced_once(httpx: Any) -> Any:
    stale = challenged(httpx, CHALLENGE.replace("7ypf", "9ypf") + ", stale=true")
    return repeated(httpx, [challenged(httpx, CHALLENGE)], [stale, stale])


@same("a response without a challenge makes the known nonce forgotten")
def test_a_nonce_is_kept_over_errors(httpx: Any) -> Any:
    turns = [[httpx.Response(500)], [challenged(httpx, 'Basic realm="x"')], [httpx.Response(200)]]
    return repeated(httpx, [challenged(httpx, CHALLENGE)], *turns)


@same("a challenge without qop is not remembered")
def test_a_challenge_without_qop_is_answered_at_once_too(httpx: Any) -> Any:
    return repeated(httpx, [challenged(httpx, f"Digest {REALM}, {NONCE}")], [httpx.Response(200)])


@same("one DigestAuth learns from the challenges of another")
def test_each_digest_auth_has_its_own_challenge(httpx: Any) -> Any:
    first = repeated(httpx, [challenged(httpx, CHALLENGE)])
    return first, repeated(httpx, [httpx.Response(200)])


@same("the body of the request must be read for qop auth")
def test_content_that_is_a_stream_is_left_alone(httpx: Any) -> Any:
    request = httpx.Request("POST", URL, content=iter([b"a"]))
    sent = drive(digest(httpx), request, [challenged(httpx, CHALLENGE)])
    return sent, list(request.stream)


def with_cookies(httpx: Any, *cookies: str, **options: Any) -> Any:
    responses = [challenged(httpx, CHALLENGE, cookies=cookies)]
    return drive(digest(httpx), httpx.Request("GET", URL, **options), responses)


@same("cookies of the 401 are not sent with the proof")
def test_cookies_of_the_challenge_come_back(httpx: Any) -> Any:
    return with_cookies(httpx, "session=1; Path=/", "b=2; Path=/dir")


@pytest.mark.parametrize(
    "cookie", ["a=1; Path=/other", "a=1; Domain=example.org", "a=1; Secure", "a=1; Max-Age=0"]
)
@same("a cookie that is not for this URL comes back to it")
def test_cookies_of_the_challenge_keep_their_rules(httpx: Any, cookie: str) -> Any:
    return with_cookies(httpx, cookie)


@same("cookies of the 401 are added to those that were set")
def test_cookies_that_are_there_stay(httpx: Any) -> Any:
    return with_cookies(httpx, "session=1; Path=/", headers={"Cookie": "mine=1"})


# -- what differs --------------------------------------------------------------------------------


@same("an algorithm that is not known is a KeyError", differs=MALFORMED)
def test_an_unknown_algorithm_is_a_protocol_error(httpx: Any) -> Any:
    return asked(httpx, f"Digest {REALM}, {NONCE}, algorithm=MD6")


@pytest.mark.parametrize("parameters", ["nonce=", "nonce", 'opaque="a'])
@same("a malformed challenge is a ValueError or an IndexError", differs=MALFORMED)
def test_a_malformed_challenge_is_a_protocol_error(httpx: Any, parameters: str) -> Any:
    return asked(httpx, f"Digest {REALM}, {NONCE}, {parameters}")


@same("auth-int is not implemented", differs="Digest knows `auth-int`, and SHA-512-256")
def test_auth_int_is_answered(httpx: Any) -> Any:
    return asked(httpx, f'Digest {REALM}, {NONCE}, qop="auth-int"', method="POST", content=b"abc")


@same("SHA-512-256 is not known", differs="Digest knows `auth-int`, and SHA-512-256")
def test_sha_512_256_is_answered(httpx: Any) -> Any:
    return asked(httpx, f'Digest {REALM}, {NONCE}, qop="auth", algorithm=SHA-512-256')


@pytest.mark.parametrize(
    "other", ['Basic realm="x"', "Negotiate", "Bearer abc=", 'Digest realm="y", nonce="z", algorithm=X']
)
@same("a challenge behind another one in one field is not found", differs="Several challenges in one field")
def test_a_challenge_may_stand_behind_another_one(httpx: Any, other: str) -> Any:
    return asked(httpx, f"{other}, {CHALLENGE}")


@same("names of parameters must be in lower case", differs="the names of its parameters may be in any case")
def test_names_of_parameters_may_be_in_any_case(httpx: Any) -> Any:
    return asked(httpx, "Digest Realm=a, NONCE=b")


@same(
    "a quote in a name ends the quoted text",
    differs="Quotes and backslashes in what Digest sends are escaped",
)
def test_quotes_are_escaped(httpx: Any) -> Any:
    return drive(digest(httpx, 'a"b\\c'), httpx.Request("GET", URL), [challenged(httpx, CHALLENGE)])


@same("a name in bytes that is not UTF-8 is a UnicodeError", differs="A name in bytes that is not UTF-8")
def test_a_name_must_be_utf_8(httpx: Any) -> Any:
    return drive(digest(httpx, b"\xff"), httpx.Request("GET", URL), [challenged(httpx, CHALLENGE)])


@pytest.mark.parametrize("scheme", ["BasicAuth", "DigestAuth"])
@same(
    "a lone surrogate is a UnicodeError", differs="a lone surrogate in a name or password is a `ValueError`"
)
def test_a_lone_surrogate_is_a_value_error(httpx: Any, scheme: str) -> Any:
    return getattr(httpx, scheme)("\ud800", "")
