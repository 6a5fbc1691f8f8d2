//! The files for Prometheus and Grafana, and the guide, mention only existing metrics, routes and alerts.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use regex::Regex;
use serde_json::Value;

use super::text::Metrics;
use crate::support::TestApp;

const DASHBOARD: &str = "deploy/monitoring/grafana/dashboards/tableorder.json";
const ALERTS: &str = "deploy/monitoring/alerts.yml";
const ALERTS_TEST: &str = "deploy/monitoring/alerts_test.yml";
const GUIDE: &str = "docs/monitoring.md";

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// All captures of `pattern` in `text`.
fn all(pattern: &str, text: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).unwrap();
    pattern.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

fn metrics_in(text: &str) -> BTreeSet<String> {
    all(r"\b((?:tableorder|process)_[a-z_]+)", text)
}

fn alerts() -> BTreeSet<String> {
    all(r"- alert: (\w+)", &read(ALERTS))
}

/// A server with all metrics, which has served a request.
async fn server_with_backups() -> TestApp {
    let app = TestApp::start_with(|config| config.backup.directory = Some("/nowhere".into())).await;
    let is_healthy = async {
        // A busy machine may not answer the first health check in time.
        while app.anonymous().get("/health").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), is_healthy).await.expect("the server should become healthy");
    app
}

#[tokio::test]
async fn every_metric_in_the_rules_and_dashboard_is_served() {
    let app = server_with_backups().await;
    let served = Metrics::of(&app.anonymous()).await.names();
    for file in [ALERTS, ALERTS_TEST, DASHBOARD] {
        let used = metrics_in(&read(file));
        let unknown: Vec<_> = used.difference(&served).collect();
        assert!(used.len() > 10 && unknown.is_empty(), "{file}: {unknown:?}");
    }
}

#[tokio::test]
async fn the_guide_explains_every_metric_and_every_alert() {
    let app = server_with_backups().await;
    let families = Metrics::of(&app.anonymous()).await.families;
    let served: BTreeSet<_> = families
        .iter()
        .map(|(name, kind)| match kind.as_str() {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.clone(),
        })
        .collect();
    let guide = read(GUIDE);
    assert_eq!(all(r"(?m)^\| `([a-z_]+)`", &guide), served);
    assert_eq!(all(r"(?m)^### (Tableorder\w+)", &guide), alerts());
}

#[test]
fn every_route_and_outcome_in_a_query_exists() {
    let document = tableorder::openapi();
    for file in [ALERTS, ALERTS_TEST, DASHBOARD] {
        let text = read(file).replace("\\\"", "\"");
        for route in all(r#"route="([^"]+)""#, &text) {
            assert!(document.paths.paths.contains_key(&route), "{file}: {route}");
        }
        for outcome in all(r#"outcome=~?"([^"]+)""#, &text).iter().flat_map(|outcomes| outcomes.split('|')) {
            assert!(["succeeded", "failed", "locked_out"].contains(&outcome), "{file}: {outcome}");
        }
    }
}

#[test]
fn every_alert_has_a_test_and_a_description() {
    let tried = all(r"alertname: (\w+)", &read(ALERTS_TEST));
    assert_eq!(tried, alerts());
    let rules = read(ALERTS);
    for rule in rules.split("- alert: ").skip(1) {
        for needed in ["expr: ", "labels: {severity: ", "summary: ", "description: "] {
            assert!(rule.contains(needed), "{needed} in {rule}");
        }
    }
}

#[test]
fn the_panels_of_the_dashboard_do_not_overlap() {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()) && !panel["title"].as_str().unwrap().is_empty());
        let place = |side: &str| panel["gridPos"][side].as_u64().unwrap();
        for (x, y) in (place("x")..place("x") + place("w"))
            .flat_map(|x| (place("y")..place("y") + place("h")).map(move |y| (x, y)))
        {
            assert!(x < 24 && taken.insert((x, y)), "{} overlaps another panel", panel["title"]);
        }
        let targets = panel["targets"].as_array().map_or(&[][..], Vec::as_slice);
        assert!(panel["type"] == "row" || !targets.is_empty());
        assert!(targets.iter().all(|target| target["datasource"]["uid"] == "${datasource}"));
    }
}

/// Checks the files with promtool, if it is installed.
#[test]
fn promtool_accepts_the_files() {
    if Command::new("promtool").arg("--version").output().is_err() {
        return;
    }
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/monitoring");
    for arguments in
        [["check", "config", "prometheus.yml"], ["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]]
    {
        let output = Command::new("promtool").args(arguments).current_dir(&directory).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "promtool {arguments:?}: {text}");
    }
}
