//! Replaces the crate's module `resend`. Calls are not traced here, so this module counts nothing.

pub(crate) async fn scope<F: Future>(_: u32, call: F) -> F::Output {
    call.await
}
