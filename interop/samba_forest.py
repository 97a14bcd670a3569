"""Makes a forest with Exchange's objects in a folder; ends when it is made.

Run by the system's Python, because Samba's own modules come with Debian's packages and not from
PyPI: `/usr/bin/python3 samba_forest.py FOLDER` writes the databases, smb.conf and the keytabs.

Only the names of Exchange's schema are needed, so the numbers are from the arc that Microsoft keeps
for private use.
"""

import logging
import pathlib
import sys

import ldb
import samba.dckeytab  # noqa: F401, it gives Net its export_keytab
from samba.auth import system_session
from samba.dsdb import DS_DOMAIN_FUNCTION_2008_R2
from samba.net import Net
from samba.param import LoadParm
from samba.provision import provision
from samba.samdb import SamDB

REALM, DOMAIN, BASE = "CONTOSO.TEST", "CONTOSO", "DC=contoso,DC=test"
CONFIGURATION = f"CN=Configuration,{BASE}"
SCHEMA = f"CN=Schema,{CONFIGURATION}"
ORGANIZATION = f"CN=Contoso,CN=Microsoft Exchange,CN=Services,{CONFIGURATION}"
SERVERS = f"CN=Servers,CN=Exchange Administrative Group,CN=Administrative Groups,{ORGANIZATION}"
PASSWORD = "Correct-Horse-1"
OID = "1.2.840.113556.1.8000.2554.4711"
# Every signed-in user may read, as in a real forest.
READABLE = "D:(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;DA)(A;;RPLCLORC;;;AU)(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;SY)"

TEXT, INTEGER, NAME = ("2.5.5.12", 64), ("2.5.5.9", 2), ("2.5.5.1", 127)
ATTRIBUTES = [
    ("msExchInternalHostName", TEXT, False),
    ("msExchServerSite", NAME, True),
    ("msExchCurrentServerRoles", INTEGER, True),
]
CLASSES = [
    ("msExchOrganizationContainer", []),
    ("msExchAdminGroupContainer", []),
    ("msExchAdminGroup", []),
    ("msExchServersContainer", []),
    (
        "msExchExchangeServer",
        ["msExchServerSite", "msExchCurrentServerRoles", "networkAddress", "serialNumber", "versionNumber"],
    ),
    ("msExchProtocolCfgHTTPContainer", []),
    ("msExchPowerShellVirtualDirectory", ["msExchInternalHostName"]),
]

# Name, major, minor, build, revision, roles, site, addresses.
EXCHANGE = [
    ("EX2019", 15, 2, 1748, 10, 16439, "Taipei", ["https://mail.contoso.test/powershell", "http://ex2019.contoso.test/powershell"]),
    ("EX2016", 15, 1, 2507, 6, 16439, "Taipei", ["http://ex2016.contoso.test/powershell"]),
    ("EX2010", 14, 3, 123, 4, 54, "Berlin", ["http://ex2010.contoso.test/powershell"]),
    ("EDGE", 15, 2, 1748, 10, 64, "Berlin", []),
]


def extend_schema(directory):
    for number, (name, (syntax, om_syntax), single) in enumerate(ATTRIBUTES):
        directory.add(
            {
                "dn": f"CN={name},{SCHEMA}",
                "objectClass": "attributeSchema",
                "lDAPDisplayName": name,
                "attributeID": f"{OID}.1.{number + 1}",
                "attributeSyntax": syntax,
                "oMSyntax": str(om_syntax),
                "isSingleValued": "TRUE" if single else "FALSE",
                **({"oMObjectClass": b"\x2b\x0c\x02\x87\x73\x1c\x00\x85\x4a"} if syntax == NAME[0] else {}),
            }
        )
    directory.set_schema_update_now()
    for number, (name, attributes) in enumerate(CLASSES):
        directory.add(
            {
                "dn": f"CN={name},{SCHEMA}",
                "objectClass": "classSchema",
                "lDAPDisplayName": name,
                "governsID": f"{OID}.2.{number + 1}",
                "subClassOf": "top",
                "objectClassCategory": "1",
                "rDNAttID": "cn",
                "possSuperiors": ["container"] + ([CLASSES[number - 1][0]] if number else []),
                **({"mayContain": attributes} if attributes else {}),
                "defaultSecurityDescriptor": READABLE,
                "defaultObjectCategory": f"CN={name},{SCHEMA}",
                "showInAdvancedViewOnly": "TRUE",
            }
        )
        directory.set_schema_update_now()
    # Real class hierarchy in one point only: a server holds a container "Protocols".
    for name, above in [("container", "msExchExchangeServer"), ("msExchExchangeServer", "msExchServersContainer")]:
        message = ldb.Message(ldb.Dn(directory, f"CN={name},{SCHEMA}"))
        message["possSuperiors"] = ldb.MessageElement([above], ldb.FLAG_MOD_ADD, "possSuperiors")
        try:
            directory.modify(message)
        except ldb.LdbError as error:
            if error.args[0] != ldb.ERR_ATTRIBUTE_OR_VALUE_EXISTS:
                raise
    directory.set_schema_update_now()


