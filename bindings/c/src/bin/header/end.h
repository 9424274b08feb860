/* ---- Conveniences --------------------------------------------------------------------------------------- */

/** A slice of a text, without its final zero. */
static inline zpat_slice_t zpat_slice_text(const char *text) {
  zpat_slice_t slice = { text, strlen(text) };
  return slice;
}

/** Whether two slices have the same bytes. */
static inline int zpat_slice_equal(zpat_slice_t left, zpat_slice_t right) {
  return left.len == right.len && (left.len == 0 || memcmp(left.data, right.data, left.len) == 0);
}

#ifdef __cplusplus
}
#endif

#endif
