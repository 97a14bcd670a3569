//! `gatepost identity-provider`: where people sign in who have no password here.

use std::{
    io::{IsTerminal as _, Write as _, stderr, stdin},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use api::{
    IdentityProvider, IdentityProviderChange, IdentityProviderList, IdentityProviderTest, Preview,
    ProviderReport,
};
use clap::{
    Subcommand,
    builder::{OsStringValueParser, TypedValueParser as _},
};
use domain::ProviderName;
use serde_json::{Map, Value, json};

use super::Exit;
use crate::{
    client::{Client, ServerArguments},
    output::{
        Card, Format, OutputArguments, Rows, is_coloured, say, stdout, visible, wrapped_table,
        write_table,
    },
    secret::{PasswordArguments, from_file, prompt},
};

const ADD_OIDC: &str = "\
Examples:
  Entra ID, with group ids in the token:
    gatepost identity-provider add-oidc entra --title 'Contoso account' \\
      --issuer https://login.microsoftonline.com/TENANT-ID/v2.0 --client-id APPLICATION-ID \\
      --secret-file entra.secret --secret-expires 2027-01-31 \\
      --public-url https://gatepost.contoso.com
    gatepost role assign help-desk --group entra:GROUP-ID
  Keycloak, with a mapper that puts groups into the token:
    gatepost identity-provider add-oidc keycloak --client-id gatepost --secret-file kc.secret \\
      --issuer https://sso.contoso.com/realms/contoso --public-url https://gatepost.contoso.com
    gatepost role assign help-desk --group 'keycloak:Help desk'
The guide tells it step by step: docs/guide/signing-in.md";

const ADD_LDAP: &str = "\
Examples:
  With an account that looks people up; its password comes from a prompt or a file:
    gatepost identity-provider add-ldap ad --title 'Contoso directory' --domain contoso.com \\
      --controller dc01.contoso.com --controller dc02.contoso.com \\
      --account svc-gatepost@contoso.com --password-file ad.password --ca-file contoso-ca.pem
    gatepost role assign help-desk --group 'ad:Gatepost help desk'
    gatepost identity-provider test ad --user jane
  Without one, people look themselves up:
    gatepost identity-provider add-ldap ad --domain contoso.com --controller dc01.contoso.com
The guide tells it step by step: docs/guide/signing-in.md";

#[derive(Debug, Subcommand)]
pub(crate) enum IdentityProviderVerb {
    /// Let people sign in by OpenID Connect, such as Entra ID, Keycloak or AD FS
    #[command(after_help = ADD_OIDC)]
    AddOidc(Box<AddOidcArguments>),
    /// Let people sign in by an Active Directory
    #[command(after_help = ADD_LDAP)]
    AddLdap(Box<AddLdapArguments>),
    /// List identity providers
    List(ListArguments),
    /// Show all that is known of one identity provider
    Show(OneArguments),
    /// Change an identity provider; what is not given stays, and '' clears a field
    Set(Box<SetArguments>),
    /// Try it, and say step by step what works
    #[command(
        after_help = "Nobody is signed in by it. With --user, a directory is asked for that \
                            person too, and their groups are named as assignments name them."
    )]
    Test(TestArguments),
    /// Remove an identity provider; who came by it is signed out
    Remove(RemoveArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddOidcArguments {
    /// Name of the identity provider: a-z, 0-9 and hyphen
    #[arg(value_parser = ProviderName::parse)]
    name: ProviderName,
    /// Issuer, to the letter, such as https://login.contoso.com
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// What Gatepost is registered as there
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// Where browsers reach this server, such as https://gatepost.contoso.com
    #[arg(long, value_name = "URL")]
    public_url: String,
    #[command(flatten)]
    oidc: OidcArguments,
    #[command(flatten)]
    common: CommonArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "OpenID Connect")]
