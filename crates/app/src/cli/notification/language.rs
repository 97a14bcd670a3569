//! `gatepost notification language`.

use api::OwnLanguage;
use reqwest::Method;

use super::Exit;
use crate::{
    client::{Client, ServerArguments},
    output::say,
};

#[derive(Debug, clap::Args)]
pub(crate) struct LanguageArguments {
    /// en, de or zh-Hant, or none for that of each subscription; left out, the present one is shown
    language: Option<String>,
    #[command(flatten)]
    server: ServerArguments,
}

pub(super) async fn run(arguments: LanguageArguments) -> anyhow::Result<Exit> {
    let client = Client::connect(&arguments.server)?;
    let language = match arguments.language {
        Some(word) => {
            let language = Some(word).filter(|word| word != "none");
            let chosen = OwnLanguage { language };
            client.ask(Method::PUT, "me/language", &chosen).await?;
            chosen.language
        }
        None => client.get::<OwnLanguage>("me/language", &[]).await?.language,
    };
    say(&match language {
        Some(language) => format!("you are told in {language}"),
        None => "you are told in the language of each subscription".to_owned(),
    })?;
    Ok(Exit::Done)
}
