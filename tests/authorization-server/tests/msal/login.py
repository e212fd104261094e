"""MSAL Python logs in at the scripted server: the proof that the Entra dialect is Entra's and not ours.

usage: login.py ORIGIN CA_FILE STAND_IN_PERSON

Logs in by browser and by device code, refreshes both, and prints one line of JSON with what it saw. Any surprise is
an AssertionError or an MSAL error, and a non-zero exit.
"""

import hashlib
import json
import sys
import threading
import webbrowser

import msal
import requests

ORIGIN, CA_FILE, STAND_IN_PERSON = sys.argv[1:]
CLIENT_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
SCOPES = ["User.Read"]
HOME_TENANT = "7f2c2d4e-5c3b-4a1f-9d0e-1b2a3c4d5e6f"


def application(tenant):
    """A public client with a cache of its own. Instance discovery would ask the real cloud about our host."""
    return msal.PublicClientApplication(
        CLIENT_ID,
        authority=f"{ORIGIN}/{tenant}",
        instance_discovery=False,
        verify=CA_FILE,
        token_cache=msal.SerializableTokenCache(),
    )


def checked(result):
    assert "access_token" in result, {key: result.get(key) for key in ("error", "error_description")}
    return result


def refresh_token(app):
    """A fingerprint of the one refresh token in the cache."""
    tokens = list(app.token_cache.search(msal.TokenCache.CredentialType.REFRESH_TOKEN))
    assert len(tokens) == 1, f"{len(tokens)} refresh tokens"
    return hashlib.sha256(tokens[0]["secret"].encode()).hexdigest()[:12]


def refreshed(app):
    """Silent renewal over the network; a valid token in the cache does not count."""
    account, = app.get_accounts()
    before = refresh_token(app)
    result = checked(app.acquire_token_silent(SCOPES, account, force_refresh=True))
    assert result["token_source"] == "identity_provider", result["token_source"]
    after = refresh_token(app)
    assert before != after, "the refresh token was not rotated"
    return account


def interactive(tenant):
    """The browser is the stand-in person; MSAL itself asks for form_post and listens on localhost."""
    app = application(tenant)
    result = checked(app.acquire_token_interactive(SCOPES, login_hint="adele@contoso.com", timeout=20))
    assert result["id_token_claims"]["preferred_username"] == "adele@contoso.com"
    cached = app.acquire_token_silent(SCOPES, app.get_accounts()[0])
    assert cached["token_source"] == "cache", "the granted scope does not fit what was asked"
    return refreshed(app), result["id_token_claims"]


def device_code(tenant):
    """The person approves while MSAL polls."""
    app = application(tenant)
    flow = app.initiate_device_flow(SCOPES)
    assert flow["user_code"] in flow["message"], flow

    def approve():
        decision = {"user_code": flow["user_code"], "decision": "approve"}
        requests.post(f"{ORIGIN}/_control/device", json=decision, verify=CA_FILE, timeout=5).raise_for_status()

    timer = threading.Timer(0.5, approve)
    timer.start()
    result = checked(app.acquire_token_by_device_flow(flow))
    timer.join()
    return refreshed(app), result["id_token_claims"]


def main():
    webbrowser.register("person", None, webbrowser.BackgroundBrowser(STAND_IN_PERSON), preferred=True)
    seen = {}
    for name, login, tenant in [
        ("interactive", interactive, "common"),
        ("interactive_tenant", interactive, HOME_TENANT),
        ("device_code", device_code, "organizations"),
    ]:
        account, claims = login(tenant)
        assert account["home_account_id"] == f"{claims['oid']}.{HOME_TENANT}", account
        assert claims["iss"] == f"{ORIGIN}/{HOME_TENANT}/v2.0", claims["iss"]
        seen[name] = {"username": account["username"], "tid": claims["tid"]}
    print(json.dumps({"msal": msal.__version__, **seen}))


if __name__ == "__main__":
    main()