def add_exchange(directory):
    def add(name, kind, **attributes):
        directory.add({"dn": name, "objectClass": kind, **attributes})

    for site in ("Taipei", "Berlin"):
        add(f"CN={site},CN=Sites,{CONFIGURATION}", "site")
    add(f"CN=Microsoft Exchange,CN=Services,{CONFIGURATION}", "msExchConfigurationContainer")
    add(ORGANIZATION, "msExchOrganizationContainer")
    add(f"CN=Administrative Groups,{ORGANIZATION}", "msExchAdminGroupContainer")
    add(SERVERS.split(",", 1)[1], "msExchAdminGroup")
    add(SERVERS, "msExchServersContainer")
    for name, major, minor, build, revision, roles, site, addresses in EXCHANGE:
        server = f"CN={name},{SERVERS}"
        packed = (7 << 28) | (major << 22) | (minor << 16) | 0x8000 | build
        add(
            server,
            "msExchExchangeServer",
            networkAddress=[f"netbios:{name}", f"ncacn_ip_tcp:{name.lower()}.contoso.test"],
            serialNumber=f"Version {major}.{minor} (Build {30000 + build}.{revision})",
            versionNumber=str(packed),
            msExchCurrentServerRoles=str(roles),
            msExchServerSite=f"CN={site},CN=Sites,{CONFIGURATION}",
        )
        if addresses:
            http = f"CN=HTTP,CN=Protocols,{server}"
            add(f"CN=Protocols,{server}", "container")
            add(http, "msExchProtocolCfgHTTPContainer")
            add(
                f"CN=PowerShell (Default Web Site),{http}",
                "msExchPowerShellVirtualDirectory",
                msExchInternalHostName=addresses,
            )


def add_accounts(directory):
    for unit in ("Taipei", "Berlin", "Service Accounts"):
        directory.create_ou(f"OU={unit},{BASE}")
    directory.newuser("svc-gatepost", PASSWORD, userou="OU=Service Accounts")
    directory.newuser("disabled", PASSWORD, userou="OU=Service Accounts")
    directory.disable_account("(sAMAccountName=disabled)")
    directory.newuser("newcomer", PASSWORD, userou="OU=Service Accounts", force_password_change_at_next_login_req=True)
    for number in range(20):
        unit = ("Taipei", "Berlin")[number % 2]
        directory.newuser(f"user{number:02}", PASSWORD, userou=f"OU={unit}")
    add_people_with_groups(directory)
    for computer, services in [("CM01", []), ("EX2019", ["HTTP/localhost", "HTTP/ex2019.contoso.test"])]:
        directory.add(
            {
                "dn": f"CN={computer},CN=Computers,{BASE}",
                "objectClass": "computer",
                "sAMAccountName": f"{computer}$",
                "userAccountControl": "4096",
                "dNSHostName": f"{computer.lower()}.contoso.test",
                "msDS-SupportedEncryptionTypes": "24",
                **({"servicePrincipalName": services} if services else {}),
            }
        )
        directory.setpassword(f"(sAMAccountName={computer}$)", PASSWORD, False)
    # Nothing else here registers the names of the directory itself.
    message = ldb.Message(ldb.Dn(directory, f"CN=DC01,OU=Domain Controllers,{BASE}"))
    names = ["ldap/localhost", "ldap/dc01.contoso.test", "ldap/contoso.test"]
    message["servicePrincipalName"] = ldb.MessageElement(names, ldb.FLAG_MOD_ADD, "servicePrincipalName")
    directory.modify(message)


