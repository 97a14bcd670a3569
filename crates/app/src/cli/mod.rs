//! The command line: every verb, and how each ends.

mod action;
mod audit;
mod connector;
mod device;
mod doctor;
mod explain;
mod guard;
mod identity_provider;
pub(crate) mod job;
mod key;
mod notification;
mod people;
pub mod reference;
mod status;
mod sync;
mod wish;

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::Context as _;
use api::Problem;
use clap::{Parser, Subcommand};

use crate::{demo, serve, simulate};

/// The open connector between Microsoft Exchange and the people who answer for the phones on it.
#[derive(Debug, Parser)]
#[command(name = "gatepost", version, max_term_width = 100)]
#[command(after_help = "Start here: gatepost demo")]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show Gatepost at work on a simulated organization; nothing is left behind
    Demo(demo::DemoArguments),
    /// Run the server
    Serve(serve::ServeArguments),
    /// Run a simulated Exchange organization
    #[command(subcommand)]
    Simulate(simulate::SimulateVerb),
    /// Connect organizations
    #[command(subcommand)]
    Connector(connector::ConnectorVerb),
    /// Read an organization into the inventory
    Sync(sync::SyncArguments),
    /// See devices, let them in, keep them out, erase them
    #[command(subcommand)]
    Device(device::DeviceVerb),
    /// Write down what Exchange has now, so that the first plan is empty
    Import(wish::import::ImportArguments),
    /// Say what is not as it shall be; nothing is written to Exchange
    Plan(wish::plan::PlanArguments),
    /// Carry a plan out, or go on with it
    Apply(wish::apply::ApplyArguments),
    /// Say what is not as it was written down any more, who changed it, and when
    Drift(wish::drift::DriftArguments),
    /// Bring back what was there before a plan was applied, or before the first
    Rollback(wish::rollback::RollbackArguments),
    /// See access rules, and what written ones would come to
    #[command(subcommand)]
    Rule(wish::rule::RuleVerb),
    /// See the settings there are, and what Exchange has of them
    #[command(subcommand)]
    Settings(wish::settings::SettingsVerb),
    /// See jobs: the work that the server does in the background
    #[command(subcommand)]
    Job(job::JobVerb),
    /// See and change how many wipes may be sent without a second person
    #[command(subcommand)]
    Guard(guard::GuardVerb),
    /// See what was done, by whom, and verify that nobody touched the record
    #[command(subcommand)]
    Audit(audit::AuditVerb),
    /// Sign in to a server for the verbs that follow
    Login(people::login::LoginArguments),
    /// Sign out again
    Logout(people::login::LogoutArguments),
    /// Say who can sign in
    #[command(subcommand)]
    User(people::user::UserVerb),
    /// Say what people may do, and where
    #[command(subcommand)]
    Role(people::role::RoleVerb),
    /// Name device queries, for roles and reports
    #[command(subcommand)]
    Collection(people::collection::CollectionVerb),
    /// Make and end tokens, which programs sign in with
    #[command(subcommand)]
    Token(people::token::TokenVerb),
    /// Tell people and programs what happened
    #[command(subcommand)]
    Notification(notification::NotificationVerb),
    /// Let people sign in by OpenID Connect or Active Directory
    #[command(subcommand)]
    IdentityProvider(identity_provider::IdentityProviderVerb),
    /// Say in a few lines how everything is
    Status(status::StatusArguments),
    /// See and change the key that secrets are sealed with
    #[command(subcommand)]
    Key(key::KeyVerb),
    /// Bring the database to the form that this version needs
    Migrate(serve::MigrateArguments),
    /// Look for what is wrong with a server on this machine
    Doctor(doctor::DoctorArguments),
    /// Print completions for a shell
    Completions(reference::CompletionsArguments),
    /// Print the manual, or write a page for each verb
    Man(reference::ManArguments),
}

