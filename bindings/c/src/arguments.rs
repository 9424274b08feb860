//! Arguments from C, checked before they become references.
//!
//! What can be seen is refused with `ZPAT_E_INVALID_ARGUMENT`: null, a length that no object has, bytes that are not
//! text. A pointer that is neither null nor what its function asks for cannot be seen, in C as ever.

use std::{
    ffi::{CStr, CString, OsStr, c_char, c_int, c_void},
    os::unix::ffi::OsStrExt,
    path::PathBuf,
    ptr, slice,
    sync::LazyLock,
    time::Duration,
};

use zpatterns::{Deadline, Error, ErrorKind, Result, reqrep::Frames as Body};

use crate::cancel::zpat_cancel_t;

/// Bytes that somebody else owns: `len` bytes from `data` on. `data` may be NULL if `len` is 0.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct zpat_slice_t {
    /// The first byte.
    pub data: *const c_void,
    /// How many bytes.
    pub len: usize,
}

impl zpat_slice_t {
    /// The slice that stands for nothing.
    pub(crate) const NONE: Self = Self { data: ptr::null(), len: 0 };

    /// Borrowed bytes for C. Empty ones point to something, too: null is for what is not there.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let data = if bytes.is_empty() { c"".as_ptr().cast() } else { bytes.as_ptr().cast() };
        Self { data, len: bytes.len() }
    }
}

pub(crate) fn invalid(text: impl Into<String>, argument: &'static str) -> Error {
    Error::new(ErrorKind::InvalidArgument, text).with("argument", argument)
}

/// What `pointer` points to; null is an error.
///
/// # Safety
/// A pointer that is not null points to a live `T` for as long as `'a`.
pub(crate) unsafe fn required<'a, T>(pointer: *const T, name: &'static str) -> Result<&'a T> {
    // SAFETY: as the caller promises.
    unsafe { pointer.as_ref() }.ok_or_else(|| invalid("the pointer is null", name))
}

/// As [`required`], to write to.
///
/// # Safety
/// As [`required`], and nobody else uses it meanwhile.
pub(crate) unsafe fn required_mut<'a, T>(pointer: *mut T, name: &'static str) -> Result<&'a mut T> {
    // SAFETY: as the caller promises.
    unsafe { pointer.as_mut() }.ok_or_else(|| invalid("the pointer is null", name))
}

/// The bytes that C describes.
///
/// # Safety
/// `data` is null or points to `len` readable bytes for as long as `'a`.
pub(crate) unsafe fn bytes<'a>(data: *const c_void, len: usize) -> Result<&'a [u8]> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(invalid("the pointer is null and the length is not 0", "data").with("len", len));
    }
    if isize::try_from(len).is_err() {
        return Err(Error::new(ErrorKind::TooLarge, "no object has that many bytes").with("len", len));
    }
    // SAFETY: not null, of a possible length, and the caller's otherwise.
    Ok(unsafe { slice::from_raw_parts(data.cast(), len) })
}

/// Bytes to keep; null is none.
///
/// # Safety
/// The slice is readable.
pub(crate) unsafe fn optional_bytes(slice: zpat_slice_t) -> Result<Option<Vec<u8>>> {
    if slice.data.is_null() && slice.len == 0 {
        return Ok(None);
    }
    // SAFETY: as the caller promises.
    Ok(Some(unsafe { bytes(slice.data, slice.len) }?.to_vec()))
}

/// An error unless there can be an array of `count` elements at `array`.
pub(crate) fn check_array<T>(array: *const T, count: usize, name: &'static str) -> Result<()> {
    if count > 0 && (array.is_null() || isize::try_from(count.saturating_mul(size_of::<T>())).is_err()) {
        return Err(invalid("there is no array of that many elements", name).with("count", count));
    }
    Ok(())
}

/// An error unless `array` has room for something.
pub(crate) fn check_room<T>(array: *const T, most: usize, name: &'static str) -> Result<()> {
    if most == 0 {
        return Err(invalid("there is no room for anything", name));
    }
    check_array(array, most, name)
}

