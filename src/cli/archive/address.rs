//! The database's address, as PostgreSQL's own programs take it: in their environment, never on their command line,
//! which every user of the machine can see.

use std::ffi::OsString;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::{Url, form_urlencoded};

use crate::config::Secret;

/// The variables that name the database of `options`, which were made of `url`, if there was one. What neither says
/// (a password in a password file, say) the programs look for where we would.
pub(super) fn variables(options: &PgConnectOptions, url: Option<&Secret>) -> Vec<(&'static str, OsString)> {
    let host = options.get_socket().map_or_else(|| options.get_host().into(), |socket| socket.clone().into_os_string());
    let mut variables = vec![
        ("PGHOST", host),
        ("PGPORT", options.get_port().to_string().into()),
        ("PGUSER", options.get_username().into()),
        ("PGDATABASE", options.get_database().unwrap_or(options.get_username()).into()),
        ("PGSSLMODE", ssl_mode(options.get_ssl_mode()).into()),
        ("PGAPPNAME", "tableorder-backup".into()),
    ];
    variables.extend(options.get_options().map(|options| ("PGOPTIONS", options.into())));
    // What the options do not tell is read from the address itself.
    let url = match url {
        Some(url) => Url::parse(url.expose()).ok(),
        None => Some(options.to_url_lossy()),
    };
    if let Some(url) = url {
        // A form value but for `+`, which stands for itself here.
        let password = url.password().map(|password| format!("p={}", password.replace('+', "%2B")));
        let password = password.and_then(|form| Some(form_urlencoded::parse(form.as_bytes()).next()?.1.into_owned()));
        variables.extend(password.map(|password| ("PGPASSWORD", password.into())));
        for (name, value) in url.query_pairs() {
            let name = match &*name {
                "password" => "PGPASSWORD",
                "sslrootcert" | "ssl-root-cert" | "ssl-ca" => "PGSSLROOTCERT",
                "sslcert" | "ssl-cert" => "PGSSLCERT",
                "sslkey" | "ssl-key" => "PGSSLKEY",
                _ => continue,
            };
            variables.push((name, value.into_owned().into()));
        }
    }
    variables
}

fn ssl_mode(mode: PgSslMode) -> &'static str {
    match mode {
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require => "require",
        PgSslMode::VerifyCa => "verify-ca",
        PgSslMode::VerifyFull => "verify-full",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Vec<(&'static str, String)> {
        let variables = variables(&url.parse().unwrap(), Some(&Secret::new(url)));
        variables.into_iter().map(|(name, value)| (name, value.into_string().unwrap())).collect()
    }

    #[track_caller]
    fn assert_says(url: &str, expected: &[(&'static str, &str)]) {
        let said = of(url);
        for (name, value) in expected {
            // The last one counts.
            let found = said.iter().rev().find(|(said, _)| said == name).map(|(_, value)| value.as_str());
            assert_eq!(found, Some(*value), "{name} of {url}");
        }
    }

    #[test]
    fn an_address_is_told_part_by_part() {
        assert_says(
            "postgres://me:p%40ss%2Fw%2Brd@db.example:6543/orders?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            &[
                ("PGHOST", "db.example"),
                ("PGPORT", "6543"),
                ("PGUSER", "me"),
                ("PGPASSWORD", "p@ss/w+rd"),
                ("PGDATABASE", "orders"),
                ("PGSSLMODE", "verify-full"),
                ("PGSSLROOTCERT", "/etc/ca.pem"),
            ],
        );
        assert_says(
            "postgres://me@localhost/orders?host=%2Frun%2Fpg&password=other&options=-c%20work_mem%3D8MB",
            &[
                ("PGHOST", "/run/pg"),
                ("PGPASSWORD", "other"),
                ("PGOPTIONS", "-c work_mem=8MB"),
                ("PGSSLMODE", "prefer"),
            ],
        );
    }

    #[test]
    fn the_embedded_database_is_told_with_its_password() {
        let options = PgConnectOptions::new_without_pgpass()
            .socket("/var/lib/some place/socket")
            .username("tableorder")
            .password("0123abcd")
            .database("tableorder");
        let variables = variables(&options, None);
        for expected in [("PGHOST", "/var/lib/some place/socket"), ("PGPASSWORD", "0123abcd")] {
            assert!(variables.contains(&(expected.0, expected.1.into())), "{variables:?}");
        }
    }
}
