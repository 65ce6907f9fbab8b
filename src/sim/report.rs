//! Numbers to read and to compare: a table for people, JSON for machines, the difference to a baseline.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::scenario::Expect;

/// A relative difference to the baseline that is more than noise (docs/mesh.md, Where the numbers come from).
const NOISE: f64 = 0.05;

/// Metrics by name; one that could not be measured (a ring that was never right) is absent.
pub type Metrics = BTreeMap<String, f64>;

/// One run of a scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its seed.
    pub seed: u64,
    /// Two runs were alike if and only if this is the same.
    pub trace: String,
    /// What was measured.
    pub metrics: Metrics,
    /// What should never have happened.
    pub violations: Vec<String>,
    /// What explains the metrics.
    pub notes: Vec<String>,
}

/// All runs of a scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The scenario.
    pub scenario: String,
    /// How many peers were asked for.
    pub peers: usize,
    /// What stood in for proofs, and other things a reader must know.
    pub remarks: Vec<String>,
    /// The runs, one for each seed.
    pub runs: Vec<Run>,
}

/// Mean metrics of earlier reports, by scenario and number of peers.
pub type Baseline = BTreeMap<String, Metrics>;

impl Report {
    /// The report's place in a baseline.
    pub fn key(&self) -> String {
        format!("{}/{}", self.scenario, self.peers)
    }

    /// Each metric's mean over the runs that measured it.
    pub fn means(&self) -> Metrics {
        let mut means = Metrics::new();
        for name in self.names() {
            let values: Vec<f64> =
                self.runs.iter().filter_map(|run| run.metrics.get(&name).copied()).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            // Four digits are more than seeds agree on, and keep the committed file quiet.
            means.insert(name, format!("{mean:.3e}").parse().unwrap_or(mean));
        }
        means
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.runs.iter().flat_map(|run| run.metrics.keys().cloned()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// What is wrong: violations, and expectations not met by some run.
    pub fn failures(&self, expectations: &[Expect]) -> Vec<String> {
        let mut failures = Vec::new();
        for run in &self.runs {
            failures.extend(run.violations.iter().cloned());
            for expect in expectations.iter().filter(|expect| expect.peers.is_none_or(|n| n == self.peers)) {
                let Expect { metric, min, max, .. } = expect;
                let seed = run.seed;
                match run.metrics.get(metric) {
                    None => failures.push(format!("seed {seed}: {metric} was not reached")),
                    Some(value) if min.is_some_and(|min| *value < min) => {
                        failures.push(format!(
                            "seed {seed}: {metric} is {value:.4}, below {:.4}",
                            min.unwrap_or(0.0)
                        ));
                    }
                    Some(value) if max.is_some_and(|max| *value > max) => {
                        failures.push(format!(
                            "seed {seed}: {metric} is {value:.4}, above {:.4}",
                            max.unwrap_or(0.0)
                        ));
                    }
                    Some(_) => {}
                }
            }
        }
        failures
    }

    /// A table: each metric's mean, least and most over the seeds, and its change against a baseline.
    pub fn table(&self, baseline: Option<&Baseline>) -> String {
        let before = baseline.and_then(|baseline| baseline.get(&self.key()));
        let means = self.means();
        let mut text = format!("\n## {} ({} peers, {} seeds)\n", self.scenario, self.peers, self.runs.len());
        for remark in &self.remarks {
            let _ = writeln!(text, "{remark}");
        }
        let _ = writeln!(text, "\n| metric | mean | min | max | baseline |\n|---|---|---|---|---|");
        for (name, mean) in &means {
            let values = || self.runs.iter().filter_map(|run| run.metrics.get(name).copied());
            let (least, most) = (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max));
            let change = before.map_or_else(String::new, |before| difference(before.get(name), *mean));
            let missing = self.runs.len() - values().count();
            let note = if missing > 0 { format!(" ({missing} never)") } else { String::new() };
            let _ = writeln!(
                text,
                "| {name} | {}{note} | {} | {} | {change} |",
                number(*mean),
                number(least),
                number(most)
            );
        }
        for run in &self.runs {
            run.notes.iter().for_each(|note| {
                let _ = writeln!(text, "seed {}: {note}", run.seed);
            });
        }
        for name in before.into_iter().flat_map(BTreeMap::keys).filter(|name| !means.contains_key(*name)) {
            let _ = writeln!(text, "| {name} | never | | | was measured |");
        }
        text
    }
}

fn difference(before: Option<&f64>, now: f64) -> String {
    match before {
        None => "new".to_owned(),
        Some(before) if (now - before).abs() <= NOISE * before.abs() => "=".to_owned(),
        Some(before) if *before == 0.0 => format!("was {}", number(*before)),
        Some(before) => format!("{:+.0} % from {}", 100.0 * (now - before) / before.abs(), number(*before)),
    }
}

fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.4}"),
    }
}

/// The value below which a share of the values lies; the values are sorted on the way. `None` of nothing.
pub fn percentile(values: &mut [f64], share: f64) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some(values[(share * last as f64).round() as usize])
}

/// The mean; `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let run = |seed, ring| Run {
            seed,
            trace: String::new(),
            metrics: Metrics::from([("ring".to_owned(), ring)]),
            violations: Vec::new(),
            notes: Vec::new(),
        };
        Report { scenario: "s".into(), peers: 50, remarks: Vec::new(), runs: vec![run(1, 2.0), run(2, 4.0)] }
    }

    fn expect(metric: &str, max: f64, peers: Option<usize>) -> Expect {
        Expect { metric: metric.into(), min: None, max: Some(max), peers }
    }

    #[test]
    fn every_run_must_meet_an_expectation_meant_for_its_size() {
        assert_eq!(report().failures(&[expect("ring", 4.0, None)]), Vec::<String>::new());
        assert_eq!(report().failures(&[expect("ring", 3.0, Some(50))]).len(), 1);
        assert_eq!(report().failures(&[expect("ring", 3.0, Some(1000))]).len(), 0);
    }

    #[test]
    fn a_metric_that_was_never_reached_fails_its_expectation() {
        assert_eq!(report().failures(&[expect("other", 3.0, None)]).len(), 2);
    }

    #[test]
    fn the_table_shows_the_change_against_the_baseline() {
        let baseline = Baseline::from([("s/50".to_owned(), Metrics::from([("ring".to_owned(), 2.0)]))]);
        assert!(report().table(Some(&baseline)).contains("+50 % from 2.0000"));
    }

    #[test]
    fn percentiles_of_few_values() {
        assert_eq!(percentile(&mut [], 0.5), None);
        assert_eq!(percentile(&mut [3.0, 1.0, 2.0], 0.5), Some(2.0));
        assert_eq!(percentile(&mut [3.0, 1.0, 2.0], 1.0), Some(3.0));
    }
}
