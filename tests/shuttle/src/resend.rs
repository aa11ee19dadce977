//! Replaces the crate's module `resend`. Counts nothing, because calls are not traced here.

pub(crate) async fn scope<F: Future>(_: u32, call: F) -> F::Output {
    call.await
}
