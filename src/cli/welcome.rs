//! The text printed when the server is ready.

use std::net::SocketAddr;

use crate::config::{AppEnv, Config, LogFormat};
use crate::models::SetupCode;
use crate::services::lan_hosts;

/// Whether the text is printed. With JSON logs a program reads the output, and could not parse it.
pub(super) fn is_printed(config: &Config) -> bool {
    config.log.format != LogFormat::Json
}

/// Prints where things are, where the first store is set up and, where the demo restaurant is served, what to try.
#[expect(clippy::print_stdout, reason = "this is for the person at the terminal")]
pub(super) fn print(port: u16, config: &Config, has_demo: bool, setup_code: Option<&SetupCode>) {
    if !is_printed(config) {
        return;
    }
    let base = format!("http://localhost:{port}");
    println!(
        "\n  tableorder is serving on {base}\n\n    \
           Guests order        {base}/order\n    \
           Staff               {base}/staff\n    \
           Office              {base}/office   (menu, tables, users)\n    \
           API documentation   {base}/docs   (also {base}/redoc)\n    \
           Health              {base}/health\n"
    );
    if let Some(code) = setup_code {
        println!("  Set up your own store, within 30 minutes:\n\n    {base}/setup#{code}");
        for host in lan_hosts(config.http.host) {
            println!("    http://{}/setup#{code}", SocketAddr::new(host, port));
        }
        println!();
    }
    if config.env == AppEnv::Local && has_demo {
        println!(
            "  The demo restaurant:\n    \
               tablets  {base}/order?store=demo-store&table=3   tables 1-5   password 1234\n    \
               staff    store demo-store   user admin   password admin1234\n\n  \
             Order on a tablet's page and see it on the staff's. Or with curl: watch orders arrive in one terminal:\n\n    \
               ADMIN=$(curl -s {base}/api/v1/admin/auth/login -H 'Content-Type: application/json' -d '{{\"store_id\":\"demo-store\",\"username\":\"admin\",\"password\":\"admin1234\"}}' | sed 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/'); curl -N {base}/api/v1/admin/orders/stream -H \"Authorization: Bearer $ADMIN\"\n\n  \
             and place one from another:\n\n    \
               TABLE=$(curl -s {base}/api/v1/customer/auth/login -H 'Content-Type: application/json' -d '{{\"store_id\":\"demo-store\",\"table_number\":3,\"password\":\"1234\"}}' | sed 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/')\n    \
               curl {base}/api/v1/customer/orders -H \"Authorization: Bearer $TABLE\" -H 'Content-Type: application/json' -d '{{\"items\":[{{\"menu_id\":1,\"quantity\":2}},{{\"menu_id\":9,\"quantity\":1}}],\"note\":\"덜 맵게 해 주세요\"}}'\n"
        );
    }
    if config.database.url.is_none() {
        println!("  Ctrl-C stops it; the data stays in {}.", config.data_dir.display());
    }
    if let Some(directory) = &config.backup.directory {
        println!("  A backup is made every night at {}, in {}.", config.backup.at.format("%H:%M"), directory.display());
    }
}
