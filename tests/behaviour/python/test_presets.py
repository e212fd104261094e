"""Words that stand for scopes, and what is odd about a list of scopes."""

import asyncio

from tokenkeep_testing import Stage, person
from tokenkeep_testing.failure import fails

GRAPH = "https://graph.microsoft.com"
OUTLOOK = "https://outlook.office.com"
# What Microsoft's permissions reference has for each,
OF_GRAPH = {
    "calendar": "Calendars.ReadWrite",
    "calendar-read": "Calendars.Read",
    "contacts": "Contacts.ReadWrite",
    "contacts-read": "Contacts.Read",
    "files": "Files.ReadWrite",
    "files-read": "Files.Read",
    "mail-full": "Mail.ReadWrite Mail.Send MailboxSettings.ReadWrite",
    "mail-read": "Mail.Read",
    "mail-send": "Mail.Send",
    "notes": "Notes.ReadWrite",
    "notes-read": "Notes.Read",
    "people": "People.Read",
    "sharepoint": "Sites.ReadWrite.All",
    "sharepoint-read": "Sites.Read.All",
    "tasks": "Tasks.ReadWrite",
    "tasks-read": "Tasks.Read",
    "teams": "Team.ReadBasic.All Channel.ReadBasic.All ChannelMessage.Send Chat.ReadWrite",
    "teams-read": "Team.ReadBasic.All Channel.ReadBasic.All Chat.Read",
    "user-read": "User.Read",
}
# and its page on IMAP, POP and SMTP.
OF_OUTLOOK = {
    "outlook-imap": "IMAP.AccessAsUser.All",
    "outlook-pop": "POP.AccessAsUser.All",
    "outlook-smtp": "SMTP.Send",
}
DOCUMENTED = {
    name: [f"{resource}/{scope}" for scope in scopes.split()]
    for resource, presets in ((GRAPH, OF_GRAPH), (OUTLOOK, OF_OUTLOOK))
    for name, scopes in presets.items()
}


def test_presets_are_the_documented_scopes(microsoft: Stage) -> None:
    broker = microsoft.broker()
    presets = broker.provider("microsoft").presets
    assert {preset.name: preset.scopes for preset in presets} == DOCUMENTED
    assert [preset.name for preset in presets] == sorted(DOCUMENTED)
    for name, scopes in DOCUMENTED.items():
        assert broker.check_scopes("microsoft", [name, "offline_access"]).scopes == [*scopes, "offline_access"]

    # A login asks for what they stand for, beside scopes by name.
    login = microsoft.begin_login(scopes=["mail-full", "User.Read"])
    mail = [*DOCUMENTED["mail-full"], "User.Read", "openid", "profile", "offline_access"]
    assert login.parameter("scope").split() == mail
    person.visit(login.url)
    assert login.finish().requested_scopes == mail
    # A scope is no preset, whatever it looks like.
    assert broker.check_scopes("microsoft", "profile Mail-Read").scopes == ["profile", "Mail-Read"]
    # A token is asked for by the same words; one that was granted is at hand.
    token = microsoft.token(scopes="mail-send")
    assert microsoft.broker().cached_token("microsoft", scopes=["mail-full"]) == token
    assert microsoft.server.refreshes() == []


def test_lint_of_a_list_of_scopes(microsoft: Stage, acme: Stage) -> None:
    odd = [
        ("mail-read", "offline_access_missing", "offline_access"),
        ("Mail.Read mail.readwrite offline_access", "covered", "Mail.Read mail.readwrite"),
        (
            f"{GRAPH}/Files.ReadWrite.All files-read offline_access",
            "covered",
            f"{GRAPH}/Files.ReadWrite.All {GRAPH}/Files.Read",
        ),
        (
            "User.Read 00000003-0000-0000-c000-000000000000/user.read offline_access",
            "covered",
            "User.Read 00000003-0000-0000-c000-000000000000/user.read",
        ),
        (
            "Mail.Read outlook-imap offline_access",
            "several_resources",
            f"Mail.Read {OUTLOOK}/IMAP.AccessAsUser.All",
        ),
        (
            "User.Read Directory.Read.All channelmessage.read.all offline_access",
            "admin_consent_needed",
            "Directory.Read.All channelmessage.read.all",
        ),
        ("Mail.Read .default offline_access", "default_beside_others", "Mail.Read .default"),
        ("Mail.Send mail-raed offline_access", "unknown_preset", "mail-raed"),
    ]
    # What looks alike and is not: another resource's permission, two parts of one, a permission of another name.
    fine = [
        f"{OUTLOOK}/Mail.Read {OUTLOOK}/Mail.ReadWrite offline_access",
        "Mail.Read Mail.Send offline_access",
        f"{OUTLOOK}/SMTP.Send outlook-imap offline_access",
        "00000003-0000-0000-c000-000000000000/Mail.Send Mail.Read offline_access",
        "https://vault.azure.net/Directory.Read.All offline_access",
        ".default offline_access",
    ]

    async def check() -> None:
        async with microsoft.async_broker() as broker:
            clean = await broker.check_scopes("microsoft", ["mail-read", "Files.Read.All", "offline_access"])
            assert (clean.findings, clean.resources) == ([], [GRAPH])
            for scopes, kind, named in odd:
                (finding,) = (await broker.check_scopes("microsoft", scopes)).findings
                assert (finding.kind, finding.scopes) == (kind, named.split()), scopes
            for scopes in fine:
                assert (await broker.check_scopes("microsoft", scopes)).findings == [], scopes

            # What it is and what to do about it are there to be shown.
            several = await broker.check_scopes("microsoft", "mail-read Mail.ReadWrite Directory.Read.All")
            covered, admin = several.findings[1:]
            assert covered.message == f"Mail.ReadWrite includes {GRAPH}/Mail.Read" and covered.help
            assert 'tokenkeep admin-consent microsoft --scopes "Directory.Read.All"' in admin.help
            with fails("unknown_provider"):
                await broker.check_scopes("nobody", "read")
        # A provider whose file says nothing of its scopes has nothing odd about them.
        async with acme.async_broker() as broker:
            checked = await broker.check_scopes("acme", ["read", "write", "https://a.example/.default"])
            assert [finding.kind for finding in checked.findings] == ["offline_access_missing"]
            assert checked.resources == []

    asyncio.run(check())
    # What Entra would refuse after the person has been asked is refused before, whatever the others are for.
    for scopes in ("User.Read .default", f"{GRAPH}/.default {OUTLOOK}/SMTP.Send"):
        with fails("config_invalid") as failure:
            microsoft.login(scopes=scopes)
        assert ".default stands for all" in failure.value.message
    assert microsoft.server.journal()["entries"] == [], "nothing is sent"
