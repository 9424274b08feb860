//! What is counted, by name.

/// A dictionary of these variables.
macro_rules! named {
    ($py:expr, $($name:ident)*) => {{
        let table = pyo3::types::PyDict::new($py);
        $(pyo3::types::PyDictMethods::set_item(&table, stringify!($name), $name)?;)*
        table
    }};
}

pub(crate) use named;
