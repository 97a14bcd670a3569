//! Where log lines go: standard error for machines and people, and the component log with the
//! phrases that administrators of the old connectors search for.

use std::{
    fmt,
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::Mutex,
};

use anyhow::Context as _;
use tracing::{Event, Subscriber, field::Visit};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::filter_fn,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use crate::config::{LogConfig, LogFormat};

/// The target of lines for the component log.
pub(crate) const COMPONENT: &str = "component";

/// Starts logging for the life of the process.
pub(crate) fn start(config: &LogConfig, component_log: &Path) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.filter)
        .with_context(|| format!("understanding the log filter {:?}", config.filter))?;
    let stderr = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let stderr = match config.format {
        LogFormat::Text => stderr.with_ansi(false).boxed(),
        LogFormat::Json => stderr.json().flatten_event(true).boxed(),
    };
    let components = tracing_subscriber::fmt::layer()
        .event_format(ComponentLine)
        .with_writer(Mutex::new(append(component_log)?))
        .with_filter(filter_fn(|metadata| metadata.target() == COMPONENT));
    tracing_subscriber::registry()
        .with(stderr.with_filter(filter))
        .with(components)
        .try_init()
        .context("starting the log")
}

fn append(path: &Path) -> anyhow::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("opening {}", path.display()))
}

/// `2026-11-21T04:00:00.123456Z  SMS_EXCHANGE_CONNECTOR  Failed to open runspace for site Berlin`.
struct ComponentLine;

impl<S, N> FormatEvent<S, N> for ComponentLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line::default();
        event.record(&mut line);
        SystemTime.format_time(&mut writer)?;
        let component = if line.component.is_empty() { "gatepost" } else { &line.component };
        write!(writer, "  {component}  {}", crate::output::visible(&line.phrase))?;
        for (name, value) in &line.rest {
            write!(writer, "  {name}={}", crate::output::visible(value))?;
        }
        writeln!(writer)
    }
}

/// The parts of an event.
#[derive(Debug, Default)]
struct Line {
    component: String,
    phrase: String,
    rest: Vec<(&'static str, String)>,
}

impl Visit for Line {
    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        match field.name() {
            "component" => value.clone_into(&mut self.component),
            "message" => value.clone_into(&mut self.phrase),
            name => self.rest.push((name, value.to_owned())),
        }
    }

    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_line_has_time_component_and_phrase() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("component.log");
        let layer = tracing_subscriber::fmt::layer()
            .event_format(ComponentLine)
            .with_writer(Mutex::new(append(&path).unwrap()));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::info!(target: COMPONENT, component = "connector lab", "full sync\u{7} begins");
        });
        let text = std::fs::read_to_string(&path).unwrap();
        let (time, rest) = text.split_once("  ").unwrap();
        assert!(time.ends_with('Z'), "{text}");
        assert_eq!(rest, "connector lab  full sync\\u{7} begins\n");
    }
}