/// How a verb ended. The numbers are a contract with scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// It was tried and failed.
    Failed = 1,
    /// What was asked for makes no sense.
    Usage = 2,
    /// Something is not as it shall be.
    Differences = 3,
    /// Done for some, and not for others.
    Partly = 4,
    /// It waits for a second person.
    WaitsForApproval = 5,
    /// A guard or a missing permission refused it.
    Refused = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Carries out a command line, and says what went wrong.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let error = match dispatch(cli) {
        Ok(exit) => return exit.into(),
        Err(error) => error,
    };
    if is_broken_pipe(&error) {
        return Exit::Done.into();
    }
    // Written whole and with failures ignored: standard error may be closed as well.
    let mut text = format!("gatepost: {error:#}\n");
    if let Some(problem) = problem_in(&error) {
        text.push_str(&format!("  what to do: {}\n", problem.remedy));
    }
    drop(io::stderr().write_all(crate::output::lines_visible(&text).as_bytes()));
    exit_of(&error).into()
}

fn dispatch(cli: Cli) -> anyhow::Result<Exit> {
    match cli.verb {
        Verb::Demo(arguments) => block_on(demo::run(arguments)),
        Verb::Serve(arguments) => block_on(serve::run(arguments)),
        Verb::Simulate(verb) => block_on(simulate::run(verb)),
        Verb::Connector(verb) => block_on(connector::run(verb)),
        Verb::Sync(arguments) => block_on(sync::run(arguments)),
        Verb::Device(verb) => block_on(device::run(verb)),
        Verb::Import(arguments) => block_on(wish::import::run(arguments)),
        Verb::Plan(arguments) => block_on(wish::plan::run(arguments)),
        Verb::Apply(arguments) => block_on(wish::apply::run(arguments)),
        Verb::Drift(arguments) => block_on(wish::drift::run(arguments)),
        Verb::Rollback(arguments) => block_on(wish::rollback::run(arguments)),
        Verb::Rule(verb) => block_on(wish::rule::run(verb)),
        Verb::Settings(verb) => block_on(wish::settings::run(verb)),
        Verb::Job(verb) => block_on(job::run(verb)),
        Verb::Guard(verb) => block_on(guard::run(verb)),
        Verb::Audit(verb) => block_on(audit::run(verb)),
        Verb::Login(arguments) => block_on(people::login::login(arguments)),
        Verb::Logout(arguments) => block_on(people::login::logout(arguments)),
        Verb::User(verb) => block_on(people::user::run(verb)),
        Verb::Role(verb) => block_on(people::role::run(verb)),
        Verb::Collection(verb) => block_on(people::collection::run(verb)),
        Verb::Token(verb) => block_on(people::token::run(verb)),
        Verb::Notification(verb) => block_on(notification::run(verb)),
        Verb::IdentityProvider(verb) => block_on(identity_provider::run(verb)),
        Verb::Status(arguments) => block_on(status::run(arguments)),
        Verb::Key(verb) => block_on(key::run(verb)),
        Verb::Migrate(arguments) => block_on(serve::migrate(arguments)),
        Verb::Doctor(arguments) => block_on(doctor::run(arguments)),
        Verb::Completions(arguments) => reference::completions(&arguments),
        Verb::Man(arguments) => reference::man(&arguments),
    }
}

fn block_on(verb: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    runtime.block_on(verb)
}

fn problem_in(error: &anyhow::Error) -> Option<&Problem> {
    error.chain().find_map(|cause| cause.downcast_ref())
}

/// What was typed makes no sense together; clap knows only each part.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) &'static str);

fn exit_of(error: &anyhow::Error) -> Exit {
    if error.downcast_ref::<Usage>().is_some() {
        return Exit::Usage;
    }
    match problem_in(error).map(|problem| problem.status) {
        Some(400) => Exit::Usage,
        Some(403) => Exit::Refused,
        _ => Exit::Failed,
    }
}

/// Whoever read our output has had enough: that is no failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json =
            cause.downcast_ref::<serde_json::Error>().and_then(|error| error.io_error_kind());
        let csv = cause.downcast_ref::<csv::Error>().and_then(|error| match error.kind() {
            csv::ErrorKind::Io(error) => Some(error.kind()),
            _ => None,
        });
        io.or(json).or(csv) == Some(io::ErrorKind::BrokenPipe)
    })
}
