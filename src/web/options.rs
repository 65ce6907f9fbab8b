//! What the page gives the constructor and the setters, checked and turned into a [`Config`].
//!
//! Read value by value and not by serde: its errors could not name the option, and cost a visitor 9 kB (`docs/build.md`).

use std::rc::Rc;
use std::time::Duration;

use js_sys::{Array, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use zeroize::Zeroizing;

use crate::proto::{Address, Config, Identity, MAX_MAX_PEERS, Random, SwarmId, hex};

use super::abort::Signal;
use super::convert::{self, BESIDE};
use super::error::{Error, given};
use super::parcel::LONGEST_NAME;
use super::rtc::Rtc;
use super::rtc_config;
use super::tabs::Tabs;

/// The constructor's arguments, understood.
pub(super) struct Options {
    pub(super) config: Config,
    pub(super) identity: Identity,
    /// Whether the page gave it, and so may have given it to others.
    pub(super) given: bool,
    /// The `secret` option, as it was typed.
    pub(super) secret: Option<Secret>,
    /// The `rtcConfig` option as it was given: an object, a promise, a function or nothing.
    pub(super) rtc_config: JsValue,
    pub(super) rtc: Rtc,
    pub(super) debug: bool,
    /// What the page should hear of options that there are none of.
    pub(super) unknown: Vec<String>,
}

/// What there is.
const NAMES: [&str; 14] = [
    "identifier",
    "maxPeers",
    "coverage",
    "bitLength",
    "tracker",
    "trackers",
    "timeout",
    "address",
    "identity",
    "secret",
    "maxMessageSize",
    "rtcConfig",
    "rtc",
    "debug",
];
/// What others call it.
const ALIASES: [(&str, &str); 9] = [
    ("password", "secret"),
    ("iceServers", "rtcConfig: { iceServers }"),
    ("config", "rtcConfig"),
    ("announce", "trackers"),
    ("trackerUrls", "trackers"),
    ("topic", "identifier"),
    ("room", "identifier"),
    ("maxConns", "maxPeers"),
    ("wrtc", "rtc"),
];

impl Options {
    /// Reads `new Easypeers(topic, options?)` and `new Easypeers(options)`.
    pub(super) fn read(first: &JsValue, second: &JsValue) -> Result<Self, Error> {
        let (topic, options) = if first.is_object() && !Array::is_array(first) {
            (get(first, "identifier"), first)
        } else {
            (first.clone(), second)
        };
        if !is_absent(options) && (!options.is_object() || Array::is_array(options)) {
            return Err(wrong_type("options must be an object", options));
        }
        let option = |name: &str| if is_absent(options) { JsValue::UNDEFINED } else { get(options, name) };
        if present(option("password")).is_some() && is_absent(&option("secret")) {
            let text = "there is no option 'password', and without 'secret' this would be the public swarm: call it 'secret'";
            return Err(Error::Type(text.into()));
        }

        let mut config = Config::new(swarm_of_topic(&topic)?);
        read_into(&mut config.max_peers, &option("maxPeers"), max_peers)?;
        read_into(&mut config.coverage, &option("coverage"), coverage)?;
        read_into(&mut config.announce_every, &option("timeout"), timeout)?;
        read_into(&mut config.max_message_size, &option("maxMessageSize"), max_message_size)?;
        read_into(&mut (), &option("bitLength"), bit_length)?;
        config.max_message_size += BESIDE;
        config.max_held = config.max_held.max(config.max_message_size);
        config.address = present(option("address")).map(|text| address("address", &text)).transpose()?;
        trackers(&mut config, &option("tracker"), &option("trackers"))?;

        let rtc_config = rtc_config::read(&option("rtcConfig"))?;
        let secret = present(option("secret")).map(|text| secret(&text)).transpose()?;
        // It joins when the page has its listeners on.
        config.locked = true;
        config.tabs = Tabs::are_possible();
        let given = !is_absent(&option("identity"));
        let identity = identity(&option("identity"))?;
        let rtc = Rtc::find(present(option("rtc")).as_ref())?;
        rtc.try_out()?;
        config.restarts = rtc.restarts.get();
        let unknown = unknown(options);
        let debug = option("debug").is_truthy();
        Ok(Self { config, identity, given, secret, rtc_config, rtc, debug, unknown })
    }
}

/// A sentence about each option that there is none of.
fn unknown(options: &JsValue) -> Vec<String> {
    let names =
        options.dyn_ref::<Object>().map_or_else(Array::new, |options| Object::keys(options).unchecked_into());
    let names = names.iter().filter_map(|name| name.as_string());
    names
        .filter(|name| !NAMES.contains(&name.as_str()))
        .map(|name| {
            let meant = NAMES.iter().find(|known| known.eq_ignore_ascii_case(&name));
            let meant = meant.or(ALIASES
                .iter()
                .find(|(alias, _)| alias.eq_ignore_ascii_case(&name))
                .map(|(_, known)| known));
            let hint = meant.map_or(String::new(), |meant| format!(": is it {meant}?"));
            format!("there is no option '{name}'{hint}")
        })
        .collect()
}

/// What the members of a private swarm know, erased when nobody needs it any more.
pub(super) type Secret = Rc<Zeroizing<String>>;

/// The swarm of a topic.
fn swarm_of_topic(topic: &JsValue) -> Result<SwarmId, Error> {
    match topic.as_string() {
        Some(topic) if !topic.is_empty() => Ok(SwarmId::of_topic(&topic)),
        _ => {
            Err(wrong_type("the topic must be a non-empty string that the members of the swarm share", topic))
        }
    }
}

/// The swarm of an identifier.
pub(super) fn identifier(value: &JsValue) -> Result<SwarmId, Error> {
    let id = value.as_string().and_then(|text| SwarmId::from_hex(&text).ok());
    id.ok_or_else(|| {
        wrong_value("identifier, once made of the topic, is 40 hexadecimal digits; for another topic make a new Easypeers(topic)", value)
    })
}

/// A peer's address; `name` is the argument's name in the sentence.
pub(super) fn address(name: &str, value: &JsValue) -> Result<Address, Error> {
    let address = value.as_string().and_then(|text| Address::from_hex(&text).ok());
    address.ok_or_else(|| wrong_value(&format!("{name} must be 40 hexadecimal digits"), value))
}

/// `maxPeers`: raised to 2 as in the original, lowered to what browsers keep well.
pub(super) fn max_peers(value: &JsValue) -> Result<usize, Error> {
    let number = number("maxPeers must be an integer, at least 2", value)?.clamp(2.0, MAX_MAX_PEERS as f64);
    if number.fract() == 0.0 {
        Ok(number as usize)
    } else {
        Err(out_of_range("maxPeers must be an integer", value))
    }
}

/// `coverage`.
pub(super) fn coverage(value: &JsValue) -> Result<f64, Error> {
    let number = number(COVERAGE, value)?;
    if number > 0.0 && number <= 1.0 { Ok(number) } else { Err(out_of_range(COVERAGE, value)) }
}

const COVERAGE: &str = "coverage must be a number above 0 and at most 1";

/// `timeout`.
pub(super) fn timeout(value: &JsValue) -> Result<Duration, Error> {
    let number = number(TIMEOUT, value)?;
    let in_range = (1.0..=f64::from(u32::MAX)).contains(&number);
    if in_range { Ok(Duration::from_millis(number as u64)) } else { Err(out_of_range(TIMEOUT, value)) }
}

const TIMEOUT: &str = "timeout must be a number of milliseconds, at least 1";

fn max_message_size(value: &JsValue) -> Result<usize, Error> {
    let number = number(MAX_MESSAGE_SIZE, value)?;
    let in_range = (1.0..=LARGEST_MESSAGE).contains(&number) && number.fract() == 0.0;
    if in_range { Ok(number as usize) } else { Err(out_of_range(MAX_MESSAGE_SIZE, value)) }
}

const MAX_MESSAGE_SIZE: &str = "maxMessageSize must be an integer from 1 to 268435456 bytes";

/// 256 MiB: a few copies of it still fit in the module's 4 GiB.
const LARGEST_MESSAGE: f64 = 268_435_456.0;

fn bit_length(value: &JsValue) -> Result<(), Error> {
    let number = number(BIT_LENGTH, value)?;
    if number >= 1.0 && number.fract() == 0.0 { Ok(()) } else { Err(out_of_range(BIT_LENGTH, value)) }
}

const BIT_LENGTH: &str = "bitLength must be an integer, at least 1";

/// The options of `send` and of `request`.
#[derive(Default)]
pub(super) struct SendOptions {
    /// The recipient's address is claimed only.
    pub(super) claimed: bool,
    pub(super) signal: Option<Signal>,
    pub(super) timeout: Option<Duration>,
}

impl SendOptions {
    pub(super) fn read(options: &JsValue) -> Result<Self, Error> {
        let mut read = Self::default();
        if is_absent(options) {
            return Ok(read);
        }
        if !options.is_object() || Array::is_array(options) {
            return Err(wrong_type("the options of send must be an object", options));
        }
        read_into(&mut read.claimed, &get(options, "claimed"), claimed)?;
        read_into(&mut read.signal, &get(options, "signal"), signal)?;
        read_into(&mut read.timeout, &get(options, "timeout"), |value| timeout(value).map(Some))?;
        Ok(read)
    }
}

fn claimed(value: &JsValue) -> Result<bool, Error> {
    value.as_bool().ok_or_else(|| wrong_type("claimed must be true or false", value))
}

fn signal(value: &JsValue) -> Result<Option<Signal>, Error> {
    let signal = Signal::read(value).ok_or_else(|| {
        wrong_type("signal must be an AbortSignal, such as that of an AbortController", value)
    })?;
    Ok(Some(signal))
}

/// Whom a message is for: an address, or `null` for everyone where `options` are given. Without them `null` is an address
/// that somebody did not find, and what is for one must not go to all.
pub(super) fn recipient(to: &JsValue, options: &JsValue) -> Result<Option<Address>, Error> {
    if to.is_null() && !is_absent(options) {
        return Ok(None);
    }
    address("the recipient's address", to).map(Some)
}

/// The name of a channel.
pub(super) fn channel(value: &JsValue) -> Result<String, Error> {
    let name = value.as_string().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| wrong_type("a channel's name must be a non-empty string", value))?;
    if name.len() <= LONGEST_NAME {
        Ok(name)
    } else {
        Err(out_of_range("a channel's name has 255 bytes in UTF-8 at most", value))
    }
}

