//! `loadtest peak`.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::program::{Directory, fails, loadtest, succeeds};

/// The server's binary of the same profile. Cargo builds no binaries of other packages for a test.
fn server() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let program = own.ancestors().nth(2).unwrap().join("tableorder");
    assert!(program.is_file(), "run `cargo build` first: there is no {}", program.display());
    program
}

#[test]
fn a_small_peak_reaches_its_rates_and_misses_nothing() {
    let (directory, program) = (Directory::new("peak"), server());
    let arguments = format!(
        "peak --stores 4 --streams 48 --orders 10 --menu-reads 20 --seconds 5 --instances 2 --json peak.json \
         --program {}",
        program.display()
    );
    succeeds(loadtest(&directory.0, "", &arguments));
    let report: Value = serde_json::from_slice(&fs::read(directory.0.join("peak.json")).unwrap()).unwrap();
    for (kind, asked) in [("orders", 10.0), ("menu_reads", 20.0)] {
        let reached = report[kind]["reached_per_second"].as_f64().unwrap();
        assert!(reached > asked * 0.95, "{kind}: {reached}/s\n{report:#}");
        assert!(report[kind]["latency_ms"]["p50"].as_f64().unwrap() > 0.0);
    }
    let delivery = &report["delivery"];
    // 50 orders, each for two dashboards and the tablet of its table.
    assert_eq!((&delivery["expected"], &delivery["received"]), (&150.into(), &150.into()), "{report:#}");
    for count in ["refused", "closed", "missed", "duplicate", "foreign"] {
        assert_eq!(delivery[count], 0, "{count}");
    }
    assert!(report["cpu_percent"]["servers"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_missing_server_is_reported() {
    let directory = Directory::new("peak-missing");
    assert!(fails(loadtest(&directory.0, "", "peak --program nowhere")).contains("no file"));
}
