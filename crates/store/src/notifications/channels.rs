//! Channels, their sealed secrets, and templates.

use domain::notification::{Channel, Language, Name, Template, Topic};
use domain::{ChannelId, Scope};

use super::document;
use crate::value::{Columns, Value};
use crate::{Error, Store, audit::AuditRow, sql};

impl Store {
    /// Keeps a new channel, with its secret as sealed by the engine. `Conflict` if the name is taken.
    pub async fn add_channel(
        &self,
        channel: &Channel,
        sealed: &[u8],
        audit: &[AuditRow],
    ) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        let values = vec![
            Value::id(channel.id),
            Value::text(channel.name.as_str()),
            Value::text(&document::of_channel(&channel.kind).to_string()),
            Value::Bytes(sealed.to_owned()),
            Value::optional_text(channel.trouble.as_deref()),
            Value::Flag(channel.is_enabled),
            Value::time(channel.created),
        ];
        steps.push((sql::ADD_CHANNEL, values));
        self.database.write(steps).await.map(drop)
    }

    /// Writes a channel that is there, all but its name.
    pub async fn change_channel(
        &self,
        channel: &Channel,
        sealed: &[u8],
        audit: &[AuditRow],
    ) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        let values = vec![
            Value::id(channel.id),
            Value::text(&document::of_channel(&channel.kind).to_string()),
            Value::Bytes(sealed.to_owned()),
            Value::optional_text(channel.trouble.as_deref()),
            Value::Flag(channel.is_enabled),
        ];
        steps.push((sql::CHANGE_CHANNEL, values));
        self.database.write(steps).await.map(drop)
    }

    /// Switches a channel off, and says why.
    pub async fn disable_channel(
        &self,
        id: ChannelId,
        why: &str,
        audit: &[AuditRow],
    ) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        let values = vec![Value::id(id), Value::Flag(false), Value::text(why)];
        steps.push((sql::DISABLE_CHANNEL, values));
        self.database.write(steps).await.map(drop)
    }

    /// Removes a channel. `Conflict` while a subscription uses it.
    pub async fn remove_channel(&self, id: ChannelId, audit: &[AuditRow]) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        steps.push((sql::REMOVE_CHANNEL, vec![Value::id(id)]));
        self.database.write(steps).await.map(drop)
    }

    /// All channels, by name.
    pub async fn channels(&self, _: &Scope) -> Result<Vec<Channel>, Error> {
        self.database.query(sql::CHANNELS, vec![], channel).await
    }

    /// The sealed secrets of a channel.
    pub async fn channel_secret(&self, id: ChannelId) -> Result<Vec<u8>, Error> {
        let decode = |row: &mut Columns<'_>| row.table("channel").bytes("sealed");
        let found = self.database.query_one(sql::CHANNEL_SECRET, vec![Value::id(id)], decode);
        found.await?.ok_or(Error::NotFound("the channel"))
    }

    /// Words of one's own, in place of those there were.
    pub async fn set_template(&self, template: &Template, audit: &[AuditRow]) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        let values = vec![
            Value::text(template.topic.word()),
            Value::text(template.language.word()),
            Value::text(&template.subject),
            Value::text(&template.body),
        ];
        steps.push((sql::SET_TEMPLATE, values));
        self.database.write(steps).await.map(drop)
    }

    /// Goes back to the built-in words.
    pub async fn remove_template(
        &self,
        topic: Topic,
        language: Language,
        audit: &[AuditRow],
    ) -> Result<(), Error> {
        let mut steps = AuditRow::steps(audit);
        let values = vec![Value::text(topic.word()), Value::text(language.word())];
        steps.push((sql::REMOVE_TEMPLATE, values));
        self.database.write(steps).await.map(drop)
    }

    /// All words of one's own.
    pub async fn templates(&self, _: &Scope) -> Result<Vec<Template>, Error> {
        let decode = |row: &mut Columns<'_>| {
            row.table("notification_template");
            Ok(Template {
                topic: row.word("topic", Topic::from_word)?,
                language: row.word("language", Language::from_word)?,
                subject: row.text("subject")?,
                body: row.text("body")?,
            })
        };
        self.database.query(sql::TEMPLATES, vec![], decode).await
    }
}

fn channel(row: &mut Columns<'_>) -> Result<Channel, Error> {
    row.table("channel");
    Ok(Channel {
        id: ChannelId(row.uuid("id")?),
        name: Name::parse(&row.text("name")?).map_err(|_| row.corrupt("name"))?,
        kind: document::channel(&row.json("settings")?).ok_or_else(|| row.corrupt("settings"))?,
        trouble: row.optional_text("trouble")?,
        is_enabled: row.flag("enabled")?,
        created: row.time("created")?,
    })
}
