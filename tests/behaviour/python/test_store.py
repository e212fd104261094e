"""The store: damage, keys, and places that are no place for it."""

import time
from pathlib import Path
from typing import Dict

import pytest
import tokenkeep
from tokenkeep_testing import Stage, Watcher
from tokenkeep_testing.failure import check, fails

FULL_DISK = """
import resource, signal, tokenkeep
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
broker = tokenkeep.Broker()
try:
    broker.token("acme", force_refresh=True)
except tokenkeep.TokenkeepError as error:
    print(error.code)
print(broker.token("acme").secret)
"""


def test_damaged_record_is_reported_and_others_go_on(acme: Stage) -> None:
    acme.login(connection="good")
    good = acme.records()
    acme.login(connection="bad")
    ((path, sealed),) = acme.records().items() - good.items()
    (foreign,) = good.values()

    flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for damage in (sealed[: len(sealed) // 2], b"", flipped, foreign):
        path.write_bytes(damage)
        broker = acme.broker()
        for ask in (broker.token, broker.cached_token, broker.connection):
            with fails("store_corrupt") as failure:
                ask("acme", connection="bad")
            assert str(path) in failure.value.message
        assert path.read_bytes() == damage, "reading alters nothing"
        acme.secret(connection="good", force_refresh=True)
    found = acme.broker().connections()
    assert [one.connection for one in found.connections] == ["good"]
    (error,) = found.damaged
    check(error, "store_corrupt")
    assert str(path) in error.message
    assert acme.broker().inspect().kept_aside == []

    # A login replaces the connection; what was damaged is kept aside as it is.
    damaged = path.read_bytes()
    acme.login(connection="bad")
    (aside,) = acme.broker().inspect().kept_aside
    assert Path(aside).read_bytes() == damaged
    assert acme.resource(acme.secret(connection="bad")) == 200
    found = acme.broker().connections()
    assert (len(found.connections), found.damaged) == (2, [])

    # So does a logout.
    path.write_bytes(b"damaged again")
    acme.broker().logout("acme", connection="bad")
    assert len(acme.broker().inspect().kept_aside) == 2
    with fails("not_connected"):
        acme.token(connection="bad")


def test_headless_without_a_key_choice(acme: Stage) -> None:
    undecided = acme.broker(key_source=None)
    before = files(acme.store)
    began = time.monotonic()
    for ask in (lambda: acme.log_in(undecided), undecided.initialize):
        with fails("store_locked") as failure:
            ask()
        for choice in ("`tokenkeep init --key file`", "`tokenkeep init --key passphrase`", "TOKENKEEP_KEY"):
            assert choice in failure.value.help
    assert time.monotonic() - began < 10
    state = undecided.inspect()
    assert (state.key, state.id) == ("no_vault", None)
    assert state.keychain_error is not None
    check(state.keychain_error, "store_locked")
    assert acme.server.journal()["entries"] == [], "nobody logs in for nothing"
    assert files(acme.store) == before, "nothing is made until somebody chose"

    # What the hint says, in Python.
    state = acme.broker().initialize()
    assert (state.key_source, state.key) == ("file", "found")
    acme.log_in(undecided)
    assert acme.resource(undecided.token("acme").secret) == 200


def test_passphrase_store(acme: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    passphrase = 'correct horse; "battery" staple'
    without = acme.broker(key_source="passphrase")
    with fails("store_locked"):
        acme.log_in(without)
    right = acme.broker(key_source="passphrase", passphrase=passphrase)
    acme.log_in(right)
    assert acme.resource(right.token("acme").secret) == 200
    assert "correct" not in repr(right)
    assert not any(b"correct" in content for content in files(acme.store).values())

    before = acme.records()
    began = time.monotonic()
    with fails("store_locked") as failure:
        acme.broker(key_source="passphrase", passphrase="another one").token("acme")
    assert time.monotonic() - began >= 0.1, "a guess has its price"
    assert "wrong" in failure.value.message
    with fails("store_locked") as failure:
        without.token("acme")
    assert "TOKENKEEP_PASSPHRASE" in failure.value.help
    # The choice was made once: another one is not fallen back to.
    with fails("config_invalid"):
        acme.broker(key_source="file", passphrase=passphrase).token("acme")
    assert acme.records() == before

    # What the help names is read.
    monkeypatch.setenv("TOKENKEEP_PASSPHRASE", passphrase)
    assert acme.broker(key_source=None).token("acme") == right.token("acme")


def test_read_only_or_odd_home(acme: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    # Places where nobody, not even root, can make a folder; and none at all.
    file = acme.path / "a file"
    file.write_text("mine")
    for home, token in (
        (file, "store_unavailable"),
        (file / "below", "store_unavailable"),
        # Nothing is there, and so no connection.
        (Path("/sys/kernel/tokenkeep"), "not_connected"),
        (Path("/proc/tokenkeep"), "not_connected"),
    ):
        broker = acme.broker(home=home)
        assert broker.home == str(home)
        with fails("store_unavailable") as failure:
            broker.initialize()
        assert str(home) in failure.value.message
        with fails(token):
            broker.token("microsoft")
        # Nobody is asked for a grant that cannot be kept.
        nobody = Watcher()
        with fails("store_unavailable"):
            broker.login("oidc", issuer=acme.server.issuer, client_id="public", interaction=nobody)
        assert nobody.told == []
    assert file.read_text() == "mine"
    with monkeypatch.context() as homeless:
        for variable in ("HOME", "TOKENKEEP_HOME", "XDG_DATA_HOME"):
            homeless.delenv(variable, raising=False)
        with fails("config_invalid"):
            tokenkeep.Broker()

    # An odd name is as good as any.
    odd = acme.path / 'it\'s a "home" & größer, 家'
    broker = acme.broker(home=odd)
    broker.initialize()
    broker.set_registration("microsoft", client_id="x")
    registered = acme.broker(home=str(odd)).registration("microsoft")
    assert registered is not None and registered.client_id == "x"
    assert (broker.home, odd.is_dir()) == (str(odd), True)

    # A record that is a link to somebody else's file is not followed.
    acme.login()
    ((record, sealed),) = acme.records().items()
    elsewhere = acme.path / "elsewhere"
    record.rename(elsewhere)
    record.symlink_to(elsewhere)
    with fails("store_unavailable"):
        acme.token()
    assert elsewhere.read_bytes() == sealed
    record.unlink()
    elsewhere.rename(record)

    # A disk that takes not one more byte, for root as for everybody: nothing leaves that could not be
    # written down, and what is at hand is handed out.
    code, token = acme.run_python(FULL_DISK).splitlines()
    assert code == "store_unavailable"
    assert acme.server.refreshes() == []
    assert acme.resource(token) == 200
    assert acme.records() == {record: sealed}
    acme.secret(force_refresh=True)


def files(folder: Path) -> Dict[Path, bytes]:
    """All files below a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
