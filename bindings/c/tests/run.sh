#!/bin/sh
# Compiles the tests against an installed library, as its users do, and runs them:
#
#     bindings/c/tests/run.sh PREFIX [--sanitize | --valgrind] [TEST]...
#
# One line per test and way of linking, and `N passed, N failed` at the end. Without TESTs all run, then the symbols
# and the package files are checked. --sanitize uses the static library with gcc's address and undefined
# behaviour sanitizers, --valgrind the shared one. CC and CXX choose other compilers, ZPAT_TEST_SECONDS another limit
# per test than 300.
set -u

here=$(cd "$(dirname "$0")" && pwd)
if [ $# -lt 1 ] || [ ! -f "$1/include/zpatterns.h" ]; then
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
prefix=$(cd "$1" && pwd)
shift
mode=plain
case ${1:-} in
  --sanitize) mode=sanitize && shift ;;
  --valgrind) mode=valgrind && shift ;;
esac
if [ $mode = valgrind ] && ! command -v valgrind >/dev/null; then
  echo "valgrind is not installed" >&2
  exit 2
fi
[ $# -gt 0 ] && all= || all=yes
tests=${*:-$(cd "$here" && for source in *.c *.cpp; do echo "${source%.*}"; done)}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
warnings="-Wall -Wextra -Werror -O1 -g -pthread"

# Runs a command and prints its line; what it printed shows only if it failed.
try() {
  name=$1
  shift
  if timeout -k 5 "${ZPAT_TEST_SECONDS:-300}" "$@" >"$work/output" 2>&1; then
    echo "ok      $name"
    passed=$((passed + 1))
  else
    echo "FAILED  $name (status $?)"
    sed 's/^/        /' "$work/output"
    failed=$((failed + 1))
  fi
}

compile() {
  if [ -f "$here/$1.cpp" ]; then
    # shellcheck disable=SC2086 # flags are words
    ${CXX:-c++} -std=c++11 $warnings -I"$prefix/include" "$here/$1.cpp" $2 -o "$work/$1-$linked"
  else
    # shellcheck disable=SC2086 # flags are words
    ${CC:-cc} -std=c99 -pedantic $warnings -I"$prefix/include" "$here/$1.c" $2 -o "$work/$1-$linked"
  fi
}

# Links a test as `linked` says with these flags, and runs it with an empty folder as argument.
run() {
  test=$1
  flags=$2
  shift 2
  scratch=$(mktemp -d "$work/XXXXXX")
  if compile "$test" "$flags" >"$work/output" 2>&1; then
    try "$linked $test" "$@" "$work/$test-$linked" "$scratch"
  else
    echo "FAILED  $linked $test (does not compile)"
    sed 's/^/        /' "$work/output"
    failed=$((failed + 1))
  fi
}

shared="$(pkg-config --libs zpatterns) -Wl,-rpath,$prefix/lib"
static="$prefix/lib/libzpatterns.a $(pkg-config --static --libs-only-l zpatterns | sed 's/-lzpatterns//')"

for test in $tests; do
  # The child of a fork lets go of nothing, on purpose: what it has is the parent's. valgrind calls that a leak.
  case $mode-$test in
    valgrind-*forks)
      echo "skipped valgrind $test: the child leaves the parent's handles alone"
      continue
      ;;
  esac
  case $mode in
    plain)
      linked=shared && run "$test" "$shared"
      linked=static && run "$test" "$static"
      ;;
    sanitize)
      linked=sanitized
      run "$test" "-fsanitize=address,undefined -fno-sanitize-recover=all $static" \
        env ZPAT_TEST_INSTRUMENTED=1 ASAN_OPTIONS=detect_leaks=1
      ;;
    valgrind)
      linked=valgrind
      run "$test" "$shared" env ZPAT_TEST_INSTRUMENTED=1 \
        valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite --fair-sched=yes
      ;;
  esac
done

# The rest of what install.sh installs. Each runs in a shell of its own, so that `try` can show what it says.
if [ -n "$all" ] && [ $mode = plain ]; then
  export prefix work here
  try "the shared library exports zpat_* and nothing else" sh -c '
    ! nm -D --defined-only "$prefix/lib/libzpatterns.so" | grep -v " zpat_"'
  # "u" are variables of the C++ library that it shares between all its users.
  try "the static library shows zpat_* and nothing else" sh -c '
    ! nm -g --defined-only "$prefix/lib/libzpatterns.a" | awk "NF == 3 && \$2 != \"u\"" | grep -v " zpat_"'
  try "the library, the header and pkg-config agree on the version" sh -c '
    version=$(sed -n "s/^#define ZPAT_VERSION \"\(.*\)\"/\1/p" "$prefix/include/zpatterns.h")
    [ "$(pkg-config --modversion zpatterns)" = "$version" ] && [ -f "$prefix/lib/libzpatterns.so.$version" ]'
  try "the installed folder can be moved" sh -c '
    cp -R "$prefix" "$work/moved" && PKG_CONFIG_PATH=$work/moved/lib/pkgconfig pkg-config --cflags zpatterns |
      grep "$work/moved"'
  if command -v cmake >/dev/null; then
    try "CMake finds both libraries" sh -c '
      cmake -S "$here/cmake" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" && cmake --build "$work/cmake" &&
        "$work/cmake/user_shared" && "$work/cmake/user_static"'
  fi
fi

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
