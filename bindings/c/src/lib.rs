//! The C library and header of zpatterns.
