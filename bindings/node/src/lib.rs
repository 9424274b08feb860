//! The native addon of the Node package zpatterns.
