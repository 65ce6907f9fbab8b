//! What proofs cost in a browser, for docs/security.md:
//! `wasm-pack test --headless --chrome --mode no-install --release --test cost -- --nocapture`.
#![cfg(all(target_arch = "wasm32", not(debug_assertions)))]

use std::hint::black_box;

use easypeers::proto::{Identity, Proof, PublicKey, Random, verify_batch};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

const DOMAIN: &str = "cost";
const STATEMENT: [u8; 126] = [7; 126];
/// Enough for the module to be compiled by the better of the engine's compilers, and for a fair best.
const RUNS: usize = 30;

/// The best of some runs, in microseconds for each of `count`.
fn best(count: usize, mut run: impl FnMut()) -> f64 {
    let time = |_| {
        let began = now();
        run();
        (now() - began) * 1000.0 / count as f64
    };
    (0..RUNS).map(time).fold(f64::INFINITY, f64::min)
}

#[wasm_bindgen_test]
fn proofs_one_by_one_and_in_batches() {
    let items = |count: u8| {
        let item = |n| {
            let identity = Identity::from_secret([n; 32]);
            (identity.public_key(), STATEMENT.to_vec(), identity.prove(DOMAIN, &STATEMENT))
        };
        (0..count).map(item).collect::<Vec<_>>()
    };
    let identity = Identity::from_secret([1; 32]);
    let prove = best(8, || {
        for _ in 0..8 {
            black_box(identity.prove(DOMAIN, black_box(&STATEMENT)));
        }
    });
    console_log!("prove, us: {prove:.0}");
    let mut random = Random::new([1; 32]);
    for count in [1, 8, 32, 100] {
        let items = items(count);
        let verify =
            |(key, statement, proof): &(PublicKey, Vec<u8>, Proof)| key.verify(DOMAIN, statement, proof);
        let single = best(count.into(), || assert!(items.iter().all(verify)));
        let batch = best(count.into(), || assert!(verify_batch(&items, DOMAIN, &mut random)));
        console_log!("verify {count}, us each: {single:.0} one by one, {batch:.0} as a batch");
    }
}

#[wasm_bindgen_test]
fn sixteen_kilobytes_sealed_and_opened() {
    let [from, to] = [1, 2].map(|n| Identity::from_secret([n; 32]));
    let mut random = Random::new([1; 32]);
    let plain = vec![7; 16 << 10];
    let mut seal = |plain: &[u8]| from.seal(&to.public_key(), b"cost", plain, &mut random).expect("a key");
    let boxed = seal(&plain);
    let (small, large) = (best(1, || drop(black_box(seal(&[])))), best(1, || drop(black_box(seal(&plain)))));
    let open = best(1, || assert!(to.open(&from.public_key(), b"cost", black_box(&boxed)).is_some()));
    console_log!("seal nothing {small:.0} us, 16 KiB {large:.0} us, open it {open:.0} us");
}
