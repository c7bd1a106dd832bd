#!/bin/bash
# Runs all tests from a fresh clone: sets up what is missing, then lint, types, dead code, unit tests, the tests in network
# namespaces where those can be made, and the tests in the guest where a guest can run. Ends with
# `N passed, N failed, N skipped`.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(mktemp -d)
second=''
trap '[ -z "$second" ] || kill -- "-$second" || true; rm -rf "$out"' EXIT

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
# Adds the counts that FILE ends with. A run that fails without a failed test counts as one.
add() { # STATUS FILE
  local counts before=$failed p f s
  counts=$(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$2" | tail -1)
  read -r p f s <<< "${counts:-0 0 0}"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  [ "$1" = 0 ] || [ "$failed" -gt "$before" ] || failed=$((failed + 1))
}

# Jest fails without a failed test where coverage of src/core is below its threshold.
status=0
npx jest --coverage --json --outputFile "$out/jest.json" || status=$?
node test/support/count.mjs "$out/jest.json" > "$out/jest" || status=1
add "$status" "$out/jest"

status=0
test/namespace/run -b | tee "$out/namespace" || status=$?
case $status in
  75) echo "Skipped: the tests in network namespaces, for the reason above" ;;
  *) add "$status" "$out/namespace" ;;
esac

# Two guests side by side, as one keeps little more than one processor busy. What the second prints comes after the first.
guest() { test/kernel/run -b -o "${XDG_CACHE_HOME:-$HOME/.cache}/lvsd/out-$1" -- --shard="$1/2"; }
# In a process group of its own it can be ended with all that it has started.
set -m
guest 2 < /dev/null > "$out/guest-2" 2>&1 &
second=$!
set +m
statuses=(0 0)
guest 1 | tee "$out/guest-1" || statuses[0]=$?
wait "$second" || statuses[1]=$?
second=''
cat "$out/guest-2"
for n in 1 2; do
  case ${statuses[n - 1]} in
    75) echo "Skipped: the tests in guest $n of 2, for the reason above" ;;
    *) add "${statuses[n - 1]}" "$out/guest-$n" ;;
  esac
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
