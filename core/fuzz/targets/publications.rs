//! `publications` for `cargo fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    zpatterns_fuzz::publications(data);
});