/// One tracker's URL.
pub(super) fn tracker(value: &JsValue) -> Result<String, Error> {
    let url = value.as_string().map(|url| url.trim().to_string()).filter(|url| !url.is_empty());
    url.ok_or_else(|| wrong_type("a tracker must be a URL such as 'wss://tracker.example'", value))
}

/// `trackers` replaces the public list and its reserves, and so does `tracker` as an array; `tracker` as one URL joins
/// them.
fn trackers(config: &mut Config, one: &JsValue, all: &JsValue) -> Result<(), Error> {
    if !is_absent(all) && !Array::is_array(all) {
        return Err(wrong_type("trackers must be an array of URLs; an empty one for no tracker", all));
    }
    if let Some(list) = [all, one].into_iter().find(|list| Array::is_array(list)) {
        config.trackers = Array::from(list).iter().map(|url| tracker(&url)).collect::<Result<_, _>>()?;
        config.reserves.clear();
    }
    if !is_absent(one) && !Array::is_array(one) {
        config.trackers.push(tracker(one)?);
    }
    Ok(())
}

fn identity(value: &JsValue) -> Result<Identity, Error> {
    if is_absent(value) {
        return fresh_identity();
    }
    let mut secret = Zeroizing::new([0; 32]);
    let read = match value.as_string() {
        Some(text) => hex::array(&text).map(|bytes| *secret = bytes),
        None => convert::bytes(value)
            .unwrap_or_default()
            .filter(|bytes| bytes.length() == 32)
            .map(|bytes| bytes.copy_to(&mut secret[..])),
    };
    // What was given is a secret, or close to one: the sentence does not repeat it.
    read.ok_or_else(|| {
        Error::Value("identity must be 32 bytes: a Uint8Array, or 64 hexadecimal digits".into())
    })?;
    Ok(Identity::from_secret(*secret))
}

