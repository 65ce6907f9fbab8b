use super::digests::{DIGEST_EVERY, MAX_BUCKETS};
use super::headers::UNASKED;
use super::names::{HAVE_BATCH, HAVE_QUIET, HAVE_SECOND};
use super::pulls::{GRAFT, GRAFT_AGAIN, MAX_MISSING, MAX_NAMED};
use super::seen::{KEEP, MAX_SEEN, SEEN_FOR};
use super::trees::MAX_SOURCES;
use super::*;
use crate::proto::identity::Identity;
use crate::proto::messaging::message::{Draft, Kind, Payload};
use crate::proto::secret::SwarmTag;

/// The start of a bucket.
const T0: Instant = Instant::from_millis(1_000_000_000);
/// Four links, the first and the last on the ring, at the default coverage.
const SPREAD: Spread<'static> = Spread {
    own: at(0),
    links: &[at(1), at(2), at(3), at(4)],
    ring: [Some(at(1)), Some(at(4))],
    fanout: 2,
    max_peers: 6,
};

// Trees.

#[test]
fn the_first_message_of_a_source_floods() {
    let mut broadcast = Broadcast::new(T0);
    let message = small(1);
    let outcome = broadcast.handle_data(at(1), 3, message.clone(), SPREAD, T0);
    assert_eq!(outcome, Outcome::Deliver(Box::new(message.clone()), 3));
    assert_eq!(broadcast.drain(), [2, 3, 4].map(|to| (at(to), whole(&message, 4))));
    assert_eq!(broadcast.parent(&message.maker), Some(at(1)));
}

#[test]
fn a_message_of_our_own_goes_to_every_link() {
    let mut broadcast = Broadcast::new(T0);
    let message = small(1);
    assert_eq!(broadcast.publish(&message, SPREAD, T0), SPREAD.links);
    assert_eq!(broadcast.drain(), [1, 2, 3, 4].map(|to| (at(to), whole(&message, 1))));
    assert!(broadcast.has(&message.id), "it will not be delivered here when it comes back");
}

#[test]
fn a_second_copy_prunes_its_sender() {
    let mut broadcast = Broadcast::new(T0);
    let message = small(1);
    receive(&mut broadcast, 1, &message);
    assert_eq!(broadcast.handle_data(at(2), 5, message.clone(), SPREAD, T0), Outcome::Duplicate);
    assert_eq!(broadcast.drain(), [(at(2), Packet::Prune(message.maker))]);
    broadcast.handle_duplicate(at(2), &message.id, SPREAD);
    assert_eq!(broadcast.drain(), [], "once is enough");
}

#[test]
fn a_second_copy_from_the_parent_does_not_prune_it() {
    let mut broadcast = Broadcast::new(T0);
    let message = small(1);
    receive(&mut broadcast, 1, &message);
    broadcast.handle_duplicate(at(1), &message.id, SPREAD);
    assert_eq!(broadcast.drain(), []);
}

#[test]
fn a_higher_coverage_takes_more_copies_and_a_full_one_never_prunes() {
    for (fanout, copies) in [(2, 1), (3, 2), (5, 4)] {
        let spread = Spread { fanout, ..SPREAD };
        let mut broadcast = Broadcast::new(T0);
        let message = small(1);
        receive(&mut broadcast, 1, &message);
        for copy in 2..=copies {
            broadcast.handle_duplicate(at(2), &message.id, spread);
            assert_eq!(broadcast.drain(), [], "copy {copy} of {copies}");
        }
        broadcast.handle_duplicate(at(2), &message.id, spread);
        assert_eq!(broadcast.drain(), [(at(2), Packet::Prune(message.maker))], "{copies}");
    }
    let spread = Spread { fanout: 6, ..SPREAD };
    let mut broadcast = Broadcast::new(T0);
    let message = small(1);
    receive(&mut broadcast, 1, &message);
    for _ in 0..100 {
        broadcast.handle_duplicate(at(2), &message.id, spread);
    }
    assert_eq!(broadcast.drain(), []);
}

#[test]
fn the_lowest_coverage_sends_the_payload_along_the_ring_only() {
    let spread = Spread { fanout: 1, ..SPREAD };
    let mut broadcast = Broadcast::new(T0);
    let (first, own) = (small(1), small(2));
    broadcast.handle_data(at(1), 1, first.clone(), spread, T0);
    assert_eq!(broadcast.drain(), [(at(4), whole(&first, 2))]);
    assert_eq!(broadcast.publish(&own, spread, T0), [at(1), at(4)]);
    assert_eq!(broadcast.drain(), [1, 4].map(|to| (at(to), whole(&own, 1))));
}

