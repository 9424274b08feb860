#!/bin/sh
# Installs the C library, after `cargo build --release -p zpatterns-c`:
#
#     bindings/c/install.sh PREFIX [BUILT]
#
# PREFIX gets include/, lib/ with pkgconfig/ and cmake/. BUILT is the folder with libzpatterns_c.so and
# libzpatterns_c.a, by default target/release of this repository.
#
# With binutils (ld, nm, objcopy) the libraries lose their debug information, and the static one becomes a single object
# whose only global symbols are zpat_*, so that a program may link another libzmq, libsodium or Rust library beside it.
# Without binutils they are installed as they are, and then such a program does not link statically.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
if [ $# -lt 1 ]; then
  sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
prefix=$1
built=${2:-$here/../../target/release}

version=$(sed -n 's/^#define ZPAT_VERSION "\(.*\)"$/\1/p' "$here/include/zpatterns.h")
major=${version%%.*}
rest=${version#*.}
minor=${rest%%.*}
soname=libzpatterns.so.$major.$minor

for file in libzpatterns_c.so libzpatterns_c.a; do
  if [ ! -f "$built/$file" ]; then
    echo "install.sh: $built/$file is missing; run: cargo build --release -p zpatterns-c" >&2
    exit 1
  fi
done

fill() {
  sed -e "s/@VERSION@/$version/g" -e "s/@MAJOR@/$major/g" -e "s/@MINOR@/$minor/g" "$1"
}

mkdir -p "$prefix/include" "$prefix/lib/pkgconfig" "$prefix/lib/cmake/zpatterns"
cp "$here/include/zpatterns.h" "$prefix/include/"

# Replaced by renaming, because a running program may have the old one mapped.
objcopy --strip-debug "$built/libzpatterns_c.so" "$prefix/lib/.libzpatterns.new" 2>/dev/null ||
  cp "$built/libzpatterns_c.so" "$prefix/lib/.libzpatterns.new"
mv -f "$prefix/lib/.libzpatterns.new" "$prefix/lib/libzpatterns.so.$version"
ln -sf "libzpatterns.so.$version" "$prefix/lib/$soname"
ln -sf "$soname" "$prefix/lib/libzpatterns.so"

hide_symbols() {
  command -v ld >/dev/null && command -v nm >/dev/null && command -v objcopy >/dev/null || return 1
  # Only what our functions need: libsodium is in the archive twice, once for libzmq.
  needed=$(nm -D --defined-only "$built/libzpatterns_c.so" | sed -n 's/^.* \(zpat_[a-z_]*\)$/-u \1/p')
  work=$(mktemp -d)
  # shellcheck disable=SC2086 # one word per option
  ld -r $needed "$built/libzpatterns_c.a" -o "$work/all.o" &&
    objcopy --strip-debug --wildcard --keep-global-symbol='zpat_*' "$work/all.o" "$work/zpatterns.o" &&
    (cd "$work" && ar crs libzpatterns.a zpatterns.o) &&
    mv -f "$work/libzpatterns.a" "$prefix/lib/libzpatterns.a"
  status=$?
  rm -rf "$work"
  return $status
}
if ! hide_symbols; then
  echo "install.sh: the static library shows libzmq's symbols (binutils are missing or failed)" >&2
  cp "$built/libzpatterns_c.a" "$prefix/lib/libzpatterns.a"
fi

fill "$here/pkgconfig/zpatterns.pc.in" >"$prefix/lib/pkgconfig/zpatterns.pc"
cp "$here/cmake/zpatterns-config.cmake" "$prefix/lib/cmake/zpatterns/"
fill "$here/cmake/zpatterns-config-version.cmake.in" >"$prefix/lib/cmake/zpatterns/zpatterns-config-version.cmake"
echo "zpatterns $version installed in $prefix"
