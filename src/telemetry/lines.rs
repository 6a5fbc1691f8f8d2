//! Lines written while a request is answered say whose they are: its id, route and store.

use std::fmt::{self, Write};

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::request::{self, Circumstances};
use crate::config::LogFormat;

/// What the line has whose that is anyway: the request's own.
const OWN_LINE: &str = "tableorder::request";

/// Writes lines as `inner` does, with the request's circumstances behind. (A span a request would do that too, at
/// several times the cost of the line.)
pub(super) struct WithRequest<F> {
    pub(super) inner: F,
    pub(super) format: LogFormat,
}

impl<S, N, F> FormatEvent<S, N> for WithRequest<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let circumstances = if event.metadata().target() == OWN_LINE { None } else { request::circumstances() };
        let Some(circumstances) = circumstances else { return self.inner.format_event(ctx, writer, event) };
        let mut line = String::new();
        self.inner.format_event(ctx, Writer::new(&mut line), event)?;
        append(&mut line, self.format, &circumstances)?;
        writer.write_str(&line)
    }
}

/// Puts the circumstances at the end of a line.
fn append(line: &mut String, format: LogFormat, circumstances: &Circumstances) -> fmt::Result {
    let Circumstances { request_id, route, store } = circumstances;
    line.truncate(line.trim_end().len());
    let store = store.map(|store| store.0);
    match format {
        LogFormat::Text => {
            write!(line, " request_id={request_id:?} route={route:?}")?;
            if let Some(store) = store {
                write!(line, " store={store}")?;
            }
        }
        LogFormat::Json => {
            let quoted = |text: &str| serde_json::Value::from(text).to_string();
            if line.ends_with('}') {
                line.pop();
            }
            write!(line, ",\"request_id\":{},\"route\":{}", quoted(request_id), quoted(route))?;
            if let Some(store) = store {
                write!(line, ",\"store\":{store}")?;
            }
            line.push('}');
        }
    }
    line.push('\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::models::StoreId;

    fn circumstances(store: Option<StoreId>) -> Circumstances {
        Circumstances { request_id: "a-1".to_owned(), route: "/api/v1/admin/menus/{menu_id}".to_owned(), store }
    }

    #[test]
    fn a_line_ends_with_whose_it_is() {
        let mut line = "2026-11-20 WARN slow ms=3\n".to_owned();
        append(&mut line, LogFormat::Text, &circumstances(Some(StoreId(7)))).unwrap();
        let route = "/api/v1/admin/menus/{menu_id}";
        assert_eq!(line, format!("2026-11-20 WARN slow ms=3 request_id=\"a-1\" route=\"{route}\" store=7\n"));

        let mut line = "{\"level\":\"WARN\"}\n".to_owned();
        append(&mut line, LogFormat::Json, &circumstances(None)).unwrap();
        let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(parsed, json!({"level": "WARN", "request_id": "a-1", "route": route}));
    }
}
