//! Logs and traces.

use std::path::PathBuf;

use tracing_subscriber::EnvFilter;

use super::reader::Reader;
use super::secret::Secret;

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object on each line.
    Json,
}

/// The logs' settings.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// The filter of log lines, in the syntax of tracing's `EnvFilter`: `info`, `tableorder=debug,info` …
    pub level: String,
    /// The file, rotated daily; `None` logs to the console only.
    pub file: Option<PathBuf>,
    /// The format of the lines.
    pub format: LogFormat,
}

impl LogConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let level = reader.get("LOG_LEVEL").unwrap_or_else(|| "info".to_owned());
        if EnvFilter::builder().parse(&level).is_err() {
            reader.mistake(
                "LOG_LEVEL",
                level.clone(),
                "must be error, warn, info, debug, trace or a filter like tableorder=debug,info",
            );
        }
        let file = reader.get("LOG_FILE").unwrap_or_else(|| "logs/app.log".to_owned());
        let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
        Self {
            level,
            file: (file != "off").then(|| file.into()),
            format: reader.choice("LOG_FORMAT", LogFormat::Text, &formats),
        }
    }
}

/// The address of the collector that receives a span for each request.
pub(super) fn read_traces(reader: &mut Reader<'_>) -> Option<Secret> {
    let endpoint = reader.get("OTEL_EXPORTER_OTLP_ENDPOINT")?;
    let host = endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://"));
    let is_address = |host: &str| !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic());
    if !host.is_some_and(is_address) {
        // The address may contain a password.
        reader.mistake("OTEL_EXPORTER_OTLP_ENDPOINT", "(hidden)", "must look like http://collector:4318");
    }
    Some(Secret::new(endpoint))
}