#[test]
fn a_link_that_was_pruned_gets_names_until_it_pulls() {
    let mut broadcast = Broadcast::new(T0);
    let [a, b, c] = [1, 2, 3].map(small);
    receive(&mut broadcast, 1, &a);
    broadcast.handle_prune(at(2), a.maker);
    broadcast.handle_data(at(1), 1, b.clone(), SPREAD, T0);
    assert_eq!(
        broadcast.drain(),
        [(at(3), whole(&b, 2)), (at(4), whole(&b, 2)), (at(2), Packet::Have(vec![b.id]))]
    );
    broadcast.handle_graft(at(2), b.id, SPREAD, T0);
    assert_eq!(broadcast.drain(), [(at(2), whole(&b, 2))]);
    broadcast.handle_data(at(1), 1, c.clone(), SPREAD, T0);
    assert_eq!(broadcast.drain(), [2, 3, 4].map(|to| (at(to), whole(&c, 2))));
}

#[test]
fn pruning_one_source_leaves_the_tree_of_another() {
    let mut broadcast = Broadcast::new(T0);
    let (mine, others) = (small(1), of(9, 1, 10));
    receive(&mut broadcast, 1, &mine);
    broadcast.handle_prune(at(2), mine.maker);
    broadcast.handle_data(at(1), 1, others.clone(), SPREAD, T0);
    assert_eq!(broadcast.drain(), [2, 3, 4].map(|to| (at(to), whole(&others, 2))));
}

#[test]
fn a_new_parent_is_no_longer_kept_to_names() {
    let mut broadcast = Broadcast::new(T0);
    let [a, b, c] = [1, 2, 3].map(small);
    receive(&mut broadcast, 1, &a);
    broadcast.handle_duplicate(at(2), &a.id, SPREAD);
    receive(&mut broadcast, 2, &b);
    assert_eq!(broadcast.parent(&a.maker), Some(at(2)));
    broadcast.handle_data(at(1), 1, c.clone(), SPREAD, T0);
    assert_eq!(broadcast.drain(), [2, 3, 4].map(|to| (at(to), whole(&c, 2))));
}

// Names.

#[test]
fn a_name_goes_at_once_when_it_is_quiet_and_with_others_when_it_is_not() {
    let mut broadcast = lazy_towards_2();
    let messages: Vec<_> = (2..6).map(small).collect();
    let ids: Vec<_> = messages.iter().map(|message| message.id).collect();
    for (message, after) in messages.iter().zip([0, 100, 200, 400]) {
        broadcast.handle_data(at(1), 1, message.clone(), SPREAD, T0 + millis(after));
    }
    assert_eq!(haves(&mut broadcast), [(at(2), ids[..1].to_vec())]);
    assert_eq!(broadcast.poll_timeout(), Some(T0 + HAVE_BATCH));
    tick(&mut broadcast, just_before(T0 + HAVE_BATCH));
    assert_eq!(haves(&mut broadcast), []);
    tick(&mut broadcast, T0 + HAVE_BATCH);
    assert_eq!(haves(&mut broadcast), [(at(2), ids[1..].to_vec())]);

    let after = T0 + HAVE_BATCH + HAVE_QUIET;
    let message = small(9);
    broadcast.handle_data(at(1), 1, message.clone(), SPREAD, after);
    assert_eq!(haves(&mut broadcast), [(at(2), vec![message.id])]);
}

#[test]
fn what_a_neighbor_named_is_not_named_to_it() {
    let mut broadcast = lazy_towards_2();
    let messages: Vec<_> = (2..6).map(small).collect();
    let ids: Vec<_> = messages.iter().map(|message| message.id).collect();
    for message in &messages[..3] {
        broadcast.handle_data(at(1), 1, message.clone(), SPREAD, T0);
    }
    broadcast.handle_have(at(2), vec![ids[1], ids[3]], T0 + millis(500));
    // It comes after its name.
    broadcast.handle_data(at(1), 1, messages[3].clone(), SPREAD, T0 + millis(520));
    tick(&mut broadcast, T0 + HAVE_BATCH);
    assert_eq!(haves(&mut broadcast), [vec![ids[0]], vec![ids[2]]].map(|ids| (at(2), ids)));
    tick(&mut broadcast, T0 + HAVE_BATCH * 2);
    assert_eq!(haves(&mut broadcast), []);
}

#[test]
fn the_end_with_the_greater_address_tells_what_the_other_should_have_told() {
    let mut broadcast = lazy_towards_2();
    let spread = Spread { own: at(9), ..SPREAD };
    let [a, b] = [2, 3].map(small);
    broadcast.handle_data(at(1), 1, a.clone(), spread, T0);
    assert_eq!(haves(&mut broadcast), [(at(2), vec![a.id])], "when it is quiet nobody waits");
    broadcast.handle_data(at(1), 1, b.clone(), spread, T0 + millis(100));
    let due = T0 + millis(100) + HAVE_BATCH + HAVE_SECOND;
    tick(&mut broadcast, just_before(due));
    assert_eq!(haves(&mut broadcast), []);
    tick(&mut broadcast, due);
    assert_eq!(haves(&mut broadcast), [(at(2), vec![b.id])]);
}

