#!/usr/bin/env bash
# Fuzzes the wire for a while: fuzz.sh [SECONDS], 30 unless told, shared by all targets of protocol/fuzz.
#
# Builds with the stable compiler: the instrumentation is what `cargo fuzz --sanitizer none` asks for. The committed
# corpus is read, never written; what crashes a target is kept under protocol/fuzz/artifacts.
set -euo pipefail

seconds=${1:-30}
cd "$(dirname "$0")/../../protocol/fuzz"
targets=(frame request preamble)
host=$(rustc -vV | sed -n 's/^host: //p')
built=${CARGO_TARGET_DIR:-$PWD/../../target}/fuzz

# With --target, so that build scripts and macros, which run in the compiler, are left alone. One codegen unit: the
# coverage pass must not see a function twice.
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
flags+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
flags+=" -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing"
RUSTFLAGS=$flags cargo build --locked --release --bins --target "$host" --target-dir "$built"

found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT
passed=0 failed=0
for target in "${targets[@]}"; do
    mkdir -p "$found/$target" "artifacts/$target"
    # Replies may hold up to 4 MiB, but every limit is met far below.
    if "$built/$host/release/$target" "$found/$target" "corpus/$target" -artifact_prefix="artifacts/$target/" \
        -max_total_time=$((seconds / ${#targets[@]})) -max_len=8192 -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 \
        2>"$found/$target.log"; then
        passed=$((passed + 1))
        printf 'ok %s: %s runs\n' "$target" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$found/$target.log")"
    else
        failed=$((failed + 1))
        printf 'FAILED %s\n' "$target" >&2
        tail -n 40 "$found/$target.log" >&2
    fi
done
printf '%s passed, %s failed\n' "$passed" "$failed"
((failed == 0))
