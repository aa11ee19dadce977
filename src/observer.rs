//! An optional function that receives events, for example for metrics. A panic in the function is
//! caught, so that no token and no webhook is lost.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

pub(crate) struct Observer<F: ?Sized>(Option<Arc<F>>);

impl<F: ?Sized> Observer<F> {
    pub(crate) fn new(observe: Arc<F>) -> Self {
        Self(Some(observe))
    }

    pub(crate) fn call(&self, call: impl FnOnce(&F)) {
        if let Some(observe) = &self.0
            && catch_unwind(AssertUnwindSafe(|| call(observe))).is_err()
        {
            tracing::error!("observer panicked");
        }
    }
}

impl<F: ?Sized> Clone for Observer<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F: ?Sized> Default for Observer<F> {
    fn default() -> Self {
        Self(None)
    }
}

impl<F: ?Sized> fmt::Debug for Observer<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Some(..)" } else { "None" })
    }
}
