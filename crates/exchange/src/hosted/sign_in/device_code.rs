//! Signing in as a person: they enter a code in a browser, and we ask until they have (RFC 8628).

use std::{fmt, time::Duration};

use serde::Deserialize;

use super::{
    SHELL, SignInError, cloud,
    token_service::{self, Form},
};
use crate::{ConnectError, Secret, hosted::HostedSettings};

/// Pause between two questions where the service names none (RFC 8628 section 3.5).
const USUAL_INTERVAL_SECONDS: u64 = 5;
/// Longest pause that is believed.
const MAX_INTERVAL_SECONDS: u64 = 60;
/// Longest life of a code that is believed.
const MAX_LIFE_SECONDS: u64 = 60 * 60;

/// A code that a person is to enter.
#[derive(Clone)]
pub struct DeviceCode {
    /// What to enter.
    pub user_code: String,
    /// Where to enter it.
    pub verification_uri: String,
    /// The same as a sentence for people.
    pub message: String,
    /// How long the code is good for.
    pub expires_in: Duration,
    /// How long to wait between two questions.
    pub interval: Duration,
    code: Secret,
}

/// What became of a code.
#[derive(Debug, Clone)]
pub enum DeviceCodeAnswer {
    /// Nobody has entered it yet; ask again after so long.
    Pending(Duration),
    /// The person has signed in; this is the refresh token to keep.
    Granted(Secret),
}

#[derive(Deserialize)]
struct Started {
    device_code: String,
    user_code: String,
    #[serde(alias = "verification_url")]
    verification_uri: String,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    expires_in: Option<u64>,
    #[serde(default)]
    interval: Option<u64>,
}

impl DeviceCode {
    /// Asks for a code.
    pub async fn start(settings: &HostedSettings) -> Result<Self, ConnectError> {
        let (scope, client) = (scope(settings), client(settings));
        let fields = vec![("client_id", client.as_str()), ("scope", scope.as_str())];
        let form = Form { name: "devicecode", fields };
        let body = token_service::post(settings, None, &form).await?.map_err(|refusal| {
            SignInError::Refused { code: refusal.error.clone(), text: refusal.error }
        })?;
        let started: Started = serde_json::from_slice(&body)
            .map_err(|_| SignInError::NotUnderstood("it holds no code".to_owned()))?;
        let (uri, code) = (&started.verification_uri, &started.user_code);
        let message = started
            .message
            .unwrap_or_else(|| format!("Open {uri} in a browser and enter the code {code}."));
        let seconds = |given: Option<u64>, usual: u64, most: u64| {
            Duration::from_secs(given.unwrap_or(usual).clamp(1, most))
        };
        Ok(Self {
            message,
            user_code: started.user_code,
            verification_uri: started.verification_uri,
            expires_in: seconds(started.expires_in, 15 * 60, MAX_LIFE_SECONDS),
            interval: seconds(started.interval, USUAL_INTERVAL_SECONDS, MAX_INTERVAL_SECONDS),
            code: Secret::new(started.device_code),
        })
    }

    /// Asks once whether the person has signed in. Whoever asks waits in between.
    pub async fn poll(
        &mut self,
        settings: &HostedSettings,
    ) -> Result<DeviceCodeAnswer, ConnectError> {
        let client = client(settings);
        let fields = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", client.as_str()),
            ("device_code", self.code.reveal()),
        ];
        let form = Form { name: "token", fields };
        match token_service::post(settings, None, &form).await? {
            Ok(body) => {
                let token = token_service::granted(&body)?.refresh_token.ok_or_else(|| {
                    SignInError::NotUnderstood("it holds no refresh token".to_owned())
                })?;
                Ok(DeviceCodeAnswer::Granted(Secret::new(token)))
            }
            Err(refusal) => {
                if refusal.error == "slow_down" {
                    let longer = self.interval + Duration::from_secs(USUAL_INTERVAL_SECONDS);
                    self.interval = longer.min(Duration::from_secs(MAX_INTERVAL_SECONDS));
                }
                Ok(DeviceCodeAnswer::Pending(self.interval))
            }
        }
    }
}

impl fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceCode")
            .field("verification_uri", &self.verification_uri)
            .finish_non_exhaustive()
    }
}

fn scope(settings: &HostedSettings) -> String {
    format!("{}/.default offline_access", cloud::resource(&settings.endpoint))
}

fn client(settings: &HostedSettings) -> String {
    settings.endpoint.application.unwrap_or(SHELL).to_string()
}
