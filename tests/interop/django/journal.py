"""What the authorization server did, as counts: no token, code or account name is ever kept.

GET /_control/journal reads the counts, DELETE resets them. They have the shape of the other
server's journal (../oidc-provider/journal.mjs), and one number more, for the grace period.
"""

import collections
import hashlib
import json
import threading

from django.apps import apps
from django.http import JsonResponse

OK = 200


class Journal:
    def __init__(self):
        self._lock = threading.Lock()
        self.reset()

    def reset(self):
        with self._lock:
            self._counts = {
                "requests": collections.Counter(),
                "grant_success": collections.Counter(),
                "grant_error": collections.defaultdict(collections.Counter),
                "refresh_token_reuse": 0,
                "refresh_token_again_in_grace": 0,
                "revocation": collections.Counter(),
            }

    def counts(self):
        with self._lock:
            return json.loads(json.dumps(self._counts))

    def request(self, route):
        with self._lock:
            self._counts["requests"][route] += 1

    def grant(self, grant_type, response, was_used):
        with self._lock:
            if response.status_code == OK:
                self._counts["grant_success"][grant_type] += 1
                self._counts["refresh_token_again_in_grace"] += was_used
            else:
                self._counts["grant_error"][grant_type][error_code(response)] += 1
                self._counts["refresh_token_reuse"] += was_used

    def revocation(self, kind):
        with self._lock:
            self._counts["revocation"][kind] += 1


journal = Journal()


def middleware(get_response):
    def answer(request):
        # Asked before the view changes it.
        was_used = is_used(request.POST.get("refresh_token"))
        kind = kind_of(request.POST.get("token"))
        response = get_response(request)
        route = request.resolver_match.url_name if request.resolver_match else None
        journal.request(route or "other")
        if route == "token":
            journal.grant(request.POST.get("grant_type", "none"), response, was_used)
        if route == "revoke-token" and response.status_code == OK:
            journal.revocation(kind)
        return response

    return answer


def view(request):
    if request.method == "DELETE":
        journal.reset()
    return JsonResponse(journal.counts())


view.csrf_exempt = True


def error_code(response):
    try:
        return json.loads(response.content)["error"]
    except ValueError:
        return f"HTTP {response.status_code}"


def is_used(refresh_token):
    """Whether a refresh token was rotated away, or revoked, before this request."""
    return refresh_token is not None and any(row.revoked for row in rows("RefreshToken", refresh_token))


def kind_of(token):
    if token is None:
        return None
    if rows("RefreshToken", token):
        return "refresh_token"
    return "access_token" if rows("AccessToken", token) else "unknown"


def rows(model, token):
    checksum = hashlib.sha256(token.encode()).hexdigest()
    return apps.get_model("oauth2_provider", model).objects.filter(token_checksum=checksum)
