//! Receives MoneyKit's webhooks in AWS Lambda, behind an API Gateway (HTTP API) or a function URL.
//!
//! AWS freezes each instance of the function after its response. The function therefore records
//! deliveries in Redis, which all instances share, and uses no background task.

use std::{env, sync::Arc};

use fintech_auth::{
    Secret,
    moneykit::{
        self,
        webhook::{Event, WebhookVerifier},
    },
    token::redis::{RedisStore, SealingKey},
    webhook::{Deliveries, RedisDeliveries, WebhookResponse},
};
use lambda_http::{Body, Error, Request, Response, http::header::RETRY_AFTER, run, service_fn};

async fn from_moneykit(webhooks: &WebhookVerifier, request: Request) -> Result<Response<Body>, Error> {
    let (parts, body) = request.into_parts();
    let received = webhooks.receive(&parts.headers, body).await.map_err(WebhookResponse::from);
    let (webhook, delivery) = match received.and_then(|received| received.into_new()) {
        Ok(new) => new,
        Err(response) => return respond(response),
    };
    let handled = match webhook.event() {
        Ok(event) => handle(event).await,
        // The webhook is authentic, so an error status would only cause retries.
        Err(error) => {
            println!("not an event that this version knows: {error}");
            Ok(())
        }
    };
    if let Err(error) = handled {
        println!("{error}");
        let _ = delivery.abandon().await; // if this fails, the lease expires later
        return Ok(Response::builder().status(500).body(Body::Empty)?);
    }
    // The event is handled, so mark later retries as duplicates.
    let _ = delivery.complete().await; // a failure is logged
    Ok(Response::new(Body::Empty))
}

/// Replace this function. For example, put the event into a queue.
async fn handle(event: Event) -> Result<(), Error> {
    let link = event.link_id.ok_or("no link_id")?;
    println!("{}: link {link}", event.kind.as_str());
    Ok(())
}

fn respond(response: WebhookResponse) -> Result<Response<Body>, Error> {
    let mut builder = Response::builder().status(response.status());
    if let Some(seconds) = response.retry_after() {
        builder = builder.header(RETRY_AFTER, seconds);
    }
    Ok(builder.body(Body::Empty)?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // `RedisStore` requires a key that encrypts tokens. The key is not used here, because this
    // function stores no tokens.
    let key = SealingKey::from_base64(&Secret::from(env::var("REDIS_SEALING_KEY")?))?;
    let redis = Arc::new(RedisStore::builder([key]).open(&env::var("REDIS_URL")?)?);
    let client = moneykit::Config::from_env()?.builder_for_webhooks()?; // settings from the environment
    let client = client.with_deliveries(Deliveries::new(RedisDeliveries::new(redis))).build()?;
    let webhooks = &client.webhooks();
    run(service_fn(|request| from_moneykit(webhooks, request))).await
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use fintech_auth::emulator::{Emulator, SignedWebhook};
    use lambda_http::request::from_str;
    use serde_json::{Map, json};

    use super::*;

    fn request(webhook: &SignedWebhook, is_base64: bool) -> Request {
        let headers = webhook.headers.iter();
        let headers: Map<_, _> =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().into())).collect();
        let body = std::str::from_utf8(&webhook.body).unwrap();
        let event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": "/webhooks/moneykit",
            "rawQueryString": "",
            "headers": headers,
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "test",
                "http": {"method": "POST", "path": "/webhooks/moneykit", "protocol": "HTTP/1.1"},
                "requestId": "test",
                "stage": "$default",
                "timeEpoch": 0,
            },
            "body": if is_base64 { BASE64_STANDARD.encode(body) } else { body.to_owned() },
            "isBase64Encoded": is_base64,
        });
        from_str(&event.to_string()).unwrap()
    }

    #[tokio::test]
    async fn webhook_is_handled_once_and_a_forged_one_is_refused() {
        let emulator = Emulator::builder().with_system_clock().start().await.unwrap();
        let client = emulator.moneykit().build().unwrap();
        let webhooks = &client.webhooks();
        let send = async |webhook: &SignedWebhook, is_base64| {
            let response = from_moneykit(webhooks, request(webhook, is_base64)).await.unwrap();
            (response.status().as_u16(), response.headers().contains_key(RETRY_AFTER))
        };
        for is_base64 in [false, true] {
            let body = json!({"webhook_event": "link.state_changed", "link_id": "l", "base64": is_base64});
            let sent = emulator.moneykit_webhook(body.to_string()).sign().unwrap();
            assert_eq!(send(&sent.clone().with_body("{}"), is_base64).await, (401, false));
            assert_eq!(send(&sent, is_base64).await, (200, false));
            assert_eq!(send(&sent, is_base64).await, (200, false), "a duplicate");
        }
        let unknown = emulator.moneykit_webhook("[]").sign().unwrap();
        assert_eq!(send(&unknown, false).await, (200, false));
        let failing = emulator.moneykit_webhook(r#"{"webhook_event": "x"}"#).sign().unwrap();
        for attempt in 1..=2 {
            assert_eq!(send(&failing, false).await, (500, false));
            assert_eq!(webhooks.deliveries().abandoned(), attempt);
        }
        let _in_progress = webhooks.receive(&failing.headers, &failing.body).await.unwrap();
        assert_eq!(send(&failing, false).await, (503, true));
    }
}