/// What was given is not repeated here either.
fn secret(value: &JsValue) -> Result<Secret, Error> {
    let text = value.as_string().filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Error::Type("secret must be a non-empty string".into()))?;
    Ok(Rc::new(Zeroizing::new(text)))
}

/// An identity that nobody had before.
pub(super) fn fresh_identity() -> Result<Identity, Error> {
    Ok(Identity::from_secret(*entropy()?))
}

/// 32 bytes for a new identity, in hex.
pub(super) fn create_identity() -> Result<String, Error> {
    Ok(hex::text(&*entropy()?))
}

/// The dice of one peer.
pub(super) fn random() -> Result<Random, Error> {
    Ok(Random::new(*entropy()?))
}

#[expect(clippy::disallowed_methods, reason = "the shell seeds the generator")]
fn entropy() -> Result<Zeroizing<[u8; 32]>, Error> {
    let mut bytes = Zeroizing::new([0; 32]);
    let filled = getrandom::fill(&mut bytes[..]);
    filled.map_err(|_| {
        Error::Unsupported("there is no crypto.getRandomValues here, and no safe key without it")
    })?;
    Ok(bytes)
}

fn get(object: &JsValue, key: &str) -> JsValue {
    // A getter of the page that throws counts as an absent option.
    Reflect::get(object, &key.into()).unwrap_or_default()
}

fn is_absent(value: &JsValue) -> bool {
    value.is_undefined() || value.is_null()
}

