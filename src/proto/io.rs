//! What goes into a [`Peer`](super::Peer) and what comes out.
//!
//! The grammar: `handle(input, now)`; then `poll_output()` until `None`; then `poll_timeout()` for the next
//! wake-up. Every promise of the browser is an [`Output`] now and an [`Input`] later.

use std::fmt;
use std::time::Duration;

use super::id::{Address, MessageId};
use super::journal::Trouble;
use super::time::Instant;

/// Names one tracker of the peer's list; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackerId(pub u32);

/// Names one attempt at a WebRTC connection, from its first description to its end; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// Longest text that a tracker may send, in bytes; aquatic and wt-tracker stop at 64 KiB themselves.
pub const MAX_TRACKER_TEXT: usize = 128 << 10;

/// Bytes that print as their length.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Bytes(pub Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}b>", self.0.len())
    }
}

/// What the world did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The time of [`poll_timeout`](super::Peer::poll_timeout) has come.
    Timeout,

    /// A tracker's socket is open.
    TrackerOpened(TrackerId),
    /// A tracker sent a text message.
    TrackerMessage(TrackerId, String),
    /// Another tab of this browser said something on the channel of [`Output::TabsOpen`].
    TabsMessage(Bytes),
    /// A tracker's socket is closed or could not be opened; nothing more comes from it.
    TrackerClosed(TrackerId, String),

    /// A connection that is being made has no STUN or TURN servers: its candidates are those of the machine.
    ConnServerless(ConnId),
    /// The local description of a connection is set: the whole SDP, with or without candidates.
    ConnDescribed(ConnId, String),
    /// A local ICE candidate was gathered: the text that begins `candidate:`.
    ConnCandidate(ConnId, String),
    /// All local candidates are gathered; those that came before the description are in it.
    ConnGathered(ConnId),
    /// The data channel is open.
    ConnOpened(ConnId),
    /// The data channel received a binary message.
    ConnFrame(ConnId, Bytes),
    /// The answer to [`Output::ConnAwaitWritable`].
    ConnWritable(ConnId),
    /// The answer to [`Output::ConnAskTransport`]: how long ago a packet came in, of SCTP or DTLS; `None` where the browser
    /// does not know.
    ConnTransport(ConnId, Option<Duration>),
    /// ICE lost contact; it may come back by itself.
    ConnInterrupted(ConnId),
    /// ICE is in contact, for the first time or again.
    ConnResumed(ConnId),
    /// ICE has failed on a connection that was open: only [`Output::ConnReoffer`], or an answer to the other end's, can
    /// bring it back.
    ConnLost(ConnId, String),
    /// The connection is closed, has failed or could not be made; nothing more comes from it.
    ConnClosed(ConnId, String),

    /// The machine is on the network again, or the page is awake again: look at everything anew.
    Woke,
}

impl Input {
    /// Whether a tracker has to do with it.
    pub(crate) fn is_of_tracker(&self) -> bool {
        matches!(
            self,
            Self::TrackerOpened(_)
                | Self::TrackerMessage(..)
                | Self::TrackerClosed(..)
                | Self::TabsMessage(_)
        )
    }
}

/// What the world must do.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Open a WebSocket to a tracker.
    TrackerOpen(TrackerId, String),
    /// Send a text message to a tracker.
    TrackerSend(TrackerId, String),
    /// Close a tracker's socket and report nothing more of it.
    TrackerClose(TrackerId),

    /// Open a channel of this name to other tabs of this browser, if there is such a thing.
    TabsOpen(String),
    /// Say this on it.
    TabsSend(Bytes),
    /// Close it and report nothing more of it.
    TabsClose,

    /// Make a connection, create an offer and set it: [`Input::ConnDescribed`] comes back.
    ConnOffer(ConnId),
    /// Make a connection, set this remote offer, create an answer and set it: [`Input::ConnDescribed`]
    /// comes back.
    ConnAnswer(ConnId, String),
    /// Create another offer for a connection that is open, with new ICE credentials, and set it: [`Input::ConnDescribed`]
    /// and candidates come back.
    ConnReoffer(ConnId),
    /// Set this remote offer, which has new ICE credentials, on a connection that is open, create an answer and set it:
    /// [`Input::ConnDescribed`] and candidates come back.
    ConnReanswer(ConnId, String),
    /// Set the remote answer of a connection that made the offer.
    ConnAccept(ConnId, String),
    /// Add a remote ICE candidate: the text that begins `candidate:`.
    ConnCandidate(ConnId, String),
    /// Send one binary message on the data channel.
    ConnSend(ConnId, Bytes),
    /// Report [`Input::ConnWritable`] as soon as the data channel buffers no more than its low threshold,
    /// at once if it already does.
    ConnAwaitWritable(ConnId),
    /// Report with [`Input::ConnTransport`] when the transport of the connection last heard from the other end: it answers
    /// what it gets, however busy the page is.
    ConnAskTransport(ConnId),
    /// Close the connection, release all of it and report nothing more of it.
    ConnClose(ConnId),

    /// Tell the page.
    Event(Event),
}

