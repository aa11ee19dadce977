#!/usr/bin/env bash
# Measures what a dependency on this crate costs, compared with a client that is written by hand on
# reqwest: the number of crates, the processor time of a cold debug build and of rebuilding only the
# program itself, and the stripped size of a release build.
#
#   benches/cost.sh [NAME...]       measures all rows, or the named rows and the first row
#
# Builds in a temporary folder, which is removed at the end. The builds are offline: each row
# fetches its crates before it builds.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tokio='tokio = { version = "1", features = ["macros", "rt", "sync", "time"] }'
serde='serde = { version = "1", features = ["derive"] }'
reqwest() { echo "reqwest = { version = \"0.13\", default-features = false, features = [\"form\", \"json\"$1] }"; }
ours() { echo "fintech-auth = { path = \"$root\", default-features = false, features = [$1] }"; }

# Each row has the form `name | dependencies`. A semicolon in the dependencies stands for a line
# break.
ring='rustls = { version = "0.23", default-features = false, features = ["ring", "std"] }'
generator='[build-dependencies];progenitor = { version = "0.15.1", default-features = false }'
rows=(
    "by hand, reqwest's default rustls|$(reqwest ', "rustls"');$serde;$tokio"
    "by hand, rustls on ring|$(reqwest ', "rustls-no-provider"');$ring;$serde;$tokio"
    "the same, and progenitor in its build|$(reqwest ', "rustls-no-provider"');$ring;$serde;$tokio;$generator"
    "by hand, without TLS|$(reqwest '');$serde;$tokio"
    "ours, default|$(ours '"rustls"');$tokio"
    "ours, native-tls|$(ours '"native-tls"');$tokio"
    "ours, without TLS|$(ours '');$tokio"
)
for feature in axum blocking redis reqwest-middleware emulator tower; do
    rows+=("ours, default and $feature|$(ours "\"rustls\", \"$feature\"");$tokio")
done

by_hand='
#[derive(serde::Deserialize)]
struct Token { access_token: String, expires_in: u64 }

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let form = [("grant_type", "client_credentials"), ("client_id", "a"), ("client_secret", "b")];
    let request = reqwest::Client::new().post("https://localhost:1/oauth2/token").form(&form);
    let response = request.send().await.unwrap().error_for_status().unwrap();
    let token: Token = response.json().await.unwrap();
    println!("{} {}", token.access_token.len(), token.expires_in);
}'

with_ours='
use fintech_auth::{Credentials, moov};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let credentials = Credentials::new("a", "b");
    let client = moov::Client::builder(credentials).build().unwrap();
    println!("{}", client.default_token().await.unwrap().expose_secret().len());
}'

prepare() { # folder, dependencies, program
    mkdir -p "$1/src"
    printf '[package]\nname = "cost"\nversion = "0.0.0"\nedition = "2024"\n[profile.release]\nstrip = true\n[workspace]\n[dependencies]\n%s\n' \
        "${2//;/$'\n'}" >"$1/Cargo.toml"
    echo "$3" >"$1/src/main.rs"
    case $2 in *build-dependencies*) echo 'fn main() { let _ = progenitor::Generator::default(); }' >"$1/build.rs" ;; esac
    (cd "$1" && cargo fetch -q)
}

build() { # folder, profile → processor time and elapsed time, in seconds
    local TIMEFORMAT='%U %S %R'
    { time (cd "$1" && CARGO_TARGET_DIR=$1/target nice cargo build -q --offline --profile "$2" 2>"$1/log" || { cat "$1/log" >&3; exit 1; }); } 3>&2 2>&1 |
        awk '{ printf "%.1f %.0f\n", $1 + $2, $3 }'
}

echo '| | crates | CPU s | of the first | wall s | again, CPU s | stripped, MB |'
echo '| --- | ---: | ---: | ---: | ---: | ---: | ---: |'
first= n=0
for row in "${rows[@]}"; do
    name=${row%%|*}
    if [ -n "$first" ] && [ $# -gt 0 ] && ! printf '%s\n' "$@" | grep -qxF "$name"; then continue; fi
    folder=$work/$((++n))
    case $name in ours*) program=$with_ours ;; *) program=$by_hand ;; esac
    prepare "$folder" "${row#*|}" "$program"
    crates=$(cd "$folder" && cargo tree -q --offline --prefix none -e normal,build --no-dedupe | sort -u | wc -l)
    read -r cpu wall < <(build "$folder" dev)
    touch "$folder/src/main.rs"
    read -r again _ < <(build "$folder" dev)
    rm -rf "$folder/target"
    build "$folder" release >/dev/null
    size=$(stat -c %s "$folder/target/release/cost" | awk '{ printf "%.1f", $1 / 1e6 }')
    rm -rf "$folder/target"
    first=${first:-$cpu}
    awk "BEGIN { printf \"| $name | $crates | %.0f | %.2f | $wall | $again | $size |\\n\", $cpu, $cpu / $first }"
done
