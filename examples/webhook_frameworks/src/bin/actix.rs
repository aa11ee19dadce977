//! Receives Moov's webhooks with actix-web.

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    http::{StatusCode, header::RETRY_AFTER},
    rt,
    web::{Bytes, Data, PayloadConfig, ServiceConfig, post},
};
use fintech_auth::{
    moov::{self, webhook::WebhookVerifier},
    webhook::WebhookResponse,
};

async fn from_moov(webhooks: Data<WebhookVerifier>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let received = webhooks.receive(values(&request), body).await.map_err(WebhookResponse::from);
    let (webhook, delivery) = match received.and_then(|received| received.into_new()) {
        Ok(new) => new,
        Err(response) => return respond(response),
    };
    // Handle the webhook in a separate task, because actix-web cancels this function when the
    // sender disconnects.
    let handled = rt::spawn(async move {
        // Moov does not sign the body. Fetch the object (`UnsignedEvent::refetch_url`) and use the
        // response instead of the body.
        match webhook.unsigned_event() {
            Ok(hint) => println!("{}: transfer {:?}", hint.kind.as_str(), hint.id("transferID")),
            Err(error) => println!("nothing to fetch: {error}"),
        }
        // The event is handled, so mark later retries as duplicates. If the task ends before this
        // line, by an early return or a panic, the delivery is abandoned.
        let _ = delivery.complete().await; // a failure is logged
    });
    match handled.await {
        Ok(()) => HttpResponse::Ok().finish(),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

/// The verifier cannot read actix-web's own `HeaderMap` type, so it calls this closure to get the
/// values of a header.
fn values<'h>(request: &'h HttpRequest) -> impl Fn(&str) -> Vec<&'h [u8]> {
    |name| request.headers().get_all(name).map(|value| value.as_bytes()).collect()
}

fn respond(response: WebhookResponse) -> HttpResponse {
    let status = StatusCode::from_u16(response.status().as_u16());
    let mut builder = HttpResponse::build(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    if let Some(seconds) = response.retry_after() {
        builder.insert_header((RETRY_AFTER, seconds));
    }
    builder.finish()
}

fn routes(webhooks: WebhookVerifier) -> impl Fn(&mut ServiceConfig) + Clone {
    move |config| {
        let body_limit = PayloadConfig::new(webhooks.body_limit());
        config.app_data(body_limit).app_data(Data::new(webhooks.clone()));
        config.route("/webhooks/moov", post().to(from_moov));
    }
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let routes = routes(moov::Config::from_env()?.webhooks()?); // settings from the environment
    HttpServer::new(move || App::new().configure(routes.clone())).bind("127.0.0.1:3000")?.run().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_service, init_service};
    use fintech_auth::{
        emulator::{Emulator, SignedWebhook},
        webhook::{Deliveries, MemoryDeliveries},
    };

    use super::*;

    fn request(webhook: &SignedWebhook) -> TestRequest {
        let mut request = TestRequest::post().uri("/webhooks/moov").set_payload(webhook.body.clone());
        for (name, value) in &webhook.headers {
            request = request.append_header((name.as_str(), value.as_bytes()));
        }
        request
    }

    async fn send(webhooks: &WebhookVerifier, request: TestRequest) -> (u16, bool) {
        let app = init_service(App::new().configure(routes(webhooks.clone()))).await;
        let response = call_service(&app, request.to_request()).await;
        (response.status().as_u16(), response.headers().contains_key(RETRY_AFTER))
    }

    #[actix_web::test]
    async fn webhook_is_handled_once_and_a_forged_one_is_refused() {
        let emulator = Emulator::builder().with_system_clock().start().await.unwrap();
        let webhooks = WebhookVerifier::new([emulator.moov_webhook_secret()]).unwrap();
        let webhook = || emulator.moov_webhook(r#"{"type": "transfer.updated"}"#);
        let sent = webhook().sign().unwrap();
        let forged = webhook().with_secret("made up").sign().unwrap();
        let large = "a".repeat(webhooks.body_limit() + 1);
        let duplicate_header = ("x-nonce", sent.headers["x-nonce"].as_bytes());

        assert_eq!(send(&webhooks, request(&forged)).await, (401, false));
        assert_eq!(send(&webhooks, request(&sent).set_payload(large)).await, (413, false));
        assert_eq!(send(&webhooks, request(&sent).append_header(duplicate_header)).await, (400, false));
        assert_eq!(webhooks.deliveries().abandoned(), 0);
        assert_eq!(send(&webhooks, request(&sent)).await, (200, false));
        assert_eq!(send(&webhooks, request(&sent)).await, (200, false), "a duplicate");
        assert_eq!(webhooks.deliveries().abandoned(), 0);

        let webhooks = webhooks.with_deliveries(Deliveries::new(MemoryDeliveries::new(1)));
        let _in_progress = webhooks.receive(&sent.headers, &sent.body).await.unwrap();
        assert_eq!(send(&webhooks, request(&sent)).await, (503, true));
        assert_eq!(send(&webhooks, request(&webhook().sign().unwrap())).await, (503, true));
    }
}
