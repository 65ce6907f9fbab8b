//! One tracker, one spelling: two peers that write its URL in different ways meet there, and name it alike among each
//! other.

/// The normal form: scheme and host in lower case, no port that goes without saying, no slash at the end. It is what a
/// browser makes of a URL of ASCII, but for that slash, and asks for no parser of URLs. What is no URL stays as it is.
pub(crate) fn normal_form(url: &str) -> String {
    let url = url.trim();
    let Some((scheme, rest)) = url.split_once("://") else { return url.trim_end_matches('/').to_owned() };
    let scheme = scheme.to_ascii_lowercase();
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    // A name and a password before the host keep their capitals.
    let (user, host) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    let host = host.to_ascii_lowercase();
    let port = match scheme.as_str() {
        "wss" => ":443",
        "ws" => ":80",
        _ => ":",
    };
    let host = host.strip_suffix(port).or(host.strip_suffix(':')).unwrap_or(&host);
    let path = path.trim_end_matches('/');
    let path = if path.starts_with("/?") { &path[1..] } else { path };
    [&scheme, "://", user, host, path].concat()
}

/// What members call a tracker among each other, made of a URL in normal form: few bytes, and no words of a URL that may
/// hold a key.
pub(crate) fn mark(url: &str) -> u32 {
    url.bytes().fold(0, |mark, byte| mark.wrapping_mul(31).wrapping_add(byte.into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_url_are_one_tracker() {
        for (same, spellings) in [
            (
                "wss://tracker.example",
                &["wss://tracker.example/", "WSS://Tracker.EXAMPLE:443//", " wss://tracker.example: "][..],
            ),
            ("ws://localhost:8000", &["ws://LOCALHOST:8000/", "Ws://localhost:8000"]),
            ("ws://[::1]", &["ws://[::1]:80/", "ws://[::1]/"]),
            ("wss://t.example:80/Announce", &["wss://T.example:80/Announce/"]),
            ("wss://t.example?Key=a", &["wss://t.example:443/?Key=a", "wss://T.EXAMPLE?Key=a"]),
            ("wss://User:Pass@t.example", &["wss://User:Pass@T.example:443/"]),
        ] {
            for spelling in spellings {
                assert_eq!(normal_form(spelling), same);
            }
        }
    }

    #[test]
    fn other_trackers_stay_apart_and_what_is_no_url_as_it_is() {
        let others = [
            "wss://t.example",
            "ws://t.example",
            "wss://t.example:80",
            "wss://t.example/a",
            "wss://t.example/A",
        ];
        for (i, url) in others.iter().enumerate() {
            assert_eq!(normal_form(url), *url);
            assert!(others[..i].iter().all(|other| mark(other) != mark(url)));
        }
        assert_eq!(normal_form("Not a URL"), "Not a URL");
    }

    proptest! {
        #[test]
        fn a_normal_form_is_its_own(url in "(wss?|WS|http)://(A@)?[A-Za-z.é]{0,6}(:(80|443|8000)?)?[A-Za-z@/?.]{0,9}") {
            let normal = normal_form(&url);
            prop_assert_eq!(normal_form(&normal), normal);
        }
    }
}