fn present(value: JsValue) -> Option<JsValue> {
    Some(value).filter(|value| !is_absent(value))
}

fn read_into<T>(place: &mut T, value: &JsValue, read: fn(&JsValue) -> Result<T, Error>) -> Result<(), Error> {
    if !is_absent(value) {
        *place = read(value)?;
    }
    Ok(())
}

fn number(expected: &str, value: &JsValue) -> Result<f64, Error> {
    value.as_f64().filter(|number| !number.is_nan()).ok_or_else(|| wrong_type(expected, value))
}

fn wrong_type(expected: &str, value: &JsValue) -> Error {
    Error::Type(format!("{expected}{}", given(value)))
}

fn wrong_value(expected: &str, value: &JsValue) -> Error {
    let text = format!("{expected}{}", given(value));
    if value.is_string() { Error::Value(text) } else { Error::Type(text) }
}

fn out_of_range(expected: &str, value: &JsValue) -> Error {
    Error::Range(format!("{expected}{}", given(value)))
}

#[cfg(test)]
mod tests {
    use js_sys::{JSON, Uint8Array};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::proto::{PUBLIC_TRACKERS, RESERVE_TRACKERS};

    fn read(options: &str) -> Result<Options, Error> {
        Options::read(&"topic".into(), &JSON::parse(options).expect("JSON"))
    }

    fn config(options: &str) -> Config {
        read(options).unwrap_or_else(|error| panic!("{options}: {error:?}")).config
    }

    #[wasm_bindgen_test]
    fn nothing_given_means_the_defaults() {
        for options in ["null", "{}", r#"{"maxPeers":null,"tracker":null}"#] {
            let config = config(options);
            assert_eq!((config.max_peers, config.coverage), (6, 0.33));
            assert_eq!(config.swarm, SwarmId::of_topic("topic"));
            assert_eq!(config.trackers, PUBLIC_TRACKERS);
            assert_eq!(config.reserves, RESERVE_TRACKERS);
            assert_eq!(config.max_message_size, (16 << 20) + BESIDE);
        }
    }