#[test]
fn the_ends_of_a_link_outside_the_tree_tell_each_name_once() {
    let mut ends = [lazy_towards_2(), lazy_towards_2()];
    let spreads = [3, 0].map(|own| Spread { own: at(own), ..SPREAD });
    let mut told = Vec::new();
    for tenth in 0..100 {
        let now = T0 + millis(100) * tenth;
        for (broadcast, spread) in ends.iter_mut().zip(spreads) {
            broadcast.handle_timeout(spread, &mut Random::new([1; 32]), now);
            broadcast.handle_data(at(1), 1, named(tenth), spread, now);
        }
        for (from, to) in [(0, 1), (1, 0)] {
            for (_, ids) in haves(&mut ends[from]) {
                ends[to].handle_have(at(2), ids.clone(), now);
                told.push(ids);
            }
        }
    }
    let mut ids: Vec<_> = told.concat();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    // The first was told by both, as it was quiet.
    assert_eq!(all, ids.len() + 1);
    assert!((7..=8).contains(&told.len()), "one packet every {HAVE_BATCH:?} in ten seconds: {told:?}");
}

#[test]
fn a_full_packet_of_names_does_not_wait() {
    let mut broadcast = lazy_towards_2();
    for n in 0..=MAX_HAVE as u32 {
        broadcast.handle_data(at(1), 1, named(n), SPREAD, T0);
    }
    let sizes: Vec<_> = haves(&mut broadcast).iter().map(|(_, ids)| ids.len()).collect();
    assert_eq!(sizes, [1, MAX_HAVE]);
}

#[test]
fn a_message_that_was_named_and_does_not_come_is_pulled_from_one_after_the_other() {
    let mut broadcast = Broadcast::new(T0);
    let id = small(1).id;
    broadcast.handle_have(at(2), vec![id], T0);
    broadcast.handle_have(at(3), vec![id], T0 + millis(10));
    assert_eq!(broadcast.poll_timeout(), Some(T0 + GRAFT));
    tick(&mut broadcast, just_before(T0 + GRAFT));
    assert_eq!(broadcast.drain(), []);
    tick(&mut broadcast, T0 + GRAFT);
    assert_eq!(broadcast.drain(), [(at(2), Packet::Graft(id))]);
    assert_eq!(broadcast.poll_timeout(), Some(T0 + GRAFT + GRAFT_AGAIN));
    tick(&mut broadcast, T0 + GRAFT + GRAFT_AGAIN);
    assert_eq!(broadcast.drain(), [(at(3), Packet::Graft(id))]);
    tick(&mut broadcast, T0 + GRAFT + GRAFT_AGAIN * 2);
    assert_eq!((broadcast.drain(), broadcast.poll_timeout()), (vec![], None), "there is nobody left to ask");
}

#[test]
fn a_message_that_comes_before_it_is_pulled_is_not_pulled() {
    let mut broadcast = Broadcast::new(T0);
    let message = small(1);
    broadcast.handle_have(at(2), vec![message.id], T0);
    receive(&mut broadcast, 1, &message);
    tick(&mut broadcast, T0 + GRAFT);
    assert_eq!(broadcast.drain(), []);
    broadcast.handle_have(at(3), vec![message.id], T0 + GRAFT);
    tick(&mut broadcast, T0 + GRAFT * 2);
    assert_eq!(broadcast.drain(), [], "nor when it is named afterwards");
}

#[test]
fn the_pull_moves_on_when_the_link_it_hangs_on_is_gone() {
    let mut broadcast = Broadcast::new(T0);
    let id = small(1).id;
    broadcast.handle_have(at(2), vec![id], T0);
    broadcast.handle_have(at(3), vec![id], T0);
    broadcast.handle_unlinked(&at(2), T0 + millis(5));
    assert_eq!(broadcast.poll_timeout(), Some(T0 + millis(5)));
    tick(&mut broadcast, T0 + millis(5));
    assert_eq!(broadcast.drain(), [(at(3), Packet::Graft(id))]);
}

#[test]
fn the_pull_moves_on_when_the_neighbor_that_was_asked_is_gone() {
    let mut broadcast = Broadcast::new(T0);
    let id = small(1).id;
    broadcast.handle_have(at(2), vec![id], T0);
    broadcast.handle_have(at(3), vec![id], T0);
    tick(&mut broadcast, T0 + GRAFT);
    assert_eq!(broadcast.drain(), [(at(2), Packet::Graft(id))]);
    broadcast.handle_unlinked(&at(2), T0 + GRAFT + millis(5));
    assert_eq!(broadcast.poll_timeout(), Some(T0 + GRAFT + millis(5)));
}

#[test]
fn a_link_that_is_gone_brings_and_gets_nothing_more() {
    let mut broadcast = lazy_towards_2();
    broadcast.handle_data(at(1), 1, small(2), SPREAD, T0);
    broadcast.handle_data(at(1), 1, small(3), SPREAD, T0);
    broadcast.drain();
    broadcast.handle_unlinked(&at(2), T0);
    broadcast.handle_unlinked(&at(1), T0);
    assert_eq!(broadcast.parent(&small(1).maker), None);
    tick(&mut broadcast, T0 + HAVE_BATCH);
    assert_eq!(broadcast.drain(), []);
}

