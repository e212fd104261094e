"""Whose grant it is: tenants, guests, and who may take an account's place."""

import json
from typing import Any, Dict

from tokenkeep_testing import Stage
from tokenkeep_testing.failure import fails

# The work tenant of whoever signs in at `common`, and another.
HOME = "7f2c2d4e-5c3b-4a1f-9d0e-1b2a3c4d5e6f"
OTHER = "11111111-2222-4333-8444-555555555555"
# The tenant of personal accounts.
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"


def of_tenant(stage: Stage, tenant: str, **more: str) -> Dict[str, Any]:
    """An answer about an account of `tenant`, in all that the id_token says of it."""
    claims = {"iss": f"{stage.server.origin}/{tenant}/v2.0", "tid": tenant, **more}
    return {"type": "mutate", "id_token": {"set": claims}}


def test_account_is_known_by_oid_and_tid(microsoft: Stage) -> None:
    server = microsoft.server
    anna = microsoft.login(login_hint="anna@contoso.example").account
    assert (anna.tenant_id, anna.guest) == (HOME, False)
    assert anna.object_id and anna.home_account_id == f"{anna.object_id}.{HOME}"

    # She has another name and another mailbox now, and is who she was.
    renamed = {"preferred_username": "anna@fabrikam.example", "name": "A", "sub": "another"}
    server.at_redemption({"type": "mutate", "id_token": {"set": renamed}})
    account = microsoft.login(add_scopes="Mail.Read").account
    assert (account.username, account.object_id) == ("anna@fabrikam.example", anna.object_id)
    # Somebody else has her name now, or the same id in another tenant.
    kept = microsoft.records()
    for other in ({"type": "mutate", "id_token": {"set": {"oid": OTHER}}}, of_tenant(microsoft, OTHER)):
        server.at_redemption(other)
        with fails("provider_rejected"):
            microsoft.login(add_scopes="Mail.Send", login_hint="anna@contoso.example")
        assert microsoft.records() == kept, other

    # A guest: the tenant that signs them in is not their home. They are another account there.
    server.change(home_tenant=HOME)
    guest = microsoft.login(connection="guest", tenant=OTHER, login_hint="anna@contoso.example").account
    assert (guest.guest, guest.tenant_id) == (True, OTHER)
    assert guest.home_account_id == anna.home_account_id
    assert guest.object_id and guest.object_id != anna.object_id


def test_tenants_are_told_apart(microsoft: Stage) -> None:
    server = microsoft.server
    # What each authority signs in, and what it does not, however well the answer fits together.
    for authority, good, bad in (
        ("consumers", PERSONAL, HOME),
        ("organizations", HOME, PERSONAL),
        (OTHER, OTHER, HOME),
        (PERSONAL, PERSONAL, OTHER),
    ):
        kept = microsoft.records()
        server.at_redemption(of_tenant(microsoft, bad))
        with fails("provider_rejected") as failure:
            microsoft.login(tenant=authority)
        assert "tenant" in failure.value.message and "--tenant" in failure.value.help, authority
        assert microsoft.records() == kept, authority
        assert microsoft.login(tenant=authority, connection=authority).account.tenant_id == good
    # `common` is for all of them.
    server.at_redemption(of_tenant(microsoft, PERSONAL))
    assert microsoft.login(tenant="common").account.tenant_id == PERSONAL

    # Two organizations by their domains, whose GUIDs their metadata tells: neither answers for the other.
    domains = ("contoso.example", "fabrikam.example")
    contoso, fabrikam = (microsoft.login(tenant=domain, connection=domain).account.tenant_id for domain in domains)
    assert contoso and fabrikam and contoso != fabrikam
    for domain, swapped in zip(domains, (fabrikam, contoso)):
        kept = microsoft.records()
        server.at_redemption(of_tenant(microsoft, swapped))
        with fails("provider_rejected"):
            microsoft.login(tenant=domain, connection=domain)
        assert microsoft.records() == kept
        # Nor in a refresh.
        token = microsoft.token(connection=domain)
        server.at_refresh(of_tenant(microsoft, swapped))
        with fails("provider_rejected"):
            microsoft.token(connection=domain, force_refresh=True)
        assert microsoft.token(connection=domain) == token

    # A domain that is nobody's is said before anybody is asked; metadata of a stranger is not believed.
    asked = len(server.asked_at("authorize"))
    server.change(unknown_tenants=["nobody.example"])
    with fails("config_invalid") as failure:
        microsoft.login(tenant="nobody.example", connection="new")
    assert "nobody.example" in failure.value.message
    server.change(unknown_tenants=[])
    stranger = {"issuer": f"https://evil.example/{OTHER}/v2.0"}
    for code, status, body in (("provider_rejected", 200, stranger), ("network", 503, {})):
        action = {"type": "reply", "status": status, "body": json.dumps(body)}
        server.push_fault({"endpoint": "metadata", "action": action})
        with fails(code):
            microsoft.login(tenant="nobody.example", connection="new")
    assert len(server.asked_at("authorize")) == asked
