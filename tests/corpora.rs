//! What the fuzz targets found worth keeping, replayed on every run, with some changes of each file: the short run
//! of `fuzz/`, without a nightly compiler. `CHANGES=100000 cargo test --features sim --test corpora` runs longer.
#![cfg(feature = "sim")]

use std::fs;
use std::path::Path;

use easypeers::proto::Random;
use easypeers::proto::fuzz::TARGETS;

#[test]
fn every_corpus_and_what_is_next_to_it_passes_through_its_decoder() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let changes = std::env::var("CHANGES").ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    let mut random = Random::new([1; 32]);
    for (name, target) in TARGETS {
        let files = fs::read_dir(corpora.join(name)).expect("each target has a corpus");
        let mut paths: Vec<_> = files.map(|file| file.expect("it can be listed").path()).collect();
        paths.sort();
        assert!(!paths.is_empty(), "{name} has an empty corpus");
        for path in paths {
            let bytes = fs::read(path).expect("it can be read");
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
