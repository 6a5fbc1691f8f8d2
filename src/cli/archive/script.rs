//! The statements a backup is made of, as `pg_restore` writes them down.

use crate::cli::CliError;

/// One thing to make: a table, an index, a function.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// What it is: `INDEX orders_session_idx`.
    pub(super) name: String,
    /// The statements that make it.
    pub(super) sql: String,
}

/// What a line between the rows of tables is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DataLine<'a> {
    /// The rows that follow are of this table, copied by this statement.
    Copy { table: &'a str, statement: &'a str },
    /// A statement of its own.
    Statement(&'a str),
    /// Nothing to do.
    Nothing,
}

/// What begins the statement that says where a sequence goes on.
const SEQUENCE: &str = "SELECT pg_catalog.setval(";

/// The things of a script. What a script begins with, settings for the session, is left out: a newer program may set
/// what an older server does not know.
pub(super) fn entries(script: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in script.lines() {
        if let Some(name) = heading(line) {
            entries.push(Entry { name, sql: String::new() });
        } else if let Some(entry) = entries.last_mut().filter(|_| !is_for_psql(line)) {
            entry.sql.push_str(line);
            entry.sql.push('\n');
        }
    }
    entries
}

/// The name in `-- Name: stores; Type: TABLE; Schema: public; Owner: -`.
fn heading(line: &str) -> Option<String> {
    let (name, rest) = line.strip_prefix("-- Name: ")?.split_once("; Type: ")?;
    let (kind, _) = rest.split_once("; Schema: ")?;
    Some(format!("{kind} {name}"))
}

/// Newer programs fence a script for psql: `\restrict TOKEN` … `\unrestrict TOKEN`.
fn is_for_psql(line: &str) -> bool {
    line.starts_with("\\restrict ") || line.starts_with("\\unrestrict ")
}

/// A line of the data's script that is no row. `begun` says whether the settings at its beginning are over.
pub(super) fn data_line<'a>(line: &'a str, begun: &mut bool) -> Result<DataLine<'a>, CliError> {
    let line = line.trim_end();
    *begun |= line.starts_with("-- Data for Name: ") || line.starts_with("-- Name: ");
    if let Some(rest) = line.strip_prefix("COPY ").filter(|_| line.ends_with(" FROM stdin;")) {
        let table = rest.split(' ').next().unwrap_or_default();
        return Ok(DataLine::Copy {
            table: table.trim_start_matches("public."),
            statement: line.trim_end_matches(';'),
        });
    }
    if line.starts_with(SEQUENCE) && line.ends_with(';') {
        return Ok(DataLine::Statement(line));
    }
    if !*begun || line.is_empty() || line.starts_with("--") || is_for_psql(line) {
        return Ok(DataLine::Nothing);
    }
    // Better than to leave out what may matter.
    Err(format!("the backup has a line that is not understood: {line}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_taken_apart_into_what_it_makes_without_what_is_meant_for_a_session() {
        let script = "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\nSET transaction_timeout = 0;\n\n\
                      --\n-- Name: stores; Type: TABLE; Schema: public; Owner: -\n--\n\n\
                      CREATE TABLE public.stores (\n    id bigint\n);\n\n\
                      --\n-- Name: f(bigint); Type: FUNCTION; Schema: public; Owner: -\n--\n\n\
                      CREATE FUNCTION public.f() AS $$\n-- Name: not a heading\nSET x = 1;\n$$;\n\n\
                      --\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n";
        let entries = entries(script);
        let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["TABLE stores", "FUNCTION f(bigint)"]);
        assert!(entries[0].sql.contains("CREATE TABLE public.stores (\n    id bigint\n);"));
        assert!(entries[1].sql.contains("-- Name: not a heading\nSET x = 1;"));
        assert!(
            !entries.iter().any(|entry| entry.sql.contains("restrict") || entry.sql.contains("transaction_timeout"))
        );
    }

    #[test]
    fn what_is_not_understood_between_rows_is_told() {
        let mut begun = false;
        assert_eq!(data_line("SET transaction_timeout = 0;\n", &mut begun).unwrap(), DataLine::Nothing);
        assert_eq!(
            data_line("-- Data for Name: stores; Type: TABLE DATA; Schema: public; Owner: -", &mut begun).unwrap(),
            DataLine::Nothing
        );
        assert_eq!(
            data_line("COPY public.stores (id, code) FROM stdin;\n", &mut begun).unwrap(),
            DataLine::Copy { table: "stores", statement: "COPY public.stores (id, code) FROM stdin" }
        );
        let sequence = "SELECT pg_catalog.setval('public.orders_id_seq', 7, true);";
        assert_eq!(data_line(sequence, &mut begun).unwrap(), DataLine::Statement(sequence));
        assert!(data_line("DROP TABLE public.orders;\n", &mut begun).is_err());
    }
}
