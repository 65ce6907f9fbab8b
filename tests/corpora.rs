//! What the fuzz targets found worth keeping, replayed on every run: the short run of `fuzz/`, without a nightly
//! compiler.
#![cfg(feature = "sim")]

use std::fs;
use std::path::Path;

use easypeers::proto::fuzz::TARGETS;

#[test]
fn every_corpus_passes_through_its_decoder() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, target) in TARGETS {
        let mut count = 0;
        for file in fs::read_dir(corpora.join(name)).expect("each target has a corpus") {
            target(&fs::read(file.expect("it can be listed").path()).expect("it can be read"));
            count += 1;
        }
        assert!(count > 0, "{name} has an empty corpus");
    }
}
