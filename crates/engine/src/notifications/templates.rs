//! Commands on templates: words of one's own, what they look like, and back to the built-in ones.

use domain::{
    Caller, Permission,
    audit::{Entry, Event, TargetKind},
    notification::{Language, Template, Topic},
};

use super::{Rendered, telling, words};
use crate::{Engine, Error};

impl Engine {
    /// All templates; where there is none, the built-in words are used.
    pub async fn templates(&self, caller: &Caller) -> Result<Vec<Template>, Error> {
        Ok(self.store().templates(&caller.scope(Permission::ModifySecurity)?).await?)
    }

    /// What a message about a topic would look like: with a template that is only tried, else with
    /// the words as they are.
    pub async fn preview_message(
        &self,
        caller: &Caller,
        topic: Topic,
        language: Language,
        tried: Option<Template>,
    ) -> Result<Rendered, Error> {
        let templates = self.templates(caller).await?;
        if let Some(template) = &tried {
            template.validate().map_err(|error| Error::Invalid(error.to_string()))?;
        }
        let is_meant = |it: &Template| it.topic == topic && it.language == language;
        let template = tried.or_else(|| templates.into_iter().find(is_meant));
        let telling = telling::sample(topic, language, self.now());
        Ok(words::rendered(topic, &telling, language, template.as_ref(), "example"))
    }

    /// Says what is wrong with a template, if anything is. Keeps nothing.
    pub async fn validate_template(
        &self,
        caller: &Caller,
        template: &Template,
    ) -> Result<(), Error> {
        caller.scope(Permission::ModifySecurity)?;
        template.validate().map_err(|error| Error::Invalid(error.to_string()))
    }

    /// Has messages about a topic in a language say what a template says.
    pub async fn set_template(&self, caller: &Caller, template: &Template) -> Result<(), Error> {
        self.validate_template(caller, template).await?;
        let mut log = self.audit_log().await?;
        let entry = self.template_entry(caller, template.topic, template.language, "set");
        let rows = log.rows(&[entry]);
        self.store().set_template(template, &rows).await?;
        log.written();
        Ok(())
    }

    /// Goes back to the built-in words.
    pub async fn remove_template(
        &self,
        caller: &Caller,
        topic: Topic,
        language: Language,
    ) -> Result<(), Error> {
        let templates = self.templates(caller).await?;
        if !templates.iter().any(|it| it.topic == topic && it.language == language) {
            return Err(Error::NotFound(format!("the template {topic} in {language}")));
        }
        let mut log = self.audit_log().await?;
        let rows = log.rows(&[self.template_entry(caller, topic, language, "removed")]);
        self.store().remove_template(topic, language, &rows).await?;
        log.written();
        Ok(())
    }

    fn template_entry(
        &self,
        caller: &Caller,
        topic: Topic,
        language: Language,
        change: &str,
    ) -> Entry {
        let name = format!("{topic} {language}");
        Entry::of(caller, self.now(), Event::NotificationsChanged)
            .on(TargetKind::Channel, name.clone(), name)
            .with("change", format!("template {change}"))
    }
}