#[test]
fn who_lost_its_parent_asks_two_others_for_what_comes_next() {
    let mut broadcast = Broadcast::new(T0);
    let message = small(1);
    receive(&mut broadcast, 1, &message);
    for lazy in [2, 3, 4] {
        broadcast.handle_duplicate(at(lazy), &message.id, SPREAD);
    }
    broadcast.drain();
    broadcast.handle_unlinked(&at(4), T0);
    assert_eq!(broadcast.drain(), [], "4 brought nothing");
    broadcast.handle_unlinked(&at(1), T0);
    assert_eq!(broadcast.drain(), [2, 3].map(|to| (at(to), Packet::Resume(message.maker))));

    let mut forgotten = Broadcast::new(T0);
    receive(&mut forgotten, 1, &message);
    forgotten.handle_duplicate(at(2), &message.id, SPREAD);
    forgotten.drain();
    forgotten.handle_unlinked(&at(1), T0 + KEEP.1);
    assert_eq!(forgotten.drain(), [], "its source said nothing for long");
}

#[test]
fn of_two_that_were_asked_to_resume_the_later_one_is_pruned_again() {
    let mut broadcast = Broadcast::new(T0);
    let message = small(1);
    receive(&mut broadcast, 1, &message);
    for lazy in [2, 3] {
        broadcast.handle_duplicate(at(lazy), &message.id, SPREAD);
    }
    broadcast.handle_unlinked(&at(1), T0);
    let next = small(2);
    receive(&mut broadcast, 2, &next);
    broadcast.drain();
    broadcast.handle_duplicate(at(3), &next.id, SPREAD);
    assert_eq!(broadcast.drain(), [(at(3), Packet::Prune(message.maker))]);
}

#[test]
fn a_neighbor_that_resumes_gets_the_next_message_whole() {
    let mut broadcast = lazy_towards_2();
    broadcast.handle_resume(&at(2), &small(1).maker);
    let next = small(2);
    broadcast.drain();
    broadcast.handle_data(at(1), 1, next.clone(), SPREAD, T0);
    assert!(broadcast.drain().contains(&(at(2), whole(&next, 2))));
}

#[test]
fn a_neighbor_that_pulls_one_message_twice_is_served_once_a_link() {
    let mut broadcast = Broadcast::new(T0);
    let message = small(1);
    receive(&mut broadcast, 1, &message);
    broadcast.handle_graft(at(2), message.id, SPREAD, T0);
    broadcast.handle_graft(at(2), message.id, SPREAD, T0);
    broadcast.handle_graft(at(3), message.id, SPREAD, T0);
    assert_eq!(broadcast.drain(), [2, 3].map(|to| (at(to), whole(&message, 2))), "the link is reliable");
    broadcast.handle_unlinked(&at(2), T0);
    broadcast.handle_graft(at(2), message.id, SPREAD, T0);
    assert_eq!(broadcast.drain(), [(at(2), whole(&message, 2))], "the old link may have lost it");
}

// Header first.

#[test]
fn a_large_first_message_goes_header_first() {
    let mut broadcast = Broadcast::new(T0);
    let message = large(1);
    assert_eq!(broadcast.publish(&message, SPREAD, T0), SPREAD.links);
    assert_eq!(broadcast.drain(), [1, 2, 3, 4].map(|to| (at(to), header(&message, 1))));
    broadcast.handle_graft(at(2), message.id, SPREAD, T0);
    assert_eq!(broadcast.drain(), [(at(2), whole(&message, 1))]);

    let next = large(2);
    assert_eq!(broadcast.publish(&next, SPREAD, T0), SPREAD.links);
    let [h1, h3, h4] = [1, 3, 4].map(|to| (at(to), header(&next, 1)));
    assert_eq!(broadcast.drain(), [h1, (at(2), whole(&next, 1)), h3, h4], "2 is in the tree now");
}

#[test]
fn a_header_is_passed_on_and_its_payload_pulled_from_whoever_brought_it_first() {
    let mut broadcast = Broadcast::new(T0);
    let message = large(1);
    broadcast.handle_header(at(1), 2, message.header(), true, SPREAD, T0);
    let [h2, h3, h4] = [2, 3, 4].map(|to| (at(to), header(&message, 3)));
    assert_eq!(broadcast.drain(), [(at(1), Packet::Graft(message.id)), h2, h3, h4]);
    assert!(!broadcast.has(&message.id) && broadcast.has_header(&message.id));

    // Those who want it get it as soon as it is here.
    broadcast.handle_graft(at(2), message.id, SPREAD, T0);
    broadcast.handle_graft(at(3), message.id, SPREAD, T0);
    assert_eq!(broadcast.drain(), []);
    let outcome = broadcast.handle_data(at(1), 2, message.clone(), SPREAD, T0);
    assert_eq!(outcome, Outcome::Deliver(Box::new(message.clone()), 2));
    assert_eq!(broadcast.drain(), [2, 3].map(|to| (at(to), whole(&message, 3))));
    assert!(broadcast.has(&message.id));
}

