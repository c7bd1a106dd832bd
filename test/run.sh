#!/bin/bash
# Runs all tests from a fresh clone: sets up what is missing, then lint, types, dead code, unit tests, and the tests in the
# guest where a guest can run. Ends with `N passed, N failed, N skipped`.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# As root on Debian: ping for the ICMP probe, promtool for the metrics.
need=()
command -v ping > /dev/null || need+=(iputils-ping)
command -v openssl > /dev/null || need+=(openssl)
command -v promtool > /dev/null || need+=(prometheus)
if ((${#need[@]})) && [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
  apt-get update -qq
  # Their services are not wanted here.
  printf '#!/bin/sh\nexit 101\n' > "$out/policy-rc.d"
  chmod +x "$out/policy-rc.d"
  [ -e /usr/sbin/policy-rc.d ] || { cp "$out/policy-rc.d" /usr/sbin/policy-rc.d; remove=/usr/sbin/policy-rc.d; }
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${need[@]}" > /dev/null
  rm -f "${remove:-}"
fi

npm run --silent setup
npm run --silent lint

passed=0 failed=0 skipped=0
add() { passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3)); }
count='const r = JSON.parse(require("fs").readFileSync(0)); console.log(r.numPassedTests, r.numFailedTests + r.numRuntimeErrorTestSuites, r.numPendingTests)'

# Jest fails without a failed test where coverage of src/core is below its threshold.
status=0
npx jest --coverage --json --outputFile "$out/jest.json" || status=$?
add $(node -e "$count" < "$out/jest.json")
[ "$status" = 0 ] || [ "$failed" -gt 0 ] || failed=1

status=0
test/kernel/run | tee "$out/kernel" || status=$?
case $status in
  75) echo "Skipped: the tests in the guest, for the reason above" ;;
  *) add $(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$out/kernel" | tail -1) ;;
esac

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
