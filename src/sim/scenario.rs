//! An experiment: a world, steps, and what must come out. Written as TOML in `simulations/`.

use std::time::Duration;

use serde::Deserialize;

use super::tracker::Health;
use super::world::Params;

/// An experiment.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name in reports.
    pub name: String,
    /// What it is to show.
    #[serde(default)]
    pub about: String,
    /// How many peers join where a step does not say.
    pub peers: usize,
    /// It runs once with each.
    pub seeds: Vec<u64>,
    /// What the world is like.
    #[serde(default)]
    pub world: Params,
    /// What is done, in this order.
    pub steps: Vec<Step>,
    /// What must come out.
    #[serde(default)]
    pub expect: Vec<Expect>,
}

/// One thing done. Its `name` begins the names of its metrics.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// Peers join, at random moments.
    Join {
        /// How many; the scenario's number when left out.
        count: Option<usize>,
        /// Within how long.
        #[serde(with = "span")]
        within: Duration,
    },
    /// Waits until the ring is right, all are in one part and the slots are full; measured from the end of
    /// the last change, except after a join: from its beginning.
    Settle {
        /// The metrics' first word.
        name: String,
        /// When to give up.
        #[serde(with = "span")]
        limit: Duration,
    },
    /// Time passes.
    Wait {
        /// How much.
        #[serde(rename = "for", with = "span")]
        time: Duration,
    },
    /// Measures control traffic while time passes.
    Idle {
        /// The metrics' first word.
        name: String,
        /// How much.
        #[serde(rename = "for", with = "span")]
        time: Duration,
    },
    /// Compares what every peer takes for the size of the swarm with what it is.
    Estimate {
        /// The metrics' first word.
        name: String,
    },
    /// Every peer says something of itself from now on.
    Present {},
    /// Compares whom every peer takes to be present with who is.
    Presence {
        /// The metrics' first word.
        name: String,
    },
    /// Peers join one by one into the mesh; each is watched.
    Singles {
        /// The metrics' first word.
        name: String,
        /// How many.
        count: usize,
        /// How long each is watched.
        #[serde(with = "span")]
        watch: Duration,
    },
    /// Random sources broadcast, some rounds; in a round, one after the other.
    Broadcast {
        /// The metrics' first word.
        name: String,
        /// How many sources.
        sources: usize,
        /// How many messages of each.
        rounds: usize,
        /// Between two messages.
        #[serde(with = "span")]
        every: Duration,
        /// Bytes of payload.
        #[serde(default = "small")]
        size: usize,
        /// How long a round has after its last message.
        #[serde(default = "settle", with = "span")]
        settle: Duration,
    },
    /// Random peers broadcast one message each, now; `judge` tells what became of it.
    Send {
        /// How many peers.
        sources: usize,
    },
    /// Measures what became of the messages since the last measurement.
    Judge {
        /// The metrics' first word.
        name: String,
    },
    /// Random peers each send to another random peer.
    Direct {
        /// The metrics' first word.
        name: String,
        /// How many messages.
        count: usize,
        /// Between two messages.
        #[serde(with = "span")]
        every: Duration,
        /// Bytes of payload.
        #[serde(default = "small")]
        size: usize,
        /// How long after the last message.
        #[serde(default = "long_settle", with = "span")]
        settle: Duration,
        /// Whether they are requests: each recipient answers.
        #[serde(default)]
        answered: bool,
    },
    /// Peers die, or leave, and others come, while some broadcast and some send directly.
    Churn {
        /// The metrics' first word.
        name: String,
        /// Share of the peers that go, per minute; 0: all stay.
        rate: f64,
        /// For how long.
        #[serde(rename = "for", with = "span")]
        time: Duration,
        /// Share of those that say goodbye.
        #[serde(default)]
        graceful: f64,
        /// Whether a new peer comes for each that goes.
        #[serde(default = "yes")]
        replace: bool,
        /// Between two broadcasts.
        #[serde(with = "span")]
        broadcast_every: Duration,
        /// Between two direct messages.
        #[serde(with = "span")]
        direct_every: Duration,
        /// Whether the direct messages are requests: each recipient answers.
        #[serde(default)]
        answered: bool,
        /// How many peers take turns at broadcasting.
        #[serde(default = "five")]
        sources: usize,
    },
    /// A share of the peers dies at once, without a word.
    Kill {
        /// The share.
        share: f64,
    },
    /// A share of the peers says goodbye at once.
    Leave {
        /// The share.
        share: f64,
    },
    /// A share of the peers forwards nothing from now on, and does everything else.
    Silence {
        /// The share.
        share: f64,
    },
    /// All peers change their settings.
    Set {
        /// Their `max_peers`.
        max_peers: Option<usize>,
        /// Their `coverage`.
        coverage: Option<f64>,
    },
    /// The trackers change.
    Trackers {
        /// How they do from now on.
        state: Health,
    },
    /// The network falls into parts.
    Partition {
        /// How many.
        parts: u32,
    },
    /// The network is whole again.
    Merge {},
}

/// What one metric must be, in every run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Its name.
    pub metric: String,
    /// The least.
    pub min: Option<f64>,
    /// The most.
    pub max: Option<f64>,
    /// Only when so many peers are asked for; otherwise with any number.
    pub peers: Option<usize>,
}

fn small() -> usize {
    100
}

fn five() -> usize {
    5
}

fn yes() -> bool {
    true
}

fn settle() -> Duration {
    Duration::from_secs(3)
}

fn long_settle() -> Duration {
    Duration::from_secs(15)
}

impl Scenario {
    /// Reads a scenario; the error says where and why.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

/// Durations as people write them: `40ms`, `1.5s`, `2min`.
pub mod span {
    use std::time::Duration;

    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer};

    /// Reads a duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(from)?;
        parse(&text)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is no duration such as 40ms, 1.5s or 2min")))
    }

    /// Reads a duration.
    pub fn parse(text: &str) -> Option<Duration> {
        let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic())?);
        let scale = match unit {
            "ms" => 1e-3,
            "s" => 1.0,
            "min" => 60.0,
            _ => return None,
        };
        Duration::try_from_secs_f64(number.trim().parse::<f64>().ok()? * scale).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(span::parse("40ms"), Some(Duration::from_millis(40)));
        assert_eq!(span::parse("1.5s"), Some(Duration::from_millis(1500)));
        assert_eq!(span::parse("2min"), Some(Duration::from_secs(120)));
        for bad in ["", "5", "s", "-1s", "1h", "nans"] {
            assert_eq!(span::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_committed_scenario_can_be_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/simulations");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let text = std::fs::read_to_string(&path).unwrap();
                let scenario =
                    Scenario::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                assert_eq!(Some(scenario.name.as_str()), path.file_stem().and_then(|stem| stem.to_str()));
                count += 1;
            }
        }
        assert!(count > 0);
    }

    #[test]
    fn an_unknown_word_is_an_error() {
        let text = "name = 'x'\npeers = 3\nseeds = [1]\n[[steps]]\ndo = 'wait'\nfor = '1s'\nfore = '2s'\n";
        assert!(Scenario::parse(text).is_err());
    }
}
