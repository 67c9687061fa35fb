//! A sink that the engine's tests share.

use std::sync::{Arc, Mutex};

use engine::{Data, OperatorContext, OperatorError, Row, Rows, Sink};

/// Keeps everything that reaches any of its subtasks.
pub struct Collected<T>(Arc<Mutex<Vec<Row<T>>>>);

impl<T> Clone for Collected<T> {
    fn clone(&self) -> Self {
        Collected(Arc::clone(&self.0))
    }
}

impl<T> Default for Collected<T> {
    fn default() -> Self {
        Collected(Arc::default())
    }
}

impl<T> Collected<T> {
    /// What has been collected so far.
    pub fn take(&self) -> Vec<Row<T>> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl<T: Data> Sink<T> for Collected<T> {
    fn write(
        &mut self,
        rows: Rows<'_, T>,
        _: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        self.0.lock().unwrap().extend(rows);
        Ok(())
    }
}