#[test]
fn a_second_header_prunes_its_sender_who_is_asked_when_the_first_is_gone() {
    let mut broadcast = Broadcast::new(T0);
    let message = large(1);
    broadcast.handle_header(at(1), 1, message.header(), true, SPREAD, T0);
    broadcast.drain();
    broadcast.handle_header_again(at(2), &message.id, SPREAD);
    assert_eq!(broadcast.drain(), [(at(2), Packet::Prune(message.maker))]);
    broadcast.handle_unlinked(&at(1), T0 + millis(20));
    tick(&mut broadcast, T0 + millis(20));
    let resume = (at(2), Packet::Resume(message.maker));
    assert_eq!(broadcast.drain(), [resume, (at(2), Packet::Graft(message.id))]);
}

#[test]
fn a_header_whose_payload_nobody_has_may_begin_anew() {
    let mut broadcast = Broadcast::new(T0);
    let message = large(1);
    broadcast.handle_header(at(1), 1, message.header(), true, SPREAD, T0);
    broadcast.handle_unlinked(&at(1), T0);
    tick(&mut broadcast, T0);
    assert!(!broadcast.has_header(&message.id));
    broadcast.drain();
    receive(&mut broadcast, 2, &message);
    assert!(broadcast.has(&message.id));
}

#[test]
fn a_new_neighbor_is_told_what_went_by_just_before() {
    let mut broadcast = Broadcast::new(T0);
    receive(&mut broadcast, 1, &small(1));
    let later = T0 + RECENT.1 + millis(1);
    let messages: Vec<_> = (0..40).map(|n| signed(9, n, 10, later)).collect();
    for message in &messages {
        broadcast.handle_data(at(1), 1, message.clone(), SPREAD, later);
    }
    broadcast.drain();
    broadcast.handle_linked(at(7), later);
    let latest = messages.iter().rev().take(RECENT.0).map(|message| message.id).collect();
    assert_eq!(broadcast.drain(), [(at(7), Packet::Have(latest))]);
    broadcast.handle_linked(at(7), later + RECENT.1 + millis(1));
    assert_eq!(broadcast.drain(), []);
}

// Headers of our own.

#[test]
fn who_is_offered_a_message_asks_for_it_or_hears_of_it_elsewhere_or_lets_its_time_pass() {
    let mut broadcast = Broadcast::new(T0);
    let message = large(1);
    broadcast.publish(&message, SPREAD, T0);
    broadcast.handle_graft(at(1), message.id, SPREAD, T0);
    assert_eq!(broadcast.take_declined(), [], "it gets it");
    broadcast.handle_header_again(at(2), &message.id, SPREAD);
    broadcast.handle_have(at(3), vec![message.id], T0);
    let declined = [2, 3].map(|from| (message.id, at(from)));
    assert_eq!(broadcast.take_declined(), declined);
    broadcast.handle_header_again(at(2), &message.id, SPREAD);
    broadcast.handle_duplicate(at(1), &message.id, SPREAD);
    assert_eq!(broadcast.poll_timeout(), Some(T0 + UNASKED));
    tick(&mut broadcast, just_before(T0 + UNASKED));
    assert_eq!(broadcast.take_declined(), [], "each says it once");
    tick(&mut broadcast, T0 + UNASKED);
    assert_eq!(broadcast.take_declined(), [(message.id, at(4))]);
    assert!(broadcast.headers.is_empty());
}

#[test]
fn what_is_offered_is_kept_while_it_may_be_asked_for() {
    let mut broadcast = Broadcast::new(T0);
    let messages: Vec<_> = (1..=3).map(|mark| of(7, mark, KEEP.0 / 4 * 3)).collect();
    for message in &messages {
        broadcast.publish(message, SPREAD, T0);
    }
    broadcast.drain();
    for message in &messages {
        broadcast.handle_graft(at(1), message.id, SPREAD, T0);
    }
    let served: Vec<_> = messages.iter().map(|message| (at(1), whole(message, 1))).collect();
    assert!(broadcast.drain() == served);
    tick(&mut broadcast, T0 + DIGEST_EVERY);
    assert!(broadcast.seen.kept_bytes()[0] <= KEEP.0, "and no longer");
}

#[test]
fn what_was_on_its_way_on_a_link_that_gave_way_to_another_is_asked_for_again() {
    let (mut source, mut other) = (Broadcast::new(T0), Broadcast::new(T0));
    let message = large(1);
    source.publish(&message, SPREAD, T0);
    source.handle_graft(at(2), message.id, SPREAD, T0);
    other.handle_header(at(1), 1, message.header(), true, SPREAD, T0);
    source.drain();
    other.drain();

    let later = T0 + millis(300);
    other.handle_relinked(at(1), later);
    assert_eq!(other.poll_timeout(), Some(later));
    tick(&mut other, later);
    assert_eq!(other.drain(), [(at(1), Packet::Graft(message.id))]);
    source.handle_relinked(at(2), later);
    source.send_header_again(message.id, at(2), later);
    assert_eq!(source.drain(), [(at(2), header(&message, 1))]);
    source.handle_graft(at(2), message.id, SPREAD, later);
    assert_eq!((source.drain(), source.take_declined()), (vec![(at(2), whole(&message, 1))], vec![]));

    source.send_header_again(small(9).id, at(2), later);
    assert_eq!(source.take_declined(), [(small(9).id, at(2))], "it is not there any more");
}

