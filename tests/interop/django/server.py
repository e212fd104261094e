"""A second authorization server, of another code base (django-oauth-toolkit), on a loopback port.

    python server.py [--port N] [--refresh-grace SECONDS] [--access-token-ttl SECONDS]
                     [--until-stdin-closes]

It is here for what the first one cannot do: a grace period, in which a used refresh token gives
the same new pair again. With no grace the reuse ends the whole family of tokens.

Prints one line of JSON when it is ready: {"issuer", "port", "pid"}. Stops on SIGTERM, and with
--until-stdin-closes also when whoever started it is gone. All other talk goes to stderr. The
database lives in a temporary directory and goes with the server.

The toolkit's metadata does not name its device authorization endpoint:
ISSUER/device-authorization/, and a client is allowed one grant type only, so the device grant has
its own client, `device`.

GET and DELETE /_control/journal read and reset the counts of what happened (journal.py).
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import threading

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

import journal

# The issuer has a path, so that its RFC 8414 metadata is found only by path insertion (section 3.1).
MOUNT = "o"
USER, PASSWORD = "alice", "correct horse battery staple"
CONFIDENTIAL_SECRET = "s3cret:with%special+chars &="
LOOPBACK = "http://127.0.0.1/callback http://[::1]/callback http://localhost/callback"
LOGIN_PAGE = """<!DOCTYPE html><title>Sign in</title>
<form method="post">{% csrf_token %}{{ form.as_p }}<button>Sign in</button></form>"""

# Filled by `mount`: the toolkit's views can be imported only once there are settings.
urlpatterns = []


def main():
    options = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="tokenkeep-django-", ignore_cleanup_errors=True) as directory:
        # Bound first, because the issuer's name needs the port.
        server = Server(("127.0.0.1", options.port), WSGIRequestHandler)
        issuer = f"http://127.0.0.1:{server.server_port}/{MOUNT}"
        configure(options, issuer, os.path.join(directory, "db.sqlite3"))
        mount()
        fill_database()
        server.set_app(get_wsgi_application())

        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        if options.until_stdin_closes:
            threading.Thread(target=stop_when_stdin_closes, daemon=True).start()
        print(json.dumps({"issuer": issuer, "port": server.server_port, "pid": os.getpid()}), flush=True)
        server.serve_forever()


class Server(ThreadedWSGIServer):
    # Many clients at once are what the tests are about.
    request_queue_size = 256


def parse_arguments():
    parser = argparse.ArgumentParser(description="django-oauth-toolkit on a loopback port")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--refresh-grace", type=int, default=0, metavar="SECONDS")
    parser.add_argument("--access-token-ttl", type=int, default=3600, metavar="SECONDS")
    parser.add_argument("--until-stdin-closes", action="store_true")
    return parser.parse_args()


def stop_when_stdin_closes():
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def configure(options, issuer, database):
    settings.configure(
        SECRET_KEY=os.urandom(32).hex(),
        ALLOWED_HOSTS=["127.0.0.1", "localhost"],
        ROOT_URLCONF=__name__,
        STATIC_URL="static/",
        USE_TZ=True,
        LOGIN_URL="/login/",
        # Python's own default: warnings and errors to stderr.
        LOGGING_CONFIG=None,
        # Fast on purpose: the strength of the one password is not what is tested.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "oauth2_provider",
        ],
        # Tables straight from the models: a new database needs no history.
        MIGRATION_MODULES={app: None for app in ("auth", "contenttypes", "sessions", "oauth2_provider")},
        MIDDLEWARE=[
            "journal.middleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "loaders": [
                        ("django.template.loaders.locmem.Loader", {"registration/login.html": LOGIN_PAGE}),
                        "django.template.loaders.app_directories.Loader",
                    ],
                },
            }
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": database,
                # Writers queue up instead of failing: SQLite has no row locks, and the
                # toolkit counts on them when one token is refreshed many times at once.
                "OPTIONS": {
                    "transaction_mode": "IMMEDIATE",
                    "timeout": 30,
                    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF",
                },
            }
        },
        OAUTH2_PROVIDER={
            "OIDC_ENABLED": True,
            "OIDC_ISS_ENDPOINT": issuer,
            "OIDC_RSA_PRIVATE_KEY": signing_key(),
            "SCOPES": {
                "openid": "Who you are",
                "offline_access": "Stay signed in",
                "read": "Read",
                "write": "Write",
            },
            "DEFAULT_SCOPES": ["read"],
            "ACCESS_TOKEN_EXPIRE_SECONDS": options.access_token_ttl,
            "ROTATE_REFRESH_TOKEN": True,
            "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": options.refresh_grace,
            "REFRESH_TOKEN_REUSE_PROTECTION": True,
            "ALLOW_LOCALHOST_LOOPBACK": True,
            "OAUTH_DEVICE_VERIFICATION_URI": f"{issuer}/device/",
            "OAUTH_DEVICE_VERIFICATION_URI_COMPLETE": f"{issuer}/device/?user_code={{user_code}}",
            "DCR_ENABLED": True,
            "DCR_REGISTRATION_PERMISSION_CLASSES": ("oauth2_provider.dcr.AllowAllDCRPermission",),
            "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
            "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
            "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
            "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
            "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
            # The grace period gives the same pair again, which hashed tokens do not allow.
            "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": False,
        },
    )
    django.setup()


def signing_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def mount():
    from django.contrib.auth.views import LoginView
    from django.urls import include, path
    from oauth2_provider import urls as toolkit

    endpoints = toolkit.base_urlpatterns + toolkit.oidc_urlpatterns + toolkit.dcr_urlpatterns
    urlpatterns.extend(
        [
            path(f"{MOUNT}/", include((endpoints, "oauth2_provider"))),
            path("", include((toolkit.metadata_urlpatterns, "metadata"))),
            path("login/", LoginView.as_view()),
            path("_control/journal", journal.view),
        ]
    )


def fill_database():
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from oauth2_provider.models import get_application_model

    call_command("migrate", run_syncdb=True, verbosity=0)
    get_user_model().objects.create_user(USER, f"{USER}@example.org", PASSWORD)
    application = get_application_model()
    public, confidential = application.CLIENT_PUBLIC, application.CLIENT_CONFIDENTIAL
    code, device = application.GRANT_AUTHORIZATION_CODE, application.GRANT_DEVICE_CODE
    for client_id, client_type, grant, secret in [
        ("native", public, code, ""),
        ("device", public, device, ""),
        ("confidential", confidential, code, CONFIDENTIAL_SECRET),
    ]:
        application.objects.create(
            client_id=client_id,
            client_secret=secret,
            client_type=client_type,
            authorization_grant_type=grant,
            name=client_id,
            redirect_uris=LOOPBACK,
            algorithm=application.RS256_ALGORITHM,
        )


if __name__ == "__main__":
    main()
