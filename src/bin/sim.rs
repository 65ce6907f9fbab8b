//! Runs scenarios, prints their numbers, compares them with a baseline.
//!
//! ```text
//! cargo run --profile sim --features sim --bin sim -- run simulations/flash-crowd.toml --peers 1000
//! ```

use std::fs;
use std::process::ExitCode;

use easypeers::sim::report::{Baseline, Report};
use easypeers::sim::run::run;
use easypeers::sim::scenario::Scenario;
use easypeers::sim::world::Proofs;

/// Peers allocate much, in several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "\
sim run FILE...            runs scenarios, prints their numbers, fails on what should not be
    --peers N              with so many peers (and only the expectations meant for any number, or for N)
    --seed S               with this seed only
    --report FILE          writes all runs as JSON
    --baseline FILE        compares with the means in FILE (simulations/baseline.json if it is there)
    --save-baseline FILE   writes the means into FILE, beside those of other scenarios
    --trace N              prints every input and output of the Nth peer";

/// What the command line asks for.
#[derive(Default)]
struct Options {
    files: Vec<String>,
    peers: Option<usize>,
    seed: Option<u64>,
    report: Option<String>,
    baseline: Option<String>,
    save_baseline: Option<String>,
    trace: Option<u32>,
}

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)).and_then(|options| execute(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    if args.next().as_deref() != Some("run") {
        return Err(USAGE.into());
    }
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value\n{USAGE}"));
        fn read<T: std::str::FromStr>(text: String) -> Result<Option<T>, String> {
            text.parse().map(Some).map_err(|_| format!("{text:?} is not a number"))
        }
        match arg.as_str() {
            "--peers" => options.peers = read(value()?)?,
            "--seed" => options.seed = read(value()?)?,
            "--trace" => options.trace = read(value()?)?,
            "--report" => options.report = Some(value()?),
            "--baseline" => options.baseline = Some(value()?),
            "--save-baseline" => options.save_baseline = Some(value()?),
            option if option.starts_with("--") => return Err(format!("no option {option}\n{USAGE}")),
            _ => options.files.push(arg),
        }
    }
    if options.files.is_empty() { Err(USAGE.into()) } else { Ok(options) }
}

fn execute(options: &Options) -> Result<bool, String> {
    let baseline = match &options.baseline {
        Some(path) => Some(read_baseline(path)?),
        None => read_baseline("simulations/baseline.json").ok(),
    };
    let (mut reports, mut good) = (Vec::new(), true);
    for file in &options.files {
        let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let scenario = Scenario::parse(&text).map_err(|error| format!("{file}: {error}"))?;
        let report = execute_one(&scenario, options);
        println!("{}", report.table(baseline.as_ref()));
        for failure in report.failures(&scenario.expect) {
            good = false;
            println!("FAILED {}: {failure}", scenario.name);
        }
        reports.push(report);
    }
    if let Some(path) = &options.report {
        write_json(path, &reports)?;
    }
    if let Some(path) = &options.save_baseline {
        let mut all = read_baseline(path).unwrap_or_default();
        all.extend(reports.iter().map(|report| (report.key(), report.means())));
        write_json(path, &all)?;
    }
    Ok(good)
}

fn execute_one(scenario: &Scenario, options: &Options) -> Report {
    let peers = options.peers.unwrap_or(scenario.peers);
    let seeds = options.seed.map_or_else(|| scenario.seeds.clone(), |seed| vec![seed]);
    let mut remarks = vec![match scenario.world.proofs {
        Proofs::StandIn => {
            "Proofs are stand-ins of the same size: nothing here measures cryptography.".to_owned()
        }
        Proofs::Real => "Proofs are real.".to_owned(),
    }];
    let runs = seeds
        .iter()
        .map(|&seed| {
            let (clock, before) = (Stopwatch::start(), resident_kb());
            let run = run(scenario, peers, seed, options.trace);
            let grown = resident_peak_kb().saturating_sub(before);
            eprintln!("{} with {peers} peers, seed {seed}: {:.1} s", scenario.name, clock.seconds());
            // One process, one allocator: only the first run starts from nothing.
            if remarks.len() == 1 {
                let each = grown as f64 / peers as f64;
                remarks
                    .push(format!("Resident memory at its peak, simulator included: {each:.0} kB a peer."));
            }
            run
        })
        .collect();
    Report { scenario: scenario.name.clone(), peers, remarks, runs }
}

fn read_baseline(path: &str) -> Result<Baseline, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))
}

fn write_json(path: &str, value: &impl serde::Serialize) -> Result<(), String> {
    let text = serde_json::to_string_pretty(value).map_err(|error| error.to_string())?;
    fs::write(path, text + "\n").map_err(|error| format!("{path}: {error}"))
}

/// The wall clock: how long people wait, never part of a run.
#[allow(clippy::disallowed_types)]
struct Stopwatch(std::time::Instant);

impl Stopwatch {
    #[allow(clippy::disallowed_methods, clippy::disallowed_types)]
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

fn resident_kb() -> usize {
    status_kb("VmRSS:")
}

fn resident_peak_kb() -> usize {
    status_kb("VmHWM:")
}

/// A line of this process's status; zero where there is no such file.
fn status_kb(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