// Digests.

#[test]
fn a_digest_finds_a_lost_message() {
    let (mut a, mut b) = (early(), early());
    let [both, lost] = [1, 2].map(small);
    for broadcast in [&mut a, &mut b] {
        receive(broadcast, 1, &both);
    }
    receive(&mut a, 1, &lost);
    assert_eq!(reconcile(&mut a, &mut b), [Packet::Graft(lost.id)]);
}

#[test]
fn a_digest_finds_a_lost_message_that_was_the_only_one_of_its_time() {
    let (mut a, mut b) = (early(), early());
    let lost = small(1);
    receive(&mut a, 1, &lost);
    assert_eq!(reconcile(&mut a, &mut b), [Packet::Graft(lost.id)]);
}

#[test]
fn a_digest_finds_a_large_message_that_was_given_up() {
    let (mut a, mut b) = (early(), early());
    let [both, lost] = [1, 2].map(large);
    receive(&mut a, 1, &both);
    receive(&mut b, 1, &both);
    receive(&mut a, 1, &lost);
    b.handle_header(at(1), 1, lost.header(), true, SPREAD, T0);
    b.handle_unlinked(&at(1), T0);
    tick(&mut b, T0);
    assert_eq!(reconcile(&mut a, &mut b), [Packet::Graft(lost.id)]);
}

/// A flood filled the names of its time, and what a page had said was told to nobody that had not taken it at once.
#[test]
fn what_this_peer_said_itself_is_told_first_however_much_else_was_said() {
    let (mut a, mut b) = (early(), early());
    for n in 0..MAX_MISSING as u32 + 10 {
        receive(&mut a, 1, &named(n));
    }
    let own = small(200);
    a.publish(&own, Spread { links: &[], ..SPREAD }, T0);
    assert!(reconcile(&mut a, &mut b).contains(&Packet::Graft(own.id)));
}

#[test]
fn equal_digests_say_nothing() {
    let (mut a, mut b) = (early(), early());
    for broadcast in [&mut a, &mut b] {
        receive(broadcast, 1, &small(1));
    }
    assert_eq!(reconcile(&mut a, &mut b), []);
    assert_eq!(reconcile(&mut b, &mut a), []);
}

#[test]
fn of_two_that_have_the_same_one_says_so_once_and_while_they_do_not_both_do() {
    let (mut a, mut b) = (early(), early());
    let [first, lost] = [1, 2].map(small);
    for broadcast in [&mut a, &mut b] {
        receive(broadcast, 1, &first);
    }
    // The bucket has settled at the first turn, and is not forgotten at the last.
    let (mut now, pause) = (T0 + Duration::from_millis(5500), Duration::from_millis(2500));
    let mut turn = |from: &mut Broadcast, to: &mut Broadcast| {
        let only = Spread { links: &[at(1)], ring: [None; 2], ..SPREAD };
        now = now + pause;
        from.handle_timeout(only, &mut Random::new([1; 32]), now);
        let said = from.drain();
        let digests = said.iter().filter(|(_, packet)| matches!(packet, Packet::Digest { .. })).count();
        said.into_iter().for_each(|(_, packet)| hand(packet, to, now));
        digests
    };
    assert_eq!([turn(&mut a, &mut b), turn(&mut b, &mut a), turn(&mut a, &mut b)], [1, 0, 0]);
    receive(&mut a, 1, &lost);
    assert_eq!([turn(&mut b, &mut a), turn(&mut a, &mut b), turn(&mut b, &mut a)], [0, 1, 1]);
    receive(&mut b, 1, &lost);
    assert_eq!([turn(&mut a, &mut b), turn(&mut b, &mut a), turn(&mut a, &mut b)], [1, 0, 0]);
}

#[test]
fn a_newcomer_is_not_told_of_what_was_sent_before_it_came() {
    let (mut old, mut new) = (early(), Broadcast::new(T0 + DIGEST_EVERY));
    receive(&mut old, 1, &small(1));
    assert_eq!(reconcile(&mut old, &mut new), []);
}

#[test]
fn clocks_that_run_ahead_do_not_push_the_present_out_of_the_digests() {
    let (mut a, mut b) = (early(), early());
    let [both, lost] = [1, 2].map(small);
    receive(&mut a, 1, &both);
    receive(&mut b, 1, &both);
    receive(&mut a, 1, &lost);
    for ahead in 1..=3 * MAX_BUCKETS as u64 {
        let future = signed(9, ahead as u8, 10, T0 + Duration::from_millis(BUCKET) * ahead as u32);
        receive(&mut a, 1, &future);
        receive(&mut b, 1, &future);
    }
    assert_eq!(reconcile(&mut a, &mut b), [Packet::Graft(lost.id)]);
}

