//! The command line as a client of the REST API.

use std::{
    fmt::Display,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use api::{Preview, Problem};
use reqwest::{Method, RequestBuilder, Url};
use serde::{Serialize, de::DeserializeOwned};

use crate::{data_directory::DataDirectory, stored_login::StoredLogin};

/// Which server to speak to.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerArguments {
    /// Address of the server, such as http://127.0.0.1:8025/
    #[arg(
        long,
        value_name = "URL",
        env = "GATEPOST_SERVER",
        hide_env_values = true,
        requires = "token_file"
    )]
    pub(crate) server: Option<Url>,
    /// File that holds the token for --server
    #[arg(
        long,
        value_name = "FILE",
        env = "GATEPOST_TOKEN_FILE",
        hide_env_values = true,
        requires = "server"
    )]
    pub(crate) token_file: Option<PathBuf>,
    /// Data directory of a server on this machine, in place of --server
    #[arg(long, value_name = "DIR", env = "GATEPOST_DATA", hide_env_values = true)]
    pub(crate) data: Option<PathBuf>,
}

/// A connection to one server, signed in.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    token: String,
}

impl Client {
    /// A list of a thousand devices takes milliseconds; checking a connector can take as long as
    /// Exchange takes to refuse.
    const TIMEOUT: Duration = Duration::from_secs(300);
    /// Millions of entries take minutes to read.
    const STREAM_TIMEOUT: Duration = Duration::from_secs(24 * 3600);
    /// Opening a connection to a server that is up takes far less.
    const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
    /// Tokens are short; a longer file is some other file.
    const MAX_TOKEN_BYTES: u64 = 4096;

    /// The server that the arguments name.
    pub(crate) fn connect(arguments: &ServerArguments) -> anyhow::Result<Self> {
        if let (Some(server), Some(file)) = (&arguments.server, &arguments.token_file) {
            return Self::new(server.clone(), read_token(file)?);
        }
        let Some(data) = &arguments.data else {
            let Some(kept) = StoredLogin::read()? else {
                bail!(
                    "which server? Give --data DIR for a server on this machine (or set GATEPOST_DATA), or --server URL with --token-file FILE, or sign in first: gatepost login --server URL"
                );
            };
            return Self::new(kept.server, kept.token);
        };
        let directory = DataDirectory::at(data);
        let server = directory.server_url()?;
        Self::new(server, read_token(&directory.token_file())?)
    }

    /// The server at `base`.
    pub(crate) fn new(base: Url, token: String) -> anyhow::Result<Self> {
        if base.scheme() != "http" || base.cannot_be_a_base() {
            bail!("the server's address {base} does not begin with http://");
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("gatepost/", env!("CARGO_PKG_VERSION")))
            .timeout(Self::TIMEOUT)
            .connect_timeout(Self::CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("preparing the HTTP client")?;
        Ok(Self { http, base, token })
    }

    /// Reads.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> anyhow::Result<T> {
        self.send(self.request(Method::GET, path)?.query(query)).await
    }

    /// Changes, with a body.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.send(self.change(Method::POST, path)?.json(body)).await
    }

    /// Changes, and is answered with nothing.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<()> {
        self.answer(self.change(method, path)?.json(body)).await.map(drop)
    }

    /// Puts one thing in the place of another.
    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.send(self.change(Method::PUT, path)?.json(body)).await
    }

    /// Changes a part.
    pub(crate) async fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.send(self.change(Method::PATCH, path)?.json(body)).await
    }

    /// Reads what is no JSON.
    pub(crate) async fn text(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<String> {
        let response = self.answer(self.request(Method::GET, path)?.query(query)).await?;
        response.text().await.with_context(|| format!("reading the answer of {}", self.base))
    }

    /// Reads what is long: the answer as it comes.
    pub(crate) async fn stream(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> anyhow::Result<reqwest::Response> {
        let request = self.request(Method::GET, path)?.query(query);
        self.answer(request.timeout(Self::STREAM_TIMEOUT)).await
    }

    /// Removes.
    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<()> {
        self.answer(self.change(Method::DELETE, path)?).await.map(drop)
    }

    /// Says what removing would do; the path asks for a dry run.
    pub(crate) async fn delete_preview(&self, path: &str) -> anyhow::Result<Preview> {
        self.send(self.request(Method::DELETE, path)?).await
    }

    /// A request that changes something, and does so once if it is sent twice.
    fn change(&self, method: Method, path: &str) -> anyhow::Result<RequestBuilder> {
        let key = uuid::Uuid::new_v4().to_string();
        Ok(self.request(method, path)?.header("Idempotency-Key", key))
    }

    fn request(&self, method: Method, path: &str) -> anyhow::Result<RequestBuilder> {
        let url = self.base.join("api/v1/").and_then(|api| api.join(path))?;
        Ok(self.http.request(method, url).bearer_auth(&self.token))
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<T> {
        let response = self.answer(request).await?;
        response.json().await.with_context(|| {
            format!("the answer of {} is not what a Gatepost of this version sends", self.base)
        })
    }

    async fn answer(&self, request: RequestBuilder) -> anyhow::Result<reqwest::Response> {
        let response = request.send().await.map_err(|error| self.explain(error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let kind = response.headers().get(reqwest::header::CONTENT_TYPE).cloned();
        if kind.is_some_and(|kind| kind.as_bytes() == Problem::MEDIA_TYPE.as_bytes()) {
            let problem: Problem = response.json().await.context("reading the server's error")?;
            return Err(problem.into());
        }
        bail!("{} answered {status}: this does not look like a Gatepost server", self.base);
    }

    fn explain(&self, error: reqwest::Error) -> anyhow::Error {
        let base = &self.base;
        let what: &dyn Display = if error.is_connect() {
            &format_args!("no server answers at {base}; is it running? gatepost serve starts one")
        } else if error.is_timeout() {
            &format_args!("{base} did not answer in {} seconds", Self::TIMEOUT.as_secs())
        } else {
            &format_args!("the connection to {base} broke")
        };
        let what = what.to_string();
        anyhow::Error::new(error.without_url()).context(what)
    }
}

/// The token in a file.
pub(crate) fn read_token(file: &Path) -> anyhow::Result<String> {
    let mut token = String::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(Client::MAX_TOKEN_BYTES).read_to_string(&mut token))
        .with_context(|| format!("reading the token from {}", file.display()))?;
    let token = token.trim().to_owned();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!("{} does not hold a token", file.display());
    }
    Ok(token)
}