struct OidcArguments {
    /// How Gatepost proves who it is: basic, post, or none for a public client
    #[arg(long, value_name = "WAY")]
    client_authentication: Option<String>,
    /// File with the client secret
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Scope to ask for besides openid; may be given several times
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// Claim that names the groups, or a path with dots
    #[arg(long, value_name = "CLAIM")]
    groups_claim: Option<String>,
    /// Claim that names the person
    #[arg(long, value_name = "CLAIM")]
    name_claim: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddLdapArguments {
    /// Name of the identity provider: a-z, 0-9 and hyphen
    #[arg(value_parser = ProviderName::parse)]
    name: ProviderName,
    #[command(flatten)]
    ldap: LdapArguments,
    #[command(flatten)]
    password: PasswordArguments,
    #[command(flatten)]
    common: CommonArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Active Directory")]
struct LdapArguments {
    /// Domain controller; may be given several times, and they are tried in this order
    #[arg(long, value_name = "HOST[:PORT]")]
    controller: Vec<String>,
    /// How the way there is protected: starttls or ldaps
    #[arg(long, value_name = "WAY")]
    tls: Option<String>,
    /// Account that looks people up; without one, people look themselves up
    #[arg(long, value_name = "USER")]
    account: Option<String>,
    /// Domain that a name without one belongs to, such as contoso.com
    #[arg(long, value_name = "NAME")]
    domain: Option<String>,
    /// Only people below this distinguished name
    #[arg(long, value_name = "DN")]
    base: Option<String>,
    /// Trust exactly the certificate with this SHA-256
    #[arg(long, value_name = "SHA256")]
    pin: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Sign-in page")]
struct CommonArguments {
    /// What stands on the button
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// More certificate authorities to trust, PEM
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    ca_file: Option<PathBuf>,
    /// Day on which the secret or the account's password ends, such as 2027-01-31
    #[arg(long, value_name = "DAY")]
    secret_expires: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct OneArguments {
    /// Name of the identity provider
    #[arg(value_parser = ProviderName::parse)]
    name: ProviderName,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SetArguments {
    /// Name of the identity provider
    #[arg(value_parser = ProviderName::parse)]
    name: ProviderName,
    /// Whether people may sign in by it
    #[arg(long, value_name = "BOOL")]
    enabled: Option<bool>,
    /// Issuer, to the letter
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// What Gatepost is registered as there
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Where browsers reach this server
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    #[command(flatten)]
    oidc: OidcArguments,
    #[command(flatten)]
    ldap: LdapArguments,
    #[command(flatten)]
    password: PasswordArguments,
    #[command(flatten)]
    common: CommonArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TestArguments {
    /// Name of the identity provider
    #[arg(value_parser = ProviderName::parse)]
    name: ProviderName,
    /// Try a whole sign-in of this person too, at a directory
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    #[command(flatten)]
    password: PasswordArguments,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RemoveArguments {
    /// Name of the identity provider
    #[arg(value_parser = ProviderName::parse)]
    name: ProviderName,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) async fn run(verb: IdentityProviderVerb) -> anyhow::Result<Exit> {
    match verb {
        IdentityProviderVerb::AddOidc(arguments) => add_oidc(*arguments).await,
        IdentityProviderVerb::AddLdap(arguments) => add_ldap(*arguments).await,
        IdentityProviderVerb::List(arguments) => list(&arguments).await,
        IdentityProviderVerb::Show(arguments) => show(&arguments).await,
        IdentityProviderVerb::Set(arguments) => set(*arguments).await,
        IdentityProviderVerb::Test(arguments) => test(&arguments).await,
        IdentityProviderVerb::Remove(arguments) => remove(&arguments).await,
    }
}

/// Fields of a body; what was not given is not among them, and an empty text stands for null.
#[derive(Debug, Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn text(&mut self, name: &str, text: Option<String>) {
        let Some(text) = text else { return };
        let value = if text.is_empty() { Value::Null } else { text.into() };
        self.0.insert(name.to_owned(), value);
    }

    fn list(&mut self, name: &str, list: Vec<String>) {
        if !list.is_empty() {
            self.0.insert(name.to_owned(), list.into());
        }
    }

    fn given(self) -> Option<Map<String, Value>> {
        (!self.0.is_empty()).then_some(self.0)
    }
}

impl OidcArguments {
    fn write(self, fields: &mut Fields) -> anyhow::Result<Option<String>> {
        fields.text("client_authentication", self.client_authentication);
        fields.list("scopes", self.scope);
        fields.text("groups_claim", self.groups_claim);
        fields.text("name_claim", self.name_claim);
        self.secret_file.as_deref().map(from_file).transpose()
    }
}

impl LdapArguments {
    fn write(self, fields: &mut Fields) {
        fields.list("servers", self.controller);
        fields.text("tls", self.tls);
        fields.text("account", self.account);
        fields.text("domain", self.domain);
        fields.text("base", self.base);
        fields.text("pinned_sha256", self.pin);
    }
}

async fn add_oidc(arguments: AddOidcArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let mut fields = Fields::default();
    fields.text("issuer", Some(arguments.issuer));
    fields.text("client_id", Some(arguments.client_id));
    fields.text("public_url", Some(arguments.public_url));
    let is_public = arguments.oidc.client_authentication.as_deref() == Some("none");
    let secret = match arguments.oidc.write(&mut fields)? {
        None if !is_public => {
            let flags = "--secret-file FILE, or --client-authentication none for a public client";
            Some(prompt("the client at the provider", flags)?)
        }
        given => given,
    };
    let CommonArguments { title, ca_file, secret_expires } = arguments.common;
    fields.text("extra_roots_pem", ca_file.as_deref().map(certificates).transpose()?);
    fields.0.retain(|_, value| !value.is_null());
    let name = arguments.name.as_str();
    let body = json!({
        "name": name, "title": title, "oidc": fields.0, "secret": secret,
        "secret_expires": secret_expires,
    });
    let added: IdentityProvider = client.post("identity-providers", &body).await?;
    let redirect = added.redirect_uri.unwrap_or_default();
    say(&format!("identity provider {name} added; register this redirect address there:"))?;
    say(&format!("  {redirect}"))?;
    say(&format!("next: gatepost identity-provider test {name}"))?;
    Ok(Exit::Done)
}

async fn add_ldap(arguments: AddLdapArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let secret = match &arguments.ldap.account {
        Some(account) => Some(arguments.password.read(account)?),
        None => arguments.password.read_if_given()?,
    };
    let mut fields = Fields::default();
    arguments.ldap.write(&mut fields);
    let CommonArguments { title, ca_file, secret_expires } = arguments.common;
    fields.text("extra_roots_pem", ca_file.as_deref().map(certificates).transpose()?);
    fields.0.entry("servers").or_insert_with(|| json!([]));
    fields.0.retain(|_, value| !value.is_null());
    let name = arguments.name.as_str();
    let body = json!({
        "name": name, "title": title, "ldap": fields.0, "secret": secret,
        "secret_expires": secret_expires,
    });
    client.post::<IdentityProvider>("identity-providers", &body).await?;
    say(&format!("identity provider {name} added"))?;
    say(&format!("next: gatepost identity-provider test {name} --user NAME"))?;
    Ok(Exit::Done)
}

#[expect(clippy::print_stderr, reason = "trouble is told apart from the answer")]
async fn set(arguments: SetArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let name = arguments.name;
    let (mut oidc, mut ldap) = (Fields::default(), Fields::default());
    oidc.text("issuer", arguments.issuer);
    oidc.text("client_id", arguments.client_id);
    oidc.text("public_url", arguments.public_url);
    let secret = arguments.oidc.write(&mut oidc)?;
    arguments.ldap.write(&mut ldap);
    let CommonArguments { title, ca_file, secret_expires } = arguments.common;
    if let Some(file) = ca_file {
        let now: IdentityProvider = client.get(&path(&name), &[]).await?;
        let fields = if now.oidc.is_some() { &mut oidc } else { &mut ldap };
        fields.text("extra_roots_pem", Some(certificates(&file)?));
    }
    let change = IdentityProviderChange {
        title,
        enabled: arguments.enabled,
        oidc: oidc.given(),
        ldap: ldap.given(),
        secret: secret.or(arguments.password.read_if_given()?),
        secret_expires,
    };
    let fields = change.fields();
    if fields.is_empty() {
        eprintln!("gatepost: nothing to change is given");
        eprintln!(
            "  what to do: name it; gatepost identity-provider set --help lists what there is"
        );
        return Ok(Exit::Usage);
    }
    client.patch::<IdentityProvider>(&path(&name), &change).await?;
    say(&format!("identity provider {name} changed: {}", fields.join(", ")))?;
    Ok(Exit::Done)
}

/// The columns of the list. Everything else stands in JSON and behind `show`.
const COLUMNS: [&str; 5] = ["name", "kind", "title", "enabled", "address"];

async fn list(arguments: &ListArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let answer: IdentityProviderList = client.get("identity-providers", &[]).await?;
    let format = arguments.output.output;
    let columns = match format {
        Format::Table | Format::Csv => COLUMNS.map(str::to_owned).to_vec(),
        Format::Json | Format::Jsonl => FIELDS.map(str::to_owned).to_vec(),
    };
    let mut rows = Rows::new(stdout(), format, columns, is_coloured());
    for provider in &answer.identity_providers {
        let mut row = serde_json::to_value(provider)?;
        if let Some(fields) = row.as_object_mut() {
            fields.insert("address".to_owned(), address(provider).into());
        }
        rows.push(&row)?;
    }
    rows.finish("no identity provider yet: gatepost identity-provider add-oidc or add-ldap")?;
    Ok(Exit::Done)
}

/// What JSON shows of an identity provider.
const FIELDS: [&str; 10] = [
    "name",
    "kind",
    "title",
    "enabled",
    "has_secret",
    "secret_expires",
    "redirect_uri",
    "oidc",
    "ldap",
    "created",
];

async fn show(arguments: &OneArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let provider: IdentityProvider = client.get(&path(&arguments.name), &[]).await?;
    let value = serde_json::to_value(&provider)?;
    let format = arguments.output.output;
    if format != Format::Table {
        let mut rows =
            Rows::new(stdout(), format, FIELDS.map(str::to_owned).to_vec(), is_coloured());
        rows.push(&value)?;
        rows.finish("")?;
        return Ok(Exit::Done);
    }
    let mut card = Card::new(is_coloured());
    let inside = value.get("oidc").and_then(Value::as_object);
    let inside = inside.or_else(|| value.get("ldap").and_then(Value::as_object));
    let outside = FIELDS.iter().filter(|name| !matches!(**name, "oidc" | "ldap"));
    for name in outside {
        let field = value.get(*name).filter(|field| !field.is_null());
        field.into_iter().for_each(|field| card.line(name, field));
    }
    for (name, field) in inside.into_iter().flatten().filter(|(_, field)| !field.is_null()) {
        card.line(name, &in_words(field));
    }
    card.print(&mut stdout())?;
    Ok(Exit::Done)
}

fn in_words(field: &Value) -> Value {
    match field {
        Value::Array(list) => {
            let texts: Vec<_> = list.iter().filter_map(Value::as_str).collect();
            texts.join(" ").into()
        }
        other => other.clone(),
    }
}

fn address(provider: &IdentityProvider) -> String {
    let oidc = provider.oidc.as_ref().map(|it| it.issuer.clone());
    oidc.or_else(|| provider.ldap.as_ref().map(|it| it.servers.join(" "))).unwrap_or_default()
}

async fn test(arguments: &TestArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let password = arguments.user.as_ref().map(|user| arguments.password.read(user)).transpose()?;
    let body = IdentityProviderTest { user: arguments.user.clone(), password };
    let path = format!("{}/test", path(&arguments.name));
    let report: ProviderReport = client.post(&path, &body).await?;
    let format = arguments.output.output;
    if format == Format::Table {
        let mut table = wrapped_table(is_coloured());
        for step in &report.steps {
            table.add_row([&step.state, &step.name, &step.detail].map(|text| visible(text)));
        }
        write_table(&mut stdout(), &table)?;
    } else {
        let columns = ["name", "state", "detail"].map(str::to_owned).to_vec();
        let mut rows = Rows::new(stdout(), format, columns, false);
        for step in &report.steps {
            rows.push(step)?;
        }
        rows.finish("")?;
    }
    Ok(if report.good { Exit::Done } else { Exit::Failed })
}

#[expect(clippy::print_stderr, reason = "a question is for the person at the terminal")]
async fn remove(arguments: &RemoveArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let path = path(&arguments.name);
    if !arguments.yes && stdin().is_terminal() {
        let preview: Preview = client.delete_preview(&format!("{path}?dry_run=true")).await?;
        eprint!("This will {}. Go on? [y/N] ", visible(&preview.would));
        stderr().flush()?;
        let mut answer = String::new();
        stdin().read_line(&mut answer)?;
        if !matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            say("nothing was done")?;
            return Ok(Exit::Failed);
        }
    }
    client.delete(&path).await?;
    say(&format!("identity provider {} removed; nobody signs in by it any more", arguments.name))?;
    Ok(Exit::Done)
}

/// The certificates in a file; an empty name stands for none.
fn certificates(file: &Path) -> anyhow::Result<String> {
    if file.as_os_str().is_empty() {
        return Ok(String::new());
    }
    std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))
}

fn path(name: &ProviderName) -> String {
    format!("identity-providers/{name}")
}
