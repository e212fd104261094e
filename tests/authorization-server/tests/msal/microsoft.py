"""MSAL Python does at the scripted server what programs do at Microsoft's: several resources of one login, consent that is
missing, a claims challenge, a resource that wants more of the person, and a client that asks for itself.

usage: microsoft.py ORIGIN CA_FILE STAND_IN_PERSON KEY CERTIFICATE

microsoft.mjs does the same with MSAL Node. Any surprise is an AssertionError or an MSAL error, and a non-zero exit.
"""

import base64
import re
import sys
import webbrowser
from pathlib import Path

import msal
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes

ORIGIN, CA_FILE, STAND_IN_PERSON, KEY, CERTIFICATE = sys.argv[1:]
CLIENT_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
APPLICATION_ID = "5f1ad2a6-3c44-4d6c-9d0b-7f6f2a1e9c55"
TENANT = "7f2c2d4e-5c3b-4a1f-9d0e-1b2a3c4d5e6f"
SECRET = "s3cret"
GRAPH = ["User.Read"]
VAULT = ["https://vault.azure.net/user_impersonation"]
STORAGE = ["https://storage.azure.com/user_impersonation"]
STEP_UP = {"access_token": {"capolids": {"essential": True, "values": ["c1"]}}}


def control(verb, body):
    answer = requests.post(f"{ORIGIN}/_control/{verb}", json=body, verify=CA_FILE, timeout=5)
    answer.raise_for_status()


def me(token):
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{ORIGIN}/v1.0/me", headers=headers, verify=CA_FILE, timeout=5)


def checked(result):
    assert "access_token" in result, {key: result.get(key) for key in ("error", "error_description")}
    return result


class Person:
    """Somebody who logs in to several resources of a client that can meet claims challenges."""

    def __init__(self):
        self.app = msal.PublicClientApplication(
            CLIENT_ID,
            authority=f"{ORIGIN}/organizations",
            # It would ask the real cloud about our host.
            instance_discovery=False,
            client_capabilities=["cp1"],
            verify=CA_FILE,
        )

    def login(self, **more):
        return checked(self.app.acquire_token_interactive(GRAPH, login_hint="adele@contoso.com", timeout=20, **more))

    def silently(self, scopes, **more):
        account, = self.app.get_accounts()
        return self.app.acquire_token_silent_with_error(scopes, account, **more)


def resources_of_one_login(person):
    """The first token is about to end; the second resource was consented to, the third was not."""
    control("options", {"access_token_lifetime": 60})
    first = person.login(extra_scopes_to_consent=VAULT)
    control("options", {"access_token_lifetime": 3600})
    second = checked(person.silently(GRAPH))
    assert second["token_source"] == "identity_provider" and second["access_token"] != first["access_token"]
    vault = checked(person.silently(VAULT))
    assert vault["token_source"] == "identity_provider", vault["token_source"]
    for scopes, token in ((GRAPH, second), (VAULT, vault)):
        again = checked(person.silently(scopes))
        assert (again["token_source"], again["access_token"]) == ("cache", token["access_token"])
    refused = person.silently(STORAGE)
    assert (refused["error"], refused["suberror"]) == ("invalid_grant", "consent_required"), refused


def claims_challenge(person):
    """An API wants another token; no person is asked."""
    token = checked(person.silently(GRAPH))["access_token"]
    challenge = {"type": "challenge", "claims": {"access_token": {"nbf": {"essential": True, "value": "1700000000"}}}}
    control("faults", {"endpoint": "resource", "action": challenge})
    refused = me(token)
    assert refused.status_code == 401, refused.status_code
    claims = base64.b64decode(re.search('claims="([^"]+)"', refused.headers["www-authenticate"])[1]).decode()
    answer = me(checked(person.silently(GRAPH, claims_challenge=claims))["access_token"])
    assert answer.json()["userPrincipalName"] == "adele@contoso.com", answer.text


def step_up(person):
    """A resource wants more of the person, who comes back with it."""
    control("options", {"step_up": {"https://vault.azure.net": STEP_UP}})
    refused = person.silently(VAULT, force_refresh=True)
    assert refused["error"] == "interaction_required" and "basic_action" == refused["suberror"], refused
    assert person.silently(GRAPH, force_refresh=True)["token_source"] == "identity_provider"
    person.login(claims_challenge=refused["claims"])
    checked(person.silently(VAULT, force_refresh=True))


def application(credential):
    """A client that asks for itself."""
    app = msal.ConfidentialClientApplication(
        APPLICATION_ID,
        authority=f"{ORIGIN}/{TENANT}",
        instance_discovery=False,
        client_credential=credential,
        verify=CA_FILE,
    )
    # For the second resource MSAL uses its assertion again.
    for resource in ("https://graph.microsoft.com", "https://vault.azure.net"):
        result = checked(app.acquire_token_for_client([f"{resource}/.default"]))
        assert result["token_source"] == "identity_provider" and "refresh_token" not in result


def main():
    webbrowser.register("person", None, webbrowser.BackgroundBrowser(STAND_IN_PERSON), preferred=True)
    person = Person()
    resources_of_one_login(person)
    claims_challenge(person)
    step_up(person)
    key, certificate = Path(KEY).read_text(), Path(CERTIFICATE).read_text()
    thumbprint = x509.load_pem_x509_certificate(certificate.encode()).fingerprint(hashes.SHA1()).hex()
    application(SECRET)
    application({"private_key": key, "public_certificate": certificate})
    application({"private_key": key, "thumbprint": thumbprint})


if __name__ == "__main__":
    main()
