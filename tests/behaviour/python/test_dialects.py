"""Providers that differ from customer to customer, and from the standards."""

from typing import List

import pytest
from tokenkeep_testing import Stage, person
from tokenkeep_testing.failure import fails


def with_file(stage: Stage, more: str) -> None:
    """The file of `acme` with these sections beside the usual ones."""
    stage.add_provider(stage.definition.replace("[client]", f"{more}\n[client]"))


def paths(stage: Stage) -> List[str]:
    """The paths that were asked for, in their order."""
    return [entry["path"] for entry in stage.server.journal()["entries"]]


CUSTOMER = """
[values.customer]
description = "what stands before .acme.example"
[api]
hosts = ["{customer}.acme.example"]
[client]"""


def test_values_fill_the_endpoints_of_a_provider(acme: Stage) -> None:
    origin = acme.server.origin
    own = acme.definition.replace(f'"{origin}', f'"{origin}/c/{{customer}}').replace("[client]", CUSTOMER)
    (value,) = acme.add_provider(own).values
    assert (value.name, value.default, value.learnt) == ("customer", None, False)

    # Nobody is asked anything before the value is known, and of its form.
    with fails("config_invalid") as failure:
        acme.login()
    assert failure.value.message == "Acme needs the value customer: what stands before .acme.example"
    assert "tokenkeep login acme --value customer=VALUE" in failure.value.help
    for bad in ("a.b", "a/b", "a@evil.example", "a#", "a?b", "a:1", "", "..", "-a"):
        with fails("config_invalid") as failure:
            acme.login(values={"customer": bad})
        assert "the value customer of Acme must be one label" in failure.value.message, bad
    with fails("config_invalid") as failure:
        acme.login(values={"shop": "one"})
    assert '"shop"; it has customer' in failure.value.message
    assert paths(acme) == [], "nothing was asked of anybody"

    connection = acme.login(values={"customer": "One"})
    assert paths(acme) == ["/c/one/authorize", "/c/one/token"]
    assert (connection.values, connection.api_hosts) == ({"customer": "one"}, ["one.acme.example"])
    assert acme.broker().allowed_hosts("acme").allow("https", "one.acme.example")

    # It is remembered; another one is another customer, beside the first.
    assert acme.login().values == connection.values
    acme.login(connection="two", values={"customer": "two"})
    # What a record says is enough: the file is of no more concern.
    acme.broker().remove_provider("acme")
    acme.token(force_refresh=True)
    acme.token(connection="two", force_refresh=True)
    acme.broker().logout("acme")
    customers = ["one/token", "one/token", "two/token", "one/token", "two/token", "one/revoke"]
    assert [path for path in paths(acme) if not path.endswith("/authorize")] == [f"/c/{path}" for path in customers]


LEARNT = """
[values.instance_url]
form = "https_url"
from = "token_response"
allowed = ["*.acme.example"]
[values.company]
form = "text"
from = "authorization_response"
member = "companyId"
[api]
hosts = ["{instance_url}"]"""


def test_values_are_learnt_from_the_server(acme: Stage) -> None:
    def says(address: str) -> None:
        acme.server.change(token_response={"members": {"instance_url": address}})

    with_file(acme, LEARNT)
    says("https://One.acme.example/")
    broker = acme.broker()
    pending = broker.begin_login("acme", redirect_uri="http://127.0.0.1:9/callback")
    answer = person.redirected(pending.authorization_url)
    connection = broker.finish_login(pending, f"{answer}&companyId=9341453")
    assert connection.values == {"company": "9341453", "instance_url": "https://one.acme.example"}
    assert connection.api_hosts == ["one.acme.example"]

    # A server that is not itself, or a proxy, sends no token elsewhere: nothing is kept of such an answer.
    for address in (
        "https://one.acme.example.evil.example",
        "https://evil.example/.acme.example",
        "https://evil.example#one.acme.example",
        "https://one.acme.example@evil.example",
        "http://one.acme.example",
        "javascript:alert(1)",
    ):
        says(address)
        with fails("provider_rejected") as failure:
            acme.login()
        assert failure.value.message.startswith("the server's instance_url must be")
        assert "evil" not in failure.value.message
        assert acme.connection() == connection, "the earlier login stays"
    # What is learnt is nobody's to say.
    with fails("config_invalid") as failure:
        acme.login(values={"instance_url": "https://one.acme.example"})
    assert "is learnt from the server" in failure.value.message
    assert acme.resource(acme.secret(force_refresh=True)) == 200


@pytest.mark.parametrize(
    ("header", "scheme"), [("X-Acme-Token", ""), ("Authorization", "Acme-oauthtoken")]
)
def test_a_token_goes_in_the_header_of_its_api(acme: Stage, header: str, scheme: str) -> None:
    with_file(acme, f'[api]\nhosts = ["127.0.0.1"]\nheader = "{header}"\nscheme = "{scheme}"')
    acme.server.change(api={"header": header.lower(), "scheme": scheme})
    acme.login()
    token = acme.token()
    assert token.header_name == header
    assert token.authorization_header() == f"{scheme} {token.secret}".lstrip()
    api = f"{acme.server.origin}/api"
    assert person.get(api, {token.header_name: token.authorization_header()}).status == 200
    assert person.get_with_token(api, token.secret).status == 401
    # The record says how, whatever becomes of the file.
    acme.broker().remove_provider("acme")
    newer = acme.token(force_refresh=True)
    assert newer != token and newer.header_name == header
    assert newer.authorization_header() == f"{scheme} {newer.secret}".lstrip()
