//! Reads the settings of either vendor, from a map and from environment variables, and builds a
//! client. Neither reading nor building may panic, and no error may show a value.
#![no_main]

use fintech_auth::{Error, moneykit, moov};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

const MARK: &str = "%~mark~%";

type Pair<'a> = (u8, &'a str, Given<'a>);

#[derive(arbitrary::Arbitrary, Clone, Debug)]
enum Given<'a> {
    Text(&'a str),
    Number(f64),
    Whole(i64),
    List(Vec<&'a str>),
    Bool(bool),
    Null,
    Json(&'a str),
}

fn value(given: &Given, mark: &str) -> Value {
    let text = |text: &str| Value::from(format!("{text}{mark}"));
    match given {
        Given::Text(it) => text(it),
        Given::Number(it) => (*it).into(),
        Given::Whole(it) => (*it).into(),
        Given::List(items) => items.iter().map(|it| text(it)).collect(),
        Given::Bool(it) => (*it).into(),
        Given::Null => Value::Null,
        Given::Json(it) => serde_json::from_str(it).unwrap_or_default(),
    }
}

fn text(error: &Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text += &format!(" {error} {error:?}");
        source = error.source();
    }
    text
}

macro_rules! read {
    ($vendor:ident, $prefix:literal, $pairs:expr, $mark:expr) => {{
        let key = |(index, other, _): &Pair| {
            let keys = $vendor::Config::KEYS;
            let known = keys.get(usize::from(*index) % (keys.len() + 2));
            known.map_or_else(|| (*other).to_owned(), |key| (*key).to_owned())
        };
        let map: Map<String, Value> = $pairs.iter().map(|it| (key(it), value(&it.2, $mark))).collect();
        let text_of = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let vars = $pairs.iter().map(|it| {
            (format!("{}_{}", $prefix, key(it).to_ascii_uppercase()), text_of(&value(&it.2, $mark)))
        });
        let from_vars = $vendor::Config::from_vars(vars).map_err(|error| text(&error));
        let from_map = serde_json::from_value::<$vendor::Config>(map.into());
        for config in [from_vars, from_map.map_err(|error| error.to_string())] {
            let shown = match config {
                Ok(mut config) => {
                    let shown = config.warnings().join(" ");
                    // Do not read files, because the fuzzer could name any file on this machine.
                    (config.client_secret_file, config.credentials_dir) = (None, None);
                    (config.root_certificate_file, config.client_identity_file) = (None, None);
                    match config.client() {
                        Ok(client) => shown + &format!("{client:?}").replace($mark, ""),
                        Err(error) => shown + &text(&error),
                    }
                }
                Err(error) => error,
            };
            // An error may show the name of an unknown key. If such a name contains `MARK`, an
            // error that contains `MARK` does not necessarily show a value.
            let named = $pairs.iter().any(|(_, other, _)| other.contains(MARK));
            assert!($mark.is_empty() || named || !shown.contains(MARK), "{shown}");
        }
    }};
}

fuzz_target!(|input: (bool, bool, Vec<Pair>)| {
    let (is_moov, is_marked, pairs) = input;
    let mark = if is_marked { MARK } else { "" };
    if is_moov {
        read!(moov, "MOOV", pairs, mark);
    } else {
        read!(moneykit, "MONEYKIT", pairs, mark);
    }
});