// Bounds.

#[test]
fn no_more_messages_are_remembered_than_allowed_and_the_oldest_goes_first() {
    let mut broadcast = Broadcast::new(T0);
    let spread = Spread { links: &[], ..SPREAD };
    for n in 0..MAX_SEEN as u32 + 10 {
        broadcast.publish(&named(n), spread, T0);
    }
    assert_eq!(broadcast.seen.remembered(), [MAX_SEEN, MAX_SEEN]);
    assert!(!broadcast.has(&named(9).id) && broadcast.has(&named(10).id));
    // What is forgotten is not counted as kept any more either.
    let [counted, held] = broadcast.seen.kept_bytes();
    assert_eq!(counted, held);
    assert!(broadcast.digests.buckets().all(|ids| ids <= MAX_MISSING));
}

#[test]
fn a_message_is_remembered_for_its_time_and_then_forgotten() {
    let mut broadcast = Broadcast::new(T0);
    let message = small(1);
    receive(&mut broadcast, 1, &message);
    broadcast.handle_data(at(1), 1, small(2), SPREAD, T0 + SEEN_FOR);
    assert!(broadcast.has(&message.id));
    broadcast.handle_data(at(1), 1, small(3), SPREAD, T0 + SEEN_FOR + millis(1));
    assert!(!broadcast.has(&message.id));
}

#[test]
fn payloads_are_kept_for_those_who_pull_until_their_time_or_their_room_is_over() {
    let mut broadcast = Broadcast::new(T0);
    let old = small(1);
    receive(&mut broadcast, 1, &old);
    broadcast.handle_data(at(1), 1, small(2), SPREAD, T0 + KEEP.1 + millis(1));
    broadcast.drain();
    broadcast.handle_graft(at(2), old.id, SPREAD, T0 + KEEP.1);
    assert_eq!(broadcast.drain(), [], "its time is over");
    assert!(broadcast.has(&old.id));

    let mut broadcast = Broadcast::new(T0);
    let messages: Vec<_> = (1..=5).map(|mark| of(1, mark, 1 << 20)).collect();
    for message in &messages {
        receive(&mut broadcast, 1, message);
    }
    assert_eq!(broadcast.seen.kept_bytes()[0], KEEP.0);
    for message in &messages {
        broadcast.handle_graft(at(2), message.id, SPREAD, T0);
    }
    let served: Vec<_> = messages[1..].iter().map(|message| (at(2), whole(message, 2))).collect();
    assert_eq!(broadcast.drain(), served, "the first gave way");
}

#[test]
fn the_source_that_was_heard_least_recently_is_forgotten_first() {
    let mut broadcast = Broadcast::new(T0);
    let first = small(1);
    receive(&mut broadcast, 1, &first);
    for n in 0..MAX_SOURCES as u32 {
        let message = named(n).altered(|message| message.maker = address(n));
        broadcast.handle_data(at(1), 1, message, SPREAD, T0 + millis(1));
    }
    assert_eq!(broadcast.trees.len(), MAX_SOURCES);
    assert_eq!(broadcast.parent(&first.maker), None);
}

#[test]
fn names_of_messages_that_never_come_take_bounded_room() {
    let mut broadcast = Broadcast::new(T0);
    let ids: Vec<_> = (0..3 * MAX_MISSING as u32).map(|n| named(n).id).collect();
    // Every neighbor has its share of the table, whatever the others name.
    for from in 1..=10 {
        let ids: Vec<_> = ids.iter().cycle().skip(from as usize * MAX_NAMED).take(2000).copied().collect();
        for ids in ids.chunks(MAX_HAVE) {
            for _ in 0..10 {
                broadcast.handle_have(at(from), ids.to_vec(), T0);
            }
        }
        assert_eq!(broadcast.pulls.len(), MAX_MISSING.min(from as usize * MAX_NAMED));
    }
    assert!(broadcast.pulls.holders().all(|holders| holders <= 8));
}

#[test]
fn one_header_sent_again_and_again_takes_bounded_room() {
    let mut broadcast = Broadcast::new(T0);
    let message = large(1);
    broadcast.handle_header(at(1), 1, message.header(), true, SPREAD, T0);
    for _ in 0..1000 {
        broadcast.handle_header_again(at(1), &message.id, SPREAD);
        broadcast.handle_header_again(at(2), &message.id, SPREAD);
    }
    assert!(broadcast.pulls.holders().eq([2]));
    assert_eq!(broadcast.drain().len(), 5, "one pull, three headers, one prune");
}

