//! What a proof costs: the budget of every message and of every link.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use easypeers::proto::{
    Abilities, Admission, Binding, Identity, Random, Stretch, SwarmId, SwarmSecret, verify_batch,
};

const DOMAIN: &str = "bench";
/// A statement is the hash of a message and what it is bound to.
const STATEMENT: [u8; 64] = [7; 64];

fn proofs(c: &mut Criterion) {
    let identity = Identity::from_secret([1; 32]);
    let (key, proof) = (identity.public_key(), identity.prove(DOMAIN, &STATEMENT));
    c.bench_function("identity", |b| b.iter(|| Identity::from_secret(black_box([1; 32]))));
    c.bench_function("prove", |b| b.iter(|| identity.prove(DOMAIN, black_box(&STATEMENT))));
    c.bench_function("verify", |b| b.iter(|| assert!(key.verify(DOMAIN, black_box(&STATEMENT), &proof))));

    let mut group = c.benchmark_group("verify batch");
    for size in [8u8, 32] {
        let items: Vec<_> = (0..size)
            .map(|seed| {
                let identity = Identity::from_secret([seed; 32]);
                (identity.public_key(), STATEMENT.to_vec(), identity.prove(DOMAIN, &STATEMENT))
            })
            .collect();
        let mut random = Random::new([1; 32]);
        group.throughput(Throughput::Elements(size.into()));
        group.bench_with_input(BenchmarkId::from_parameter(size), &items, |b, items| {
            b.iter(|| assert!(verify_batch(black_box(items), DOMAIN, &mut random)));
        });
    }
    group.finish();
}

fn boxes(c: &mut Criterion) {
    let (from, to) = (Identity::from_secret([1; 32]), Identity::from_secret([2; 32]));
    let mut random = Random::new([1; 32]);
    let plain = [7; 1000];
    let sealed = from.seal(&to.public_key(), b"", &plain, &mut random).expect("the key is good");
    c.bench_function("seal 1 kB", |b| {
        b.iter(|| from.seal(&to.public_key(), b"", black_box(&plain), &mut random))
    });
    c.bench_function("open 1 kB", |b| b.iter(|| to.open(&from.public_key(), b"", black_box(&sealed))));
    let swarm = SwarmSecret::public(SwarmId::of_topic("t"));
    c.bench_function("seal a description of 1 kB", |b| {
        b.iter(|| swarm.seal_description(b"", black_box(&plain), &mut random));
    });
}

fn links(c: &mut Criterion) {
    let swarm = SwarmSecret::public(SwarmId::of_topic("t"));
    let (a, b) = (Identity::from_secret([1; 32]), Identity::from_secret([2; 32]));
    let mut random = Random::new([1; 32]);
    let mut begin = |identity: &Identity, local: [u8; 32], remote: [u8; 32]| {
        let binding = Binding { local_fingerprint: &local, remote_fingerprint: &remote };
        Admission::new(&swarm, identity, [0; 16], None, &Abilities::default(), binding, &mut random)
    };
    let (ours, theirs) = ([1; 32], [2; 32]);
    c.bench_function("admission, one side", |bench| {
        bench.iter_batched(
            || {
                // The remote's half is prepared; its confirmation depends on our hello, so ours is made here too.
                let (admission, hello) = begin(&a, ours, theirs);
                let (mut remote, remote_hello) = begin(&b, theirs, ours);
                let confirm = remote.receive(&hello, &b).expect("the hello is good");
                (admission, remote_hello, confirm)
            },
            |(mut admission, hello, confirm)| {
                let answer = admission.receive(&hello, &a).expect("the hello is good");
                (answer, admission.finish(&confirm).expect("the remote is a member"))
            },
            BatchSize::SmallInput,
        );
    });
    c.bench_function("admission, the first hello", |bench| bench.iter(|| begin(&a, ours, theirs)));
}

fn stretching(c: &mut Criterion) {
    let mut group = c.benchmark_group("stretch");
    group.sample_size(10);
    group.bench_function("whole", |b| {
        b.iter(|| Stretch::new(black_box("secret"), SwarmId::of_topic("t")).step(Stretch::STEPS));
    });
    group.finish();
}

criterion_group!(benches, proofs, boxes, links, stretching);
criterion_main!(benches);