/// As many as a result can count.
pub(crate) fn at_most(most: usize) -> usize {
    most.min(c_int::MAX as usize)
}

/// An array of slices that C describes.
///
/// # Safety
/// `frames` is null or points to `count` slices, each as [`bytes`] asks.
pub(crate) unsafe fn frames_of<'a>(frames: *const zpat_slice_t, count: usize) -> Result<Frames<'a>> {
    check_array(frames, count, "frames")?;
    // SAFETY: as the caller promises; an index below `count` is inside.
    (0..count).map(|index| unsafe { bytes((*frames.add(index)).data, (*frames.add(index)).len) }).collect()
}

/// A body with copies of frames that C describes; there may be none.
///
/// # Safety
/// As [`frames_of`].
pub(crate) unsafe fn body_of(frames: *const zpat_slice_t, count: usize) -> Result<Body> {
    // SAFETY: as the caller promises.
    Ok(unsafe { frames_of(frames, count) }?.iter().map(|frame| frame.to_vec().into()).collect())
}

/// Frames of one message; the usual few need no memory of their own.
pub(crate) type Frames<'a> = smallvec::SmallVec<[&'a [u8]; 8]>;

/// The UTF-8 text that C describes.
///
/// # Safety
/// `text` is null or points to readable bytes up to a zero, for as long as `'a`.
pub(crate) unsafe fn text<'a>(text: *const c_char, name: &'static str) -> Result<&'a str> {
    // SAFETY: as the caller promises.
    unsafe { optional_text(text, name) }?.ok_or_else(|| invalid("the pointer is null", name))
}

/// As [`text`], null being none.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn optional_text<'a>(text: *const c_char, name: &'static str) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller promises.
    let text = unsafe { CStr::from_ptr(text) };
    let text = text.to_str().map_err(|_| Error::new(ErrorKind::InvalidText, "not UTF-8").with("argument", name))?;
    Ok(Some(text))
}

/// The path that C describes, of any bytes; null is none.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn optional_path(path: *const c_char) -> Option<PathBuf> {
    // SAFETY: as the caller promises.
    (!path.is_null()).then(|| OsStr::from_bytes(unsafe { CStr::from_ptr(path) }.to_bytes()).into())
}

/// An array of texts that C describes.
///
/// # Safety
/// `list` is null or points to `count` texts, each as [`text`] asks.
pub(crate) unsafe fn texts<'a>(list: *const *const c_char, count: usize, name: &'static str) -> Result<Vec<&'a str>> {
    check_array(list, count, name)?;
    // SAFETY: as the caller promises; an index below `count` is inside.
    (0..count).map(|index| unsafe { text(*list.add(index), name) }).collect()
}

/// Copies `bytes` into the caller's buffer. `ErrorKind::TooLarge` if they do not fit.
///
/// # Safety
/// `buffer` is null or has `size` writable bytes.
pub(crate) unsafe fn write_bytes(bytes: &[u8], buffer: *mut c_void, size: usize) -> Result<()> {
    let size = if buffer.is_null() { 0 } else { size };
    if size < bytes.len() {
        let text = "the bytes do not fit into the buffer";
        return Err(Error::new(ErrorKind::TooLarge, text).with("size", size).with("needed", bytes.len()));
    }
    if !bytes.is_empty() {
        // SAFETY: as the caller promises, and the bytes fit.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.cast(), bytes.len()) };
    }
    Ok(())
}

/// Copies `text` and a zero into the caller's buffer. `ErrorKind::TooLarge` if it does not fit.
///
/// # Safety
/// `buffer` is null or has `size` writable bytes.
pub(crate) unsafe fn write_text(text: &str, buffer: *mut c_char, size: usize) -> Result<()> {
    if buffer.is_null() || size <= text.len() {
        return Err(Error::new(ErrorKind::TooLarge, "the buffer is too small for the text and its final zero")
            .with("size", size)
            .with("needed", text.len() + 1));
    }
    // SAFETY: the text and the zero fit.
    unsafe {
        ptr::copy_nonoverlapping(text.as_ptr().cast(), buffer, text.len());
        buffer.add(text.len()).write(0);
    }
    Ok(())
}