#[test]
fn headers_whose_payloads_never_come_take_bounded_room() {
    let mut broadcast = Broadcast::new(T0);
    let [never, real] = [large(1), large(2)];
    broadcast.handle_header(at(1), 1, never.header(), true, SPREAD, T0);
    for n in 1..MAX_MISSING as u32 {
        broadcast.pulls.begin(named(n).id, at(2), T0);
    }
    for n in 1..MAX_MISSING as u32 {
        broadcast.pulls.begin_with_header(named(n + 10_000).id, [at(2)].into_iter(), 10, T0 + millis(1));
    }
    broadcast.handle_header(at(3), 1, real.header(), true, SPREAD, T0 + millis(2));
    assert_eq!(broadcast.pulls.len(), 2 * MAX_MISSING - 1);
    assert!(broadcast.has_header(&real.id));
    assert!(!broadcast.has_header(&never.id), "the one that is missing for longest may come again");

    // Its payload may be on its way all the same.
    let outcome = broadcast.handle_data(at(1), 1, never.clone(), SPREAD, T0 + millis(3));
    assert!(matches!(outcome, Outcome::Deliver(..)));
}

// Helpers.

const fn at(n: u8) -> Address {
    Address([n; 20])
}

fn address(n: u32) -> Address {
    let mut address = Address([0xee; 20]);
    address.0[..4].copy_from_slice(&n.to_be_bytes());
    address
}

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn just_before(at: Instant) -> Instant {
    Instant::from_micros(at.as_micros() - 1)
}

fn signed(source: u8, mark: u8, size: usize, now: Instant) -> Verified<Message> {
    let payload = Payload::from(vec![mark; size]);
    let draft = Draft {
        to_claimed: false,
        blinding: [0; 32],
        claimed: None,
        to: None,
        kind: Kind::Page,
        nonce: [mark; 16],
        payload,
    };
    draft.sign(&Identity::from_secret([source; 32]), &SwarmTag::of_topic("t"), now)
}

fn of(source: u8, mark: u8, size: usize) -> Verified<Message> {
    signed(source, mark, size, T0)
}

fn small(mark: u8) -> Verified<Message> {
    of(7, mark, 10)
}

fn large(mark: u8) -> Verified<Message> {
    of(7, mark, LARGE + 1)
}

/// A message with a name of its own; the proof does not fit, which this machine does not ask.
fn named(n: u32) -> Verified<Message> {
    thread_local!(static ONE: Verified<Message> = small(0));
    ONE.with(|one| one.clone().altered(|message| message.id = MessageId(address(n).0)))
}

fn whole(message: &Verified<Message>, hops: u8) -> Packet {
    Packet::Data { hops, header: Box::new(message.header.clone()), payload: message.payload.clone() }
}

fn header(message: &Verified<Message>, hops: u8) -> Packet {
    Packet::Header { hops, header: Box::new(message.header.clone()) }
}

/// A message comes, after one link.
fn receive(broadcast: &mut Broadcast, from: u8, message: &Verified<Message>) {
    let outcome = broadcast.handle_data(at(from), 1, message.clone(), SPREAD, T0);
    assert_eq!(outcome, Outcome::Deliver(Box::new(message.clone()), 1));
    broadcast.drain();
}

fn tick(broadcast: &mut Broadcast, now: Instant) {
    broadcast.handle_timeout(SPREAD, &mut Random::new([1; 32]), now);
}

/// A peer whose neighbor 2 wants only the names of what comes from 1.
fn lazy_towards_2() -> Broadcast {
    let mut broadcast = Broadcast::new(T0);
    let message = small(1);
    receive(&mut broadcast, 1, &message);
    broadcast.handle_prune(at(2), message.maker);
    broadcast
}

fn haves(broadcast: &mut Broadcast) -> Vec<(Address, Vec<MessageId>)> {
    let have = |(to, packet)| if let Packet::Have(ids) = packet { Some((to, ids)) } else { None };
    broadcast.drain().into_iter().filter_map(have).collect()
}

/// Here before everything.
fn early() -> Broadcast {
    Broadcast::new(Instant::default())
}

/// Two neighbors send each other their digests of T0; what `b` pulls in the end.
fn reconcile(a: &mut Broadcast, b: &mut Broadcast) -> Vec<Packet> {
    let now = T0 + Duration::from_millis(BUCKET) * 2;
    let only = Spread { links: &[at(1)], ring: [None; 2], ..SPREAD };
    for broadcast in [&mut *a, &mut *b] {
        broadcast.drain();
        broadcast.handle_timeout(only, &mut Random::new([1; 32]), now);
    }
    for _ in 0..3 {
        deliver(a, b, now);
        deliver(b, a, now);
    }
    b.handle_timeout(only, &mut Random::new([1; 32]), now + GRAFT);
    b.drain().into_iter().map(|(_, packet)| packet).collect()
}

fn deliver(from: &mut Broadcast, to: &mut Broadcast, now: Instant) {
    from.drain().into_iter().for_each(|(_, packet)| hand(packet, to, now));
}

fn hand(packet: Packet, to: &mut Broadcast, now: Instant) {
    match packet {
        Packet::Digest { bucket, sum } => to.handle_digest(at(1), bucket, sum, now),
        Packet::Have(ids) => to.handle_have(at(1), ids, now),
        Packet::Graft(_) => {}
        other => panic!("not part of a reconciliation: {other:?}"),
    }
}
