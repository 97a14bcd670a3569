//! `gatepost login|logout`: a token kept for the verbs that follow.

use std::path::PathBuf;

use anyhow::Context as _;
use api::{MadeToken, Me, Problem, SignIn};
use reqwest::Url;

use crate::{
    cli::Exit,
    client::{Client, read_token},
    data_directory::DataDirectory,
    output::{say, visible},
    secret::{self, PasswordArguments},
    stored_login::StoredLogin,
};

#[derive(Debug, clap::Args)]
pub(crate) struct LoginArguments {
    /// User name; asked for if it is left out
    name: Option<String>,
    /// Address of the server, such as http://127.0.0.1:8025/
    #[arg(long, value_name = "URL", env = "GATEPOST_SERVER", hide_env_values = true)]
    server: Option<Url>,
    /// Data directory of a server on this machine, in place of --server
    #[arg(long, value_name = "DIR", env = "GATEPOST_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// Keep the token in this file in place of signing in with a password
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "password_file", "password_stdin"])]
    token_file: Option<PathBuf>,
    /// File with the code of your phone or a recovery code; asked for if one is wanted
    #[arg(long, value_name = "FILE")]
    code_file: Option<PathBuf>,
    /// Days until you are asked again, 90 at most [default: 1]
    #[arg(long, value_name = "N")]
    days: Option<u16>,
    #[command(flatten)]
    password: PasswordArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LogoutArguments {}

pub(crate) async fn login(arguments: LoginArguments) -> anyhow::Result<Exit> {
    let server = match (&arguments.server, &arguments.data) {
        (Some(server), _) => server.clone(),
        (None, Some(data)) => DataDirectory::at(data).server_url()?,
        (None, None) => anyhow::bail!("which server? Give --server URL, or --data DIR"),
    };
    let token = match &arguments.token_file {
        Some(file) => read_token(file)?,
        None => signed_in(&arguments, &server).await?,
    };
    // Nothing is kept that does not work.
    let client = Client::new(server.clone(), token.clone())?;
    let me: Me = client.get("me", &[]).await?;
    let file = StoredLogin { server, token }.keep()?;
    say(&format!("signed in as {}", visible(&me.name)))?;
    say(&format!("  the token is kept in {}; gatepost logout ends it", file.display()))?;
    Ok(Exit::Done)
}

async fn signed_in(arguments: &LoginArguments, server: &Url) -> anyhow::Result<String> {
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None => secret::line("User name", "the user name as an argument")?,
    };
    let password = arguments.password.read(&name)?;
    let client = Client::new(server.clone(), String::new())?;
    let code = arguments.code_file.as_deref().map(secret::from_file).transpose()?;
    let mut shown = SignIn { name, password, code, days: arguments.days };
    let answer: anyhow::Result<MadeToken> = client.post("sign-in", &shown).await;
    let made = match answer {
        Err(error) if wants_code(&error) => {
            shown.code = Some(secret::line("Code", "--code-file FILE")?);
            client.post("sign-in", &shown).await
        }
        answer => answer,
    };
    let made: MadeToken = made.context("signing in")?;
    Ok(made.token)
}

fn wants_code(error: &anyhow::Error) -> bool {
    let problem = error.downcast_ref::<Problem>();
    problem.is_some_and(|problem| problem.kind == "urn:gatepost:problem:code-wanted")
}

pub(crate) async fn logout(_: LogoutArguments) -> anyhow::Result<Exit> {
    let Some(kept) = StoredLogin::read()? else {
        say("nobody is signed in")?;
        return Ok(Exit::Done);
    };
    // `gp_<id>_<secret>`; the server's own token has no id and is not ended by signing out.
    let id = kept.token.strip_prefix("gp_").and_then(|rest| rest.split_once('_'));
    if let Some((id, _)) = id {
        let client = Client::new(kept.server.clone(), kept.token.clone())?;
        let ended = client.delete(&format!("tokens/{id}")).await;
        StoredLogin::forget()?;
        ended.context("the token is forgotten here, but the server could not end it")?;
    } else {
        StoredLogin::forget()?;
    }
    say("signed out")?;
    Ok(Exit::Done)
}
