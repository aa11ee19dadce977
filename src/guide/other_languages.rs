//! Other languages: use the emulator from Python, TypeScript, Ruby and Go.
//!
//! At the end of this page a service in another language gets its tokens from the emulator, with the standard library of
//! its language or with the vendor's own SDK.
//!
//! # Start the emulator
//!
//! ```sh
//! cargo install --path cli       # once, in a clone of the repository
//! fintech-auth emulator          # prints the variables below; Ctrl-C ends it
//! ```
//!
//! It prints `export MONEYKIT_BASE_URL=…` and the other variables. Set them where your service runs. Moov is at the same
//! address, with `MOOV_BASE_URL`, `MOOV_CLIENT_ID` and `MOOV_CLIENT_SECRET`.
//!
//! # Get a token
//!
//! Each example issues a token of MoneyKit. The first three use it once and print the client id that the service knows it
//! by; Go leaves the use to you.
//!
//! ```python
//! import json, os, urllib.parse, urllib.request as http
//! base, credentials = os.environ["MONEYKIT_BASE_URL"], [(name, os.environ["MONEYKIT_" + name.upper()]) for name in ("client_id", "client_secret")]
//! token = json.load(http.urlopen(base + "/auth/token", urllib.parse.urlencode([("grant_type", "client_credentials"), *credentials]).encode()))
//! request = http.Request(base + "/auth/introspect", headers={"Authorization": "Bearer " + token["access_token"]})
//! print(json.load(http.urlopen(request))["client_id"])
//! ```
//!
//! ```typescript
//! const { MONEYKIT_BASE_URL: base, MONEYKIT_CLIENT_ID: id, MONEYKIT_CLIENT_SECRET: secret } = process.env;
//! const form = new URLSearchParams({ grant_type: "client_credentials", client_id: `${id}`, client_secret: `${secret}` });
//! const token = await (await fetch(`${base}/auth/token`, { method: "POST", body: form })).json();
//! const response = await fetch(`${base}/auth/introspect`, { headers: { authorization: `Bearer ${token.access_token}` } });
//! console.log((await response.json()).client_id);
//! ```
//!
//! ```ruby
//! require "json"; require "net/http"
//! base, id, secret = %w[BASE_URL CLIENT_ID CLIENT_SECRET].map { |name| ENV.fetch("MONEYKIT_#{name}") }
//! form = { grant_type: "client_credentials", client_id: id, client_secret: secret }
//! token = JSON.parse(Net::HTTP.post_form(URI("#{base}/auth/token"), form).body)
//! puts JSON.parse(Net::HTTP.get(URI("#{base}/auth/introspect"), { "Authorization" => "Bearer #{token["access_token"]}" }))["client_id"]
//! ```
//!
//! ```go
//! form := url.Values{"grant_type": {"client_credentials"}, "client_id": {os.Getenv("MONEYKIT_CLIENT_ID")}}
//! form.Set("client_secret", os.Getenv("MONEYKIT_CLIENT_SECRET"))
//! response, err := http.PostForm(os.Getenv("MONEYKIT_BASE_URL")+"/auth/token", form)
//! if err != nil { log.Fatal(err) }
//! err = json.NewDecoder(response.Body).Decode(&token) // struct { AccessToken string `json:"access_token"` }
//! ```
//!
//! # With the vendors' SDKs
//!
//! These work as they are published; each was run against the emulator in November 2026. SDKs for other languages could
//! not be had from a package registry, so they were not tried.
//!
//! | SDK | how to name the emulator | what was called |
//! | --- | --- | --- |
//! | `moneykit` 0.2.3 (Python) | `Configuration(host=base_url)` | token by form and by HTTP Basic, introspection, key set |
//! | `moovio-sdk` 26.8.6 (Python) | `Moov(server_url=base_url, …)` | token, refresh, revoke, accounts by the key pair |
//! | `@moovio/sdk` 26.7.1 (Node.js) | `new Moov({ serverURL: base_url, … })` | token, refresh, revoke, accounts by the key pair |
//! | `@moovio/node` 1.2.2 (Node.js) | `new Moov(credentials, { prefixUrl: base_url })` | token; `domain` must be the emulator's origin, which it prints |
//!
//! The two newer Moov SDKs send no `Origin`. As the live service does, the emulator issues them a token all the same; it
//! is for no page in a browser. See [Browser tokens](super::browser_tokens).
//!
//! # Receive a webhook
//!
//! The CLI sends signed webhooks to a handler in any language and repeats them on the vendor's schedule:
//!
//! ```sh
//! fintech-auth moov trigger transfer.updated --to http://127.0.0.1:3000/webhooks/moov
//! fintech-auth moov trigger transfer.updated --to http://127.0.0.1:3000/webhooks/moov --tamper
//! ```
//!
//! The handler must accept the first one and refuse the second. [Webhooks](super::webhooks) says what to verify.
