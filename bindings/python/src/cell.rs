//! What Python has of a handle besides the handle: a job, or something that it waits for.
//!
//! A Python object lives as long as it likes, and what it is of must not: that holds its handle, and the handle the context. So it is
//! in a cell, which is emptied when it is over, or when the handle closes. Whoever waits in it meanwhile is told to let go.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, Weak};

use zpatterns::{Cancel, Deadline, Error, ErrorKind, Result};

/// Where something is until it is over.
pub(crate) struct Cell<T> {
    content: RwLock<Option<T>>,
    /// Tells whoever waits in it to let go. Who waits makes it first.
    emptied: OnceLock<Cancel>,
}

impl<T> Cell<T> {
    /// Takes out what is in it, if it is still there.
    pub(crate) fn empty(&self) -> Option<T> {
        if let Ok(mut content) = self.content.try_write() {
            return content.take();
        }
        if let Some(emptied) = self.emptied.get() {
            emptied.cancel();
        }
        self.content.write().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Looks at it, if it is still there.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
        self.content.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(look)
    }

    /// Waits in it; nothing if the cell is empty, or is emptied first.
    pub(crate) fn wait<R>(
        &self,
        deadline: &Deadline,
        wait: impl FnOnce(&T, &Deadline) -> Result<R>,
    ) -> Result<Option<R>> {
        let emptied = match self.emptied.get() {
            Some(emptied) => emptied,
            None => {
                let made = Cancel::new()?;
                self.emptied.get_or_init(|| made)
            }
        };
        match self.look(|content| wait(content, &deadline.clone().or(emptied))) {
            Some(Err(error)) if error.kind() == ErrorKind::Cancelled && emptied.is_cancelled() => Ok(None),
            Some(waited) => waited.map(Some),
            None => Ok(None),
        }
    }
}

/// All that Python has of one handle.
pub(crate) struct Cells<T>(Mutex<Option<Vec<Weak<Cell<T>>>>>);

impl<T> Default for Cells<T> {
    fn default() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }
}

impl<T> Cells<T> {
    /// Puts something where closing the handle finds it. [`ErrorKind::Closed`] if it is.
    pub(crate) fn keep(&self, content: T) -> Result<Arc<Cell<T>>> {
        let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cells = cells.as_mut().ok_or_else(|| Error::new(ErrorKind::Closed, "the handle is closed"))?;
        // Forgetting the dead only when the list would grow costs each a constant.
        if cells.len() == cells.capacity() {
            cells.retain(|cell| cell.strong_count() > 0);
        }
        let cell = Arc::new(Cell { content: RwLock::new(Some(content)), emptied: OnceLock::new() });
        cells.push(Arc::downgrade(&cell));
        Ok(cell)
    }

    /// Empties all, and keeps nothing from now on.
    pub(crate) fn close(&self) {
        let cells = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        for cell in cells.iter().flatten().filter_map(Weak::upgrade) {
            drop(cell.empty());
        }
    }
}
