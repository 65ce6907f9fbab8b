//! What the fuzz targets found worth keeping, replayed on every run, with some changes of each file: the short run
//! of `fuzz/`, without a nightly compiler. `CHANGES=100000 cargo test --features sim --test corpora` runs longer.
#![cfg(feature = "sim")]

use std::fs;
use std::path::Path;

use easypeers::proto::Random;
use easypeers::proto::fuzz::{TARGETS, peer_reaches};

/// Targets that take a thousand times longer: a whole peer with its links, and true proofs. Fewer changes for them.
const SLOW: [&str; 2] = ["admission", "peer"];

#[test]
fn every_corpus_and_what_is_next_to_it_passes_through_its_decoder() {
    let changes = std::env::var("CHANGES").ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    let mut random = Random::new([1; 32]);
    for (name, target) in TARGETS {
        let changes = if SLOW.contains(&name) { changes / 100 } else { changes };
        for bytes in corpus(name) {
            target(&bytes);
            let mut changed = bytes.clone();
            for change in 0..changes {
                if change % 20 == 0 {
                    changed.clone_from(&bytes);
                }
                alter(&mut changed, &mut random);
                target(&changed);
            }
        }
    }
}

/// The corpus would be worth little if it met a peer without links.
#[test]
fn the_corpus_of_a_peer_reaches_what_its_links_carry() {
    let mut sums = [0; 6];
    for bytes in corpus("peer") {
        let (received, acknowledged, stats) = peer_reaches(&bytes);
        let reached = [
            stats.links,
            received,
            acknowledged,
            stats.forwarded,
            stats.duplicates,
            stats.dropped.len() as u64,
        ];
        sums.iter_mut().zip(reached).for_each(|(sum, reached)| *sum += reached);
    }
    println!("links, received, acknowledged, passed on, duplicates, causes of drops: {sums:?}");
    let files = corpus("peer").len() as u64;
    assert!(sums[0] > 3 * files, "links beyond the three of the set-up");
    assert!(sums.iter().all(|sum| *sum > 0), "{sums:?}");
}

/// The files of a target's corpus, in the order of their names.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let files = fs::read_dir(folder).expect("each target has a corpus");
    let mut paths: Vec<_> = files.map(|file| file.expect("it can be listed").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{name} has an empty corpus");
    paths.into_iter().map(|path| fs::read(path).expect("it can be read")).collect()
}

/// A byte set, a bit flipped, a piece doubled or a piece cut out.
fn alter(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let end = (at + random.below(40)).min(bytes.len());
    match random.below(4) {
        0 if at < bytes.len() => bytes[at] = random.below(256) as u8,
        1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        2 if bytes.len() < 1 << 14 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
        _ => drop(bytes.drain(at..end)),
    }
}
