//! Reads the text of `/metrics`.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::ApiClient;

/// The metrics at one moment: each series as written, with its value.
pub struct Metrics {
    series: BTreeMap<String, f64>,
    /// Each family with its type.
    pub families: BTreeMap<String, String>,
    pub text: String,
}

impl Metrics {
    /// Reads the metrics.
    pub async fn of(client: &ApiClient) -> Self {
        let answer = client.get("/metrics").await;
        assert_eq!(answer.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
        assert_eq!(answer.headers["cache-control"], "no-store");
        let text = answer.ok().as_str().unwrap().to_owned();
        assert!(text.ends_with("# EOF\n"));
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let series = samples.map(|line| line.rsplit_once(' ').unwrap());
        let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        Self {
            series: series.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect(),
            families: families.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect(),
            text,
        }
    }

    /// The value of a series, named as in the text.
    #[track_caller]
    pub fn value(&self, series: &str) -> f64 {
        *self.series.get(series).unwrap_or_else(|| panic!("no {series} in\n{}", self.text))
    }

    /// The number of requests with this method, route and status.
    pub fn requests(&self, method: &str, route: &str, status: u16) -> f64 {
        let labels = format!("{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}");
        let series = format!("tableorder_http_request_duration_seconds_count{labels}");
        self.series.get(&series).copied().unwrap_or_default()
    }

    /// Every label with all its values.
    pub fn labels(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut labels: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for series in self.series.keys() {
            let Some((_, pairs)) = series.split_once('{') else { continue };
            for pair in pairs.trim_end_matches("\"}").split("\",") {
                let (label, value) = pair.split_once("=\"").unwrap();
                labels.entry(label.to_owned()).or_default().insert(value.to_owned());
            }
        }
        labels
    }

    /// The metric names that queries may use.
    pub fn names(&self) -> BTreeSet<String> {
        let names = self.families.iter().flat_map(|(name, kind)| {
            let suffixes: &[&str] = match kind.as_str() {
                "counter" => &["_total"],
                "histogram" => &["_bucket", "_sum", "_count"],
                "info" => &["_info"],
                _ => &[""],
            };
            suffixes.iter().map(move |suffix| format!("{name}{suffix}"))
        });
        names.collect()
    }
}
