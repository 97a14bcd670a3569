//! The flags of a connector to a hosted organization, and a person's sign-in with a code.

use std::{
    fs::File,
    io::{IsTerminal as _, Read as _, stdin},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use api::ConnectorSignIn;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::ValueEnum;
use serde_json::json;

use super::settings::Fields;
use crate::{
    client::Client,
    output::{say, visible},
    secret,
};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Hosted organizations")]
pub(super) struct HostedArguments {
    /// Id of the application that signs in
    #[arg(long, value_name = "ID")]
    app_id: Option<String>,
    /// File with the application's certificate and its key, PEM or PFX
    #[arg(long, value_name = "FILE", group = "proof")]
    certificate: Option<PathBuf>,
    /// File with the password of that file
    #[arg(long, value_name = "FILE", requires = "certificate")]
    certificate_password_file: Option<PathBuf>,
    /// File with the application's client secret, in place of a certificate
    #[arg(long, value_name = "FILE", group = "proof")]
    client_secret_file: Option<PathBuf>,
    /// Let a person sign in with a code, for trying out
    #[arg(long, group = "proof")]
    device_code: bool,
    /// Sign in as the machine, in a cloud that gives it an identity
    #[arg(long, group = "proof")]
    managed_identity: bool,
    /// The cloud in which the tenant lives, global at first
    #[arg(long, value_enum, value_name = "CLOUD")]
    cloud: Option<Cloud>,
    /// Speak to this address in place of Exchange Online
    #[arg(long, value_name = "URL")]
    service_url: Option<String>,
    /// Sign in at this address in place of the cloud's
    #[arg(long, value_name = "URL")]
    login_url: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Cloud {
    /// Worldwide, GCC included
    Global,
    /// US Government GCC High
    GccHigh,
    /// US Department of Defense
    Dod,
    /// China, run by 21Vianet
    China,
}

impl Cloud {
    pub(super) const fn of_domain(self) -> domain::connector::Cloud {
        use domain::connector::Cloud;
        match self {
            Self::Global => Cloud::Global,
            Self::GccHigh => Cloud::GccHigh,
            Self::Dod => Cloud::Dod,
            Self::China => Cloud::China,
        }
    }
}

/// What the application proves itself with, as it is sent.
#[derive(Default)]
pub(super) struct Proof {
    pub(super) certificate: Option<String>,
    pub(super) certificate_password: Option<String>,
    pub(super) client_secret: Option<String>,
}

/// Largest file read: a certificate with its chain and its key has some thousand bytes.
const MAX_CERTIFICATE_BYTES: u64 = 512 * 1024;

impl HostedArguments {
    pub(super) fn wants_code(&self) -> bool {
        self.device_code
    }

    pub(super) fn write(self, hosted: &mut Fields) {
        let way = if self.certificate.is_some() {
            Some("certificate")
        } else if self.client_secret_file.is_some() {
            Some("secret")
        } else if self.device_code {
            Some("device-code")
        } else if self.managed_identity {
            Some("managed-identity")
        } else {
            None
        };
        hosted.set("sign_in", way);
        hosted.text("application_id", self.app_id);
        hosted.set("cloud", self.cloud.map(|cloud| cloud.of_domain().word()));
        hosted.text("service_url", self.service_url);
        hosted.text("login_url", self.login_url);
    }

    pub(super) fn proof(&self) -> anyhow::Result<Proof> {
        if let Some(file) = &self.client_secret_file {
            return Ok(Proof { client_secret: Some(secret::from_file(file)?), ..Proof::default() });
        }
        let Some(file) = &self.certificate else { return Ok(Proof::default()) };
        let (certificate, is_pem) = certificate(file)?;
        let certificate_password = match &self.certificate_password_file {
            Some(file) => Some(secret::from_file(file)?),
            // A PFX file mostly has one; PEM with an encrypted key says so when it is sent.
            None if !is_pem && stdin().is_terminal() => {
                let whose = file.display().to_string();
                Some(secret::prompt(&whose, "--certificate-password-file FILE")?)
            }
            None => None,
        };
        Ok(Proof { certificate: Some(certificate), certificate_password, client_secret: None })
    }
}

/// A file as it is sent, and whether it is PEM.
fn certificate(file: &Path) -> anyhow::Result<(String, bool)> {
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|open| open.take(MAX_CERTIFICATE_BYTES + 1).read_to_end(&mut bytes))
        .with_context(|| format!("reading the certificate from {}", file.display()))?;
    if bytes.len() as u64 > MAX_CERTIFICATE_BYTES {
        bail!("{} is larger than a certificate is", file.display());
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) if text.contains("-----BEGIN") => (text, true),
        Ok(text) => (STANDARD.encode(text), false),
        Err(error) => (STANDARD.encode(error.as_bytes()), false),
    })
}

/// How often it is looked whether the person has signed in.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Lets a person sign in: says where and with which code, and waits until they have.
pub(super) async fn sign_in(client: &Client, name: &str) -> anyhow::Result<()> {
    let path = format!("connectors/{name}/sign-in");
    let begun: ConnectorSignIn = client.post(&path, &json!({})).await?;
    say(&visible(begun.message.as_deref().unwrap_or("Sign in as the service says.")))?;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now: ConnectorSignIn = client.get(&path, &[]).await?;
        match now.state.as_str() {
            "waiting" => {}
            "done" => return say(&format!("signed in; {name} has what it needs")),
            _ => bail!(now.trouble.unwrap_or_else(|| "nobody signed in".to_owned())),
        }
    }
}