/// Copies as much of `text` as fits, with a zero at the end; a character is never cut in two. Returns the bytes of
/// text.
pub(crate) fn write_cut(text: &str, buffer: &mut [c_char]) -> usize {
    let room = buffer.len().saturating_sub(1).min(text.len());
    let end = (0..=room).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    for (to, from) in buffer.iter_mut().zip(text.as_bytes()[..end].iter().chain(&[0])) {
        *to = c_char::from_ne_bytes([*from]);
    }
    end
}

/// A name of somebody else's, which may be any bytes, and zeros.
pub(crate) fn named<const SIZE: usize>(name: &[u8]) -> [c_char; SIZE] {
    let mut room = [0; SIZE];
    assert!(name.len() < SIZE, "core takes no longer names");
    for (to, from) in room.iter_mut().zip(name) {
        *to = c_char::from_ne_bytes([*from]);
    }
    room
}

/// Names as C texts that live as long as the process.
pub(crate) type Names = LazyLock<Vec<CString>>;

/// The table behind [`Names`].
pub(crate) fn c_names(names: impl IntoIterator<Item = &'static str>) -> Vec<CString> {
    names.into_iter().map(|name| CString::new(name).expect("a name of ours holds no zero")).collect()
}

/// When a call gives up: `timeout_ms` as everywhere in the header, `cancel` or null.
///
/// # Safety
/// `cancel` is null or a live handle.
pub(crate) unsafe fn deadline(timeout_ms: i64, cancel: *const zpat_cancel_t) -> Result<Deadline> {
    let deadline = match timeout_ms {
        -1 => Deadline::never(),
        0 => Deadline::now(),
        1.. => Deadline::after(Duration::from_millis(timeout_ms.unsigned_abs())),
        _ => return Err(invalid("a timeout is -1 (forever), 0 or more", "timeout_ms").with("value", timeout_ms)),
    };
    // SAFETY: as the caller promises.
    Ok(match unsafe { cancel.as_ref() } {
        Some(cancel) => deadline.or(&cancel.0),
        None => deadline,
    })
}

/// A structure that grows from version to version, as its caller filled it in; what an older caller does not know
/// yet, and all of it for null, is as in `defaults`. `ends` are the places behind each field.
///
/// # Safety
/// `given` is null or points to a structure that starts with its size in bytes.
pub(crate) unsafe fn growing<T: Copy>(given: *const T, defaults: T, ends: &[usize]) -> Result<T> {
    if given.is_null() {
        return Ok(defaults);
    }
    let mut full = defaults;
    // SAFETY: as the caller promises; a size in `ends` is within `T`, and no field is read in part.
    unsafe {
        let size = given.cast::<usize>().read();
        check_size(size, ends)?;
        ptr::copy_nonoverlapping(given.cast::<u8>(), (&raw mut full).cast::<u8>(), size);
    }
    Ok(full)
}

/// Fills in a structure that the caller prepared, as far as an older caller knows it.
///
/// # Safety
/// `out` is null or points to a structure that starts with its size in bytes and has that many.
pub(crate) unsafe fn fill_growing<T: Copy>(out: *mut T, value: T, ends: &[usize]) -> Result<()> {
    // SAFETY: as the caller promises; the size, which stays, is at most that of `T`.
    unsafe {
        let size = check_growing(out, ends)?;
        ptr::copy_nonoverlapping((&raw const value).cast::<u8>(), out.cast::<u8>(), size);
        out.cast::<usize>().write(size);
    }
    Ok(())
}

/// Writes `defaults` into a structure of `size` bytes that nobody has prepared.
///
/// # Safety
/// `out` is null or points to `size` writable bytes.
pub(crate) unsafe fn init_growing<T: Copy>(out: *mut T, size: usize, defaults: T, ends: &[usize]) -> Result<()> {
    check_size(size, ends)?;
    if out.is_null() {
        return Err(invalid("the pointer is null", "options"));
    }
    // SAFETY: as the caller promises; every size in `ends` has room for itself.
    unsafe {
        out.cast::<usize>().write(size);
        fill_growing(out, defaults, ends)
    }
}