def add_people_with_groups(directory):
    """People who sign in to Gatepost: a group within a group, and what keeps people out."""
    unit = {"userou": "OU=Taipei"}
    directory.newuser("jane", PASSWORD, givenname="Jane", surname="Doe", mailaddress="jane@contoso.test", **unit)
    directory.newuser("otto", "Correct-Horse-2", **unit)
    for name in ("expired", "locked", "leaver", "leaver2"):
        directory.newuser(name, PASSWORD, **unit)
    # Names that are not the account's: Otto calls himself as he likes. (A name that is another's account
    # is refused by every directory that was patched since 2021, and by this one.)
    for person, name in [("jane", "jane.doe@contoso.test"), ("otto", "the.boss@contoso.test")]:
        [found] = directory.search(BASE, expression=f"(sAMAccountName={person})", attrs=[])
        message = ldb.Message(found.dn)
        message["userPrincipalName"] = ldb.MessageElement([name], ldb.FLAG_MOD_REPLACE, "userPrincipalName")
        directory.modify(message)
    for group, members in [("Phone people", ["jane", "leaver", "leaver2"]), ("Gatepost help desk", ["Phone people"])]:
        directory.newgroup(group)
        directory.add_remove_group_members(group, members)
    directory.setexpiry("(sAMAccountName=expired)", 0)
    # Ten wrong passwords lock an account, so that one can be.
    message = ldb.Message(ldb.Dn(directory, BASE))
    message["lockoutThreshold"] = ldb.MessageElement("10", ldb.FLAG_MOD_REPLACE, "lockoutThreshold")
    directory.modify(message)


def main(folder):
    logging.basicConfig(level=logging.WARNING)
    parameters = LoadParm()
    parameters.set("dsdb:schema update allowed", "yes")
    provision(
        logging.getLogger("provision"),
        system_session(),
        targetdir=str(folder),
        realm=REALM,
        domain=DOMAIN,
        hostname="dc01",
        hostip="127.0.0.1",
        adminpass=PASSWORD,
        serverrole="active directory domain controller",
        dns_backend="NONE",
        dom_for_fun_level=DS_DOMAIN_FUNCTION_2008_R2,
        lp=parameters,
        # No files are served, and not every file system can hold their access lists.
        skip_sysvolacl=True,
    )
    private = folder / "private"
    (folder / "etc" / "smb.conf").write_text(
        f"""[global]
netbios name = DC01
workgroup = {DOMAIN}
realm = {REALM}
server role = active directory domain controller
server services = ldap, kdc
dcerpc endpoint servers =
interfaces = lo
bind interfaces only = yes
private dir = {private}
state directory = {folder}/state
cache directory = {folder}/cache
lock directory = {folder}
pid directory = {folder}
ncalrpc dir = {folder}/ncalrpc
binddns dir = {folder}/bind-dns
winbindd socket directory = {folder}/winbindd
ntp signd socket directory = {folder}/ntp_signd
tls enabled = yes
tls certfile = {folder}/server.pem
tls keyfile = {folder}/server.key
tls cafile = {folder}/ca.pem
logging = file
log file = {folder}/samba.log
max log size = 0
dsdb:schema update allowed = yes
"""
    )
    parameters = LoadParm()
    parameters.load(str(folder / "etc" / "smb.conf"))
    directory = SamDB(str(private / "sam.ldb"), session_info=system_session(), lp=parameters)
    extend_schema(directory)
    directory = SamDB(str(private / "sam.ldb"), session_info=system_session(), lp=parameters)
    directory.transaction_start()
    add_exchange(directory)
    add_accounts(directory)
    directory.transaction_commit()
    for keytab, principal in [("service.keytab", "HTTP/localhost"), ("computer.keytab", "CM01$")]:
        Net(None, parameters).export_keytab(keytab=str(folder / keytab), principal=principal)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
