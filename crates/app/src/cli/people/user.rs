//! `gatepost user`: who can sign in.

use anyhow::Context as _;
use api::{
    Assignment, NewAssignment, NewPassword, NewTotp, NewUser, OwnPassword, PasswordProof,
    RecoveryCodes, TotpCode, User, UserChange, UserList,
};
use clap::Subcommand;
use reqwest::Method;

use super::{print_list, print_one, segment};
use crate::{
    cli::Exit,
    client::{Client, ServerArguments},
    output::{OutputArguments, say, visible},
    secret::{self, PasswordArguments},
};

#[derive(Debug, Subcommand)]
pub(crate) enum UserVerb {
    /// Add a local user
    Add(AddArguments),
    /// List users
    List(ListArguments),
    /// Show one user with their roles
    Show(ShowArguments),
    /// Change how a local user is described
    Set(SetArguments),
    /// Remove a user with their tokens and roles; the audit keeps their name
    Remove(NameArguments),
    /// Set the password of a user, or change your own
    Password(PasswordVerbArguments),
    /// Keep a user out: their sessions end, their tokens do not work
    Disable(NameArguments),
    /// Let a user in again, also one locked by wrong passwords
    Enable(NameArguments),
    /// End all sessions of a user
    SignOut(NameArguments),
    /// Ask yourself for a code at each sign-in, or let a user in without one
    #[command(subcommand)]
    Totp(TotpVerb),
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddArguments {
    /// What they sign in with
    name: String,
    /// As colleagues know them
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// Address for mail
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    /// Give them this role everywhere; gatepost role assign does so for one place
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Set no password yet
    #[arg(long, conflicts_with_all = ["password_file", "password_stdin"])]
    no_password: bool,
    #[command(flatten)]
    password: PasswordArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArguments {
    /// User name, provider:name or id
    name: String,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SetArguments {
    /// User name or id
    name: String,
    /// As colleagues know them; empty takes it away
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// Address for mail; empty takes it away
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct NameArguments {
    /// User name, provider:name or id
    name: String,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PasswordVerbArguments {
    /// User name or id; without one, your own, and you are asked for the present one too
    name: Option<String>,
    /// File with your present password, if it is your own that changes
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    old_password_file: Option<std::path::PathBuf>,
    #[command(flatten)]
    password: PasswordArguments,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TotpVerb {
    /// Set up codes for yourself: shows the secret, asks for the first code, tells recovery codes
    Setup(SetupArguments),
    /// Sign in without a code again; with --user, let somebody else whose phone is lost
    Remove(RemoveArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct SetupArguments {
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RemoveArguments {
    /// User name or id
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    #[command(flatten)]
    password: PasswordArguments,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) async fn run(verb: UserVerb) -> anyhow::Result<Exit> {
    match verb {
        UserVerb::Add(arguments) => add(arguments).await,
        UserVerb::List(arguments) => {
            let client = Client::connect(&arguments.server)?;
            let answer: UserList = client.get("users", &[]).await?;
            let shown = ["name", "display_name", "disabled", "has_totp", "last_sign_in"];
            print_list(&answer.users, arguments.output, &User::FIELDS, &shown, "no user yet")
        }
        UserVerb::Show(arguments) => show(&arguments).await,
        UserVerb::Set(arguments) => {
            let SetArguments { name, display_name, address, server } = arguments;
            let change = UserChange { display_name, address, disabled: None };
            changed(&server, &name, &change, "changed").await
        }
        UserVerb::Remove(arguments) => {
            let client = Client::connect(&arguments.server)?;
            client.delete(&format!("users/{}", segment(&arguments.name))).await?;
            said(&arguments.name, "removed")
        }
        UserVerb::Password(arguments) => password(arguments).await,
        UserVerb::Disable(arguments) => {
            let change = UserChange { disabled: Some(true), ..UserChange::default() };
            changed(&arguments.server, &arguments.name, &change, "disabled").await
        }
        UserVerb::Enable(arguments) => {
            let change = UserChange { disabled: Some(false), ..UserChange::default() };
            changed(&arguments.server, &arguments.name, &change, "enabled").await
        }
        UserVerb::SignOut(arguments) => {
            let client = Client::connect(&arguments.server)?;
            client.delete(&format!("users/{}/sessions", segment(&arguments.name))).await?;
            said(&arguments.name, "signed out everywhere")
        }
        UserVerb::Totp(TotpVerb::Setup(arguments)) => set_up_totp(&arguments).await,
        UserVerb::Totp(TotpVerb::Remove(arguments)) => remove_totp(arguments).await,
    }
}

async fn add(arguments: AddArguments) -> anyhow::Result<Exit> {
    let AddArguments { name, display_name, address, role, no_password, password, server } =
        arguments;
    let client = Client::connect(&server)?;
    let password = if no_password { None } else { Some(password.read(&name)?) };
    let new = NewUser { name: name.clone(), display_name, address, password };
    let added: User = client.post("users", &new).await?;
    if let Some(role) = &role {
        let assignment = NewAssignment {
            role: role.clone(),
            user: Some(added.id),
            group: None,
            connector: None,
            collection: None,
        };
        let assigned: anyhow::Result<Assignment> = client.post("assignments", &assignment).await;
        assigned.with_context(|| format!("the user {name} was added; giving the role {role}"))?;
    }
    say(&format!("user {} added", visible(&name)))?;
    if role.is_none() {
        say(&format!(
            "  {0} may do nothing yet: gatepost role assign ROLE --user {0}",
            visible(&name)
        ))?;
    }
    Ok(Exit::Done)
}

async fn show(arguments: &ShowArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let user: User = client.get(&format!("users/{}", segment(&arguments.name)), &[]).await?;
    if arguments.output.output != crate::output::Format::Table {
        return print_one(&user, arguments.output, &User::FIELDS);
    }
    let plain = User::FIELDS.into_iter().filter(|name| !["groups", "assignments"].contains(name));
    print_one(&user, arguments.output, &plain.collect::<Vec<_>>())?;
    for assignment in &user.assignments {
        let by =
            assignment.group.as_ref().map(|group| format!(", by the group {}", visible(group)));
        let by = by.unwrap_or_default();
        say(&format!("  {} {}{by}", assignment.role, visible(&assignment.place)))?;
    }
    Ok(Exit::Done)
}

async fn changed(
    server: &ServerArguments,
    name: &str,
    change: &UserChange,
    how: &str,
) -> anyhow::Result<Exit> {
    let client = Client::connect(server)?;
    client.ask(Method::PATCH, &format!("users/{}", segment(name)), change).await?;
    said(name, how)
}

fn said(name: &str, how: &str) -> anyhow::Result<Exit> {
    say(&format!("user {} {how}", visible(name)))?;
    Ok(Exit::Done)
}

async fn password(arguments: PasswordVerbArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    if let Some(name) = &arguments.name {
        let new = NewPassword { password: arguments.password.read(name)? };
        client.ask(Method::POST, &format!("users/{}/password", segment(name)), &new).await?;
        return said(name, "has a new password, and is signed out everywhere");
    }
    let old = match &arguments.old_password_file {
        Some(file) => secret::from_file(file)?,
        None => secret::prompt("yours now", "--old-password-file FILE")?,
    };
    let own = OwnPassword { old, new: arguments.password.read("yours from now on")? };
    client.ask(Method::POST, "me/password", &own).await?;
    say("your password is changed, and your sessions of the console are ended")?;
    Ok(Exit::Done)
}

async fn set_up_totp(arguments: &SetupArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let offer: NewTotp = client.post("me/totp", &()).await?;
    say(
        "Type this secret into an application that shows codes (a QR code is on the console's page Your account):",
    )?;
    say(&format!("  {}", offer.secret))?;
    say(&format!("  {}", offer.address))?;
    say("Then type the code that it shows:")?;
    let shown =
        TotpCode { code: secret::line("the code", "a terminal, or the code on standard input")? };
    let codes: RecoveryCodes = client.post("me/totp/confirm", &shown).await?;
    say("A code is asked for from now on. For when the phone is lost, each of these works once:")?;
    for code in &codes.recovery_codes {
        say(&format!("  {code}"))?;
    }
    Ok(Exit::Done)
}

async fn remove_totp(arguments: RemoveArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    if let Some(user) = &arguments.user {
        client.delete(&format!("users/{}/totp", segment(user))).await?;
        return said(user, "signs in without a code again");
    }
    let proof = PasswordProof { password: arguments.password.read("yours")? };
    client.ask(Method::POST, "me/totp/remove", &proof).await?;
    say("you sign in without a code again")?;
    Ok(Exit::Done)
}