/// The size of a structure that the caller prepared, if [`fill_growing`] can fill it in.
///
/// # Safety
/// As [`fill_growing`].
pub(crate) unsafe fn check_growing<T>(out: *const T, ends: &[usize]) -> Result<usize> {
    if out.is_null() {
        return Err(invalid("the pointer is null", "the structure to fill in"));
    }
    // SAFETY: as the caller promises.
    let size = unsafe { out.cast::<usize>().read() };
    check_size(size, ends).map(|()| size)
}

/// An error unless a structure of this or an older version has `size` bytes.
pub(crate) fn check_size(size: usize, ends: &[usize]) -> Result<()> {
    if ends.contains(&size) {
        return Ok(());
    }
    Err(invalid(
        "not the size of the structure; start from its INIT macro, and the library must not be older than the header",
        "struct_size",
    )
    .with("size", size)
    .with("known", ends[ends.len() - 1]))
}

/// Writes as many of `all`, each `of` the size that the first element of `out` has, as there is room for; returns how
/// many they are.
///
/// # Safety
/// `out` is null or an array of `most` structures of which the first starts with its size.
pub(crate) unsafe fn write_growing<R, T: Copy>(
    out: *mut T,
    most: usize,
    ends: &[usize],
    all: &[R],
    of: impl Fn(&R, usize) -> T,
) -> Result<c_int> {
    check_array(out, most, "out")?;
    if most > 0 {
        // SAFETY: as the caller promises.
        let size = unsafe { check_growing(out, ends) }?;
        for (index, record) in all.iter().take(most).enumerate() {
            // SAFETY: as the caller promises, of structures as an older program may know them.
            unsafe { init_growing(out.byte_add(index * size), size, of(record, size), ends) }?;
        }
    }
    Ok(c_int::try_from(all.len()).unwrap_or(c_int::MAX))
}

/// Gives a new handle to C.
pub(crate) fn hand_over<T>(handle: T, out: &mut *mut T) {
    *out = Box::into_raw(Box::new(handle));
}

/// Gives new handles to C, and returns how many.
///
/// # Safety
/// `out` has room for as many, which may never have been written to.
pub(crate) unsafe fn hand_over_many<T>(handles: impl ExactSizeIterator<Item = T>, out: *mut *mut T) -> c_int {
    let count = c_int::try_from(handles.len()).expect("no more than fit were asked for");
    for (index, handle) in handles.enumerate() {
        // SAFETY: as the caller promises.
        unsafe { out.add(index).write(Box::into_raw(Box::new(handle))) };
    }
    count
}

/// Takes a handle back from C and clears C's pointer; nothing if there is none any more.
///
/// # Safety
/// `handle` is null or points to a pointer that is null or came from [`hand_over`].
pub(crate) unsafe fn take_back<T>(handle: *mut *mut T) -> Option<Box<T>> {
    // SAFETY: as the caller promises.
    let slot = unsafe { handle.as_mut() }?;
    let pointer = std::mem::replace(slot, ptr::null_mut());
    // SAFETY: as the caller promises; the pointer is cleared, so it is taken back once.
    (!pointer.is_null()).then(|| unsafe { Box::from_raw(pointer) })
}

/// As [`take_back`]; that there is none is an error.
///
/// # Safety
/// As [`take_back`].
pub(crate) unsafe fn take_required<T>(handle: *mut *mut T, name: &'static str) -> Result<Box<T>> {
    // SAFETY: as the caller promises.
    unsafe { take_back(handle) }.ok_or_else(|| invalid("the pointer is null", name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_and_its_zero_fit() {
        let longest = [b'x'; 255];
        let name = named::<256>(&longest).map(|byte| byte.to_ne_bytes()[0]);
        assert_eq!(name.split_last(), Some((&0, &longest[..])));
    }
}