/// What the page hears.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A new neighbor.
    Connect(Address),
    /// A neighbor is gone.
    Disconnect(Address),
    /// A message for this peer.
    Message(Received),
    /// What another peer says of itself is new, or the peer is gone.
    Presence {
        /// What it goes by.
        address: Address,
        /// Whether that is proven.
        verified: bool,
        /// What it says; nothing when it is gone.
        state: Option<Bytes>,
    },
    /// How far a large message has come that this peer sends or gets.
    Progress {
        /// Its name.
        id: MessageId,
        /// Who sends it.
        from: Address,
        /// Its recipient; everybody when `None`.
        to: Option<Address>,
        /// So many bytes of it are out on the fastest way, or here; `None`: its sender took it back, or nothing more of it came.
        bytes: Option<usize>,
        /// Of so many, as it travels.
        size: usize,
    },
    /// How a direct message ended, or that each neighbor that a broadcast concerns has taken it or is gone, has it from
    /// another, or did not ask for it within two seconds.
    Delivery(MessageId, Result<Receipt, DeliveryFailure>),
    /// A tracker's state changed.
    Tracker(TrackerStatus),
    /// Another page with this peer's identity is in the swarm, was there first, and answers: this one needs another
    /// identity.
    AddressInUse,
    /// Nobody is at the address of [`Peer::stand_by`](super::Peer::stand_by) any more.
    AddressFree,
    /// Something was dropped or refused that the page may want to know of.
    Warning(Warning),
    /// Nobody can be reached, for a cause on this machine or in its network; once until a link is there.
    Trouble(Trouble),
    /// This peer has left its swarm: the last output of all.
    Closed,
}

/// A message as it reaches the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The payload as its sender gave it to [`Peer::send`](super::Peer::send).
    pub payload: Bytes,
    /// Who sent it.
    pub from: Address,
    /// Its name.
    pub id: MessageId,
    /// This peer, on a direct message; nobody, on a broadcast.
    pub to: Option<Address>,
    /// Addresses it is known to have visited, the sender first and this peer last; bounded.
    pub has: Vec<Address>,
    /// Whether `from` is proven: it is the hash of the key that signed the message.
    pub verified: bool,
    /// Links it crossed.
    pub hops: u8,
}

/// A message of the page that has not gone yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its name, if this peer says it; it has another one if another peer does.
    pub id: MessageId,
    /// Whom it is for.
    pub to: Option<Address>,
    /// Whether that is what somebody claims to be, and not an address that a key proves.
    pub claimed: bool,
    /// What [`Peer::send`](super::Peer::send) was given.
    pub payload: Bytes,
    /// How long the page gives it.
    pub until: Option<Instant>,
}

/// What is known of a message that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Links a direct message crossed to its recipient; zero for a broadcast.
    pub hops: u8,
    /// From `send` to the recipient's acknowledgement; for a broadcast, until its neighbors had taken it.
    pub rtt: Duration,
    /// Whether the recipient of a direct message proved its address, and did not merely claim it.
    pub verified: Option<bool>,
}

/// Why a message did not arrive, as far as known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryFailure {
    /// No path led to the recipient.
    #[error("no path leads to the recipient: it may have left the swarm")]
    Unreachable,
    /// The recipient did not acknowledge it in time, or it was not delivered in the time that the page gave it.
    #[error("the message was not acknowledged, or delivered, in time")]
    Timeout,
    /// The page took it back.
    #[error("the message was withdrawn by its signal")]
    Aborted,
    /// This peer left the swarm first.
    #[error("this peer left the swarm before the message was acknowledged")]
    Closed,
}

/// One tracker, as the page sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackerStatus {
    /// Its URL.
    pub url: String,
    /// What it is doing.
    pub state: TrackerState,
    /// Members of the swarm by its count, this peer included; zero when unknown.
    pub peers: u32,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it is tried or announced to again, in milliseconds since the UNIX epoch.
    pub next_attempt: Option<u64>,
}

impl TrackerStatus {
    /// Of a tracker that was not tried yet.
    pub(crate) fn waiting(url: String) -> Self {
        Self { url, state: TrackerState::Waiting, peers: 0, last_error: None, next_attempt: None }
    }
}

/// What a tracker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackerState {
    /// The socket is being opened.
    Connecting,
    /// The socket is open and the tracker has not answered yet.
    Open,
    /// It answers.
    Ready,
    /// It failed; `next_attempt` says when it is tried again.
    Waiting,
}

/// Something dropped or refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Stable and for programs, such as `ERR_TRACKER_URL`.
    pub code: &'static str,
    /// A sentence for people.
    pub text: String,
}

/// Why a call of the page was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The payload is larger than `Config::max_message_size`.
    #[error("message of {size} bytes is larger than maxMessageSize ({limit} bytes)")]
    TooLarge {
        /// Bytes in the payload.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The messages held for the first neighbor, or because too much was sent before, fill their bound.
    #[error("{held} bytes of messages already wait to be sent")]
    Full {
        /// Bytes held.
        held: usize,
    },
    /// A direct message to this peer itself.
    #[error("the recipient is this peer itself")]
    ToSelf,
    /// The peer has left the swarm.
    #[error("the swarm is closed")]
    Closed,
}