    #[wasm_bindgen_test]
    fn an_option_that_there_is_none_of_is_named_with_what_was_probably_meant() {
        let unknown = |options| read(options).unwrap_or_else(|error| panic!("{error:?}")).unknown;
        assert!(unknown(r#"{"maxPeers":4,"debug":true,"tracker":"ws://t"}"#).is_empty());
        assert_eq!(unknown(r#"{"maxpeers":4}"#), ["there is no option 'maxpeers': is it maxPeers?"]);
        let said = unknown(r#"{"iceServers":[],"announce":[],"colour":"red"}"#);
        assert!(
            said[0].ends_with("is it rtcConfig: { iceServers }?") && said[1].ends_with("is it trackers?")
        );
        assert_eq!(said[2], "there is no option 'colour'");
    }

    #[wasm_bindgen_test]
    fn a_password_does_not_join_the_public_swarm() {
        assert!(matches!(read(r#"{"password":"x"}"#), Err(Error::Type(text)) if text.contains("'secret'")));
        assert_eq!(read(r#"{"password":"x","secret":"x"}"#).map_or(0, |options| options.unknown.len()), 1);
    }

    #[wasm_bindgen_test]
    fn the_topic_is_a_non_empty_string_in_either_form() {
        let named = JSON::parse(r#"{"identifier":"topic","maxPeers":9}"#).expect("JSON");
        let options = Options::read(&named, &JsValue::UNDEFINED).unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!((options.config.swarm, options.config.max_peers), (SwarmId::of_topic("topic"), 9));
        for topic in [
            JsValue::UNDEFINED,
            JsValue::NULL,
            "".into(),
            5.into(),
            Array::new().into(),
            js_sys::Object::new().into(),
        ] {
            assert!(matches!(Options::read(&topic, &JsValue::UNDEFINED), Err(Error::Type(_))), "{topic:?}");
        }
        assert!(matches!(Options::read(&"topic".into(), &"x".into()), Err(Error::Type(_))));
    }

    #[wasm_bindgen_test]
    fn a_claimed_recipient_is_meant_only_when_that_is_said() {
        let of =
            |json: &str| SendOptions::read(&JSON::parse(json).expect("JSON")).map(|options| options.claimed);
        for (options, meant) in [("null", false), ("{}", false), (r#"{"claimed":true}"#, true)] {
            assert_eq!(of(options).unwrap_or_else(|error| panic!("{error:?}")), meant, "{options}");
        }
        for bad in ["[]", "7", r#"{"claimed":"yes"}"#] {
            assert!(matches!(of(bad), Err(Error::Type(_))), "{bad}");
        }
    }

    #[wasm_bindgen_test]
    fn max_peers_is_raised_to_2_and_lowered_to_64() {
        for (given, kept) in [("-1", 2), ("0", 2), ("1", 2), ("2", 2), ("64", 64), ("65", 64), ("1e9", 64)] {
            assert_eq!(config(&["{\"maxPeers\":", given, "}"].concat()).max_peers, kept, "{given}");
        }
        assert!(matches!(read(r#"{"maxPeers":"6"}"#), Err(Error::Type(_))));
        assert!(matches!(read(r#"{"maxPeers":2.5}"#), Err(Error::Range(_))));
        assert!(matches!(max_peers(&f64::NAN.into()), Err(Error::Type(_))));
    }

    #[wasm_bindgen_test]
    fn numbers_out_of_range_are_range_errors_and_what_is_no_number_a_type_error() {
        for bad in [
            "coverage\":0",
            "coverage\":1.01",
            "coverage\":-1",
            "bitLength\":0",
            "bitLength\":1.5",
            "timeout\":0",
            "maxMessageSize\":0",
        ] {
            assert!(matches!(read(&["{\"", bad, "}"].concat()), Err(Error::Range(_))), "{bad}");
        }
        for bad in ["coverage", "bitLength", "timeout", "maxMessageSize", "options"] {
            let bad = ["{\"", bad, "\":\"1\"}"].concat();
            let is_option = !bad.contains("options");
            assert_eq!(matches!(read(&bad), Err(Error::Type(_))), is_option, "{bad}");
        }
    }

    #[wasm_bindgen_test]
    fn one_tracker_joins_the_public_list_and_a_list_replaces_it() {
        assert_eq!(config(r#"{"tracker":"ws://x"}"#).trackers.len(), 4);
        assert_eq!(config(r#"{"tracker":"ws://x"}"#).reserves, RESERVE_TRACKERS);
        assert_eq!(config(r#"{"tracker":["ws://x"]}"#).reserves, [""; 0]);
        assert_eq!(config(r#"{"tracker":["ws://x","ws://y"]}"#).trackers, ["ws://x", "ws://y"]);
        assert_eq!(config(r#"{"trackers":["ws://x"]}"#).trackers, ["ws://x"]);
        assert_eq!(config(r#"{"trackers":[]}"#).trackers, [""; 0]);
        assert_eq!(config(r#"{"trackers":[],"tracker":"ws://x"}"#).trackers, ["ws://x"]);
        for bad in
            [r#"{"tracker":5}"#, r#"{"tracker":""}"#, r#"{"trackers":"ws://x"}"#, r#"{"trackers":[5]}"#]
        {
            assert!(matches!(read(bad), Err(Error::Type(_))), "{bad}");
        }
    }

    #[wasm_bindgen_test]
    fn an_address_is_40_hex_digits() {
        let hex = "0123456789abcdef0123456789ABCDEF01234567";
        assert_eq!(config(&["{\"address\":\"", hex, "\"}"].concat()).address, Address::from_hex(hex).ok());
        assert!(matches!(read(r#"{"address":"12"}"#), Err(Error::Value(_))));
        assert!(matches!(read(r#"{"address":12}"#), Err(Error::Type(_))));
    }

    #[wasm_bindgen_test]
    fn an_identity_is_32_bytes_in_either_form_and_gives_one_address() {
        let text = create_identity().unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(text.len(), 64);
        let bytes: [u8; 32] = hex::array(&text).expect("its own hex");
        let address = |value: JsValue| identity(&value).map(|identity| identity.address());
        assert_eq!(address(text.as_str().into()), address(Uint8Array::from(&bytes[..]).into()));
        for bad in ["", "12", &"g".repeat(64), &"+1".repeat(32), &"é".repeat(32)] {
            assert!(matches!(address(bad.into()), Err(Error::Value(_))), "{bad}");
        }
        assert!(matches!(address(Uint8Array::new_with_length(31).into()), Err(Error::Value(_))));
    }

    #[wasm_bindgen_test]
    fn a_secret_is_a_string_and_is_never_repeated() {
        let options = read(r#"{"secret":"s"}"#).unwrap_or_else(|error| panic!("{error:?}"));
        assert!(options.secret.is_some_and(|secret| **secret == "s"));
        assert!(read("{}").is_ok_and(|options| options.secret.is_none()));
        for bad in [r#"{"secret":""}"#, r#"{"secret":1234}"#, r#"{"secret":{}}"#] {
            assert!(matches!(read(bad), Err(Error::Type(text)) if !text.contains("1234")), "{bad}");
        }
    }
}
