//! Tests that Moov's webhook secrets can be replaced while webhooks are verified.

use fintech_auth::{ErrorKind, Secret, moov::webhook::WebhookVerifier};

use crate::support::emulator;

#[tokio::test]
async fn webhook_secrets_are_replaced_in_all_clones_during_verification() {
    let (old, new) = (emulator().await, emulator().await);
    let secrets = [old.moov_webhook_secret(), new.moov_webhook_secret()];
    let [by_old, by_new] = [&old, &new]
        .map(|emulator| emulator.moov_webhook("{}").sign().expect("the webhook is signed").headers);
    let webhooks = WebhookVerifier::new([secrets[0].clone()]).unwrap().with_clock(old.clock().clone());
    let clone = webhooks.clone().with_body_limit(10);
    assert!(clone.verify(&by_old, b"").is_ok() && clone.verify(&by_new, b"").is_err());
    webhooks.replace_secrets(secrets.clone()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    clone.verify(&by_old, b"").expect("the old secret is one of the two");
                    clone.verify(&by_new, b"").expect("the new secret is one of the two");
                }
            });
        }
        for index in 0..2_000 {
            let mut secrets = secrets.clone();
            secrets.rotate_left(index % 2);
            webhooks.replace_secrets(secrets).unwrap();
        }
    });
    clone.replace_secrets([secrets[1].clone()]).unwrap();
    for verifier in [&webhooks, &clone] {
        assert!(verifier.verify(&by_new, b"").is_ok());
        assert_eq!(verifier.verify(&by_old, b"").unwrap_err().reason(), "signature_invalid");
    }
}

#[tokio::test]
async fn invalid_webhook_secrets_do_not_replace_valid_ones() {
    let emulator = emulator().await;
    let sent = emulator.moov_webhook("{}").sign().unwrap();
    let webhooks = WebhookVerifier::new([emulator.moov_webhook_secret()]).unwrap();
    let webhooks = webhooks.with_clock(emulator.clock().clone());
    for wrong in [vec![], vec![Secret::from("")], vec![Secret::from("MARK\n")]] {
        let error = webhooks.replace_secrets(wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(!format!("{error:?}").contains("MARK"));
    }
    webhooks.verify(&sent.headers, &sent.body).expect("the secrets have not changed");
}
